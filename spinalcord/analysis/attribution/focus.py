"""Share of a map's attribution in the lesion, and in a ring around it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import _core

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Focus:
    """Shares of the attribution, and those of a uniform map.

    Attributes
    ----------
    inside_fraction, ring_fraction : float or None
        Share in the lesion; share outside it within `ring_mm`. None without attribution.
    flat_inside_fraction, flat_ring_fraction : float
        The same for a uniform map: share of the images covered by lesion and ring.
    ring_mm : float
        Width of the ring.
    """

    inside_fraction: float | None
    ring_fraction: float | None
    flat_inside_fraction: float
    flat_ring_fraction: float
    ring_mm: float


def measure_focus(
    attribution: Array,
    seen: Array,
    mask: Array,
    spacing_mm: tuple[float, float, float],
    ring_mm: float,
) -> Focus:
    """Measure the shares of the attribution.

    Parameters
    ----------
    attribution : float32 (slices, rows, columns) array
        Nonnegative; 0 where no image was computed.
    seen : float32 array of that shape
        1 where an image contains the voxel, 0 elsewhere, in between at the border of an image.
    mask : uint8 array of that shape
        Lesion where not 0; at least one voxel.
    spacing_mm : tuple of float
        Spacing along slice, row and column axis.
    ring_mm : float
        Width of the ring: the voxels outside the lesion whose centre is at most this far, in any
        direction, from that of a lesion voxel.

    Returns
    -------
    Focus
    """
    lesion = mask > 0
    ring = ring_around(lesion, spacing_mm, ring_mm)
    inside, around = _shares(attribution, lesion, ring)
    flat_inside, flat_around = _shares(seen, lesion, ring)
    return Focus(inside, around, flat_inside or 0.0, flat_around or 0.0, ring_mm)


def ring_around(lesion: Array, spacing_mm: tuple[float, float, float], ring_mm: float) -> Array:
    """Return the voxels in a ring around a lesion.

    Parameters
    ----------
    lesion : bool (slices, rows, columns) array
        At least one voxel.
    spacing_mm : tuple of float
        Along the axes.
    ring_mm : float
        Largest distance between centres of voxels.

    Returns
    -------
    bool array of that shape
    """
    # Spacing from a header has rounding in it: a ring of 5 mm takes the fifth voxel of 1 mm.
    most = ring_mm * (1 + 1e-6)
    box = tuple(_reach(lesion, axis, math.floor(most / mm)) for axis, mm in enumerate(spacing_mm))
    within = np.ascontiguousarray(lesion[box])
    near = _core.distance(within.view(np.uint8), spacing_mm) <= most
    ring = np.zeros(lesion.shape, bool)
    ring[box] = near & ~within
    return ring


def _reach(lesion: Array, axis: int, further: int) -> slice:
    others = tuple(i for i in range(lesion.ndim) if i != axis)
    places = np.flatnonzero(lesion.any(axis=others))
    return slice(max(0, int(places[0]) - further), int(places[-1]) + further + 1)


def _shares(values: Array, lesion: Array, ring: Array) -> tuple[float | None, float | None]:
    total = float(values.sum(dtype=np.float64))
    if not total > 0:
        return None, None
    return tuple(float(values[part].sum(dtype=np.float64)) / total for part in (lesion, ring))  # type: ignore[return-value]
