"""Operating points, and all scans of a patient."""

from __future__ import annotations

import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report.operating import scans
from spinalcord.stats import sensitivity_at


def test_rows_of_each_task():
    cohort = Cohort(cohorts.drawn(80))
    rows = [r for r in cohort.table("operating").rows if r["task"] == "tumor_vs_demyelination"]
    assert [row["figure"] for row in rows] == [
        "partial AUC, specificity 0.9 to 1", "sensitivity at specificity 0.9",
        "specificity at sensitivity 0.9", "positive likelihood ratio",
        "negative likelihood ratio", "diagnostic odds ratio",
    ]  # fmt: skip
    truth = [w in ("MS", "NMOSD") for w in cohort.cases.words("reference_diagnosis")]
    p = cohort.cases.numbers("tumor_vs_demyelination_probability")
    assert rows[1]["estimate"] == sensitivity_at(truth, p).estimate


def test_scans_of_a_patient_are_not_independent():
    table = cohorts.drawn(80)
    table["participant_id"] = [f"p{i // 2}" for i in range(80)]
    cohort = Cohort(table)
    rows = cohort.table("scans").rows
    first = rows[0]
    assert (first["figure"], first["n"], first["patients"]) == ("accuracy", 80, 40)
    assert cohort.cases.n == 40


def test_one_scan_each():
    with pytest.raises(InputError, match="every patient has one scan"):
        scans(Cohort(cohorts.drawn(20)).cases)
