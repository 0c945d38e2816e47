"""Subgroups: who belongs where, and that figures add up."""

from __future__ import annotations

import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report.factors import find_factors


def test_children_are_younger_than_eighteen():
    table = {"case_id": list("abcd"), "age": [17.9, 18, "", 70], "sex": ["f", "M", "", "Female"]}
    found = find_factors(Cohort(table).cases)
    assert set(found) == {"age", "sex"}
    assert list(found["age"]) == ["children", "adults", None, "adults"]
    assert list(found["sex"]) == ["female", "male", None, "female"]


def test_subgroups_add_up_and_interactions_are_adjusted():
    cohort = Cohort(cohorts.drawn(120))
    got = cohort.table("subgroups")
    whole = {
        (r["task"], r["figure"]): (r["k"], r["n"])
        for r in cohort.table("table2").rows
        if r["cases"] == "all"
    }
    for task in ("tumor_vs_demyelination", "ms_vs_nmosd"):
        for factor in ("age", "sex", "difficult", "t1c"):
            parts = [
                r
                for r in got.rows
                if (r["task"], r["factor"], r["figure"]) == (task, factor, "sensitivity")
            ]
            assert len(parts) == 2
            sums = tuple(sum(p[x] for p in parts) for x in "kn")
            assert sums == whole[task, "sensitivity"]
    tests = [r for r in got.rows if r["subgroup"] == "interaction"]
    assert len(tests) == 3 * 4 * 4
    assert all(r["p"] <= r["p_holm"] for r in tests)


def test_no_subgroups():
    with pytest.raises(InputError, match="no subgroups"):
        Cohort(cohorts.of_letter()).table("subgroups")
