"""BIDS folders: which scans are cases, which masks are theirs, what participants.tsv adds."""

from __future__ import annotations

import os

import pytest
from cohorts import touch

from spinalcord.cohort.listing import list_cohort
from spinalcord.errors import InputError, SpinalcordWarning
from spinalcord.run_options import CohortInputs


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
    assert all(
        case.mask is None for case in list_cohort(tmp_path, CohortInputs(masks="ignore")).cases
    )
    assert all(case.t1c is None for case in list_cohort(tmp_path, CohortInputs(t1c=False)).cases)


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
    assert len(list_cohort(tmp_path, CohortInputs(masks="ignore")).cases) == 1


def test_what_is_refused(tmp_path):
    touch(tmp_path, "sub-01/anat/sub-01_T1w.nii.gz")
    with pytest.raises(InputError, match="no T2w scan"):
        list_cohort(tmp_path)
    touch(tmp_path, "sub-01/anat/sub-01_T2w.nii.gz")
    (tmp_path / "participants.tsv").write_text("name\tage\nx\t3\n")
    with pytest.raises(InputError, match="no column participant_id"):
        list_cohort(tmp_path)
    (tmp_path / "participants.tsv").write_text("participant_id\nsub-01\n01\n")
    with pytest.raises(InputError, match="sub-01 occurs twice"):
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


def test_masks_that_are_not_used_are_said(tmp_path):
    touch(
        tmp_path,
        "sub-01/anat/sub-01_acq-sag_T2w.nii.gz",
        "sub-01/anat/sub-01_acq-ax_T2w.nii.gz",
        "derivatives/l/sub-01/anat/sub-01_acq-sag_T2w_lesion-manual.nii.gz",
        "derivatives/l/sub-01/anat/sub-01_acq-sag_T2w_lesion-manual.json",
        "derivatives/l/sub-01/anat/sub-01_acq-ax_label-lesion_mask.nii.gz",
        "derivatives/l/sub-01/anat/sub-01_acq-sag_space-PAM50_label-lesion_mask.nii.gz",
        "derivatives/l/sub-01/anat/sub-01_acq-sag_label-lesion_probseg.nii.gz",
        "derivatives/l/sub-01/anat/sub-01_acq-sag_label-cord_mask.nii.gz",
    )
    with pytest.warns(SpinalcordWarning, match="3 files in derivatives have lesion in their name"):
        found = list_cohort(tmp_path)
    assert found.cases[0].mask.endswith("_lesion-manual.nii.gz")
    (note,) = found.notes
    assert "sub-01_acq-ax_label-lesion_mask.nii.gz" in note
    assert "PAM50" in note
    assert "cord" not in note
    assert str(tmp_path) not in note


def test_indices_and_the_order_of_entities_do_not_matter(tmp_path):
    touch(
        tmp_path,
        "sub-01/anat/sub-01_run-1_T2w.nii.gz",
        "sub-01/anat/sub-01_run-2_T2w.nii.gz",
        "derivatives/l/sub-01/anat/sub-01_label-lesion_run-02_mask.nii.gz",
    )
    first, second = list_cohort(tmp_path).cases
    assert first.mask is None
    assert second.mask.endswith("run-02_mask.nii.gz")


def test_a_sidecar_may_state_the_coding(tmp_path):
    touch(tmp_path, *(f"sub-0{i}/anat/sub-0{i}_T2w.nii.gz" for i in (1, 2, 3)))
    (tmp_path / "participants.tsv").write_text(
        "Participant_ID\tSEX\tdx\n01\t1\tMS\n02\t2\tA\n03\t3\tNMO\n"
    )
    (tmp_path / "participants.json").write_text(
        '{"Sex": {"Levels": {"1": "male", "2": {"Description": "Female"}, "3": "other"}},'
        ' "dx": {"Levels": {"A": "astrocytoma"}}}'
    )
    with pytest.warns(SpinalcordWarning, match=r"sex: 1 of 3 cases .*: '3' \(1\)"):
        found = list_cohort(tmp_path, CohortInputs(columns={"diagnosis": "DX"}))
    assert [case.truth["sex"] for case in found.cases] == ["M", "F", "3"]
    assert [case.diagnosis for case in found.cases] == ["MS", "astrocytoma", "NMOSD"]
    with pytest.warns(SpinalcordWarning, match="sex: 1 of 3"):
        stated = list_cohort(tmp_path, CohortInputs(words={"sex": {"2": "M"}}))
    assert stated.cases[1].truth["sex"] == "M"
    (tmp_path / "participants.json").write_text("{")
    with pytest.raises(InputError, match=r"participants\.json: cannot be read as JSON"):
        list_cohort(tmp_path)


def test_participants_and_folders_that_do_not_meet_are_said(tmp_path):
    touch(tmp_path, "sub-01/anat/sub-01_T2w.nii.gz", "sub-02/anat/sub-02_T2w.nii.gz")
    (tmp_path / "participants.tsv").write_text("participant_id\tage\nsub-1\t40\nsub-02\t50\n")
    with pytest.warns(SpinalcordWarning) as heard:
        found = list_cohort(tmp_path)
    said = [str(one.message) for one in heard]
    assert said == list(found.notes)
    assert said == [
        "1 participants of participants.tsv have no T2w scan here: sub-1",
        "1 participants with a T2w scan are not in participants.tsv: sub-01",
    ]


def test_a_row_without_a_participant_is_refused(tmp_path):
    touch(tmp_path, "sub-01/anat/sub-01_T2w.nii.gz")
    (tmp_path / "participants.tsv").write_text("participant_id\tage\nn/a\t40\n")
    with pytest.raises(InputError, match="line 2, column participant_id: no participant_id"):
        list_cohort(tmp_path)
