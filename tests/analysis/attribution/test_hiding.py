"""Hiding: intensities go, the mask and what is beyond the scan stay."""

from __future__ import annotations

import numpy as np

from spinalcord.analysis.attribution.hiding import BLUR_PIXELS, blurred, flattened

from .networks import sample


def test_flattened_is_the_mean_where_there_is_scan():
    images = sample()
    images[:, 1, :, :8] = 0  # beyond the scan
    before = images.copy()
    flat = flattened(images)
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(flat[:, 2], images[:, 2])
    np.testing.assert_array_equal(flat[:, 0], 0)  # no contrast-enhanced scan
    for image, found in zip(images, flat, strict=True):
        shown = image[1] > 0
        np.testing.assert_allclose(found[1][shown], image[1][shown].mean(), rtol=1e-5)
        np.testing.assert_array_equal(found[1][~shown], 0)


def test_blurred_is_a_gaussian_of_the_intensities():
    images = np.zeros((1, 3, 64, 48), np.float32)
    images[0, 1, 32, 20] = 1
    images[0, 2] = 1
    soft = blurred(images)
    np.testing.assert_array_equal(soft[:, 2], 1)
    np.testing.assert_allclose(soft[0, 1].sum(), 1, rtol=1e-5)
    peak = soft[0, 1, 32, 20]
    np.testing.assert_allclose(soft[0, 1, 37, 20] / peak, np.exp(-0.5 * (5 / BLUR_PIXELS) ** 2))
    np.testing.assert_allclose(soft[0, 1, 32, 17], soft[0, 1, 35, 20], rtol=1e-5)
    images[0, 1] = 0.7
    np.testing.assert_allclose(blurred(images)[0, 1], 0.7, rtol=1e-6)  # edges are continued
