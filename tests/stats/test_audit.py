"""What printed figures allow: GRIM, interval methods, areas through a point."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.stats import auc_bounds, interval_methods, possible_counts, width_ratio


def test_grim():
    assert [possible_counts(79, n) for n in (40, 18, 22)] == [[], [], []]
    assert possible_counts(96, 157) == [150, 151]
    assert possible_counts(100, 7) == [7]
    assert possible_counts(0, 7) == [0]
    assert possible_counts(12.5, 8, digits=1) == [1]
    assert possible_counts(94, 200) == [187, 188, 189]


def test_grim_lets_halves_go_either_way():
    assert 1 in possible_counts(12, 8)  # 12.5 %
    assert 1 in possible_counts(13, 8)


@pytest.mark.parametrize("n", [7, 40, 157])
def test_grim_finds_every_count_from_its_own_percentage(n):
    for k in range(n + 1):
        assert k in possible_counts(math.floor(100 * k / n + 0.5), n)


def test_interval_methods():
    pytest.importorskip("scipy")
    assert interval_methods(81, 263, 0.2553, 0.3662, digits=4) == ["wilson"]
    assert interval_methods(81, 263, 0.2527, 0.3676, digits=4) == ["clopper-pearson"]
    assert interval_methods(81, 263, 0.252, 0.364, digits=3) == ["wald"]
    assert interval_methods(81, 263, 0.1, 0.9) == []
    assert len(interval_methods(810, 2630, 0.29, 0.33)) > 2
    with pytest.raises(InputError):
        interval_methods(3, 2, 0.1, 0.9)


def test_areas_through_a_point():
    assert auc_bounds(0.8, 0.7) == pytest.approx((0.56, 0.94))
    assert auc_bounds(1, 1) == (1, 1)
    low, high = auc_bounds(0.8, 0.7, concave=True)
    assert low == pytest.approx(0.75)
    assert low < high < 0.94


@pytest.mark.parametrize(("sensitivity", "specificity"), [(0.8, 0.7), (0.3, 0.9), (0.95, 0.4)])
def test_concave_bound_is_the_best_line(sensitivity, specificity):
    x, y = 1 - specificity, sensitivity
    grid = np.linspace(0, 1, 20_001)
    best = 0.0
    for slope in np.geomspace(0.01, 100, 3001):
        line = np.minimum(1, y + slope * (grid - x))
        if line[0] >= 0 and line[-1] >= 1:
            best = max(best, line.mean())
    assert auc_bounds(sensitivity, specificity, concave=True)[1] == pytest.approx(best, abs=1e-3)


def test_concave_curves_at_the_border():
    assert auc_bounds(1, 0.4, concave=True) == pytest.approx((0.7, 1))
    assert auc_bounds(0.6, 1, concave=True) == pytest.approx((0.8, 1))
    with pytest.raises(InputError, match="below the diagonal"):
        auc_bounds(0.2, 0.5, concave=True)


def test_width_ratio():
    se = math.sqrt((0.9 * 0.1 + 44 * (0.9 / 1.1 - 0.81) + 33 * (1.62 / 1.9 - 0.81)) / (45 * 34))
    want = 0.18 / (2 * 1.959963984540054 * se)
    assert width_ratio(0.9, 0.79, 0.97, 45, 34) == pytest.approx(want)
    assert math.isnan(width_ratio(1.0, 0.9, 1.0, 45, 34))
    with pytest.raises(InputError):
        width_ratio(0.9, 0.8, 1.0, 0, 34)


@pytest.mark.parametrize(("percent", "n"), [(-1, 5), (101, 5), (50, 0)])
def test_grim_refuses(percent, n):
    with pytest.raises(InputError):
        possible_counts(percent, n)


def test_points_outside_the_square_are_refused():
    with pytest.raises(InputError, match="from 0 to 1"):
        auc_bounds(1.2, 0.5)
