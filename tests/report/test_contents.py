"""What a report holds, and what it says is missing."""

from __future__ import annotations

import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.report import TABLES
from spinalcord.report.contents import gather

pytest.importorskip("matplotlib", reason="reports need matplotlib, of the extra report")
pytest.importorskip("scipy", reason="reports need SciPy, of the extra report")


@pytest.mark.slow
def test_all_that_a_full_cohort_allows():
    cohort = Cohort(cohorts.explained(cohorts.drawn(60)))
    cohort.lesions = cohorts.lesions(60)
    got = gather(cohort, title="A study")
    assert {*TABLES, "settings", "claim", "stard", "trace"} - {*got.tables} == {"scans"}
    assert [*got.missing] == ["table scans"]  # everybody has one
    assert got.methods.startswith("The patient is the unit of analysis.")
    assert got.counts["roc"].startswith("n = 60 (tumor or demyelination)")
    assert got.title == "A study"
    assert got.notices[0] == "Models: trained on synthetic phantoms; not for clinical use"
    assert got.notices[1] == "Evaluated: the 60 patients of the split test."
    assert got.summary[2].startswith("MS or NMOSD: accuracy ")
    assert "95 % CI" in got.summary[0]
    assert len(got.summary) == 5
    drawn = [plate.name for section in got.sections for plate, _ in section.plates]
    assert len(drawn) == len({*drawn}) == 10


@pytest.mark.slow
def test_few_patients_are_said_once_a_line():
    lines = gather(Cohort(cohorts.drawn(12))).summary
    assert [line.count("fewer than 10 patients") for line in lines[:3]] == [1, 1, 1]


def test_what_cannot_be_made_says_why():
    got = gather(Cohort(cohorts.of_letter()))
    assert got.missing["table four_class"].startswith("no case has both")
    assert got.missing["figure roc"].startswith("no task has probabilities")
    assert got.missing["table readers"].startswith("no readers")
    assert "96 % (150 of 157) [95 % CI: 91 %, 98 %]" in got.summary[0]
    titles = [section.title for section in got.sections]
    assert "Classification" in titles
    assert "Readers" not in titles


@pytest.mark.slow
def test_a_cohort_without_reference_still_has_a_report():
    table = {"case_id": ["a", "b"], "age": [3, 40], "diagnosis": ["MS", "NMOSD"]}
    got = gather(Cohort(table))
    assert got.summary == ()
    assert "table1" in got.tables
    assert got.missing["table table2"].startswith("no case has a reference_diagnosis")


@pytest.mark.slow
def test_failures_and_models_of_a_run(tmp_path):
    failures = {
        "case_id": ["f1"],
        "participant_id": ["f1"],
        "split": ["test"],
        "reason": ["<b>unreadable</b>"],
    }
    model = {"role": "ms_vs_nmosd", "name": "m", "sha256": "0" * 64, "notice": "random"}
    how = {"method": "gradcam", "curves": False, "compare": []}
    description = {"models": [model], "settings": {"threshold": None, "explaining": how}}
    run = cohorts.write_run(
        tmp_path / "out", cohorts.drawn(20), description=description, failures=failures
    )
    got = gather(Cohort(run))
    assert got.tables["failures"].rows[0]["reason"] == "<b>unreadable</b>"
    assert got.tables["models"].rows[0]["sha256"] == "0" * 64
    told = {row["setting"]: row["value"] for row in got.tables["settings"].rows}
    assert told["settings: threshold"] == "not set"
    assert told["settings: explanation"] == "method gradcam; curves False; compare none"
    values = {row["setting"]: row["value"] for row in got.tables["settings"].rows}
    assert values["threshold of ms_vs_nmosd"] == "0.5"
    assert values["settings: threshold"] == "not set"
    assert 'class="long">000' in got.tables["models"].to_html()
    assert got.facts["flow"][0]["left"]["failed"] == 1
