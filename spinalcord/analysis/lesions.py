"""Find the lesions of a mask, measure them in millimetres, and compare them with the cord."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _core
from ..limits import LesionLimits
from ..scans.preparation import Array, WorkingScan
from .cord import outside_cord, tell_outside


@dataclass(frozen=True)
class Lesion:
    """One connected lesion, measured in millimetres.

    Attributes
    ----------
    label : int
        1 for the largest.
    volume_mm3 : float
        Voxels times the volume of one.
    length_mm, width_mm, depth_mm : float
        Extent head to foot, front to back and left to right, outer edge to outer edge.
    max_diameter_mm : float
        Largest distance between two of its points.
    centroid_mm : tuple of float
        Mean of its voxel centres, RAS+ millimetres.
    n_voxels : int
        Voxels of the scan.
    mean, sd : float
        Mean and standard deviation of the scan's intensities in it.
    in_cord_fraction : float or None
        Share of its voxels in the cord; None if the cord is unknown.
    max_axial_damage_ratio : float or None
        Largest share of the cord's cross-section that it takes; None where no cord is known.
    """

    label: int
    volume_mm3: float
    length_mm: float
    width_mm: float
    depth_mm: float
    max_diameter_mm: float
    centroid_mm: tuple[float, float, float]
    n_voxels: int
    mean: float
    sd: float
    in_cord_fraction: float | None = None
    max_axial_damage_ratio: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the columns of the lesion table that are known."""
        return {key: value for key, value in vars(self).items() if value is not None}


def measure_lesions(
    scan: WorkingScan,
    mask: Array,
    probability: Array,
    cord: Array | None,
    limits: LesionLimits,
    *,
    cord_given: bool = False,
) -> tuple[Array, tuple[Lesion, ...], tuple[Lesion, ...], list[str]]:
    """Find the lesions of a mask and measure them.

    Parameters
    ----------
    scan : WorkingScan
        The scan.
    mask : uint8 (slices, rows, columns) array
        Lesion, in the working orientation.
    probability : float32 (slices, rows, columns) array
        Probability of lesion.
    cord : uint8 (slices, rows, columns) array, optional
        The cord, where it is known.
    limits : LesionLimits
        None is no limit; `LesionLimits.fill` has set those of the model file.
    cord_given : bool, default False
        Whether the cord is the user's own mask, not the network's.

    Returns
    -------
    mask : uint8 array
        The mask of the lesions that are kept.
    kept, dropped : tuple of Lesion
        Those in it, and those excluded because they lie outside the cord, the largest first.
    warnings : list of str
        Warnings about lesions that are too thin, too uncertain, or outside the cord.
    """
    labels, n = _core.label(mask, scan.affine, min_volume_mm3=limits.min_lesion_mm3 or 0.0)
    if n == 0:
        return np.zeros_like(mask), (), (), []
    thinnest, peak = limits.min_thickness_mm or 0.0, limits.min_peak or 0.0
    table = _core.lesion_table(labels, n, scan.array, scan.affine, cord=cord)
    thin = thickness_mm(labels, n, scan.affine) < thinnest
    faint = ~thin & (peaks(labels, n, probability) < np.float32(peak))
    volumes = table["volume_mm3"]
    warnings = _tell(
        volumes[thin],
        f"less than {thinnest:.4g} mm thick from slice to slice",
    ) + _tell(volumes[faint], f"nowhere with a probability of {peak:.6g}")
    doubted = thin | faint
    outside = np.zeros(n, bool)
    if cord is not None:
        outside = outside_cord(table["in_cord_fraction"], limits.min_in_cord or 0.0) & ~doubted
        warnings += tell_outside(outside, labels, volumes, cord, limits, given=cord_given)
        outside &= not limits.keep_outside_cord
    keep = ~doubted & ~outside
    mask = np.concatenate([[False], keep])[labels].astype(np.uint8)
    kept, dropped = (
        tuple(_lesion(table, row, i) for i, row in enumerate(np.flatnonzero(rows).tolist(), 1))
        for rows in (keep, outside)
    )
    return mask, kept, dropped, warnings


def thickness_mm(labels: Array, n: int, affine: Array) -> Array:
    """Measure the thickness of lesions across slices: volume over the area of the largest slice.

    A streak within one thin slice has the thickness of that slice, however long it is.

    Parameters
    ----------
    labels : int32 (slices, rows, columns) array
        Lesions 1 to n in the working orientation.
    n : int
    affine : float64 (4, 4) array
        Affine of the working orientation.

    Returns
    -------
    float64 (n,) array
    """
    at = np.flatnonzero(labels)
    slices, plane = labels.shape[0], labels[0].size
    key = labels.ravel()[at].astype(np.int64) * slices + at // plane
    areas = np.bincount(key, minlength=(n + 1) * slices).reshape(n + 1, slices)[1:]
    across: Array = areas.sum(1) / np.maximum(areas.max(1), 1) * np.linalg.norm(affine[:3, 0])
    return across


def peaks(labels: Array, n: int, probability: Array) -> Array:
    """Find the largest probability in each lesion.

    Parameters
    ----------
    labels : int32 (slices, rows, columns) array
        Lesions 1 to n.
    n : int
    probability : float32 (slices, rows, columns) array

    Returns
    -------
    float32 (n,) array
    """
    at = np.flatnonzero(labels)
    out = np.zeros(n, np.float32)
    np.maximum.at(out, labels.ravel()[at] - 1, probability.ravel()[at])
    return out


def _tell(volumes_mm3: Array, why: str) -> list[str]:
    if not len(volumes_mm3):
        return []
    total = f"{len(volumes_mm3)} lesion(s) of {volumes_mm3.sum():.0f} mm3 together"
    return [f"{total}, {why}, were excluded"]


def _lesion(table: Mapping[str, Array], row: int, label: int) -> Lesion:
    values: dict[str, Any] = {
        name: column[row].tolist() for name, column in table.items() if name != "label"
    }
    values["centroid_mm"] = tuple(values["centroid_mm"])
    return Lesion(label=label, **values)
