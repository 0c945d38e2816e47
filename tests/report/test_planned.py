"""Patients for a next study."""

from __future__ import annotations

from report import cohorts

from spinalcord import Cohort
from spinalcord.stats import patients_for_proportion


def test_plans_are_those_of_the_statistics():
    cohort = Cohort(cohorts.drawn(80))
    rows = [r for r in cohort.table("planning").rows if r["task"] == "ms_vs_nmosd"]
    assert [row["figure"] for row in rows] == ["sensitivity", "specificity", "AUC"]
    plan = patients_for_proportion(rows[0]["supposed"], 0.05, share=0.5)
    assert rows[0]["patients"] == plan.n
    assert rows[0]["sentence"] == plan.sentence()


def test_a_class_that_is_empty_has_no_plan():
    table = cohorts.drawn(40)
    table["reference_diagnosis"] = ["MS"] * 40
    assert Cohort(table).table("planning").rows == ()
