"""What a cohort is made from: folders, and which cases of them."""

from __future__ import annotations

import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report.loading import choose_split, load_cohort, one_per_patient


def test_a_run_has_all_its_tables(tmp_path):
    lesions = {"case_id": ["sub-00000"], "mask": ["found"], "overlap_fraction": ["n/a"]}
    run = cohorts.write_run(tmp_path / "out", cohorts.drawn(8), lesions=lesions)
    found = load_cohort(run)
    assert (found.cases.n, found.lesions.n, found.failures.n, found.excluded.n) == (8, 1, 0, 0)
    assert found.folder == run
    assert found.description["notice"] == "random weights"
    assert load_cohort(cohorts.drawn(8)).folder is None
    (run / "dataset_description.json").unlink()
    assert load_cohort(run).description == {}


def test_splits():
    cases = load_cohort(cohorts.drawn(4, split=["a", "Testing", "", "b"])).cases
    assert choose_split(cases, None) == "Testing"
    assert choose_split(cases, "all") == "all"
    assert choose_split(load_cohort(cohorts.drawn(4, split=["a"] * 4)).cases, None) == "all"


def test_cases_without_a_patient_are_their_own():
    cases = load_cohort(cohorts.drawn(4, participant_id=["", "", "p", "p"])).cases
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


def run_with_failure(folder):
    one = {"participant_id": ["x"], "split": ["test"], "reference_diagnosis": ["MS"]}
    return cohorts.write_run(
        folder,
        cohorts.drawn(12),
        description={"counts": {"cases": 14}},
        failures={"case_id": ["broken"], **one, "reason": ["damaged"]},
        excluded={"case_id": ["gone"], **one, "reason": ["no consent"]},
        lesions={"case_id": []},
    )


def test_cases_are_left_out_of_a_run_as_by_the_run_itself(tmp_path):
    folder = run_with_failure(tmp_path / "run")
    verdicts = tmp_path / "verdicts.tsv"
    verdicts.write_text(
        "case_id\tverdict\tnote\nsub-00003\tartefact\tmoved\nbroken\tfail\tn/a\n"
        "sub-00004\tpass\tn/a\ngone\tfail\tn/a\n"
    )
    every, some = Cohort(folder), Cohort(folder, exclude=verdicts)
    assert [*every.cases.words("case_id")] == [f"sub-{i:05d}" for i in range(12)]
    assert [*some.cases.words("case_id")] == [f"sub-{i:05d}" for i in range(12) if i != 3]
    assert (every.failures.n, some.failures.n) == (1, 0)
    reasons = dict(zip(some.excluded.words("case_id"), some.excluded.words("reason"), strict=True))
    assert reasons == {
        "gone": "no consent",
        "sub-00003": "quality control: artefact: moved",
        "broken": "quality control: fail",
    }
    assert some.flow[0].n == 14
    assert dict(some.flow[0].left) == {
        "quality control: fail": 1, "quality control: artefact": 1, "excluded on request": 1,
    }  # fmt: skip
    assert some.table1()["n"].max() == 11


def test_exclusions_must_fit(tmp_path):
    folder = run_with_failure(tmp_path / "run")
    with pytest.raises(InputError, match="no case sub-99999, which exclude= names"):
        Cohort(folder, exclude=["sub-99999", "sub-00001"])
    with pytest.raises(InputError, match="all cases are excluded"):
        Cohort(folder, exclude=[f"sub-{i:05d}" for i in range(12)])
    with pytest.raises(InputError, match="cannot be read"):
        Cohort(folder, exclude=tmp_path / "absent.tsv")


def test_the_old_name_of_explanation_options_is_read(tmp_path):
    (tmp_path / "cases.tsv").write_text("case_id\treference_diagnosis\na\tMS\n")
    text = '{"Spinalcord": {"settings": {"explaining": {"method": "layercam"}}}}'
    (tmp_path / "dataset_description.json").write_text(text)
    assert Cohort(tmp_path).settings["settings"] == {"explanation": {"method": "layercam"}}
