"""Parts of the ROC curve, against pROC."""

from __future__ import annotations

import math

import numpy as np
import pytest
from stats.oracles import R

from spinalcord.errors import InputError
from spinalcord.stats import auc, partial_auc, sensitivity_at


def area(**options):
    r = R["partial"]
    return partial_auc(r["truth"], r["score"], replicates=100, **options).estimate


def test_areas_against_proc():
    r, raw = R["partial"], {"standardised": False}
    assert area(**raw) == pytest.approx(r["specificity"], rel=1e-9)
    assert area() == pytest.approx(r["specificity_corrected"], rel=1e-9)
    assert area(over="sensitivity", low=0.8, **raw) == pytest.approx(r["sensitivity"], rel=1e-9)
    assert area(over="sensitivity", low=0.8) == pytest.approx(r["sensitivity_corrected"], rel=1e-9)
    assert area(low=0.6, high=0.9, **raw) == pytest.approx(r["middle"], rel=1e-9)


def test_the_whole_range_is_the_auc():
    r = R["partial"]
    assert area(low=0.0, standardised=False) == pytest.approx(
        auc(r["truth"], r["score"]).estimate, rel=1e-12
    )


def test_interval_is_that_of_proc_up_to_the_drawing():
    r = R["partial"]
    e = partial_auc(r["truth"], r["score"])
    assert (e.low, e.high) == pytest.approx(r["interval"], abs=0.015)


def test_sensitivity_against_proc():
    r = R["partial"]
    for at, expected in zip(r["at"], r["sens_at"], strict=True):
        e = sensitivity_at(r["truth"], r["score"], specificity=at, replicates=200)
        assert e.estimate == pytest.approx(expected, rel=1e-9)
        assert e.low < e.estimate < e.high


def test_perfect_separation_keeps_a_width():
    e = sensitivity_at(np.repeat([0, 1], 20), np.arange(40.0), replicates=200)
    assert e.estimate == e.high == 1
    assert 0.7 < e.low < 0.95


def test_too_few_say_so():
    truth, score = [0] * 5 + [1] * 5, np.arange(10.0)
    assert "5 negative cases are too few" in sensitivity_at(truth, score).reason
    e = partial_auc(truth, score)
    assert math.isnan(e.low)
    assert "too few" in e.reason


@pytest.mark.parametrize(
    "options", [{"low": 0.9, "high": 0.8}, {"over": "x"}, {"replicates": 5}, {"level": 0}]
)
def test_bad_range(options):
    with pytest.raises(InputError):
        partial_auc([0, 1], [0.0, 1.0], **options)


@pytest.mark.parametrize("options", [{"specificity": 1}, {"seed": -1}, {"level": 1}])
def test_bad_specificity(options):
    with pytest.raises(InputError):
        sensitivity_at([0, 1], [0.0, 1.0], **options)
