"""Gwet's AC1, against the figures that irrCAC 1.0 publishes for its data."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.stats import gwet_ac1

pytest.importorskip("scipy", reason="this interval needs SciPy, of the extra stats")

# Gwet, Handbook of Inter-Rater Reliability, 4th ed. (2014), p. 120; irrCAC's cac.raw4raters, four
# raters, twelve cases, gaps. Its overview prints 0.77544, standard error 0.14295, (0.461, 1).
RAW = [
    (1, 1, 0, 1), (2, 2, 3, 2), (3, 3, 3, 3), (3, 3, 3, 3), (2, 2, 2, 2), (1, 2, 3, 4),
    (4, 4, 4, 4), (1, 1, 2, 1), (2, 2, 2, 2), (0, 5, 5, 5), (0, 0, 1, 1), (0, 0, 3, 0),
]  # fmt: skip


def ratings(rows, categories):
    return [[row.count(c) for c in range(1, categories + 1)] for row in rows]


def test_with_gaps():
    e = gwet_ac1(ratings(RAW, 5))
    assert e.estimate == pytest.approx(0.77544, abs=5e-6)
    assert e.low == pytest.approx(0.461, abs=5e-4)
    assert e.high == 1


def test_two_abstractors():
    # irrCAC's cont3x3abstractors: 0.8493305, standard error 0.04321747, (0.764, 0.935).
    table = np.array([[13, 0, 0], [0, 20, 7], [0, 4, 56]])
    rows = [(i + 1, j + 1) for i in range(3) for j in range(3) for _ in range(table[i, j])]
    e = gwet_ac1(ratings(rows, 3))
    assert e.estimate == pytest.approx(0.8493305, abs=5e-8)
    # irrCAC divides by the number of cases for tables, and by one less for raw ratings.
    error = 0.04321747 * math.sqrt(100 / 99)
    half = 1.9842169515 * error
    assert (e.low, e.high) == pytest.approx((e.estimate - half, e.estimate + half), abs=1e-7)


def test_a_rare_category_does_not_make_agreement_vanish():
    e = gwet_ac1([[2, 0]] * 48 + [[1, 1]] * 2)
    assert e.estimate > 0.95
    assert e.low < e.estimate


def test_all_agree():
    e = gwet_ac1([[2, 0]] * 5 + [[0, 2]] * 5)
    assert e.estimate == 1
    assert math.isnan(e.low)
    assert e.reason.startswith("all agree")


@pytest.mark.parametrize("bad", [[[1, 0], [0, 1]], [[2], [2]], [[1.5, 0.5]], [1, 2]])
def test_bad_input(bad):
    with pytest.raises(InputError):
        gwet_ac1(bad)


def test_few_disagreements_are_marked():
    def marked(disagreed, n=60):
        agreed = [[2, 0]] * 40 + [[0, 2]] * (n - 40 - disagreed)
        return gwet_ac1([*agreed, *[[1, 1]] * disagreed]).reason

    assert marked(9) == "fewer than 10 patients disagreed on"
    assert marked(10) == ""
