"""The models that come with the package, on cases that they never saw."""

from __future__ import annotations

import numpy as np
import pytest

import spinalcord as sc
from spinalcord.demo.demo_run import run_demo
from spinalcord.models.folder import ROLES, WEIGHTS_DIR, find_models
from spinalcord.phantom import insert_lesion

pytestmark = pytest.mark.slow


def overlap(found, drawn):
    a, b = np.asarray(found) > 0, np.asarray(drawn) > 0
    return 2 * int((a & b).sum()) / int(a.sum() + b.sum())


def test_all_four_are_there_and_say_that_they_are_synthetic():
    models = find_models(WEIGHTS_DIR).models
    assert set(models) == set(ROLES)
    assert all("synthetic" in model.notice for model in models.values())


def test_the_demo_outlines_the_lesion_and_names_it():
    demo = run_demo()
    assert demo.dice > 0.7
    assert demo.answer == demo.truth


def test_a_healthy_scan_has_no_lesion_and_one_that_is_put_in_is_found(scans):
    """errsm_18 was kept out of every training and every choice."""
    folder = scans / "nifti_cord" / "errsm_18"
    scan, cord = folder / "t2.nii.gz", folder / "t2_manual_segmentation.nii.gz"
    pipeline = sc.Pipeline()
    assert not pipeline.segment(scan).found
    made = insert_lesion(scan, cord, "ependymoma", seed=1, difficulty=0.2)
    found = pipeline.segment(made.volume)
    assert found.found
    assert overlap(found.mask.array, made.lesion.array) > 0.5
