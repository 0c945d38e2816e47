"""Find the mistakes of a network in training scans, to draw patches there."""

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
"""Places taken from a scan, the largest mistakes first."""

LEAST_PIXELS = 6
"""Smaller mistakes are an outline's width, not a place to look at."""


def mine(network: Network, entries: Sequence[Entry], seed: int) -> list[tuple[Entry, Place]]:
    """Run a network over training scans and return where it is wrong.

    Parameters
    ----------
    network : Network
        Of segmentation.
    entries : sequence of Entry
    seed : int
        For which pixel of a mistake is its place.

    Returns
    -------
    list of (Entry, (slice, (row, column)))
        A pixel of each of the largest mistakes: lesion missed, lesion where there is none, and
        where the cord is known, cord that lies farther from it than an outline is wide.
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
    """Return the pixels, (slices, h, w), where thresholds of one half are wrong.

    A cord that is wrong by an outline's width does not count, since every outline is.
    """
    targets = entry.targets()
    wrong: NDArray[np.bool_] = (maps[:, 0] >= 0.5) != ((targets & LESION) > 0)
    if maps.shape[1] > 1 and entry.has_cord:
        known = (targets & CORD) > 0
        wrong |= (maps[:, 1] >= 0.5) & ~_widened(known)
        wrong |= ~_widened(maps[:, 1] >= 0.5) & known
    return wrong


def _widened(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Add the pixels next to a mask in its slices, two in each direction."""
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
