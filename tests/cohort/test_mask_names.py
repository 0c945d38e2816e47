"""Names of lesion masks: which scan they name, and which files they are not."""

from __future__ import annotations

import pytest

from spinalcord.cohort.mask_names import parse_name

SCAN = parse_name("sub-01_ses-2_run-1_T2w.nii.gz")


@pytest.mark.parametrize(
    "tail",
    [
        "label-lesion_mask", "desc-lesion_mask", "label-lesion_dseg", "label-lesion_seg",
        "T2w_lesion-manual", "T2w_lesion", "T2w_lesion_seg", "T2w_label-lesion",
        "T2w_label-lesion_mask", "space-orig_label-lesion_mask", "space-T2w_desc-lesion_mask",
        "label-lesion_desc-rater1_mask", "lesionseg", "T2w_lesion_manual", "T2w_seg-lesion",
    ],
)  # fmt: skip
@pytest.mark.parametrize("start", ["sub-01_ses-2_run-1", "sub-01_run-01_ses-2"])
def test_names_that_are_found(start, tail):
    assert parse_name(f"{start}_{tail}.nii.gz").fits(SCAN.entities)


@pytest.mark.parametrize(
    "name",
    [
        "sub-01_ses-2_run-1_label-cord_mask", "sub-01_ses-2_run-1_T2w",
        "sub-01_ses-2_run-1_space-PAM50_label-lesion_mask",
        "sub-01_ses-2_run-1_space-MNI152_T2w_lesion", "sub-01_ses-2_run-2_label-lesion_mask",
        "sub-01_ses-1_run-1_label-lesion_mask", "sub-01_run-1_label-lesion_mask",
        "sub-01_ses-2_run-1_acq-ax_label-lesion_mask", "sub-02_ses-2_run-1_label-lesion_mask",
        "sub-01_ses-2_run-1_T1w_lesion", "sub-01_ses-2_run-1_T2star_label-lesion_mask",
        "sub-01_ses-2_run-1_label-lesion_probseg", "sub-01_ses-2_run-1_desc-lesion_T2w",
        "sub-01_ses-2_run-1_desc-lesionfilled_T2w", "sub-1_ses-2_run-1_label-lesion_mask",
    ],
)  # fmt: skip
def test_names_that_are_others(name):
    assert not parse_name(f"{name}.nii.gz").fits(SCAN.entities)


@pytest.mark.parametrize("name", ["sub-01_label-lesion_mask.json", "lesion.nii.gz", "sub-01.mgz"])
def test_names_of_no_subjects_image(name):
    assert parse_name(name) is None
