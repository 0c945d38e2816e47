"""Exclude lesions outside the cord, with warnings.

A lesion is excluded if no voxel of it lies in the cord, or less than a set share of them. The cord
is the user's own mask, or else that of the network, if it segments the cord.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..limits import LesionLimits

Array = np.ndarray[Any, Any]


def outside_cord(in_cord_fraction: Array, least: float) -> Array:
    """Return which lesions lie outside the cord.

    Parameters
    ----------
    in_cord_fraction : float (n,) array
        Share of each lesion's voxels that lie in the cord.
    least : float
        The smallest share with which a lesion counts as lying in it; with 0 one voxel is enough.

    Returns
    -------
    bool (n,) array
    """
    outside: Array = (in_cord_fraction == 0) | (in_cord_fraction < least)
    return outside


def tell_outside(
    outside: Array,
    labels: Array,
    volumes_mm3: Array,
    cord: Array,
    limits: LesionLimits,
    *,
    given: bool,
) -> list[str]:
    """Describe which lesions lay outside the cord, and whether they were excluded.

    Parameters
    ----------
    outside : bool (n,) array
        Result of `outside_cord`.
    labels : int32 (slices, rows, columns) array
        Lesions 1 to n in the working orientation.
    volumes_mm3 : float (n,) array
        Volumes of the lesions.
    cord : uint8 (slices, rows, columns) array
        The cord.
    limits : LesionLimits
        Those of the segmentation.
    given : bool
        Whether the cord is the user's own mask.

    Returns
    -------
    list of str
        One sentence about all of them, and further ones where they were dropped and that may be
        wrong: no cord at their height or none at all, so that it is the cord that was missed;
        nothing left.
    """
    n = int(np.count_nonzero(outside))
    if n == 0:
        return []
    least = limits.min_in_cord or 0.0
    lie = f"have less than {least:.4g} of their voxels in" if least > 0 else "lie wholly outside"
    whose = "the cord" if given else "the cord as the network outlined it"
    what = f"{n} lesion(s) of {volumes_mm3[outside].sum():.0f} mm3 together {lie} {whose} and were "
    if limits.keep_outside_cord:
        return [f"{what}kept: judge them with care"]
    said = [f"{what}dropped"]
    missed = outside & ~_at_cord_height(labels, len(outside), cord)
    if missed.any():
        where = "at their height" if cord.any() else "anywhere in the scan"
        said.append(
            f"{int(missed.sum())} of the dropped lesion(s), {volumes_mm3[missed].sum():.0f} mm3, "
            f"were dropped although no cord was outlined {where}: the cord may have been missed "
            "there; look at the scan, and pass a cord mask or keep what lies outside"
        )
    if outside.all():
        said.append(
            "NOTHING IS LEFT: every lesion found was dropped because of the cord; that no lesion "
            "is reported does not mean that none was found"
        )
    return said


def _at_cord_height(labels: Array, n: int, cord: Array) -> Array:
    """Return which of n lesions share a row, that is a height along the body, with the cord."""
    rows: Array = np.any(cord, axis=(0, 2))
    at = np.flatnonzero(labels)
    height = at // labels.shape[2] % labels.shape[1]
    shared: Array = np.bincount(labels.ravel()[at], weights=rows[height], minlength=n + 1)[1:]
    return shared > 0
