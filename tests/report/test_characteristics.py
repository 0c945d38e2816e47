"""Medians, categories and how unbalanced the groups are."""

from __future__ import annotations

import math

import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.stats import exact_table_p, kruskal_wallis


def test_rows_hold_what_the_statistics_say():
    table = cohorts.drawn(80, edss=[i % 15 / 2 for i in range(80)], site=["A", "B"] * 40)
    cohort = Cohort(table, describe=("edss", "site"))
    rows = {row["characteristic"]: row for row in cohort.table("characteristics").rows}
    ages, truth = cohort.cases.numbers("age"), cohort.cases.words("reference_diagnosis")
    groups = {name: ages[truth == name] for name in sorted({*truth})}
    assert rows["age, years"]["p"] == pytest.approx(kruskal_wallis(groups).p)
    assert rows["edss"]["all"] == "3.3 (1.5 to 5.1)"
    assert rows["site: A"]["all"] == "40 (50 %)"
    counts = [[20, 0, 20, 0], [0, 20, 0, 20]]  # sites alternate as the diagnoses do
    assert rows["site"]["p"] == pytest.approx(exact_table_p(counts)[0])
    assert rows["site"]["largest SMD"] == math.inf
    assert rows["sex"]["test"] == "Fisher-Freeman-Halton"


def test_missing_values_are_counted():
    table = cohorts.drawn(40)
    table["age"][0] = None
    rows = Cohort(table).table("characteristics").rows
    assert "1 missing" in rows[0]["all"]


def test_wrong_columns():
    with pytest.raises(InputError, match="no column 'edss' to describe"):
        Cohort(cohorts.drawn(40), describe=("edss",)).table("characteristics")
    with pytest.raises(InputError, match="column case_id has 40 words"):
        Cohort(cohorts.drawn(40), describe=("case_id",)).table("characteristics")
