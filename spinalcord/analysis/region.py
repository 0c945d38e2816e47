"""Restrict the computation to a window around the cord, located on a few slices.

Most of a sagittal slice is air, fat and viscera. Some slices are computed whole; the bounding box
of the cord in them, with a margin wider than the cord ever leaves it, is the window for the other
slices. Outside it, every probability is 0. Probabilities near the edge of the window differ
slightly from those of whole slices: this is an option, not the default;
`benchmarks/bench_region.py` measures the difference of lesions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _core
from ..errors import InputError

Array = np.ndarray[Any, np.dtype[np.float32]]

ROIS = ("full", "cord")
"""Whole slices, or the window round the cord."""

EVERY = 5
"""One slice of so many is computed whole, and the first and the last of the stack."""

MARGIN = 32
"""Pixels on each side of what is cord: 32 mm at 1 mm."""

UNIT = 16
"""Sides of a window are multiples of it."""


def check_roi(roi: str) -> str:
    """Return the setting, or raise InputError for one that is none of `ROIS`.

    Examples
    --------
    >>> check_roi("cord")
    'cord'
    """
    if roi not in ROIS:
        raise InputError(f"roi is {' or '.join(ROIS)}, got {roi!r}")
    return roi


def cord_maps(
    compute: Callable[[Array], Array], images: Array, cord: int, threshold: float
) -> tuple[Array, dict[str, Any]]:
    """Compute some slices whole and the others in a window around their cord.

    Parameters
    ----------
    compute : callable
        Function of images (n, c, h, w) that returns maps (outputs, n, h, w).
    images : float32 (n, c, h, w) array
        The slices in order; h and w multiples of 16.
    cord : int
        Index of the cord among the outputs.
    threshold : float
        Smallest probability of a cord pixel.

    Returns
    -------
    maps : float32 (outputs, n, h, w) array
        0 outside the window in slices that were not computed whole.
    computed : dict
        For the record: ``whole_slices``, how many; ``window``, first row, last row, first column
        and last column of the network's images, or None where no cord was found, in which case
        all slices were computed whole; ``pixel_share``, of all that there are.
    """
    n, _, h, w = images.shape
    whole = sorted({*range(0, n, EVERY), n - 1})
    rest = [i for i in range(n) if i not in set(whole)]
    first = compute(np.ascontiguousarray(images[whole]))
    box = _window(np.asarray(_largest(first[cord] >= threshold).any(axis=0)))
    if box is None:
        rows, columns = slice(0, h), slice(0, w)
    else:
        rows, columns = box
    maps = np.zeros((len(first), n, h, w), np.float32)
    maps[:, whole] = first
    if rest:
        part = compute(np.ascontiguousarray(images[rest][:, :, rows, columns]))
        maps[:, rest, rows, columns] = part
    side = (rows.stop - rows.start) * (columns.stop - columns.start)
    share = (len(whole) * h * w + len(rest) * side) / (n * h * w)
    window = None
    if box is not None:
        window = [rows.start, rows.stop - 1, columns.start, columns.stop - 1]
    return maps, {
        "whole_slices": len(whole) if box is not None else n,
        "window": window,
        "pixel_share": round(share, 4),
    }


def _largest(mask: np.ndarray) -> np.ndarray:
    """Return the largest connected piece, without false positives elsewhere."""
    labels, n = _core.label(mask.astype(np.uint8), np.eye(4))
    largest: np.ndarray = labels == 1 + int(np.bincount(labels.ravel())[1:].argmax()) if n else mask
    return largest


def _window(mask: np.ndarray) -> tuple[slice, slice] | None:
    """Return rows and columns around the nonzero pixels, with the margin, in whole units."""
    if not mask.any():
        return None
    sides = []
    for axis, length in enumerate(mask.shape):
        there = np.flatnonzero(mask.any(axis=1 - axis))
        low, high = int(there[0]) - MARGIN, int(there[-1]) + 1 + MARGIN
        wanted = min(-(-(high - low) // UNIT) * UNIT, length)
        low = min(max(low, 0), length - wanted)
        sides.append(slice(low, low + wanted))
    return sides[0], sides[1]
