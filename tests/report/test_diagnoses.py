"""Four diagnoses: counted by hand."""

from __future__ import annotations

import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report.diagnoses import confusion


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
    assert "1 patients without an answer are left out" in got.notes


def test_without_answers():
    with pytest.raises(InputError, match="no case has both"):
        Cohort({"case_id": ["a"], "reference_diagnosis": ["MS"]}).table("four_class")
