"""Agreement: ranks against SciPy's, the strongest tenth by hand."""

from __future__ import annotations

import numpy as np
import pytest

from spinalcord.analysis.attribution import compare_maps


def pair(values):
    values = np.asarray(values, np.float32)
    return values, np.maximum(values, 0)


@pytest.mark.slow
@pytest.mark.parametrize("levels", [3, 50, 10**6])
def test_spearman_is_scipy_s_ties_included(levels):
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(levels)
    x = rng.integers(-levels, levels, 500)
    y = np.round(x + rng.normal(0, levels, 500))
    expected = stats.spearmanr(x, y).statistic
    assert 0.2 < expected < 0.9
    assert compare_maps(pair(x), pair(y)).spearman == pytest.approx(expected, rel=1e-9)


def test_a_map_agrees_with_itself_and_not_with_its_negative():
    values = np.random.default_rng(0).normal(size=1000)
    same = compare_maps(pair(values), pair(3 * values))
    assert (same.spearman, same.top_iou) == (pytest.approx(1), 1)
    opposite = compare_maps(pair(values), pair(-values))
    assert (opposite.spearman, opposite.top_iou) == (pytest.approx(-1), 0)
    assert same.to_dict() == {"spearman": same.spearman, "top_iou": 1}


def test_the_strongest_tenth_is_counted():
    x, y = np.zeros(40), np.zeros(40)
    x[[0, 1, 2, 3]] = [9, 8, 7, 6]
    y[[2, 3, 4, 5]] = [9, 8, 7, 6]
    assert compare_maps(pair(x), pair(y)).top_iou == pytest.approx(2 / 6)
    y[:] = 0
    y[2] = 1  # evidence rarer than a tenth
    assert compare_maps(pair(x), pair(y)).top_iou == pytest.approx(1 / 4)


def test_unrelated_maps_have_the_overlap_that_is_documented():
    rng = np.random.default_rng(2)
    found = compare_maps(pair(rng.normal(size=200_000)), pair(rng.normal(size=200_000)))
    assert found.top_iou == pytest.approx(1 / 19, abs=0.003)
    assert abs(found.spearman) < 0.01


def test_constant_maps_and_maps_without_evidence_have_none():
    values = np.arange(20.0)
    assert compare_maps(pair(values), pair(np.ones(20))).spearman is None
    found = compare_maps(pair(values), pair(-1 - values))
    assert found.top_iou is None
    assert found.spearman == pytest.approx(-1)
