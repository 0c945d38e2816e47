"""spinalcord.training.cache: what is stored is what the pipeline itself prepares."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinalcord.cohort.listing import CohortCase
from spinalcord.errors import InputError, SpinalcordWarning
from spinalcord.models.model_file import Model
from spinalcord.scans.preparation import LesionSlices, WorkingScan
from spinalcord.training.cache import CORD, LESION, cord_counts, ignore_cord, prepare_cases

SETTINGS = {"mode": "physical", "pixel_mm": 1.0, "size": [256, 256], "clip": 5.0}
SEGMENTATION = {
    "network": "multiresunet", "in_channels": 1, "preprocessing": SETTINGS,
    "labels": {"kind": "segmentation"},
}  # fmt: skip
TASK = {
    "network": "densenet121", "in_channels": 3, "preprocessing": SETTINGS,
    "labels": {"kind": "classification", "task": "ms_vs_nmosd"},
}  # fmt: skip


@pytest.fixture
def one(bids):
    anat = bids / "derivatives" / "truth" / "sub-01" / "anat"
    return CohortCase(
        "sub-01", "sub-01", str(bids / "sub-01" / "anat" / "sub-01_T2w.nii.gz"),
        str(anat / "sub-01_label-lesion_mask.nii.gz"),
        cord=str(anat / "sub-01_label-cord_mask.nii.gz"),
    )  # fmt: skip


def test_slices_are_those_of_segment(one, tmp_path):
    (entry,) = prepare_cases([one], SEGMENTATION, tmp_path)
    scan = WorkingScan(one.path)
    images, _ = scan.segmentation_images(Model(Path("m"), SEGMENTATION, ()))
    assert entry.shape == (3, 48, 48)
    np.testing.assert_allclose(entry.images(), images, atol=1e-5)
    np.testing.assert_array_equal(entry.image(1), entry.images()[1])
    lesion = scan.mask(one.mask)
    # At 1 mm the grid is the scan's own, with zeros after it.
    np.testing.assert_array_equal((entry.targets() & LESION)[:, :, :40] > 0, lesion > 0)
    np.testing.assert_array_equal((entry.target(1) & CORD)[:, :40] > 0, scan.mask(one.cord)[1] > 0)
    assert lesion.any()
    assert entry.lesion == (1,)
    assert entry.cord == (1,)
    assert entry.has_cord


def test_a_cord_that_was_not_drawn_is_not_known(one, tmp_path):
    # A map that states a value for the cord, in a mask that never has it.
    with pytest.warns(SpinalcordWarning, match="no voxel is cord; the cord counts as not"):
        (entry,) = prepare_cases(
            [replace(one, cord=None)], SEGMENTATION, tmp_path, lesion_label={"lesion": 1, "cord": 7}
        )
    assert not entry.has_cord
    assert entry.lesion == (1,)
    assert cord_counts([entry]) == (
        "the cord is known in 0 of 1 cases; the others are ignored for it"
    )
    (entry,) = prepare_cases([one], SEGMENTATION, tmp_path)
    assert entry.has_cord
    assert cord_counts([entry]) == ""
    (entry,) = prepare_cases([ignore_cord(one)], SEGMENTATION, tmp_path)
    assert (entry.has_cord, entry.cord, entry.ends) == (False, (), ())


def test_windows_are_those_of_classify(one, tmp_path):
    (entry,) = prepare_cases([one], TASK, tmp_path)
    scan = WorkingScan(one.path)
    want, _, _ = LesionSlices(scan, scan.mask(one.mask)).images(Model(Path("m"), TASK, ()))
    assert want[:, 2].any()
    assert not want[:, 0].any()
    np.testing.assert_allclose(entry.images(), want, atol=1e-5)
    assert entry.shape == (1, 256, 256)
    assert not entry.has_t1c


def test_a_narrow_window_is_the_middle_of_a_whole_one(one, tmp_path):
    (entry,) = prepare_cases([one], TASK, tmp_path)
    scan = WorkingScan(one.path)
    narrow = {**TASK, "preprocessing": {**SETTINGS, "size": [224, 96]}}
    want, _, _ = LesionSlices(scan, scan.mask(one.mask)).images(Model(Path("m"), narrow, ()))
    assert want.shape == (1, 3, 224, 96)
    assert want[:, 2].any()
    np.testing.assert_allclose(entry.images()[:, :, 16:240, 80:176], want, atol=1e-5)


def test_what_is_prepared_is_not_prepared_again(one, tmp_path):
    (first,) = prepare_cases([one], SEGMENTATION, tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(before) == 3
    (second,) = prepare_cases([one], SEGMENTATION, tmp_path)
    assert second == first
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    other = {**SEGMENTATION, "preprocessing": {**SETTINGS, "pixel_mm": 2.0}}
    (coarse,) = prepare_cases([one], other, tmp_path)
    assert coarse.key != first.key
    assert coarse.shape == (3, 32, 32)


def test_facts_that_cannot_be_read_are_named(one, tmp_path):
    (entry,) = prepare_cases([one], SEGMENTATION, tmp_path)
    about = tmp_path / f"{entry.key}.json"
    about.write_text("{")
    with pytest.raises(InputError, match=rf"{about}: what was prepared cannot be read"):
        prepare_cases([one], SEGMENTATION, tmp_path)
    about.unlink()
    about.mkdir()
    (about / "x").touch()  # a folder is prepared over, and cannot be replaced
    with pytest.raises(InputError, match=entry.key):
        prepare_cases([one], SEGMENTATION, tmp_path)


def test_a_scan_that_has_gone_is_named(one, tmp_path):
    with pytest.raises(InputError, match=r"gone\.nii"):
        prepare_cases([replace(one, path="gone.nii")], SEGMENTATION, tmp_path)


def test_a_prepared_file_that_cannot_be_read_is_named(one, tmp_path):
    """Found by failing calls of the system in turn."""
    (entry,) = prepare_cases([one], SEGMENTATION, tmp_path)
    path = tmp_path / f"{entry.key}.targets.npy"
    assert path.exists()
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(InputError, match=r"\.targets\.npy: what was prepared cannot be read"):
        entry.targets()
    path.unlink()
    with pytest.raises(InputError, match="No such file"):
        entry.target(0)
