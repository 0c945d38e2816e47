"""Sample sizes for areas under the ROC curve, against pROC and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from stats.oracles import R

from spinalcord.errors import InputError
from spinalcord.stats import auc_variance, patients_for_auc, patients_for_auc_difference


def test_areas_against_proc():
    r = R["planning"]
    one = patients_for_auc(0.8, power=0.9)
    assert one.parts["positive"] == math.ceil(r["auc_positive"])
    assert 0.9 <= one.power < 0.91
    several = patients_for_auc(0.75, power=0.8, ratio=2.5)
    assert several.parts["positive"] == math.ceil(r["auc_positive_2.5"])
    assert several.parts["negative"] == math.ceil(2.5 * several.parts["positive"])


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


@pytest.mark.parametrize(
    ("function", "arguments"),
    [(patients_for_auc, (0.5,)), (patients_for_auc_difference, (0.8, 0.8))],
)
def test_bad_input(function, arguments):
    with pytest.raises(InputError, match="AUC"):
        function(*arguments)


def test_bad_settings():
    with pytest.raises(InputError, match="power"):
        patients_for_auc(0.8, power=1)
    with pytest.raises(InputError, match="ratio"):
        patients_for_auc_difference(0.8, 0.7, ratio=0)
