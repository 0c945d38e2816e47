"""A tiny BIDS cohort with lesions that a network could tell apart, in a few voxels."""

from __future__ import annotations

import json

import nibabel
import numpy as np
import pytest

AFFINE = np.array([[3.3, 0, 0, 0], [0, 0, -1, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]])
DIAGNOSES = ("astrocytoma", "ependymoma", "MS", "NMOSD")


def save(array, path, affine=AFFINE):
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.Nifti1Image(array, affine).to_filename(path)
    return path


def draw_case(seed, *, lesion=True):
    """Scan, lesion and cord of 3 slices, 48 x 40 voxels of 1 mm."""
    rng = np.random.default_rng(seed)
    scan = rng.normal(50, 5, (3, 48, 40))
    mask, cord = np.zeros((2, 3, 48, 40), np.uint8)
    cord[1, 4:44, 16:24] = 1
    scan[cord > 0] += 40
    if lesion:
        row = int(rng.integers(10, 30))
        mask[1, row : row + 8, 17:23] = 1
        scan[mask > 0] += 80
    return scan.astype(np.int16), mask, cord


@pytest.fixture(scope="session")
def bids(tmp_path_factory):
    """Twelve patients: each diagnosis twice in train and once in validation, and a healthy one."""
    folder = tmp_path_factory.mktemp("cohort") / "bids"
    rows = ["participant_id\tdiagnosis\tsplit"]
    names = [(d, s) for d in DIAGNOSES for s in ("train", "train", "validation")]
    for k, (diagnosis, split) in enumerate([*names, ("n/a", "train"), ("MS", "test")], 1):
        subject = f"sub-{k:02d}"
        scan, mask, cord = draw_case(k, lesion=diagnosis != "n/a")
        save(scan, folder / subject / "anat" / f"{subject}_T2w.nii.gz")
        truth = folder / "derivatives" / "truth" / subject / "anat"
        save(mask, truth / f"{subject}_label-lesion_mask.nii.gz")
        if k % 2:
            save(cord, truth / f"{subject}_label-cord_mask.nii.gz")
        rows.append(f"{subject}\t{diagnosis}\t{split}")
    (folder / "participants.tsv").write_text("\n".join(rows) + "\n")
    about = {"Name": "tiny", "BIDSVersion": "1.9.0", "Notice": "synthetic noise."}
    (folder / "dataset_description.json").write_text(json.dumps(about))
    return folder


@pytest.fixture(scope="session")
def unsplit(tmp_path_factory):
    """Two patients of each diagnosis and two without lesion, all with cord masks; no split."""
    folder = tmp_path_factory.mktemp("unsplit") / "bids"
    rows = ["participant_id\tdiagnosis"]
    for k, diagnosis in enumerate((*DIAGNOSES, "n/a") * 2, 1):
        subject = f"sub-{k:02d}"
        scan, mask, cord = draw_case(k, lesion=diagnosis != "n/a")
        save(scan, folder / subject / "anat" / f"{subject}_T2w.nii.gz")
        truth = folder / "derivatives" / "truth" / subject / "anat"
        save(mask, truth / f"{subject}_label-lesion_mask.nii.gz")
        save(cord, truth / f"{subject}_label-cord_mask.nii.gz")
        rows.append(f"{subject}\t{diagnosis}")
    (folder / "participants.tsv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="session")
def patch_entries(bids, tmp_path_factory):
    """The cohort prepared for segmentation."""
    return _prepared("segmentation", bids, tmp_path_factory)


@pytest.fixture(scope="session")
def window_entries(bids, tmp_path_factory):
    """The cohort prepared for the classifiers."""
    return _prepared("diagnosis", bids, tmp_path_factory)


def _prepared(target, bids, tmp_path_factory):
    pytest.importorskip("torch", reason="torch is not installed")
    from spinalcord.training.cache import prepare_cases
    from spinalcord.training.export import describe
    from spinalcord.training.patients import list_cases
    from spinalcord.training.settings import Settings

    cases, _ = list_cases(bids, target)
    metadata = describe(target, ["lesion", "cord"], "tiny", Settings().prepared(target))
    return prepare_cases(cases, metadata, tmp_path_factory.mktemp("cache"))
