"""Own factors, and each adjusted for the others."""

from __future__ import annotations

import math

import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report.adjusting import adjusted_odds, own_factors


def cohort(n=240, **options):
    sites = ["A", "B", "C", "A", "B"] * n
    return Cohort(cohorts.drawn(n, site=sites[:n]), factors=("site",), **options)


def test_every_factor_of_a_large_cohort():
    table = cohort().table("adjusted")
    rows = [row for row in table.rows if row["task"] == "tumor_vs_demyelination"]
    assert {row["factor"] for row in rows} == {"site", "sex", "age, 10 years", "diagnosis"}
    whole = [row for row in rows if row["figure"] == "factor as a whole"]
    assert len(whole) == 4
    for row in whole:
        assert 0 <= row["p"] <= row["p_bh"] <= 1
    ratios = [row for row in rows if row["figure"].startswith("odds ratio, site")]
    assert [row["figure"] for row in ratios] == [
        "odds ratio, site B against A", "odds ratio, site C against A",
    ]  # fmt: skip
    assert all(row["low"] < row["estimate"] < row["high"] for row in ratios)


def test_a_small_cohort_says_once_why_not():
    table = Cohort(cohorts.drawn(40)).table("adjusted")
    assert len(table.rows) == 3
    for row in table.rows:
        assert row["factor"] == "all"
        assert math.isnan(row["p"])
        assert "too few answers of the rarer kind" in row["reason"]


def test_own_factors_are_subgroups_too():
    rows = cohort().table("subgroups").rows
    assert {row["subgroup"] for row in rows if row["factor"] == "site"} == {
        "A", "B", "C", "interaction",
    }  # fmt: skip


def test_a_wrong_name_is_said_at_once():
    with pytest.raises(InputError, match="no column 'scanner' for a factor; known: case_id"):
        Cohort(cohorts.drawn(20), factors=("scanner",))
    cases = Cohort(cohorts.drawn(20)).cases
    with pytest.raises(InputError, match="column case_id has 20 different values"):
        own_factors(cases, ["case_id"])


def test_nothing_to_adjust_for():
    table = cohorts.drawn(40)
    del table["age"], table["sex"]
    with pytest.raises(InputError, match="no factor to adjust for"):
        adjusted_odds(Cohort(table).cases)


def test_interactions_of_a_large_cohort():
    table = cohort().table("interactions")
    rows = [row for row in table.rows if row["task"] == "tumor_vs_demyelination"]
    assert {row["factor"] for row in rows} == {"site", "sex", "age, 10 years"}
    whole = [row for row in rows if row["figure"] == "interaction as a whole"]
    assert len(whole) == 3
    for row in whole:
        assert 0 <= row["p"] <= row["p_bh"] <= 1
    [b] = [row for row in rows if row["figure"] == "ratio of odds ratios, site B against A"]
    assert b["low"] < b["estimate"] < b["high"]
    assert b["method"] == "profile, Firth"
    assert any("normal scores" in note for note in table.notes)


def test_interactions_of_a_small_cohort_say_once_why_not():
    rows = Cohort(cohorts.drawn(40)).table("interactions").rows
    assert len(rows) == 3
    assert all(row["reason"].startswith("too few ") for row in rows)
    assert all("of the rarer kind (" in row["reason"] for row in rows)
    assert {row["figure"] for row in rows} == {"ratios of odds ratios"}


def test_interactions_need_probabilities():
    table = {k: v for k, v in cohorts.drawn(40).items() if not k.endswith("_probability")}
    with pytest.raises(InputError, match="has a probability"):
        Cohort(table).table("interactions")
    bare = {k: v for k, v in cohorts.drawn(40).items() if k not in ("age", "sex")}
    with pytest.raises(InputError, match="no factor to adjust for"):
        Cohort(bare).table("interactions")
