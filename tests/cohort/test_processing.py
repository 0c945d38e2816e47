"""One case: results, records, what is kept, what fails and what stops a run."""

from __future__ import annotations

import os
from dataclasses import replace

import nibabel
import numpy as np
import pytest
from cohorts import save_mask, save_scan
from stand_ins import make_folder

from spinalcord import _core
from spinalcord.analysis import case as analysis
from spinalcord.cohort import processing
from spinalcord.cohort.listing import CohortCase
from spinalcord.cohort.processing import RunSettings, fail, is_done, process_case
from spinalcord.cohort.records import picture_path, read_record
from spinalcord.errors import BackendError, InputError, SeriesError
from spinalcord.limits import LesionLimits
from spinalcord.models.folder import ROLES, find_models


@pytest.fixture
def settings(model_folder):
    hashes = {role: find_models(model_folder).model(role).sha256 for role in ROLES}
    return RunSettings(str(model_folder), hashes, "f32", 1)


@pytest.fixture
def case(tmp_path):
    save_mask(save_scan(tmp_path / "jane-doe.nii.gz"), tmp_path / "truth.nii.gz")
    return CohortCase(
        "a",
        "a",
        str(tmp_path / "jane-doe.nii.gz"),
        mask=str(tmp_path / "truth.nii.gz"),
        folder="a",
    )


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def test_results_have_the_case_s_name_and_the_scan_s_grid(case, settings, out):
    assert process_case(case, settings, out).status == "done"
    assert sorted(path.name for path in (out / "a").iterdir()) == [
        "a_desc-gradcam_task-msVsNmosd.json",
        "a_desc-gradcam_task-msVsNmosd.nii.gz",
        "a_desc-gradcam_task-tumorVsDemyelination.json",
        "a_desc-gradcam_task-tumorVsDemyelination.nii.gz",
        "a_desc-lesion_mask.json",
        "a_desc-lesion_mask.nii.gz",
        "a_diagnosis.json",
    ]
    found = nibabel.load(out / "a" / "a_desc-lesion_mask.nii.gz")
    truth = nibabel.load(case.mask)
    np.testing.assert_array_equal(found.affine, truth.affine)
    np.testing.assert_array_equal(np.asarray(found.dataobj), np.asarray(truth.dataobj))
    assert np.count_nonzero(found.dataobj) > 100
    row = read_record(out, case)["case"]
    assert row["dice"] == 1
    assert row["diagnosis"] == "NMOSD"
    assert row["mask"] == "segmented"
    assert row["scan_sha256"] != row["mask_sha256"]
    assert row["segmentation_sha256"] == settings.hashes["segmentation"]
    stages = [row[f"seconds_{s}"] for s in ("read", "segment", "classify", "explain", "write")]
    assert min(stages) > 0
    # What lies between the stages counts in the total alone; on a busy machine that can be long.
    assert 0.8 * row["seconds_total"] < sum(stages) < row["seconds_total"] + 0.01


def test_a_case_may_be_called_as_a_file_is(case, settings, out):
    named = replace(case, case_id="a.nii.gz", folder="a.nii.gz")
    assert process_case(named, settings, out).status == "done"
    assert (out / "a.nii.gz" / "a_diagnosis.json").exists()


def test_a_given_mask_can_take_the_segmentation_s_place(case, settings, out, tmp_path):
    mask = np.zeros((7, 96, 80), np.uint8)
    mask[3, 20:30, 32:40] = 1
    save_mask(mask, tmp_path / "truth.nii.gz")
    assert process_case(case, replace(settings, masks="use"), out).status == "done"
    row = read_record(out, case)["case"]
    assert row["mask"] == "given"
    assert row["n_lesions"] == 1
    assert row["lesion_volume_mm3"] == pytest.approx(80 * 3.0)
    assert "dice" not in row
    assert "segmentation_sha256" not in row
    assert not (out / "a" / "a_desc-lesion_mask.nii.gz").exists()


def test_what_lies_outside_the_cord_is_kept_on_request(
    case, settings, out, tmp_path, stand_in, monkeypatch
):
    make_folder(tmp_path / "models", ("lesion", "cord"))
    hashes = {role: find_models(settings.models).model(role).sha256 for role in ROLES}
    settings = replace(settings, hashes=hashes)
    answers = stand_in.__call__

    def without_cord(self, x):
        maps = answers(self, x)
        if self.kind == "multiresunet":
            maps[:, 1] = 0
        return maps

    monkeypatch.setattr(stand_in, "__call__", without_cord)
    assert process_case(case, settings, out).status == "done"
    row = read_record(out, case)["case"]
    assert (row["n_lesions"], row["n_dropped"], row["found"]) == (0, 3, False)
    assert "NOTHING IS LEFT" in row["warnings"]
    keeping = replace(settings, limits=LesionLimits(keep_outside_cord=True))
    assert not is_done(case, keeping, out)
    assert process_case(case, keeping, out).status == "done"
    row = read_record(out, case)["case"]
    assert (row["n_lesions"], row["n_dropped"], row["found"]) == (3, 0, True)


def test_no_lesion_is_a_result(case, settings, out, tmp_path):
    save_mask(np.zeros((7, 96, 80), np.uint8), tmp_path / "truth.nii.gz")
    assert process_case(case, replace(settings, masks="use"), out).status == "done"
    row = read_record(out, case)["case"]
    assert (row["found"], row["diagnosis"], row["n_lesions"]) == (False, None, 0)
    assert [path.name for path in (out / "a").iterdir()] == ["a_diagnosis.json"]


def test_a_picture_lies_beside_the_page(case, settings, out):
    assert process_case(case, settings, out).status == "done"
    record = read_record(out, case)
    picture = picture_path(out, case)
    assert picture.relative_to(out).parts[0] == "qc"
    listed = {file["name"]: file["size"] for file in record["files"]}
    assert listed[picture.relative_to(out).as_posix()] == picture.stat().st_size
    tasks = ["tumor_vs_demyelination", "ms_vs_nmosd"]
    assert record["qc"]["layers"] == ["scan", "lesion", "reference", *tasks]
    assert record["qc"]["n_lesion_slices"] == 4
    assert record["qc"]["slices"] == [1, 2, 3, 4, 5, 6]


def test_a_case_without_a_picture_is_done_again_for_a_page(case, settings, out):
    without = replace(settings, qc=False)
    assert process_case(case, without, out).status == "done"
    assert "qc" not in read_record(out, case)
    assert not (out / "qc").exists()
    assert is_done(case, without, out)
    assert not is_done(case, settings, out)
    assert process_case(case, settings, out).status == "done"
    assert picture_path(out, case).exists()
    # It serves a run without a page as well, as long as its picture is there.
    assert process_case(case, without, out).status == "kept"
    picture_path(out, case).unlink()
    assert not is_done(case, settings, out)
    assert process_case(case, settings, out).status == "done"
    assert process_case(case, without, out, resume=False).status == "done"
    assert not picture_path(out, case).exists()


def test_half_written_pictures_of_a_killed_run_go(case, settings, out):
    picture = picture_path(out, case)
    picture.parent.mkdir(parents=True)
    ours, another = (picture.with_name(f".{n}.png.1-2.part") for n in (case.name, f"{case.name}b"))
    for part in (ours, another):
        part.write_bytes(b"half")
    assert process_case(case, settings, out).status == "done"
    assert not ours.exists()
    assert another.exists()


@pytest.mark.parametrize("change", ["scan", "mask", "threshold", "model", "deleted", "cut", "no"])
def test_what_is_done_again(case, settings, out, tmp_path, change):
    process_case(case, settings, out)
    target = out / "a" / "a_desc-lesion_mask.nii.gz"
    if change == "scan":
        save_scan(tmp_path / "jane-doe.nii.gz", lesion=False)
    elif change == "mask":
        save_mask(np.ones((7, 96, 80), np.uint8), tmp_path / "truth.nii.gz")
    elif change == "threshold":
        settings = replace(settings, limits=LesionLimits(threshold=0.5))
    elif change == "model":
        settings = replace(settings, hashes=settings.hashes | {"ms_vs_nmosd": "0" * 64})
    elif change == "deleted":
        target.unlink()
    elif change == "cut":
        target.write_bytes(target.read_bytes()[:-1])
    assert is_done(case, settings, out) == (change == "no")
    if change == "model":
        assert process_case(case, settings, out).status == "stop"
        return
    assert process_case(case, settings, out).status == ("kept" if change == "no" else "done")
    assert is_done(case, settings, out)
    nibabel.load(target).get_fdata()


def test_a_copy_of_the_inputs_is_no_change(case, settings, out):
    process_case(case, settings, out)
    before = read_record(out, case)
    os.utime(case.path)
    assert not is_done(case, settings, out)
    assert process_case(case, settings, out).status == "kept"
    assert is_done(case, settings, out)
    assert read_record(out, case)["case"] == before["case"]
    assert process_case(case, settings, out, resume=False).status == "done"


def test_results_that_are_no_longer_made_go(case, settings, out, tmp_path):
    process_case(case, settings, out)
    process_case(case, replace(settings, masks="use"), out)
    assert not (out / "a" / "a_desc-lesion_mask.nii.gz").exists()
    listed = {file["name"] for file in read_record(out, case)["files"]}
    there = [*(out / "a").iterdir(), *out.glob("qc/*/*")]
    assert {path.relative_to(out).as_posix() for path in there} == listed


@pytest.mark.parametrize(
    ("stage", "where"),
    [
        ("read", "WorkingScan"),
        ("segment", "segment_scan"),
        ("classify", "classify_slices"),
        ("explain", "explain_slices"),
    ],
)
def test_a_failure_is_recorded_with_its_stage(case, settings, out, monkeypatch, stage, where):
    def broken(*_, **__):
        raise BackendError(f"could not, for {case.path}\nand more")

    monkeypatch.setattr(processing if stage == "read" else analysis, where, broken)
    outcome = process_case(case, settings, out)
    assert (outcome.status, outcome.error) == ("failed", "BackendError")
    failure = read_record(out, case)["failure"]
    assert failure["stage"] == stage
    assert failure["reason"] == "could not, for jane-doe.nii.gz and more"
    assert not is_done(case, settings, out)


def test_reasons_hold_no_uid_and_no_description(case, settings, out, monkeypatch):
    def several(*_, **__):
        raise SeriesError(
            "jane: no usable series: 1.2.826.0.1.3680043.9 'DOE JANE', axial; 1.2.840.1.9, sagittal"
        )

    monkeypatch.setattr(processing, "WorkingScan", several)
    outcome = process_case(case, settings, out)
    assert outcome.reason == "jane: no usable series: a series, axial; a series, sagittal"


def test_defects_and_full_memories_are_failures_of_one_case(case, settings, out, monkeypatch):
    for error in (MemoryError(), ZeroDivisionError("x")):

        def broken(*_, error=error, **__):
            raise error

        monkeypatch.setattr(analysis, "segment_scan", broken)
        assert process_case(case, settings, out).error == type(error).__name__


def test_a_full_disk_stops_the_run_and_leaves_no_record(case, settings, out, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("spinalcord.scans.writing.os.fsync", full)
    outcome = process_case(case, settings, out)
    assert outcome.status == "stop"
    assert "No space left on device" in outcome.reason
    assert read_record(out, case) is None
    assert list(out.rglob("*.part")) == []
    assert fail(case, out, "WorkerDied", "gone").status == "stop"


def test_failures_on_a_full_disk_stop_too(case, settings, out, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    os.unlink(case.path)
    monkeypatch.setattr("spinalcord.scans.writing.os.fsync", full)
    assert process_case(case, settings, out).status == "stop"


def test_other_models_on_a_worker_stop_the_run(case, settings, out):
    other = replace(settings, hashes=settings.hashes | {"segmentation": "1" * 64})
    outcome = process_case(case, other, out)
    assert (outcome.status, outcome.error) == ("stop", "ModelError")
    assert "another one than where the run was started" in outcome.reason


def test_models_are_opened_once(case, settings, out, stand_in):
    for name in "abc":
        assert process_case(replace(case, case_id=name), settings, out).status == "done"
    assert _core.Network.opened == 4


def test_a_dead_worker_s_case_is_recorded(case, out):
    assert fail(case, out, "WorkerDied", "it died").status == "failed"
    assert read_record(out, case)["failure"]["reason"] == "it died"


def test_contrast_must_lie_on_the_grid(case, settings, out, tmp_path):
    save_scan(tmp_path / "t1.nii.gz")
    good = replace(case, t1c=str(tmp_path / "t1.nii.gz"))
    assert process_case(good, settings, out).status == "done"
    assert read_record(out, good)["case"]["t1c"] == "given"
    image = nibabel.load(tmp_path / "t1.nii.gz")
    moved = image.affine.copy()
    moved[2, 3] += 40
    nibabel.Nifti1Image(image.get_fdata(), moved).to_filename(tmp_path / "t1.nii.gz")
    outcome = process_case(good, settings, out)
    assert (outcome.status, outcome.error) == ("failed", InputError.__name__)
    assert "another grid" in outcome.reason


def test_the_label_of_lesion_is_part_of_what_results_depend_on(case, settings, out):
    labelled = replace(settings, lesion_label=2)
    assert settings.key(case, {}) != labelled.key(case, {})
    image = nibabel.load(case.mask)
    values = np.asarray(image.dataobj).astype(np.uint8)
    nibabel.save(nibabel.Nifti1Image(values * 2 + (values == 0), image.affine), case.mask)
    assert process_case(case, replace(labelled, masks="use"), out).status == "done"
    voxel = abs(np.linalg.det(image.affine[:3, :3]))
    row = read_record(out, case)["case"]
    assert row["lesion_volume_mm3"] == pytest.approx(values.sum() * voxel)
