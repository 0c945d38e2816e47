"""Smooth calibration, against R's loess and val.prob."""

from __future__ import annotations

import math

import numpy as np
import pytest
from stats.oracles import R

from spinalcord.errors import InputError
from spinalcord.stats import calibration_curve, calibration_index, observed_to_expected
from spinalcord.stats.smooth_calibration import loess


def test_against_r():
    r = R["calibration"]
    p, y = np.array(r["p"]), np.array(r["y"])
    assert loess(p, y.astype(float), np.array(r["at"])) == pytest.approx(r["loess"], abs=1e-9)
    test = calibration_index(y, p, replicates=100)
    assert test.effect.estimate == pytest.approx(r["ici"], abs=1e-9)
    e = observed_to_expected(y, p)
    assert e.estimate == pytest.approx(r["oe"], rel=1e-12)
    assert (e.low, e.high) == pytest.approx(r["oe_interval"], rel=1e-9)


def test_the_band_holds_the_curve():
    r = R["calibration"]
    curve = calibration_curve(r["y"], r["p"], replicates=200)
    inside = (curve.low <= curve.observed) & (curve.observed <= curve.high)
    assert inside.mean() > 0.95
    assert (curve.high > curve.low).all()


@pytest.mark.parametrize(("n", "reason"), [(49, "too narrow: fewer than 50 cases"), (50, "")])
def test_a_band_of_few_cases_says_that_it_is_too_narrow(n, reason):
    p = np.linspace(0.05, 0.95, n)
    assert calibration_curve(np.arange(n) % 2, p, replicates=100).reason == reason


@pytest.mark.slow
def test_the_index_rejects_as_often_as_it_says():
    rng, rejected = np.random.default_rng(4), 0
    for _ in range(300):
        p = rng.beta(1, 1, 60)
        rejected += calibration_index(rng.random(60) < p, p, replicates=199).p <= 0.05
    assert 4 <= rejected <= 27  # 15 expected


def test_wrong_probabilities_are_found():
    rng = np.random.default_rng(5)
    p = rng.random(200)
    assert calibration_index(rng.random(200) < p**3, p, replicates=199).p < 0.02


def test_too_few():
    test = calibration_index([1, 0] * 5, [0.5] * 10)
    assert math.isnan(test.p)
    assert "too few" in test.reason
    assert observed_to_expected([], []).reason == "no patients to count"
    assert observed_to_expected([0, 0], [0.0, 0.0]).reason == "none is expected"


@pytest.mark.parametrize("options", [{"points": 1}, {"replicates": 9}, {"level": 0}])
def test_bad_input(options):
    with pytest.raises(InputError):
        calibration_curve([1, 0] * 20, np.linspace(0, 1, 40), **options)


def test_bad_probabilities():
    for function in (calibration_curve, calibration_index, observed_to_expected):
        with pytest.raises(InputError):
            function([1, 0], [0.5, 1.5])
    with pytest.raises(InputError, match="too few"):
        calibration_curve([1, 0], [0.5, 0.6])
    with pytest.raises(InputError, match="replicates"):
        calibration_index([1, 0], [0.5, 0.6], replicates=1)
    with pytest.raises(InputError, match="level"):
        observed_to_expected([1, 0], [0.5, 0.6], level=1)
