"""Non-inferiority and equivalence: test and interval are one, and agree with R."""

from __future__ import annotations

import math

import pytest
from stats.oracles import R

from spinalcord.errors import InputError
from spinalcord.stats import (
    Estimate,
    equivalence,
    noninferiority,
    paired_difference,
    proportion_difference,
)
from spinalcord.stats.distributions import normal_quantile


def areas(level):
    r = R["margins"]
    half = normal_quantile(level) * r["se"]
    d = r["difference"]
    return Estimate("difference in AUC", d, d - half, d + half, level, "DeLong, paired", n=85)


def test_against_r():
    r = R["margins"]
    assert noninferiority(areas, r["margin"]).p == pytest.approx(r["noninferiority"], rel=1e-6)
    assert equivalence(areas, r["margin"]).p == pytest.approx(r["equivalence"], rel=1e-6)


@pytest.mark.parametrize("b", [0, 2, 5, 9, 20])
def test_p_and_interval_agree(b):
    def interval(level):
        return paired_difference(b, 9, 80, level=level)

    for margin in (0.02, 0.05, 0.1, 0.2):
        test = noninferiority(interval, margin)
        assert (test.p <= 0.025) == (interval(0.95).low >= -margin)
        assert test.effect.details["shown"] == (test.p <= 0.025)
        same = equivalence(interval, margin)
        e = interval(0.90)
        assert (same.p <= 0.05) == (-margin <= e.low and e.high <= margin)


def test_sentence_names_the_margin():
    test = noninferiority(lambda level: paired_difference(3, 5, 100, level=level), 0.1)
    assert "non-inferiority, margin 10 points, one-sided" in test.sentence()


def test_worse_than_the_margin_has_p_above_one_half():
    def interval(level):
        return proportion_difference(50, 100, 80, 100, level=level)

    assert noninferiority(interval, 0.1).p > 0.99


def test_no_interval_no_p():
    test = noninferiority(lambda level: paired_difference(0, 0, 0, level=level), 0.1)
    assert math.isnan(test.p)
    assert test.reason


@pytest.mark.parametrize(
    ("margin", "alpha"), [(0, 0.025), (-1, 0.025), (math.inf, 0.025), (1, 0.5)]
)
def test_bad_input(margin, alpha):
    for test in (noninferiority, equivalence):
        with pytest.raises(InputError, match=r"margin|alpha"):
            test(areas, margin, alpha=alpha)
