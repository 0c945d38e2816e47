"""Means and pooled proportions: by hand, and where the exact bootstrap is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.stats import mean, median, pooled
from spinalcord.stats.resampling import resample_ratio


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
        (lambda: mean([1, 2], method="t"), "method is 't'"),
        (lambda: mean([1, 2], bounds=(0, 1)), "values from 1.0 to 2.0; expected 0 to 1"),
        (lambda: median([[1.0]]), "shape"),
        (lambda: median([1.0], level=2), "level"),
        (lambda: pooled([1], [1], method="t"), "method is 't'"),
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


def test_bootstrap_t_is_its_definition():
    """Student's t of every resample, from the samples that the percentile interval draws."""
    x = np.random.default_rng(3).beta(8, 2, 12)
    e = mean(x, method="bootstrap-t", seed=5)
    drawn = {
        power: resample_ratio(x**power, np.ones(12), replicates=2000, seed=5) for power in (1, 2)
    }
    spread = np.sqrt((drawn[2] - drawn[1] ** 2) / 11)
    t = np.quantile((drawn[1] - x.mean()) / spread, [0.975, 0.025])
    error = x.std(ddof=1) / math.sqrt(12)
    assert (e.low, e.high) == pytest.approx(tuple(x.mean() - t * error))
    assert e.method == "bootstrap-t"


def test_few_values_have_student_s_interval_within_bounds():
    stats = pytest.importorskip("scipy.stats")
    x = [0.5, 0.7, 0.9]
    e = mean(x, method="bootstrap-t")
    want = stats.ttest_1samp(x, 0).confidence_interval()
    assert (e.low, e.high, e.method) == (
        pytest.approx(want.low),
        pytest.approx(want.high),
        "Student's t",
    )
    assert mean(x, method="bootstrap-t", bounds=(0, 1)).high == 1
    nearly = mean([1.0] * 30 + [0.5], method="bootstrap-t")
    assert nearly.method == "Student's t"


def test_means_of_few_are_marked():
    x = np.random.default_rng(0).beta(8, 2, 30)
    assert mean(x).reason == ""
    assert mean(x[:29]).sentence().endswith("; too small to say: fewer than 30 patients")
    assert mean(x[:9]).sentence().endswith("; too small to say: fewer than 10 patients")
    assert mean(np.r_[x[:20], np.nan]).sentence().endswith("; not defined in 1 of 21 patients")


@pytest.mark.parametrize("value", [18.1, 0.1, 1e300, -7.3, 0.0])
@pytest.mark.parametrize("n", [3, 6, 7, 41])
def test_rounding_is_not_taken_for_variance(value, n):
    for method in ("percentile", "bootstrap-t"):
        e = mean(np.full(n, value), method=method)
        assert e.estimate == value
        assert not e.bounded
        assert "values are the same" in e.reason


@pytest.mark.slow
@pytest.mark.parametrize("n", [10, 33])
def test_bootstrap_t_covers(n):
    """The percentile interval covers 89 % of ten."""
    rng = np.random.default_rng(1)
    found = [mean(rng.beta(8, 2, n), method="bootstrap-t", replicates=400) for _ in range(1500)]
    assert 0.93 < np.mean([e.low <= 0.8 <= e.high for e in found]) < 0.98


@pytest.mark.parametrize("n", [1, 5, 6, 7, 20, 79, 1200])
def test_median_has_the_ranks_of_the_binomial(n):
    stats = pytest.importorskip("scipy.stats")
    x = np.random.default_rng(n).permutation(n) + 1.0
    e = median(x)
    assert e.estimate == (n + 1) / 2
    rank = int(stats.binom.ppf(0.025, n, 0.5))  # P(at most rank - 1) <= 2.5 %
    while rank and stats.binom.cdf(rank - 1, n, 0.5) > 0.025:
        rank -= 1
    if rank == 0:
        assert "too few for a level of 95 %" in e.reason
    else:
        assert (e.low, e.high) == (rank, n + 1 - rank)


def test_median_takes_infinity_and_counts_what_is_not_defined():
    e = median([1.0, 2.0, math.inf, math.inf, math.inf, math.nan])
    assert e.estimate == math.inf
    assert e.details["undefined"] == 1
    assert "infinity" in e.sentence()
    assert median([math.nan]).reason == "no patients with a value"


@pytest.mark.parametrize(("k", "n"), [([3, 1, 0, 2, 5, 1] * 3, [4, 1, 2, 2, 6, 1] * 3)])
def test_pooled_is_wilson_s_interval_of_the_effective_number(k, n):
    stats = pytest.importorskip("scipy.stats")
    e = pooled(k, n, what="lesions")
    k, n = np.array(k), np.array(n)
    p, m = k.sum() / n.sum(), len(n)
    variance = m / (m - 1) * ((k - p * n) ** 2).sum() / n.sum() ** 2
    effective, z = p * (1 - p) / variance, stats.t.ppf(0.975, m - 1)
    for limit in (e.low, e.high):
        assert (limit - p) ** 2 == pytest.approx(z**2 * limit * (1 - limit) / effective)
    assert e.method == "Wilson over patients"
    assert e.reason == ""
    assert pooled(k[:9], n[:9], what="lesions").reason == "fewer than 10 patients with lesions"
    assert pooled(k, n, method="percentile").method == "bootstrap, percentile"
