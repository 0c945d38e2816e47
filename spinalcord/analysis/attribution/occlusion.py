"""Occlusion: the change of the answer when a patch of the image is hidden.

It needs only forward passes, about a hundred per slice, makes no assumption about the network, and
maps can be interpreted directly.

References
----------
M. D. Zeiler, R. Fergus, "Visualizing and understanding convolutional networks", ECCV 2014,
section 4.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .hiding import flattened

Array = np.ndarray[Any, Any]

CELL_PIXELS = 16
"""Patches move by one cell, and are two cells high and wide."""


def occlude(score: Callable[[Array], Array], image: Array, size: int) -> Array:
    """Map what each part of an image adds to a score.

    Parameters
    ----------
    score : callable
        Function of float32 (m, channels, h, w) that returns (m,).
    image : float32 (channels, h, w) array
        The last channel is the mask, which is never hidden.
    size : int
        Number of images per call of `score`.

    Returns
    -------
    float32 (h, w) array
        The score of the whole image less that without the patch, averaged over the patches that
        cover a pixel; a patch's intensities are replaced by their mean over the image.
    """
    _, h, w = image.shape
    flat = flattened(image[None])[0]
    whole = float(score(image[None])[0])
    total, covers = np.zeros((h, w)), np.zeros((h, w))
    patches = list(_patches(h, w))
    # Patches beyond the scan need no evaluation.
    asked = [p for p in patches if not np.array_equal(image[:, p[0], p[1]], flat[:, p[0], p[1]])]
    for start in range(0, len(asked), size):
        some = asked[start : start + size]
        images = np.repeat(image[None], len(some), axis=0)
        for hidden, (rows, columns) in zip(images, some, strict=True):
            hidden[:, rows, columns] = flat[:, rows, columns]
        for patch, value in zip(some, score(images).tolist(), strict=True):
            total[patch] += whole - value
    for patch in patches:
        covers[patch] += 1
    mean: Array = total / covers
    return mean.astype(np.float32)


def _patches(h: int, w: int) -> Iterator[tuple[slice, slice]]:
    for row in _starts(h):
        for column in _starts(w):
            yield slice(row, row + 2 * CELL_PIXELS), slice(column, column + 2 * CELL_PIXELS)


def _starts(length: int) -> range:
    """Return the first pixels of patches, the last of which reaches the end."""
    return range(0, max(length - CELL_PIXELS, 1), CELL_PIXELS)
