"""Deletion and insertion: exact for a network whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from spinalcord.analysis.attribution import Curves, trace_curves
from spinalcord.analysis.attribution.perturbation_curves import STEPS, stretched

from .networks import Answers, sample

SIDE = 40


@pytest.fixture
def images():
    images = np.zeros((3, 3, SIDE, SIDE), np.float32)
    images[:, 1] = 0.25
    images[:, 1, 10:20, 10:26] = 1  # a tenth of the pixels
    images[:, 2, 10:20, 10:26] = 1
    return images


def bright(image):
    """The share of a lesion's pixels that are as bright as they were."""
    return float((image[1, 10:20, 10:26] == 1).mean())


def test_curves_of_the_best_map_and_the_worst(images):
    best = images[:, 1]
    found = trace_curves(Answers(bright), images, best, 1)
    assert found.fractions == tuple(np.arange(STEPS + 1) / STEPS)
    np.testing.assert_allclose(found.deletion, [1, 0.5, 0] + [0] * 18, atol=1e-6)
    np.testing.assert_allclose(found.insertion, [0, 0.5, 1] + [1] * 18, atol=1e-6)
    assert found.deletion_auc == pytest.approx(0.05, abs=1e-6)
    assert found.insertion_auc == pytest.approx(0.95, abs=1e-6)
    worst = trace_curves(Answers(bright), images, -best, 1)
    assert worst.deletion_auc == pytest.approx(0.95, abs=1e-6)
    assert worst.insertion_auc == pytest.approx(0.05, abs=1e-6)


def test_curves_are_those_of_the_answer_that_is_explained(images):
    positive = trace_curves(Answers(bright), images, images[:, 1], 1)
    negative = trace_curves(Answers(bright), images, images[:, 1], 0)
    np.testing.assert_allclose(negative.deletion, 1 - np.array(positive.deletion), atol=1e-6)


def test_the_mask_stays_and_no_image_is_changed(images):
    before = images.copy()

    def check(image):
        np.testing.assert_array_equal(image[2], before[0, 2])
        return 0.5

    network = Answers(check)
    trace_curves(network, images, images[:, 1], 1)
    np.testing.assert_array_equal(images, before)
    assert network.images == len(images) * (2 * STEPS + 1)


def test_slices_are_ranked_each_for_itself(images):
    maps = images[:, 1] * np.array([1, 100, 1e4], np.float32)[:, None, None]
    assert trace_curves(Answers(bright), images, maps, 1).deletion[2] == pytest.approx(0, abs=1e-6)


def test_coarse_maps_are_stretched_over_the_image():
    fine = stretched(np.array([[[0, 1], [2, 3]]], np.float32), (64, 32))
    assert fine.shape == (1, 64, 32)
    assert (fine[0, 0, 0], fine[0, -1, -1]) == (0, 3)
    assert fine[0].mean() == pytest.approx(1.5)
    assert fine[0, 16, 8] < fine[0, 48, 24]


def test_curves_come_as_plain_values():
    found = Curves((0.0, 0.5, 1.0), (1.0, 0.5, 0.0), (0.0, 1.0, 1.0)).to_dict()
    assert found == {
        "fractions": [0, 0.5, 1],
        "deletion": [1, 0.5, 0],
        "insertion": [0, 1, 1],
        "deletion_auc": 0.5,
        "insertion_auc": 0.75,
    }


def test_random_images_stay_between_0_and_1():
    images = sample()
    network = Answers(lambda image: float(np.clip(image[1].mean(), 0, 1)))
    found = trace_curves(network, images, images[:, 1], 1)
    assert all(0 <= p <= 1 for p in (*found.deletion, *found.insertion))
