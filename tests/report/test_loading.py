"""What a cohort is made from: folders, and which cases of them."""

from __future__ import annotations

import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report.loading import choose_split, load, one_per_patient


def test_a_run_has_all_its_tables(tmp_path):
    lesions = {"case_id": ["sub-00000"], "mask": ["found"], "overlap_fraction": ["n/a"]}
    run = cohorts.write_run(tmp_path / "out", cohorts.drawn(8), lesions=lesions)
    found = load(run)
    assert (found.cases.n, found.lesions.n, found.failures.n, found.excluded.n) == (8, 1, 0, 0)
    assert found.folder == run
    assert found.description["notice"] == "random weights"
    assert load(cohorts.drawn(8)).folder is None
    (run / "dataset_description.json").unlink()
    assert load(run).description == {}


def test_splits():
    cases = load(cohorts.drawn(4, split=["a", "Testing", "", "b"])).cases
    assert choose_split(cases, None) == "Testing"
    assert choose_split(cases, "all") == "all"
    assert choose_split(load(cohorts.drawn(4, split=["a"] * 4)).cases, None) == "all"


def test_cases_without_a_patient_are_their_own():
    cases = load(cohorts.drawn(4, participant_id=["", "", "p", "p"])).cases
    assert one_per_patient(cases)[1] == 1


def test_what_is_no_run(tmp_path):
    with pytest.raises(InputError, match=r"no cases\.tsv"):
        Cohort(tmp_path)
    run = cohorts.write_run(tmp_path / "out", cohorts.drawn(8))
    (run / "dataset_description.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read as JSON"):
        Cohort(run)
    (run / "dataset_description.json").write_text("[]")
    with pytest.raises(InputError, match="expected a JSON object"):
        Cohort(run)
