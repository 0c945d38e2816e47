"""``RunOutputs(dicom=True)``: objects beside the results, and why some cases have none."""

from __future__ import annotations

import shutil

import pytest
from annotations import make_series
from cohorts import save_scan, table

from spinalcord import CohortInputs, RunOutputs, run_cohort
from spinalcord.cohort import processing

pytestmark = pytest.mark.slow

NIFTI = RunOutputs(qc=False)
BOTH = RunOutputs(qc=False, dicom=True)
OBJECTS = ["desc-lesion_overlay.dcm", "desc-lesion_seg.dcm", "measurements.dcm"]


@pytest.fixture
def cohort(tmp_path):
    pytest.importorskip("highdicom")
    make_series(tmp_path / "in" / "a")
    save_scan(tmp_path / "in" / "b" / "b.nii.gz")
    return tmp_path / "in"


def written(out, case):
    return sorted(path.name.split("_", 1)[1] for path in (out / case).glob("*.dcm"))


def test_objects_of_cases_from_dicom(tmp_path, cohort, cord_folder):
    out = tmp_path / "out"
    run_cohort(cohort, out, models=cord_folder, outputs=NIFTI)
    assert written(out, "a") == []
    again = run_cohort(cohort, out, models=cord_folder, outputs=BOTH)
    assert again.redone == {"no DICOM objects": 2}
    assert written(out, "a") == OBJECTS
    told = {row["case_id"]: row["warnings"] for row in table(out / "cases.tsv")}
    assert "no DICOM objects" not in told["a"]
    why = "no DICOM objects: the scan is not from DICOM files"
    assert why in told["b-b"]
    assert again.without_dicom == again.to_dict()["without_dicom"] == {why: 1}
    kept = run_cohort(cohort, out, models=cord_folder, outputs=BOTH)
    assert (kept.counts["kept"], kept.without_dicom) == (2, {why: 1})
    kept = run_cohort(cohort, out, models=cord_folder, outputs=NIFTI)
    assert (kept.counts["kept"], kept.without_dicom) == (2, None)


def test_a_mask_that_was_given_has_no_object_of_its_own(tmp_path, cohort, cord_folder):
    run_cohort(cohort, tmp_path / "out", models=cord_folder, outputs=NIFTI)
    mask = next((tmp_path / "out" / "a").glob("*desc-lesion_mask.nii.gz"))
    shutil.copy(mask, tmp_path / "mask.nii.gz")
    rows = [{"case_id": "a", "path": str(cohort / "a"), "mask": str(tmp_path / "mask.nii.gz")}]
    run_cohort(
        rows, tmp_path / "used", models=cord_folder, outputs=BOTH, inputs=CohortInputs(masks="use")
    )  # fmt: skip
    assert written(tmp_path / "used", "a") == [OBJECTS[0], OBJECTS[2]]
    (row,) = table(tmp_path / "used" / "cases.tsv")
    assert "no DICOM segmentation: the mask was given" in row["warnings"]


def test_an_odd_series_costs_no_results(tmp_path, cohort, cord_folder, monkeypatch):
    def refuse(*_):
        raise ValueError("an attribute is missing; the series is odd")

    monkeypatch.setattr(processing, "make_objects", refuse)
    out = tmp_path / "out"
    run = run_cohort(cohort, out, models=cord_folder, outputs=BOTH)
    assert run.counts["done"] == 2
    # Whole, although a semicolon also separates the warnings of a case.
    odd = "no DICOM objects: ValueError: an attribute is missing; the series is odd"
    assert run.without_dicom[odd] == 1
    told = {row["case_id"]: row["warnings"] for row in table(out / "cases.tsv")}
    assert "no DICOM objects: ValueError: an attribute is missing" in told["a"]
    assert written(out, "a") == []
