"""Sample sizes and power, against pROC, psych and base R."""

from __future__ import annotations

import math

import numpy as np
import pytest
from stats.oracles import R

from spinalcord.errors import InputError
from spinalcord.stats import (
    auc_variance,
    kappa_power,
    mcnemar_power,
    patients_for_auc,
    patients_for_auc_difference,
    patients_for_kappa,
    patients_for_paired,
    patients_for_proportion,
)
from spinalcord.stats.planning import _kappa_variance


def test_areas_against_proc():
    r = R["planning"]
    one = patients_for_auc(0.8, power=0.9)
    assert one.parts["positive"] == math.ceil(r["auc_positive"])
    assert 0.9 <= one.power < 0.91
    several = patients_for_auc(0.75, power=0.8, ratio=2.5)
    assert several.parts["positive"] == math.ceil(r["auc_positive_2.5"])
    assert several.parts["negative"] == math.ceil(2.5 * several.parts["positive"])


def test_precision_against_r():
    assert patients_for_proportion(0.9, 0.05).n == R["planning"]["wilson"]
    half = patients_for_proportion(0.9, 0.05, share=0.25)
    assert half.n == 4 * R["planning"]["wilson"]
    assert half.half_width <= 0.05


def test_mcnemar_against_r():
    assert mcnemar_power(0.2, 0.05, 40) == pytest.approx(R["planning"]["mcnemar"], rel=1e-9)
    assert mcnemar_power(0, 0, 40) == 0
    plan = patients_for_paired(0.2, 0.05)
    # The exact test is less powerful than the formula's.
    assert 0.7 < mcnemar_power(0.2, 0.05, plan.n) < plan.power < 0.81


def test_kappa_against_r():
    r = R["planning"]
    assert kappa_power(0.8, 0.5, 0.4, 60) == pytest.approx(r["kappa"], rel=1e-9)
    kappa = (0.92 - 0.52) / 0.48
    assert math.sqrt(_kappa_variance(kappa, 0.4)) == pytest.approx(r["kappa_se"], rel=1e-6)
    plan = patients_for_kappa(0.8, 0.5, 0.1)
    assert plan.half_width <= 0.1
    assert "139 patients for an interval of +/- 0.100" in plan.sentence()


@pytest.mark.slow
def test_difference_of_areas_reaches_its_power():
    """Binormal scores of two correlated tests, compared by DeLong."""
    from spinalcord.stats import compare_aucs

    plan = patients_for_auc_difference(0.9, 0.8, correlation=0.4, power=0.8)
    rng, shift = np.random.default_rng(7), np.array([1.8124, 1.1902])
    truth = np.repeat([1, 0], [plan.parts["positive"], plan.parts["negative"]])
    found = 0
    for _ in range(400):
        common = rng.normal(size=truth.size) * math.sqrt(0.5)
        scores = common + rng.normal(size=(2, truth.size)) * math.sqrt(0.5)
        found += compare_aucs(truth, scores + shift[:, None] * truth).p < 0.05
    assert 0.70 < found / 400 < 0.93


def test_variance_is_that_of_published_formula():
    # Obuchowski 1997 for an area of .5: 0.0792 (1 + 1 / ratio).
    assert auc_variance(0.5, 1) == pytest.approx(0.1584)
    assert auc_variance(0.5, 2) == pytest.approx(0.1188)


def test_sentences():
    assert patients_for_paired(0.2, 0.05, share=0.5).sentence() == (
        "shares of 0.2 and 0.05 that one test alone gets right: 170 patients (85 who count, 85 "
        "others) for a power of 80 % (Connor)"
    )


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (patients_for_proportion, (1.2, 0.05)),
        (patients_for_proportion, (0.9, 0.0)),
        (patients_for_proportion, (0.5, 1e-5)),
        (patients_for_auc, (0.5,)),
        (patients_for_auc_difference, (0.8, 0.8)),
        (mcnemar_power, (0.8, 0.5, 10)),
        (mcnemar_power, (0.2, 0.1, 0)),
        (patients_for_paired, (0.2, 0.2)),
        (patients_for_kappa, (1.0, 0.5, 0.1)),
        (patients_for_kappa, (0.8, 0.5, 0)),
        (kappa_power, (0.8, 0.5, 0, 10)),
        (kappa_power, (0.8, 0.5, 0.5, 0)),
    ],
)
def test_bad_input(function, arguments):
    with pytest.raises(InputError):
        function(*arguments)


def test_bad_settings():
    with pytest.raises(InputError, match="power"):
        patients_for_auc(0.8, power=1)
    with pytest.raises(InputError, match="ratio"):
        patients_for_auc_difference(0.8, 0.7, ratio=0)
    with pytest.raises(InputError, match="level"):
        patients_for_proportion(0.9, 0.05, level=1)
