"""Limits are chosen on lesions as `segment` outlines them, however a scan is stored."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
from model_steps import step
from stand_ins import lesion_of, stored, working_array

import spinalcord as sc

CHOICES = [
    (0.5, 0.0, 0.0, 0.0, 0.0),
    (0.5, 100.0, 0.0, 0.0, 0.0),
    (0.5, 0.0, 4.0, 0.0, 0.0),
    (0.5, 0.0, 0.0, 1.0, 0.0),
    (0.9, 20.0, 3.5, 0.9, 0.5),
]

pytest.importorskip("torch", reason="torch is not installed")


@pytest.fixture(scope="module")
def limits():
    return step("choose_limits")


def save(volume, path):
    nibabel.save(nibabel.Nifti1Image(volume.array, volume.affine), path)
    return str(path)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_choice_is_measured_as_segment_would_outline_it(limits, tmp_path, cord_folder, axes):
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
        found = pipeline.segment(row["path"], **dict(zip(limits.LIMITS, choice, strict=True)))
        a, b = found.mask.array > 0, stored(truth, axes).array > 0
        expected.append(2 * (a & b).sum() / (a.sum() + b.sum()))
    assert expected[0] != expected[1]
    assert expected[0] != expected[2]
    np.testing.assert_allclose(limits.measure(pipeline, row, CHOICES), expected, rtol=1e-12)


def test_false_lesions_limit_the_choice(limits):
    """The second choice is best, but has a false lesion in half of the scans without any."""
    dice = {
        "MS": [np.array([0.1, 0.5, 0.3, 0.4])],
        "NMOSD": [np.array([0.9, 0.9, 0.8, 0.6])] * 3,
        limits.FREE: [np.array([1.0, 0.0, 1.0, 1.0]), np.ones(4)],
    }
    assert limits.choose(dice, 0.5) == 1
    assert limits.choose(dice, 0.1) == 2
    with pytest.raises(SystemExit, match="no validation scan is without lesion"):
        limits.choose({"MS": dice["MS"]}, 0.1)
    dice[limits.FREE] = [np.zeros(4), np.ones(4)]
    with pytest.raises(SystemExit, match="no choice has fewer than 50% false, 10% asked"):
        limits.choose(dice, 0.1)
