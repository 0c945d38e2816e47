"""Means and pooled proportions: by hand, and where the exact bootstrap is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.stats import mean, pooled


def test_mean_counts_what_is_not_defined():
    e = mean([0.5, math.nan, 0.7, 0.9], name="Dice")
    assert e.estimate == pytest.approx(0.7)
    assert (e.n, e.details["undefined"]) == (3, 1)
    assert e.low < 0.7 < e.high
    assert e.method == "bootstrap, percentile"
    assert e.details["seed"] == 0


def test_mean_interval_is_near_the_normal_one_for_many():
    x = np.random.default_rng(0).normal(5, 2, 400)
    e = mean(x, replicates=4000)
    assert (e.high - e.low) / (2 * 1.96) == pytest.approx(x.std() / 20, rel=0.06)
    assert e == mean(x, replicates=4000)
    assert e.low != mean(x, replicates=4000, seed=1).low


def test_mean_of_zeros_and_ones_is_binomial():
    stats = pytest.importorskip("scipy.stats")
    x = np.repeat([1.0, 0.0], [30, 10])
    e = mean(x, replicates=40_000)
    exact = stats.binom(40, 0.75).ppf([0.025, 0.975]) / 40
    assert (e.low, e.high) == pytest.approx(exact, abs=0.6 / 40)


def test_mean_of_one_or_none():
    one = mean([0.5])
    assert one.estimate == 0.5
    assert "one value does not vary" in one.sentence()
    none = mean([math.nan])
    assert none.sentence() == "not defined: no patients with a value"
    assert none.details["undefined"] == 1


def test_pooled_draws_patients():
    found, true = [4, 0, 4, 0] * 5, [4] * 20
    e = pooled(found, true, what="lesions")
    assert (e.k, e.n, e.details["patients"]) == (40, 80, 20)
    assert e.sentence().startswith("50 % (40 of 80) [")
    # All lesions of a patient share their fate: 20 patients vary, not 80 lesions.
    assert (e.high - e.low) / (2 * 1.96) == pytest.approx(0.5 / math.sqrt(20), rel=0.1)


def test_pooled_of_one_or_none():
    assert pooled([0, 0], [0, 0], what="lesions").sentence() == (
        "not defined (0 of 0): no lesions to count"
    )
    one = pooled([1], [3])
    assert one.estimate == pytest.approx(1 / 3)
    assert math.isnan(one.low)


def test_values_that_are_all_the_same_have_no_interval():
    e = mean([1.0, 1.0, 1.0])
    assert e.estimate == 1
    assert math.isnan(e.low)
    assert "[no interval: all 3 values are the same]" in e.sentence()


def test_pooled_at_the_ends_has_the_exact_interval_of_its_patients():
    none = pooled([0] * 12, [3] * 11 + [0], what="lesions")
    assert (none.k, none.n, none.estimate, none.low) == (0, 33, 0, 0)
    # (1 - p)^11 = 2.5 %: eleven patients have lesions, and theirs share their fate.
    assert none.high == pytest.approx(1 - 0.025 ** (1 / 11))
    assert none.method == "Clopper-Pearson over patients"
    every = pooled([2, 1] * 20, [2, 1] * 20)
    assert (every.estimate, every.high) == (1, 1)
    assert every.low == pytest.approx(0.025 ** (1 / 40))
    same = pooled([1] * 5, [2] * 5)
    assert same.estimate == 0.5
    assert "[no interval: the same share in all patients]" in same.sentence()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean([[1.0]]), "shape"),
        (lambda: mean([math.inf]), "finite"),
        (lambda: mean([1, 2], level=2), "level"),
        (lambda: mean([1, 2], replicates=1), "1 replicates"),
        (lambda: mean([1, 2], seed=-1), "seed"),
        (lambda: pooled([2], [1]), "k of n"),
        (lambda: pooled([-1], [1]), "k of n"),
        (lambda: pooled([1, 1], [1]), "k of n"),
        (lambda: pooled([1], [1], level=0), "level"),
        (lambda: pooled([1, 1], [1, 1], replicates=1), "1 replicates"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(InputError, match=message):
        call()
