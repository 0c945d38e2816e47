"""Why cases are computed again: the reasons, and that a run says them."""

from __future__ import annotations

import shutil
import warnings

import pytest
from cohorts import save_mask, save_scan

from spinalcord import CohortInputs, ExplanationOptions, LesionLimits, RunOutputs, run_cohort
from spinalcord.cohort import processing
from spinalcord.cohort.redoing import redo_reason
from spinalcord.errors import ModelError, SpinalcordWarning
from spinalcord.tasks import TASKS


@pytest.fixture
def cohort(tmp_path):
    folder = tmp_path / "scans"
    for name in ("a", "b"):
        save_scan(folder / f"{name}.nii.gz", lesion=True)
    return folder


def run(cohort, out, **options):
    """The result, and the warnings about what is computed again."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        result = run_cohort(cohort, out, **options)
    return result, [str(w.message) for w in heard if "computed again" in str(w.message)]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"limits": LesionLimits(threshold=0.4)}, "threshold was the default, is 0.4"),
        ({"inputs": CohortInputs(masks="ignore")}, "masks was compare, is ignore"),
        ({"explanation": ExplanationOptions(method="hirescam")}, "method was gradcam, is hirescam"),
    ],
)
def test_another_setting_is_named(cohort, tmp_path, model_folder, options, reason):
    out = tmp_path / "out"
    first, told = run(cohort, out, models=model_folder)
    assert (first.redone, told) == ({}, [])
    again, told = run(cohort, out, models=model_folder)
    assert (again.redone, again.counts["kept"], told) == ({}, 2, [])
    other, (told,) = run(cohort, out, models=model_folder, **options)
    assert other.redone == other.to_dict()["redone"] == {reason: 2}
    assert other.counts["kept"] == 0
    assert told == (
        f"2 of 2 cases are computed again although an earlier run has finished them: {reason} (2)"
    )


def test_what_happened_to_files_is_named(cohort, tmp_path, model_folder):
    out = tmp_path / "out"
    run(cohort, out, models=model_folder, outputs=RunOutputs(qc=False))
    with_pictures, _ = run(cohort, out, models=model_folder)
    assert with_pictures.redone == {"no picture for quality control": 2}
    (out / "a" / "a_diagnosis.json").unlink()
    truth = save_scan(cohort / "b.nii.gz", lesion=True)
    gone, _ = run(cohort, out, models=model_folder)
    assert gone.redone["result files are missing or changed"] == 1
    save_mask(truth, cohort / "b_mask.nii.gz")
    masked, _ = run(cohort, out, models=model_folder)
    assert masked.redone == {"mask or contrast-enhanced scan added or removed": 1}


def test_another_version_is_named(cohort, tmp_path, model_folder, monkeypatch):
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(processing, "__version__", "0.0.1")
        run(cohort, out, models=model_folder)
    other, _ = run(cohort, out, models=model_folder)
    ((reason, count),) = other.redone.items()
    assert count == 2
    assert reason.startswith("version was 0.0.1, is ")


def test_a_case_that_failed_is_tried_again_without_a_warning(cohort, tmp_path, model_folder):
    (cohort / "c.nii.gz").write_bytes(b"broken")
    run(cohort, tmp_path / "out", models=model_folder)
    again, told = run(cohort, tmp_path / "out", models=model_folder)
    assert again.redone == {"failed before": 1}
    assert told == []


def test_without_classifiers_lesions_are_segmented_alone(cohort, tmp_path, model_folder):
    alone = tmp_path / "alone"
    shutil.copytree(model_folder, alone)
    for task in TASKS:
        (alone / f"{task}.safetensors").unlink()
    out = tmp_path / "out"
    with pytest.warns(SpinalcordWarning, match="has no classifiers: lesions are segmented, but"):
        done = run_cohort(cohort, out, models=alone)
    assert done.counts["done"] == 2
    rows = done.read("cases.tsv")
    assert all(row["found"] and row["n_lesions"] > 0 for row in rows)
    assert all(row["diagnosis"] is None and row["ms_vs_nmosd_sha256"] is None for row in rows)
    assert all(len(row["segmentation_sha256"]) == 64 for row in rows)
    assert (out / "a" / "a_desc-lesion_mask.nii.gz").exists()
    assert not list(out.rglob("*_diagnosis.json"))
    assert (out / "qc.html").stat().st_size > 0
    classified, (told,) = run(cohort, out, models=model_folder)
    assert "other model for astrocytoma_vs_ependymoma, ms_vs_nmosd, tumor_vs_demyel" in told
    assert all(row["diagnosis"] for row in classified.read("cases.tsv"))
    with pytest.raises(ModelError, match="no model for tumor_vs_demyelination"):
        run_cohort(cohort, out, models=alone, inputs=CohortInputs(masks="use"))
    (alone / "ms_vs_nmosd.safetensors").write_bytes(
        (model_folder / "ms_vs_nmosd.safetensors").read_bytes()
    )
    with pytest.raises(ModelError, match="no model for tumor_vs_demyelination"):
        run_cohort(cohort, out, models=alone)


def test_nothing_is_said_of_a_case_without_a_record(cohort, tmp_path):
    from spinalcord.cohort.listing import list_cohort
    from spinalcord.cohort.processing import RunSettings

    (case, _) = list_cohort(cohort).cases
    assert redo_reason(case, RunSettings(None, {}, "f32", 1), tmp_path) == ""
