"""Benjamini and Hochberg's adjustment, against R's p.adjust."""

from __future__ import annotations

import math

import pytest
from stats.oracles import R

from spinalcord.errors import InputError
from spinalcord.stats import benjamini_hochberg


def test_against_r():
    r = R["bh"]
    assert benjamini_hochberg(r["p"]) == pytest.approx(r["adjusted"], rel=1e-12)
    assert benjamini_hochberg(r["p"][::-1]) == pytest.approx(r["adjusted"][::-1], rel=1e-12)


def test_nan_is_not_counted():
    q = benjamini_hochberg([0.01, math.nan, 0.02])
    assert math.isnan(q[1])
    assert [q[0], q[2]] == pytest.approx([0.02, 0.02])


def test_bad_input():
    with pytest.raises(InputError, match="from 0 to 1"):
        benjamini_hochberg([1.5])


def test_an_adjusted_value_is_never_below_the_p_value():
    # Rounding: 0.9787... * 3 / 3 is less than itself.
    for p in (0.9787494052156233, 0.1, 0.7, 1.0):
        for n in (1, 3, 7, 10):
            assert min(benjamini_hochberg([p] * n)) >= p
