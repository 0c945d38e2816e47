"""Patients for a next study."""

from __future__ import annotations

import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.stats import (
    cohen_kappa,
    kappa_power,
    patients_for_kappa,
    patients_for_proportion,
)
from spinalcord.stats.estimate import decimal


def test_plans_are_those_of_the_statistics():
    cohort = Cohort(cohorts.drawn(80))
    rows = [r for r in cohort.table("planning").rows if r["task"] == "ms_vs_nmosd"]
    assert [row["figure"] for row in rows] == ["sensitivity", "specificity", "AUC"]
    plan = patients_for_proportion(rows[0]["supposed"], 0.05, share=0.5)
    assert rows[0]["patients"] == plan.n
    assert rows[0]["sentence"] == plan.sentence()


def test_kappa_of_the_first_two_readers():
    cohort = Cohort(cohorts.drawn(80))
    rows = [r for r in cohort.table("planning").rows if "kappa" in r["figure"]]
    assert [row["task"] for row in rows] == ["tumor_vs_demyelination"]
    row, kinds = rows[0], {"MS": 1, "NMOSD": 1, "astrocytoma": 0, "ependymoma": 0}
    calls = [[kinds[d] for d in cohort.cases.words(f"reader_{i}")] for i in (1, 2)]
    table = [[sum(p == (i, j) for p in zip(*calls, strict=True)) for j in (0, 1)] for i in (0, 1)]
    kappa = cohen_kappa(table).estimate
    positive = sum(map(sum, calls)) / 160
    assert row["supposed"] == pytest.approx(kappa)
    assert row["patients"] == patients_for_kappa(kappa, positive, 0.1).n
    power = decimal(kappa_power(kappa, 0.4, positive, 80), 2)
    assert row["sentence"].endswith(f"power of these 80 patients to tell it from 0.4: {power}")


def test_a_class_that_is_empty_has_no_plan():
    table = cohorts.drawn(40)
    table["reference_diagnosis"] = ["MS"] * 40
    del table["reader_2"]
    assert Cohort(table).table("planning").rows == ()
