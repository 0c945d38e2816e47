"""Remove parts of images, for methods that query the network without them.

Intensities are hidden, but not the lesion mask, which is the last channel: the classifiers were
trained on slices with a mask only, and would respond to its absence.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

BLUR_PIXELS = 5.0
"""Standard deviation of the blur, as in RISE."""


def flattened(images: Array) -> Array:
    """Set every intensity to the mean of its image and channel.

    Parameters
    ----------
    images : float32 (n, channels, h, w) array
        The last channel is the mask.

    Returns
    -------
    float32 array of that shape
        Zeros are kept: beyond the scan and in an absent channel, there is nothing to hide.
    """
    flat: Array = images.copy()
    intensities = images[:, :-1]
    shown = intensities > 0
    counts = np.maximum(np.count_nonzero(shown, axis=(2, 3)), 1)
    means = intensities.sum(axis=(2, 3), dtype=np.float64) / counts
    flat[:, :-1] = np.where(shown, means[..., None, None], 0)
    return flat


def blurred(images: Array) -> Array:
    """Blur the intensities with a Gaussian of `BLUR_PIXELS`, with edge values extended.

    Parameters
    ----------
    images : float32 (n, channels, h, w) array
        The last channel is the mask.

    Returns
    -------
    float32 array of that shape
    """
    radius = round(3 * BLUR_PIXELS)
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / BLUR_PIXELS) ** 2)
    taps /= taps.sum()
    soft: Array = images.copy()
    for axis in (2, 3):
        widths = [(0, 0)] * 4
        widths[axis] = (radius, radius)
        padded = np.pad(soft[:, :-1], widths, mode="edge")
        n = images.shape[axis]
        total = np.zeros(soft[:, :-1].shape, np.float64)
        for i, tap in enumerate(taps):
            total += tap * (padded[:, :, i : i + n] if axis == 2 else padded[..., i : i + n])
        soft[:, :-1] = total
    return soft
