"""Check the plausibility of a mask: whether it lies outside the patient, or is flipped."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_AIR = 0.08
"""Of the intensity that one voxel in a hundred exceeds: what is darker over `_BLOCK_MM` is air."""

_BLOCK_MM = 8.0

_MOST_IN_AIR = 0.5
_RING = 3  # pixels in a slice
_SIDE_BY_SIDE = 0.3
"""Share of a mask in common with its mirror image, above which a flip would show nowhere."""

_IN_CORD = 0.5


def in_air_fraction(scan: Array, spacing_mm: tuple[float, ...], mask: Array) -> float:
    """Return the share of a mask that lies in air.

    Parameters
    ----------
    scan : float32 (slices, rows, columns) array
        In the working orientation.
    spacing_mm : tuple of float
        Along these axes.
    mask : array of that shape
        Not 0 inside.

    Returns
    -------
    float
        0 for an empty mask.
    """
    rows, columns = (max(1, round(_BLOCK_MM / mm)) for mm in spacing_mm[1:])
    inside = np.argwhere(mask != 0)
    if not len(inside):
        return 0.0
    pad = [(0, 0), (0, -scan.shape[1] % rows), (0, -scan.shape[2] % columns)]
    padded = np.pad(scan - min(0.0, float(scan.min())), pad, mode="edge")
    n, height, width = padded.shape
    blocks = padded.reshape(n, height // rows, rows, width // columns, columns).mean(axis=(2, 4))
    air = blocks < _AIR * float(np.percentile(padded, 99))
    return float(air[inside[:, 0], inside[:, 1] // rows, inside[:, 2] // columns].mean())


def find_doubts(
    scan: Array, spacing_mm: tuple[float, ...], lesion: Array, cord: Array | None
) -> tuple[str, ...]:
    """Return the reasons why a lesion mask is implausible.

    Parameters
    ----------
    scan : float32 (slices, rows, columns) array
        In the working orientation.
    spacing_mm : tuple of float
        Along these axes.
    lesion : array of that shape
        Not 0 inside.
    cord : array of that shape, optional
        The cord likewise, without which a flip cannot be detected.

    Returns
    -------
    tuple of str
        Sentences that follow the mask's name; empty if it is plausible.
    """
    doubts = []
    share = in_air_fraction(scan, spacing_mm, lesion)
    if share > _MOST_IN_AIR:
        doubts.append(f"{share:.0%} of the lesion mask lie outside the patient, in air")
    elif cord is not None and _is_flipped(lesion, cord):
        doubts.append(
            "the lesion mask seems to be flipped left-right: its mirror image lies in the cord, "
            "and it does not"
        )
    return tuple(doubts)


def _is_flipped(lesion: Array, cord: Array) -> bool:
    """Return whether only the mirror image of a lesion mask lies in the cord.

    The image alone is not sufficient: for one in eight phantoms, the mirror image of the true mask
    was brighter and sharper, in fat or at the edge of the dural sac.
    """
    inside = lesion != 0
    mirrored = inside[::-1]
    both = np.count_nonzero(inside & mirrored)
    if not inside.any() or both > _SIDE_BY_SIDE * np.count_nonzero(inside):
        return False  # indistinguishable near the middle
    # In a label map, lesion is not labelled as cord, but must be surrounded by it.
    beside = not ((cord != 0) & _grown(inside, _RING)).any()
    return bool(beside and ((cord != 0) & mirrored).sum() > _IN_CORD * mirrored.sum())


def _grown(mask: Array, pixels: int) -> Array:
    """Dilate a mask within its slices by steps to the four neighbours."""
    grown: Array = mask.copy()
    for _ in range(pixels):
        before = grown.copy()
        grown[:, 1:] |= before[:, :-1]
        grown[:, :-1] |= before[:, 1:]
        grown[:, :, 1:] |= before[:, :, :-1]
        grown[:, :, :-1] |= before[:, :, 1:]
    return grown
