"""Lesions of a mask: found, measured in millimetres, and held against the cord."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _core
from .cord import outside_cord, tell_outside
from .working import Array, WorkingScan


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
        Of the scan's intensities in it.
    in_cord_fraction : float or None
        Share of its voxels that lie in the cord; None where no cord is known.
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
    scan: WorkingScan, mask: Array, cord: Array | None, settings: Mapping[str, Any]
) -> tuple[Array, tuple[Lesion, ...], tuple[Lesion, ...], list[str]]:
    """Find the lesions of a mask and measure them.

    Parameters
    ----------
    scan : WorkingScan
        The scan.
    mask : uint8 (slices, rows, columns) array
        Lesion, in the working orientation.
    cord : uint8 (slices, rows, columns) array, optional
        The cord, where it is known.
    settings : mapping
        min_lesion_mm3; with a cord min_in_cord and keep_outside_cord too.

    Returns
    -------
    mask : uint8 array
        What is left of it.
    kept, dropped : tuple of Lesion
        Those in it, and those left out because they lie outside the cord, the largest first.
    warnings : list of str
        Of lesions outside the cord.
    """
    labels, n = _core.label(mask, scan.affine, min_volume_mm3=settings["min_lesion_mm3"])
    if n == 0:
        return np.zeros_like(mask), (), (), []
    table = _core.lesion_table(labels, n, scan.array, scan.affine, cord=cord)
    keep = np.ones(n, bool)
    warnings = []
    if cord is not None:
        outside = outside_cord(table["in_cord_fraction"], settings["min_in_cord"])
        warnings = tell_outside(outside, labels, table["volume_mm3"], cord, settings)
        keep = ~outside | settings["keep_outside_cord"]
    mask = np.concatenate([[False], keep])[labels].astype(np.uint8)
    kept, dropped = (
        tuple(_lesion(table, row, i) for i, row in enumerate(np.flatnonzero(rows).tolist(), 1))
        for rows in (keep, ~keep)
    )
    return mask, kept, dropped, warnings


def _lesion(table: Mapping[str, Array], row: int, label: int) -> Lesion:
    values: dict[str, Any] = {
        name: column[row].tolist() for name, column in table.items() if name != "label"
    }
    values["centroid_mm"] = tuple(values["centroid_mm"])
    return Lesion(label=label, **values)
