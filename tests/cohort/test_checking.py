"""What a check finds in a cohort."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
from cohorts import save, save_mask, save_scan
from stand_ins import stored, working_array

from spinalcord.cohort.checking import COLUMNS, check_cohort
from spinalcord.errors import InputError


def make_case(folder, name, seed=0, mask=True):
    """A scan that no other equals, with its lesion mask."""
    array = working_array() + np.float32(seed)
    volume = stored(array)
    save(volume.array, volume.affine, folder / f"{name}.nii.gz")
    if mask:
        save_mask((working_array() >= 100).astype(np.uint8), folder / f"{name}_mask.nii.gz")


def row(folder, name, diagnosis, **more):
    """A row of a table of cases."""
    mask = folder / f"{name}_mask.nii.gz"
    given = {"case_id": name, "path": str(folder / f"{name}.nii.gz"), "diagnosis": diagnosis}
    return {**given, "mask": str(mask) if mask.exists() else "", **more}


@pytest.fixture
def sound(tmp_path):
    for seed, name in enumerate("abc"):
        make_case(tmp_path, name, seed)
    make_case(tmp_path, "d", 9, mask=False)
    return [
        row(tmp_path, "a", "MS", split="train"),
        row(tmp_path, "b", "NMOSD", split="train"),
        row(tmp_path, "c", "ependymoma", split="test"),
        row(tmp_path, "d", "healthy", split="test"),
    ]


def test_a_sound_cohort(sound):
    check = check_cohort(sound)
    assert check.sound
    assert check.to_dict()["cases_with_problems"] == {}
    first = check.cases[0]
    assert tuple(first.row) == COLUMNS
    assert first.row["shape"] == "7 x 96 x 80"
    assert first.row["mask"] == "found"
    assert first.row["slices_with_lesion"] == 4
    assert "<img" in first.mosaic
    counts = check.counts()
    assert counts["mask"] == {"found": 3, "not found": 1}
    assert counts["diagnosis and split"]["MS, train"] == 1
    assert sum(counts["spacing"].values()) == 4


def test_oedema_and_cyst_are_counted(tmp_path, sound):
    values = (working_array() >= 100).astype(np.uint8)
    voxels = int(values.sum())
    values[3, :10, 40] = 2
    save_mask(values, tmp_path / "a_mask.nii.gz")
    check = check_cohort(sound[:1], lesion_label={"lesion": 1, "oedema": 2, "cyst": 5})
    shown = check.cases[0].row
    assert check.sound
    assert shown["n_voxels"] == voxels
    assert shown["oedema_mm3"] == round(10 * shown["lesion_mm3"] / voxels, 1)
    assert shown["cyst_mm3"] == ""
    assert "drawn apart from the lesion" in shown["remarks"]


def test_what_is_wrong_with_cases(tmp_path, sound):
    empty = stored(np.zeros((7, 96, 80), np.uint8))
    save(empty.array, empty.affine, tmp_path / "a_mask.nii.gz")
    far = stored(np.ones((7, 96, 80), np.uint8), origin=(0, 0, 900.0))
    save(far.array, far.affine, tmp_path / "b_mask.nii.gz")
    (tmp_path / "c.nii.gz").write_bytes(b"not a scan")
    sound[3] |= {"diagnosis": "MS"}
    found = {each.case.case_id: each for each in check_cohort(sound).cases}
    assert "the mask is empty" in found["a"].problems[0]
    assert "not on the scan's grid, nor where the scan is" in found["b"].problems[0]
    assert found["c"].problems[0].startswith("scan: not a NIfTI file")
    assert "no mask was found" in found["d"].problems[0]
    assert [each.row["mask"] for each in found.values()] == [
        "empty", "unusable", "unusable", "not found"
    ]  # fmt: skip
    assert found["c"].row["status"] == "unreadable"


def test_what_is_wrong_with_a_cohort(tmp_path, sound):
    image = nibabel.load(tmp_path / "a.nii.gz")
    flipped = image.as_reoriented(np.array([[0, -1], [2, 1], [1, -1]]))
    flipped.to_filename(tmp_path / "copy.nii.gz")
    sound.append(row(tmp_path, "copy", "NMOSDD", split="test", participant_id="b"))
    sound[1] |= {"diagnosis": "Multiple skleroses"}
    problems = "\n".join(check_cohort(sound).problems)
    assert "the same scan is there 2 times, of different participants: a, copy" in problems
    assert "participant b is in 2 splits: test, train" in problems
    assert "participant b has 2 diagnoses" in problems
    assert "diagnosis 'NMOSDD' is not known (1 case: copy); did you mean NMOSD?" in problems
    assert "diagnosis 'Multiple skleroses' is not known (1 case: b); did you mean MS?" in problems


def test_no_name_of_a_file_is_told(tmp_path):
    folder = tmp_path / "Doe_Jane"
    folder.mkdir()
    save_scan(folder / "Jane.nii.gz")
    (folder / "JaneMask.nii.gz").write_bytes(b"nothing")
    (folder / "Janet.nii.gz").write_bytes(b"nothing")
    check = check_cohort(
        [
            {"case_id": "x", "path": f"{folder}/Jane.nii.gz", "mask": f"{folder}/JaneMask.nii.gz"},
            {"case_id": "y", "path": f"{folder}/Janet.nii.gz"},
        ]
    )  # fmt: skip
    assert len(check.cases[0].problems) == len(check.cases[1].problems) == 1
    assert "Jane" not in repr(check.to_dict())


def test_a_label_that_is_none(sound):
    with pytest.raises(InputError, match="a label is a whole number"):
        check_cohort(sound, lesion_label=0)
