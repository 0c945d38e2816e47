"""Plain folders: scan files at any depth, their masks, folders of DICOM files."""

from __future__ import annotations

import os

import pytest
from cohorts import touch

from spinalcord.cohort.listing import list_cohort
from spinalcord.errors import InputError
from spinalcord.run_options import CohortInputs

DICOM = bytes(128) + b"DICM"


def test_files_masks_and_dicom_folders(tmp_path):
    touch(tmp_path, "b.nii.gz", "b_mask.nii.gz", "a.mha", "notes.txt", ".hidden.nii")
    touch(tmp_path, "deep/er/c.nrrd", "deep/er/c_desc-lesion_mask.nrrd", "empty/readme.txt")
    touch(tmp_path, "p1/s1/i1", "p1/s1/i2", "p1/s2/i1", content=DICOM)
    touch(tmp_path, "p2/x.dcm")
    cases = {case.case_id: case for case in list_cohort(tmp_path).cases}
    assert list(cases) == ["a", "b", "deep-er-c", "p1", "p2"]
    assert cases["b"].mask == str(tmp_path / "b_mask.nii.gz")
    assert cases["deep-er-c"].mask == str(tmp_path / "deep/er/c_desc-lesion_mask.nrrd")
    assert cases["p1"].path == str(tmp_path / "p1")
    ignored = {
        case.case_id: case for case in list_cohort(tmp_path, CohortInputs(masks="ignore")).cases
    }
    assert list(ignored) == list(cases)
    assert ignored["b"].mask is None


def test_segmentations_of_slicer_and_masks_by_a_dash_are_no_cases(tmp_path):
    touch(tmp_path, "a.nii.gz", "a.seg.nrrd", "b.nii", "b-lesion.nii.gz")
    cases = {case.case_id: case.mask for case in list_cohort(tmp_path).cases}
    assert cases == {"a": str(tmp_path / "a.seg.nrrd"), "b": str(tmp_path / "b-lesion.nii.gz")}


def test_results_in_the_folder_are_no_cases(tmp_path):
    touch(tmp_path, "a.nii", "out/.spinalcord/lock", "out/a/a_x.nii", "new/a/a_x.nii")
    (case,) = list_cohort(tmp_path, out=tmp_path / "new").cases
    assert case.case_id == "a"


def test_what_is_refused(tmp_path):
    with pytest.raises(InputError, match="no scan in it"):
        list_cohort(tmp_path)
    touch(tmp_path, "a.nii", "a.nii.gz")
    with pytest.raises(InputError, match="case a occurs twice"):
        list_cohort(tmp_path)
    touch(tmp_path, "i1", content=DICOM)
    with pytest.raises(InputError, match=r"DICOM files lie in it directly \(i1\)"):
        list_cohort(tmp_path)


def test_an_unreadable_folder_is_named(tmp_path, monkeypatch):
    touch(tmp_path, "p/a.nii")
    real = os.scandir

    def refuse(path):
        if str(path).endswith("/p"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(InputError, match=r"/p: cannot be read: Permission denied"):
        list_cohort(tmp_path)


def test_of_several_masks_the_lesions_is_taken_or_none(tmp_path):
    touch(tmp_path, "a.nii", "a_seg.nii", "a_lesion.nii")
    (case,) = list_cohort(tmp_path).cases
    assert case.mask == str(tmp_path / "a_lesion.nii")
    touch(tmp_path, "a_lesion-manual.nii")
    with pytest.raises(InputError, match=r"a\.nii has 2 masks beside it .*table of cases"):
        list_cohort(tmp_path)
    (ignored,) = list_cohort(tmp_path, CohortInputs(masks="ignore")).cases
    assert ignored.mask is None
