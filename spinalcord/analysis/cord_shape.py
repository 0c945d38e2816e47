"""Check the plausibility of the network's cord: a single column with the calibre of a cord.

A network outlines the cord slice by slice and knows nothing of its shape: on real scans its outline
falls into up to 90 pieces, some of them in the throat or among the bowels. What continues the
largest piece towards head and foot belongs to the cord; everything else is excluded, and counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _core

Array = np.ndarray[Any, Any]

MIN_SHARE = 0.5
"""Smallest share of the outlined volume in the column. On healthy cervical scans of nifti_cord the
largest piece holds 93 to 98 % of it; on scans of the head or the trunk 12 to 36 %."""
CALIBRE_MM2 = 20.0, 300.0
"""Median cross-section at right angles to the long axis of the body. Healthy cords have 60 to 90
mm2 at the neck and 30 to 110 mm2 down to the conus; a tumour may treble that."""
MIN_LENGTH_MM = 30.0
"""Smallest extent from head to foot; a scan of less than this in height is covered to 80 %."""
MAX_TILT_DEG = 45.0
"""Largest angle between the column's ends and the long axis of the body; healthy: 1 to 23."""
MIDDLE = {"from left to right": (0.08, 0.92), "from front to back": (0.15, 0.92)}
"""Position of the column's centre in the images, as a share of their extent. On 21 healthy scans of
nifti_cord and nifti_lumbar .33 to .87 from left to right and .53 to .84 from front to back."""
MAX_GAP_MM, MAX_STEP_MM = 20.0, 8.0
"""Widest gap from head to foot over which two pieces are one cord, and how far their ends may lie
beside each other; a lesion that the network does not take for cord leaves such gaps."""


@dataclass(frozen=True)
class CordShape:
    """A cleaned cord mask, and whether it is plausible.

    Attributes
    ----------
    mask : uint8 (slices, rows, columns) array
        One piece, or empty.
    plausible : bool
        Whether it has the extent, calibre and direction of a cord, and lies in the middle.
    warnings : tuple of str
        What was excluded, and reasons why the rest is implausible.
    """

    mask: Array
    plausible: bool
    warnings: tuple[str, ...]


def judge_cord(cord: Array, affine: Array) -> CordShape:
    """Reduce a cord mask to a single column, and judge whether it is plausible.

    Parameters
    ----------
    cord : uint8 (slices, rows, columns) array
        The outline in the working orientation: slices left to right, rows head to foot.
    affine : float64 (4, 4) array
        Affine of the working orientation, in millimetres.

    Returns
    -------
    CordShape

    Examples
    --------
    >>> import numpy as np
    >>> cord = np.zeros((9, 80, 40), np.uint8)
    >>> cord[2:7, 5:75, 18:26] = 1  # 5 x 8 mm, 70 mm long
    >>> cord[0, 3, 3] = 1
    >>> shape = judge_cord(cord, np.diag([1.0, 1.0, 1.0, 1.0]))
    >>> shape.plausible, int(shape.mask.sum()), shape.warnings
    (True, 2800, ('1 piece(s) of the outlined cord, 1 mm3 together, were excluded: not connected',))
    """
    labels, n = _core.label(cord, affine)
    if n == 0:
        return CordShape(np.zeros_like(cord), False, ("no cord was outlined",))
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    voxel = float(spacing.prod())
    sizes = np.bincount(labels.ravel(), minlength=n + 1)[1:]
    mask, used = _column(labels, sizes, affine)
    said = []
    rest = np.delete(sizes, used)
    if rest.size:
        said.append(
            f"{rest.size} piece(s) of the outlined cord, {rest.sum() * voxel:.0f} mm3 together, "
            "were excluded: not connected"
        )
    share = float(sizes[used].sum() / sizes.sum())
    reasons = _doubts(mask, spacing, share)
    if reasons:
        said.append(
            f"NO PLAUSIBLE CORD: {'; '.join(reasons)}. The scan may not show the cord as the model "
            "knows it: do not trust the lesions found on it, nor their classification"
        )
    return CordShape(mask, not reasons, tuple(said))


def _column(labels: Array, sizes: Array, affine: Array) -> tuple[Array, list[int]]:
    """Return the largest piece and those that continue it, with gaps filled, and their labels."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    largest = int(sizes.argmax())
    mask = (labels == largest + 1).astype(np.uint8)
    used = [largest]
    pieces = {int(i): _ends(labels == i + 1) for i in np.flatnonzero(sizes >= 0.01 * sizes.sum())}
    while True:
        top, bottom = _ends(mask)
        added = None
        for i, (first, last) in pieces.items():
            if i in used:
                continue
            if _continues(bottom, first, spacing):
                added = i, bottom, first
            elif _continues(last, top, spacing):
                added = i, last, top
            if added:
                break
        if added is None:
            return mask, used
        i, upper, lower = added
        joined = mask | (labels == i + 1)
        _fill(joined, round(upper[1]), round(lower[1]))
        if _core.label(joined, affine)[1] == 1:
            mask = joined
            used.append(i)
        else:  # its end has an odd shape: disconnected parts do not belong to the column
            del pieces[i]


def _ends(piece: Array) -> tuple[Array, Array]:
    """Return the centres of the first and the last row of a piece, as slice, row, column."""
    rows = np.flatnonzero(piece.any(axis=(0, 2)))
    out = []
    for row in (rows[0], rows[-1]):
        slices, columns = np.nonzero(piece[:, row])
        out.append(np.array([slices.mean(), row, columns.mean()]))
    return out[0], out[1]


def _continues(upper: Array, lower: Array, spacing: Array) -> bool:
    """Return whether the end of one piece lies right above the beginning of another."""
    step = (lower - upper) * spacing
    beside = float(np.hypot(step[0], step[2]))
    return bool(0 < step[1] <= MAX_GAP_MM and beside <= MAX_STEP_MM + 0.5 * step[1])


def _fill(mask: Array, upper: int, lower: int) -> None:
    """Fill the gap between two pieces by moving the cross-section of the nearer end.

    By steps of at most a voxel in any direction: pieces that lie beside each other in adjacent rows
    become one, too.
    """
    ends = {row: np.argwhere(mask[:, row]) for row in (upper, lower)}
    centres = {row: places.mean(axis=0) for row, places in ends.items()}
    aside = float(np.abs(centres[lower] - centres[upper]).max())
    for along in np.linspace(0, 1, max(lower - upper, int(np.ceil(aside))) + 1):
        row = round(upper + along * (lower - upper))
        centre = (1 - along) * centres[upper] + along * centres[lower]
        near = upper if along < 0.5 else lower
        moved = np.rint(ends[near] - centres[near] + centre).astype(int)
        inside = ((moved >= 0) & (moved < (mask.shape[0], mask.shape[2]))).all(axis=1)
        mask[moved[inside, 0], row, moved[inside, 1]] = 1


def _doubts(mask: Array, spacing: Array, share: float) -> list[str]:
    """Return the reasons why a column is no plausible cord."""
    top, bottom = _ends(mask)
    areas = mask.sum(axis=(0, 2), dtype=np.int64)
    area = float(np.median(areas[areas > 0]) * spacing[0] * spacing[2])
    length = float((bottom[1] - top[1] + 1) * spacing[1])
    least = min(MIN_LENGTH_MM, 0.8 * mask.shape[1] * float(spacing[1]))
    step = (bottom - top) * spacing
    tilt = float(np.degrees(np.arctan2(np.hypot(step[0], step[2]), step[1])))
    reasons = []
    if share < MIN_SHARE:
        reasons.append(f"only {share:.0%} of what was outlined hangs together")
    if length < least:
        reasons.append(f"it is {length:.0f} mm long, at least {least:.0f} mm are expected")
    if not CALIBRE_MM2[0] <= area <= CALIBRE_MM2[1]:
        low, high = CALIBRE_MM2
        reasons.append(
            f"its median cross-section is {area:.0f} mm2, {low:.0f} to {high:.0f} mm2 are expected"
        )
    if tilt > MAX_TILT_DEG:
        reasons.append(f"it runs {tilt:.0f} degrees off the long axis of the body")
    for (way, (low, high)), axis in zip(MIDDLE.items(), (0, 2), strict=True):
        voxels = mask.sum(axis=tuple({0, 1, 2} - {axis}), dtype=np.int64)
        place = float(voxels @ (np.arange(voxels.size) + 0.5) / voxels.sum() / voxels.size)
        if not low <= place <= high:
            reasons.append(
                f"it lies at {place:.0%} of the images' extent {way}, {low:.0%} to {high:.0%} are "
                "expected"
            )
    return reasons
