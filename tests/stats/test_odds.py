"""The diagnostic odds ratio, against epiR and fisher.test."""

from __future__ import annotations

import math

import pytest
from stats.oracles import R

from spinalcord.errors import InputError
from spinalcord.stats import TwoByTwo, diagnostic_odds_ratio


def test_against_r():
    r = R["odds"]
    table = TwoByTwo(tp=r["tp"], fn=r["fn"], tn=r["tn"], fp=r["fp"])
    e = diagnostic_odds_ratio(table, method="log")
    assert e.estimate == pytest.approx(r["estimate"])
    assert (e.low, e.high) == pytest.approx(r["log"], rel=1e-9)
    e = diagnostic_odds_ratio(table)
    # R's root finder stops at 1e-4.
    assert (e.low, e.high) == pytest.approx(r["exact"], rel=1e-3)


def test_an_empty_cell_has_a_limit():
    e = diagnostic_odds_ratio(TwoByTwo(tp=8, fn=2, tn=9, fp=0))
    assert e.estimate == math.inf
    assert e.high == math.inf
    assert e.low == pytest.approx(R["odds"]["empty"][0], rel=1e-3)
    e = diagnostic_odds_ratio(TwoByTwo(tp=8, fn=2, tn=9, fp=0), method="log")
    assert math.isnan(e.low)
    assert e.reason == "a cell of the table is empty"


@pytest.mark.parametrize(
    ("cells", "reason"),
    [((3, 1, 0, 0), "one class is empty"), ((3, 0, 0, 2), "one answer was never given")],
)
def test_not_defined(cells, reason):
    e = diagnostic_odds_ratio(TwoByTwo(*cells))
    assert not e.defined
    assert e.reason == reason


def test_bad_input():
    with pytest.raises(InputError, match="exact or log"):
        diagnostic_odds_ratio(TwoByTwo(1, 1, 1, 1), method="other")
    with pytest.raises(InputError, match="level"):
        diagnostic_odds_ratio(TwoByTwo(1, 1, 1, 1), level=0)
