"""Find errors of a network in training scans, where patches are then drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .. import _core
from ..models.network import Network
from .cache import CORD, LESION, Entry
from .sampling import Place
from .whole_scans import probabilities

PER_SCAN = 6
"""Maximum number of places per scan, from the largest errors on."""

LEAST_PIXELS = 6
"""Smaller errors are within the width of an outline and are ignored."""


def mine(network: Network, entries: Sequence[Entry], seed: int) -> list[tuple[Entry, Place]]:
    """Return places in training scans where a network is wrong.

    Parameters
    ----------
    network : Network
        Segmentation network.
    entries : sequence of Entry
    seed : int
        Seed for the pixel that represents an error.

    Returns
    -------
    list of (Entry, (slice, (row, column)))
        One pixel of each of the largest errors: missed lesion, false lesion and, if the cord is
        known, false cord beyond the width of its outline.
    """
    rng = np.random.default_rng(seed)
    found = []
    for entry in entries:
        wrong = mistakes(entry, probabilities(network, entry))
        labels, n = _core.label(wrong.astype(np.uint8), np.eye(4))
        for number in range(1, min(n, PER_SCAN) + 1):  # the largest are first
            pixels = np.argwhere(labels == number)
            if len(pixels) >= LEAST_PIXELS:
                index, row, column = pixels[rng.integers(len(pixels))]
                found.append((entry, (int(index), (int(row), int(column)))))
    return found


def mistakes(entry: Entry, maps: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the pixels, (slices, h, w), that are wrong at a threshold of one half.

    Errors of the cord within the width of its outline are ignored, since every outline has them; so
    are lesions on slices that were not annotated.
    """
    targets = entry.targets()
    wrong: NDArray[np.bool_] = (maps[:, 0] >= 0.5) != ((targets & LESION) > 0)
    wrong[list(entry.unannotated)] = False
    if maps.shape[1] > 1 and entry.has_cord:
        known = (targets & CORD) > 0
        wrong |= (maps[:, 1] >= 0.5) & ~_widened(known)
        wrong |= ~_widened(maps[:, 1] >= 0.5) & known
    return wrong


def _widened(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Dilate a mask by two pixels in each direction within its slices."""
    for axis in (1, 2):
        wide = mask.copy()
        for shift in (1, 2):
            low = [slice(None)] * 3
            high = [slice(None)] * 3
            low[axis], high[axis] = slice(None, -shift), slice(shift, None)
            wide[tuple(low)] |= mask[tuple(high)]
            wide[tuple(high)] |= mask[tuple(low)]
        mask = wide
    return mask
