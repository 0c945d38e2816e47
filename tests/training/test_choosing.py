"""spinalcord.training.choosing: limits are chosen on lesions as `segment` outlines them."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
from model_files import SEGMENTATION
from stand_ins import lesion_of, stored, working_array

import spinalcord as sc
from spinalcord.errors import InputError
from spinalcord.models.model_file import read_model, write_model

CHOICES = [
    (0.5, 0.0, 0.0, 0.0, 0.0),
    (0.5, 100.0, 0.0, 0.0, 0.0),
    (0.5, 0.0, 4.0, 0.0, 0.0),
    (0.5, 0.0, 0.0, 1.0, 0.0),
    (0.9, 20.0, 3.5, 0.9, 0.5),
]

pytest.importorskip("torch", reason="torch is not installed")
choosing = pytest.importorskip("spinalcord.training.choosing")


def save(volume, path):
    nibabel.save(nibabel.Nifti1Image(volume.array, volume.affine), path)
    return str(path)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_choice_is_measured_as_segment_would_outline_it(tmp_path, cord_folder, axes):
    array = working_array()
    array[4, 60:66, 33:37] = 0  # one slice shows this lesion
    truth = lesion_of(array)
    truth[:, :24] = 0  # and a part of another is no lesion
    row = {
        "path": save(stored(array, axes), tmp_path / "t2.nii.gz"),
        "mask": save(stored(truth, axes), tmp_path / "mask.nii.gz"),
    }
    pipeline = sc.Pipeline(cord_folder)
    expected = []
    for choice in CHOICES:
        found = pipeline.segment(row["path"], **dict(zip(choosing.LIMITS, choice, strict=True)))
        a, b = found.mask.array > 0, stored(truth, axes).array > 0
        expected.append(2 * (a & b).sum() / (a.sum() + b.sum()))
    assert expected[0] != expected[1]
    assert expected[0] != expected[2]
    found, ill = choosing.measure_choices(pipeline, row["path"], row["mask"], CHOICES)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert ill


def test_slices_that_were_not_annotated_do_not_count(tmp_path, cord_folder):
    array = working_array()
    truth = lesion_of(array)
    shown = np.flatnonzero(truth.any((1, 2)))
    path = save(stored(array, (0, 1, 2)), tmp_path / "t2.nii.gz")
    values = truth.astype(np.uint8)
    values[shown[0]] = 0
    whole, ill = choosing.measure_choices(
        sc.Pipeline(cord_folder), path, save(stored(values, (0, 1, 2)), tmp_path / "a.nii.gz"),
        CHOICES[:1],
    )  # fmt: skip
    assert ill
    assert whole[0] < 1
    values[shown[0]] = 9
    label = {"lesion": 1, "unannotated": 9}
    with pytest.warns(sc.errors.SpinalcordWarning, match="were not annotated"):
        found, ill = choosing.measure_choices(
            sc.Pipeline(cord_folder), path, save(stored(values, (0, 1, 2)), tmp_path / "b.nii.gz"),
            CHOICES[:1], lesion_label=label,
        )  # fmt: skip
    assert ill
    assert found[0] > whole[0]


def test_false_lesions_limit_the_choice():
    """The second choice is best, but has a false lesion in half of the scans without any."""
    dice = {
        "MS": [np.array([0.1, 0.5, 0.3, 0.4])],
        "NMOSD": [np.array([0.9, 0.9, 0.8, 0.6])] * 3,
        choosing.FREE: [np.array([1.0, 0.0, 1.0, 1.0]), np.ones(4)],
    }
    assert choosing.choose_limits(dice, 0.5) == 1
    assert choosing.choose_limits(dice, 0.1) == 2
    with pytest.raises(InputError, match="there is no validation scan without lesion"):
        choosing.choose_limits({"MS": dice["MS"]}, 0.1)
    dice[choosing.FREE] = [np.zeros(4), np.ones(4)]
    with pytest.raises(InputError, match="no choice has fewer than 50% false, 10% asked"):
        choosing.choose_limits(dice, 0.1)
    assert choosing.least_false(dice) == 0.5
    assert choosing.choose_limits(dice, None) == 1
    assert choosing.least_false({"MS": dice["MS"]}) is None
    with pytest.raises(InputError, match="no validation scan has a lesion"):
        choosing.choose_limits({choosing.FREE: dice[choosing.FREE]}, None)


def test_what_is_frozen_leaves_the_weights(tmp_path):
    tensors = {"a.weight": np.linspace(-1, 1, 7, dtype=np.float16).astype(np.float32),
               "a.running_var": np.array([1e-9, 3.3], np.float32)}  # fmt: skip
    path = write_model(tmp_path / "s.safetensors", tensors, SEGMENTATION)
    labels = {"threshold": 0.7, "threshold_from": "validation"}
    out = choosing.freeze(path, labels, tmp_path / "t.safetensors", name="other")
    model = read_model(out)
    assert model.metadata["labels"] == {**SEGMENTATION["labels"], **labels}
    assert model.name == "other"
    after = choosing.stored_tensors(out)
    assert sorted(after) == sorted(tensors)
    assert all(np.array_equal(tensors[name], after[name]) for name in tensors)
    choosing.freeze(out, {"threshold": 0.6})
    assert read_model(out).threshold == 0.6
