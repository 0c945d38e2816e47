"""Models are compared on what `segment` and `classify` say of each case."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
from model_steps import step
from stand_ins import SPACING, lesion_of, stored, working_array

import spinalcord as sc

VOXEL_MM3 = float(np.prod(SPACING))

pytest.importorskip("torch", reason="torch is not installed")


@pytest.fixture
def compare():
    return step("measure_cases")


def save(volume, path):
    nibabel.save(nibabel.Nifti1Image(volume.array, volume.affine), path)
    return str(path)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1)])
def test_a_case(compare, tmp_path, cord_folder, axes):
    array = working_array()
    truth = lesion_of(array)
    truth[4:6] = 0  # half of the second lesion, and one outside the cord, are not drawn
    cord = ((array > 20) & (array < 150)).astype(np.uint8)
    cord[4] = 0
    row = {
        "table": "typical", "case_id": "a", "diagnosis": "MS",
        "path": save(stored(array, axes), tmp_path / "t2.nii.gz"),
        "mask": save(stored(truth, axes), tmp_path / "mask.nii.gz"),
        "cord": save(stored(cord, axes), tmp_path / "cord.nii.gz"),
    }  # fmt: skip
    pipeline = sc.Pipeline(cord_folder)
    made = compare.measure(pipeline, row, tmp_path / "kept")
    found = pipeline.segment(row["path"])
    assert made["lesions"] == [round(lesion.volume_mm3, 1) for lesion in found.lesions]
    assert 0 < made["dice"] < 1
    assert made["found"]
    said = pipeline.classify(found.scan, mask=found.mask).tasks
    assert made["answers"] == [said[task].probability for task in compare.TASKS]
    said = pipeline.classify(row["path"], mask=row["mask"]).tasks
    assert made["true_answers"] == [said[task].probability for task in compare.TASKS]
    # The stand-in's cord is what is brighter than .3; slice 4 is said to hold none.
    empty = ~cord.any((1, 2))
    seen = np.ascontiguousarray(found.cord.sagittal().array) > 0
    assert made["false_cord_mm3"] == pytest.approx(seen[empty].sum() * VOXEL_MM3)
    assert made["false_cord_mm3"] > 0
    sizes = sorted(p["mm3"] for p in made["plaques"])
    assert sizes == pytest.approx(sorted([1 * 6 * 4 * VOXEL_MM3, 2 * 12 * 8 * VOXEL_MM3]))
    assert all(p["z"] > 5 and p["found"] for p in made["plaques"])


def test_a_healthy_scan_without_masks(compare, tmp_path, cord_folder):
    array = working_array()
    array[array >= 100] = 30
    path = save(stored(array), tmp_path / "t2.nii.gz")
    row = {"table": "healthy", "case_id": "b", "diagnosis": "", "path": path, "mask": "",
           "cord": ""}  # fmt: skip
    made = compare.measure(sc.Pipeline(cord_folder), row, tmp_path / "kept")
    assert made["answers"] == [] or made["lesions"]
    assert "false_cord_mm3" not in made
    assert "plaques" not in made


def test_a_patient_whose_lesion_nobody_could_see(compare, tmp_path, cord_folder):
    array = working_array()
    row = {
        "table": "typical", "case_id": "d", "diagnosis": "MS",
        "path": save(stored(array), tmp_path / "t2.nii.gz"),
        "mask": save(stored(np.zeros_like(array)), tmp_path / "mask.nii.gz"), "cord": "",
    }  # fmt: skip
    made = compare.measure(sc.Pipeline(cord_folder), row, tmp_path / "kept")
    assert len(made["answers"]) == len(compare.TASKS)
    assert made["true_answers"] == []
    assert made["dice"] is None
    assert not made["found"]


def test_what_was_measured_is_not_measured_again(compare, tmp_path, monkeypatch):
    row = {"table": "healthy", "case_id": "c"}
    calls = []
    monkeypatch.setattr(compare.sc, "Pipeline", lambda *_, **__: None)
    monkeypatch.setattr(compare, "measure", lambda p, r, kept: calls.append(r) or {"dice": 0.5})
    task = (row, tmp_path, "f32", ("mark", "outlines"), tmp_path)
    assert compare.measured(task) == compare.measured(task) == {"dice": 0.5}
    assert len(calls) == 1


def test_other_classifiers_are_measured_on_the_same_outline(
    compare, tmp_path, cord_folder, monkeypatch
):
    array = working_array()
    row = {
        "table": "typical", "case_id": "e", "diagnosis": "MS", "cord": "",
        "path": save(stored(array), tmp_path / "t2.nii.gz"),
        "mask": save(stored(lesion_of(array)), tmp_path / "mask.nii.gz"),
    }  # fmt: skip
    pipeline = sc.Pipeline(cord_folder)
    first = compare.measure(pipeline, row, tmp_path / "kept")
    monkeypatch.setattr(sc.Pipeline, "segment", None)
    assert compare.measure(pipeline, row, tmp_path / "kept") == first
    assert first["answers"]
    with pytest.raises(TypeError, match="NoneType"):
        compare.measure(pipeline, row, tmp_path / "another")
