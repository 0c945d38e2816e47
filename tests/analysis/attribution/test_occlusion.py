"""Occlusion: exact for scores that are known, also at odd sizes."""

from __future__ import annotations

import numpy as np
import pytest

from spinalcord.analysis.attribution.hiding import flattened
from spinalcord.analysis.attribution.occlusion import CELL_PIXELS, occlude

from .networks import sample


def score(images):
    return images[:, 1, 32:48, 32:48].sum(axis=(1, 2)).astype(np.float64)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_map_is_the_mean_loss_of_the_patches_over_a_pixel(size):
    image = sample(1, 80)[0]
    image[1, 32:48, 32:48] = 1
    found = occlude(score, image, size)
    flat = flattened(image[None])[0]
    total, count = np.zeros((80, 80)), np.zeros((80, 80))
    for row in range(0, 64, CELL_PIXELS):
        for column in range(0, 64, CELL_PIXELS):
            hidden = image.copy()
            part = np.s_[:, row : row + 32, column : column + 32]
            hidden[part] = flat[part]
            total[part[1:]] += score(image[None])[0] - score(hidden[None])[0]
            count[part[1:]] += 1
    np.testing.assert_allclose(found, total / count, rtol=1e-5, atol=1e-6)
    assert found[40, 40] == found.max() > 50
    assert found[8, 8] == 0


@pytest.mark.parametrize("shape", [(32, 32), (33, 47), (40, 70), (17, 90)])
def test_every_pixel_is_covered(shape):
    image = np.random.default_rng(0).random((3, *shape), np.float32)
    weights = np.random.default_rng(1).random(shape) + 1
    image[1] = 1
    image[1, ::2] = 0.5
    found = occlude(lambda x: (x[:, 1] * weights).sum(axis=(1, 2)), image, 4)
    assert found.shape == shape
    assert np.isfinite(found).all()
    asked = np.zeros(shape, bool)

    def differs(images):
        asked[:] |= (images[:, 1] != image[1]).any(axis=0)
        return np.zeros(len(images))

    occlude(differs, image, 4)
    assert asked.all()


def test_only_patches_that_show_something_are_asked_for():
    image = np.zeros((3, 128, 128), np.float32)
    image[1, 64:80, 64:80] = np.arange(256).reshape(16, 16) / 256
    seen = []

    def count(images):
        seen.append(len(images))
        return np.zeros(len(images))

    occlude(count, image, 100)
    assert seen == [1, 4]  # the whole image, and the patches that reach the square
