"""Calibration: by hand, scikit-learn, statsmodels."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.stats import brier, calibration_line, decision_curve, reliability


def cohort(n=300, slope=0.7, shift=0.3, seed=0):
    rng = np.random.default_rng(seed)
    logit = rng.normal(0, 1.5, n)
    truth = rng.random(n) < 1 / (1 + np.exp(-(slope * logit + shift)))
    return truth, 1 / (1 + np.exp(-logit))


def test_brier():
    metrics = pytest.importorskip("sklearn.metrics")
    truth, p = cohort()
    e = brier(truth, p)
    assert e.estimate == pytest.approx(metrics.brier_score_loss(truth, p))
    assert e.low < e.estimate < e.high
    assert brier([0, 1], [0, 1]).estimate == 0


@pytest.mark.slow
def test_line_equals_statsmodels():
    sm = pytest.importorskip("statsmodels.api")
    truth, p = cohort()
    logit = np.log(p / (1 - p))
    slope, intercept = calibration_line(truth, p)
    fit = sm.GLM(truth, np.stack([logit, np.ones_like(p)], 1), family=sm.families.Binomial()).fit()
    assert slope.estimate == pytest.approx(fit.params[0], abs=1e-6)
    assert (slope.low, slope.high) == pytest.approx(tuple(fit.conf_int()[0]), abs=1e-5)
    fit = sm.GLM(truth, np.ones_like(p), offset=logit, family=sm.families.Binomial()).fit()
    assert intercept.estimate == pytest.approx(fit.params[0], abs=1e-6)
    assert (intercept.low, intercept.high) == pytest.approx(tuple(fit.conf_int()[0]), abs=1e-5)


def test_line_of_well_calibrated_probabilities():
    slope, intercept = calibration_line(*cohort(20_000, 1, 0))
    assert slope.low < 1 < slope.high
    assert intercept.low < 0 < intercept.high
    assert slope.high - slope.low < 0.1


@pytest.mark.parametrize(
    ("truth", "p", "reason"),
    [
        ([1, 1], [0.2, 0.8], "one class is empty"),
        ([0, 1], [0.0, 0.8], "no logit"),
        ([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.8], "do not overlap"),
    ],
)
def test_line_says_why_there_is_none(truth, p, reason):
    slope, _ = calibration_line(truth, p)
    assert math.isnan(slope.estimate)
    assert reason in slope.reason


def test_reliability_by_width_equals_scikit_learn():
    module = pytest.importorskip("sklearn.calibration")
    truth, p = cohort()
    observed, predicted = module.calibration_curve(truth, p, n_bins=8)
    bins = reliability(truth, p, bins=8, by="width")
    np.testing.assert_allclose([b.observed.estimate for b in bins], observed)
    np.testing.assert_allclose([b.predicted for b in bins], predicted)
    assert all(b.low <= b.predicted <= b.high for b in bins)


def test_reliability_by_quantile():
    truth, p = cohort(200)
    bins = reliability(truth, p, bins=4)
    assert [b.observed.n for b in bins] == [50] * 4
    assert sum(b.observed.k for b in bins) == truth.sum()
    assert all(a.high < b.low for a, b in itertools.pairwise(bins))
    tied = reliability([0, 1, 0, 1], [0.5] * 4, bins=3)
    assert [(b.observed.k, b.observed.n) for b in tied] == [(2, 4)]
    assert reliability([], [], bins=3) == []
    assert reliability([1], [1.0], bins=5, by="width")[0].high == 1


def test_decision_curve_is_its_definition():
    truth, p = cohort(120)
    p = np.round(p, 2)
    curve = decision_curve(truth, p)
    assert curve.threshold.size == 99
    for t, model, every in zip(curve.threshold, curve.model, curve.treat_all, strict=True):
        acted, odds = p >= t, t / (1 - t)
        assert model == pytest.approx(((acted & truth).sum() - odds * (acted & ~truth).sum()) / 120)
        assert every == pytest.approx(truth.mean() - odds * (1 - truth.mean()))
    one = decision_curve([0, 1], [0.2, 0.9], [0.5])
    assert (one.model[0], one.treat_all[0], one.n) == (0.5, 0, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: brier([0, 1], [0.1]), "2 labels and probabilities"),
        (lambda: brier([0, 1], [0.1, 1.2]), "outside 0 to 1"),
        (lambda: calibration_line([0, 1], [0.1, math.nan]), "NaN"),
        (lambda: calibration_line([0, 1], [0.1, 0.9], level=0), "level"),
        (lambda: reliability([0, 1], [0.1, 0.9], bins=0), "0 bins"),
        (lambda: reliability([0, 1], [0.1, 0.9], by="size"), "'size'"),
        (lambda: decision_curve([], []), "0 cases"),
        (lambda: decision_curve([0, 1], [0.1, 0.9], [0, 0.5]), "0 < t < 1"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(InputError, match=message):
        call()
