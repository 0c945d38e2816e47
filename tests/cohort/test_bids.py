"""BIDS folders: which scans are cases, which masks are theirs, what participants.tsv adds."""

from __future__ import annotations

import os

import pytest
from cohorts import touch

from spinalcord.cohort.listing import list_cohort
from spinalcord.errors import InputError


def test_scans_masks_and_participants(tmp_path):
    touch(
        tmp_path,
        "sub-01/anat/sub-01_T2w.nii.gz",
        "sub-01/anat/sub-01_T2w.json",
        "sub-01/anat/sub-01_ce-gadolinium_T1w.nii.gz",
        "sub-01/anat/sub-01_T1w.nii.gz",
        "sub-02/ses-1/anat/sub-02_ses-1_acq-sag_T2w.nii.gz",
        "sub-02/ses-1/anat/sub-02_ses-1_acq-ax_T2w.nii.gz",
        "sub-02/ses-2/anat/sub-02_ses-2_T2w.nii",
        "derivatives/labels/sub-01/anat/sub-01_desc-lesion_mask.nii.gz",
        "derivatives/labels/sub-01/anat/sub-01_desc-cord_mask.nii.gz",
        "derivatives/sct/sub-02/ses-2/anat/sub-02_ses-2_label-lesion_mask.nii.gz",
    )
    (tmp_path / "participants.tsv").write_text(
        "participant_id\tdiagnosis\tage\treader_1\tbirth_date\n"
        "sub-01\tms\t33\tNMOSD\t1990-01-01\n"
        "02\tn/a\tn/a\tMS\t1991-01-01\n"
    )
    found = list_cohort(tmp_path)
    assert [case.case_id for case in found.cases] == [
        "sub-01",
        "sub-02_ses-1_acq-sag",
        "sub-02_ses-2",
    ]
    first, sagittal, second = found.cases
    labels = tmp_path / "derivatives/labels/sub-01/anat/sub-01_desc-lesion_mask.nii.gz"
    assert first.mask == str(labels)
    assert first.t1c == str(tmp_path / "sub-01/anat/sub-01_ce-gadolinium_T1w.nii.gz")
    assert first.truth == {"reference_diagnosis": "MS", "age": "33", "reader_1": "NMOSD"}
    assert (sagittal.mask, sagittal.t1c) == (None, None)
    assert second.mask is not None
    assert sagittal.participant_id == second.participant_id == "sub-02"
    assert second.truth == {"reader_1": "MS"}
    assert second.folder == "sub-02/ses-2/anat"
    assert found.columns == ("reader_1",)
    assert "1990" not in repr(found)
    assert all(case.mask is None for case in list_cohort(tmp_path, masks="ignore").cases)
    assert all(case.t1c is None for case in list_cohort(tmp_path, t1c=False).cases)


def test_results_of_a_run_are_no_reference(tmp_path):
    touch(
        tmp_path,
        "sub-01/anat/sub-01_T2w.nii.gz",
        "derivatives/run/.spinalcord/lock",
        "derivatives/run/sub-01/anat/sub-01_desc-lesion_mask.nii.gz",
        "derivatives/new/sub-01/anat/sub-01_desc-lesion_mask.nii.gz",
    )
    (case,) = list_cohort(tmp_path, out=tmp_path / "derivatives/new").cases
    assert case.mask is None


def test_dicom_beside_participants(tmp_path):
    touch(
        tmp_path,
        "dicom/sub-01/T2w/i1",
        "dicom/sub-01/ce-gd_T1w/i1",
        "dicom/sub-02/series1/i1",
        "derivatives/truth/sub-01/anat/sub-01_acq-sag_label-lesion_mask.nii.gz",
    )
    (tmp_path / "participants.tsv").write_text("participant_id\tdifficult\nsub-01\ttrue\n")
    first, second = list_cohort(tmp_path).cases
    assert first.path == str(tmp_path / "dicom/sub-01/T2w")
    assert first.t1c == str(tmp_path / "dicom/sub-01/ce-gd_T1w")
    assert first.mask.endswith("sub-01_acq-sag_label-lesion_mask.nii.gz")
    assert first.truth == {"difficult": "true"}
    assert second.path == str(tmp_path / "dicom/sub-02")
    assert (second.mask, second.t1c, second.folder) == (None, None, "sub-02/anat")


def test_two_masks_are_not_guessed_between(tmp_path):
    touch(
        tmp_path,
        "sub-01/anat/sub-01_T2w.nii.gz",
        "derivatives/a/sub-01/anat/sub-01_desc-lesion_mask.nii.gz",
        "derivatives/b/sub-01/anat/sub-01_label-lesion_mask.nii.gz",
    )
    with pytest.raises(InputError, match=r"2 lesion masks .*table of cases"):
        list_cohort(tmp_path)
    assert len(list_cohort(tmp_path, masks="ignore").cases) == 1


def test_what_is_refused(tmp_path):
    touch(tmp_path, "sub-01/anat/sub-01_T1w.nii.gz")
    with pytest.raises(InputError, match="no T2w scan"):
        list_cohort(tmp_path)
    touch(tmp_path, "sub-01/anat/sub-01_T2w.nii.gz")
    (tmp_path / "participants.tsv").write_text("name\tage\nx\t3\n")
    with pytest.raises(InputError, match="no column participant_id"):
        list_cohort(tmp_path)
    (tmp_path / "participants.tsv").write_text("participant_id\nsub-01\n01\n")
    with pytest.raises(InputError, match="sub-01 is there twice"):
        list_cohort(tmp_path)


def test_an_unreadable_folder_is_named(tmp_path, monkeypatch):
    touch(tmp_path, "sub-01/anat/sub-01_T2w.nii.gz")
    real = os.listdir

    def refuse(path):
        if str(path).endswith("anat"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr("os.listdir", refuse)
    with pytest.raises(InputError, match=r"sub-01/anat: cannot be read: Permission denied"):
        list_cohort(tmp_path)
