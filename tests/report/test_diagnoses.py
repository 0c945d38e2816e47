"""Four diagnoses: counted by hand."""

from __future__ import annotations

import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report.diagnoses import confusion
from spinalcord.tasks import DIAGNOSES


def test_counts_and_what_has_no_answer():
    table = cohorts.drawn(41)
    table["diagnosis"][0] = "n/a"
    counts, unanswered = confusion(Cohort(table).cases)
    assert (counts.n, unanswered) == (40, 1)
    got = Cohort(table).table("four_class")
    right = sum(
        a == b for a, b in zip(table["reference_diagnosis"], table["diagnosis"], strict=True)
    )
    assert got.rows[0]["figure"] == "accuracy"
    assert (got.rows[0]["k"], got.rows[0]["n"]) == (right, 40)
    assert "positive predictive value, NMOSD" in [r["figure"] for r in got.rows]
    assert "patients without an answer, excluded: 1" in got.notes


def test_without_answers():
    with pytest.raises(InputError, match="no case has both"):
        Cohort({"case_id": ["a"], "reference_diagnosis": ["MS"]}).table("four_class")


def test_errors_are_listed_the_surest_first():
    table = cohorts.drawn(40)
    for name in DIAGNOSES:
        table[f"{name}_probability"] = [0.1] * 40
    wrong = [
        i
        for i, (t, a) in enumerate(
            zip(table["reference_diagnosis"], table["diagnosis"], strict=True)
        )
        if t != a
    ]
    assert len(wrong) > 3
    sure = wrong[-1]
    table[f"{table['diagnosis'][sure]}_probability"][sure] = 0.9
    got = Cohort(table).table("errors")
    assert got.rows[0]["case_id"] == table["case_id"][sure]
    assert {row["case_id"] for row in got.rows} == {table["case_id"][i] for i in wrong}
    assert got.rows[0]["p_answer"] == 0.9
    assert f"{len(wrong)} of 40 patients" in got.notes[-1]
