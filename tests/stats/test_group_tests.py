"""Ranks, exact tables, shifts and standardised differences, against base R."""

from __future__ import annotations

import math

import numpy as np
import pytest
from stats.oracles import R

from spinalcord.errors import InputError
from spinalcord.stats import (
    exact_table_p,
    kruskal_wallis,
    location_shift,
    standardised_difference,
)
from spinalcord.stats.group_tests import _drawn_p


def test_kruskal_wallis_against_r():
    r = R["groups"]
    test = kruskal_wallis(r["groups"])
    assert test.statistic == pytest.approx(r["statistic"], rel=1e-9)
    assert test.p == pytest.approx(r["p"], rel=1e-9)
    assert test.effect.low <= test.effect.estimate <= test.effect.high


def test_the_largest_of_several_shifts_has_an_interval_for_its_choice():
    rng = np.random.default_rng(0)
    groups = {name: rng.normal(size=20) for name in "abc"}
    e = kruskal_wallis(groups).effect
    assert e.level == 0.95
    assert e.method.endswith("Bonferroni for 3 differences")
    _, i, _, j = e.name.replace(",", "").split()
    alone = location_shift(groups[i], groups[j], level=1 - 0.05 / 3)
    assert (e.low, e.high) == (alone.low, alone.high)
    two = kruskal_wallis({name: groups[name] for name in "ab"}).effect
    assert "Bonferroni" not in two.method


def test_shift_against_r():
    r = R["groups"]
    e = location_shift(r["x"], r["y"])
    assert e.estimate == pytest.approx(r["shift"])
    assert (e.low, e.high) == pytest.approx(r["shift_interval"])


def test_large_groups_take_the_normal_rank():
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 1, 99), rng.normal(0, 1, 101)
    exact, normal = location_shift(a, b), location_shift(a, np.append(b, [0.0, 0.1, 0.2]))
    assert normal.low == pytest.approx(exact.low, abs=0.05)
    assert normal.high == pytest.approx(exact.high, abs=0.05)


def test_groups_too_small_have_no_interval():
    e = location_shift([1.0, 2.0], [3.0, 4.0])
    assert math.isnan(e.low)
    assert "too small" in e.reason


def test_exact_tables_against_r():
    r = R["groups"]
    for table, p in zip(r["tables"], r["fisher"], strict=True):
        for turned in (np.array(table), np.array(table).T, np.array(table)[::-1]):
            got, method = exact_table_p(turned)
            assert got == pytest.approx(p, rel=1e-9)
            assert method == "Fisher-Freeman-Halton"


def test_drawn_tables_come_close_to_the_exact_ones():
    r = R["groups"]
    for table, p in zip(r["tables"], r["fisher"], strict=True):
        assert _drawn_p(np.array(table), 0) == pytest.approx(p, abs=0.015)


@pytest.mark.slow
def test_too_many_tables_are_drawn():
    table = np.random.default_rng(1).integers(20, 60, (6, 7))
    p, method = exact_table_p(table)
    assert "tables drawn" in method
    assert 0 < p <= 1
    # Neither the order of rows and columns nor which is which changes what is drawn.
    for turned in (table.T, table[::-1], table[:, ::-1], table[[3, 1, 5, 0, 2, 4]]):
        assert exact_table_p(turned) == (p, method)


def test_empty_rows_do_not_count():
    assert exact_table_p([[3, 0, 1], [0, 4, 1], [0, 0, 0]])[0] == pytest.approx(
        R["groups"]["fisher"][0]
    )
    assert math.isnan(exact_table_p([[3, 0, 1]])[0])


def test_standardised_differences():
    # Two shares of .3 and .5, by hand: .2 / sqrt((.21 + .25) / 2); categories give the same.
    a, b = ["F"] * 3 + ["M"] * 7, ["F"] * 5 + ["M"] * 5
    assert standardised_difference(a, b) == pytest.approx(-0.2 / math.sqrt(0.23))
    three = standardised_difference([*a, "x"], [*b, "x"])
    assert three > 0
    assert standardised_difference(a, a) == 0
    assert math.isnan(standardised_difference([1.0], [2.0, 3.0]))
    assert standardised_difference(["a"], ["b"]) == pytest.approx(math.inf)
    assert standardised_difference(["a", ""], ["a", None]) == 0


def test_standardised_differences_against_r():
    r = R["standardised"]
    assert standardised_difference(r["x"], r["y"]) == pytest.approx(r["numbers"], abs=1e-12)
    assert standardised_difference(*r["words"]) == pytest.approx(r["categories"], abs=1e-12)


def test_nothing_to_test():
    assert kruskal_wallis({"a": [1.0]}).reason == "fewer than two groups have values"
    assert kruskal_wallis({"a": [1.0] * 5, "b": [1.0] * 5}).reason == "all values are the same"


def test_bad_input():
    with pytest.raises(InputError, match="NaN"):
        kruskal_wallis({"a": [math.nan], "b": [1.0]})
    with pytest.raises(InputError, match="level"):
        kruskal_wallis({"a": [1.0], "b": [1.0]}, level=0)
    with pytest.raises(InputError, match="groups of"):
        location_shift([], [1.0])
    for table in ([1, 2], [[1.5, 2]], [[-1, 2]]):
        with pytest.raises(InputError, match="counts"):
            exact_table_p(table)
