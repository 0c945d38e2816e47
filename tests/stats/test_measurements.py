"""Intraclass correlation and Bland-Altman, against psych and base R."""

from __future__ import annotations

import math

import numpy as np
import pytest
from stats.oracles import R

from spinalcord.errors import InputError
from spinalcord.stats import bland_altman, icc

pytest.importorskip("scipy", reason="these intervals need SciPy, of the extra stats")

KINDS = ("one-way", "agreement", "consistency")


@pytest.mark.parametrize("place", range(6))
def test_icc_against_psych(place):
    r = R["icc"]
    e = icc(r["values"], kind=KINDS[place % 3], mean_of_raters=place > 2)
    assert e.name == f"ICC({place % 3 + 1}, {'k' if place > 2 else '1'})"
    assert e.estimate == pytest.approx(r["estimate"][place], rel=1e-9)
    assert (e.low, e.high) == pytest.approx((r["low"][place], r["high"][place]), rel=1e-6)


def test_icc_at_its_ends():
    e = icc([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    assert e.estimate == 1
    assert math.isnan(e.low)
    assert icc(np.ones((3, 2))).reason == "nothing varies"


def test_bland_altman_against_r():
    r = R["bland_altman"]
    found = bland_altman(r["a"], r["b"])
    bias, upper = found.bias, found.upper
    assert bias.estimate == pytest.approx(r["bias"], rel=1e-9)
    assert (bias.low, bias.high) == pytest.approx(r["bias_interval"], rel=1e-9)
    assert upper.estimate == pytest.approx(r["upper"], rel=1e-9)
    assert (upper.low, upper.high) == pytest.approx(r["upper_interval"], rel=1e-9)
    assert found.lower.estimate - bias.estimate == pytest.approx(bias.estimate - upper.estimate)


def test_pairs_with_nan_are_counted():
    found = bland_altman([1.0, 2, 3, math.nan, 5], [1.5, 2, 2, 4, 5])
    assert found.bias.n == 4
    assert found.bias.details["excluded"] == 1


def test_percent_of_the_mean():
    assert bland_altman([11.0, 22, 33.1], [9.0, 18, 27], relative=True).bias.estimate == (
        pytest.approx(20.05, abs=0.1)
    )


def test_too_few_or_all_alike():
    assert bland_altman([1.0], [2.0]).bias.reason == "1 pairs; it takes 3"
    assert bland_altman([1.0, 2, 3], [0.0, 1, 2]).upper.reason == "all differences are the same"


@pytest.mark.parametrize("values", [[1.0, 2.0], [[1.0], [2.0]], [[1.0, math.nan], [2.0, 3.0]]])
def test_bad_values(values):
    with pytest.raises(InputError):
        icc(values)


def test_bad_input():
    with pytest.raises(InputError, match="kind"):
        icc([[1.0, 2], [3, 4]], kind="other")
    with pytest.raises(InputError, match="level"):
        icc([[1.0, 2], [3, 4]], level=1)
    with pytest.raises(InputError, match="pairs"):
        bland_altman([1.0, 2], [1.0])
    with pytest.raises(InputError, match="level"):
        bland_altman([1.0, 2], [1.0, 3], level=1)
