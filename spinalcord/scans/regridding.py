"""Resample a mask to the grid of a scan in the same frame of reference."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from .orientation import column_lengths
from .volume import Volume

Array = np.ndarray[Any, Any]

_SAME_LATTICE = 0.1  # deviation in voxels up to which lattices count as equal
_MOST_POINTS = 5  # along an axis, in a voxel of the scan


@dataclass(frozen=True)
class Regridded:
    """A mask on another grid.

    Attributes
    ----------
    inside : bool array
        On the new grid, in its storage order.
    same_lattice : bool
        Whether the voxels coincide, so that nothing was interpolated.
    apart_mm : float
        The largest distance from a voxel of the mask to the nearest voxel centre of the new grid.
    turned_deg : float
        The largest angle between an axis of one grid and the nearest of the other.
    lost_fraction : float
        Share of the mask's voxels that lie beyond the new grid; 0 for an empty mask.
    """

    inside: Array
    same_lattice: bool
    apart_mm: float
    turned_deg: float
    lost_fraction: float


def regrid(mask: Volume, like: Volume) -> Regridded:
    """Return a mask on the grid of a scan.

    If the two lattices agree (a crop, a larger extent, another storage order), voxels are copied.
    Otherwise a voxel is inside if at least half of it is: the mask is interpolated linearly at as
    many points within each voxel as its own resolution requires.

    Parameters
    ----------
    mask : Volume
        Not 0 inside.
    like : Volume
        The scan.

    Returns
    -------
    Regridded
    """
    to_mask = np.linalg.inv(mask.affine) @ like.affine
    inside = mask.array != 0
    places = np.argwhere(inside)
    world = places @ mask.affine[:3, :3].T + mask.affine[:3, 3]
    there = world @ np.linalg.inv(like.affine)[:3, :3].T + np.linalg.inv(like.affine)[:3, 3]
    nearest = np.rint(there)
    lost = ~((nearest >= 0) & (nearest < like.shape)).all(axis=1)
    apart = np.linalg.norm((there - nearest) @ like.affine[:3, :3].T, axis=1)
    same = _same_lattice(to_mask, like.shape)
    moved = _copied(places[~lost], nearest[~lost], like) if same else _share(inside, to_mask, like)
    return Regridded(
        moved,
        same,
        float(apart.max(initial=0.0)),
        _turned_deg(mask.affine, like.affine),
        float(lost.mean()) if len(places) else 0.0,
    )


def _same_lattice(to_mask: Array, shape: tuple[int, ...]) -> bool:
    """Return whether every voxel of the scan coincides with one of the mask's lattice."""
    whole = np.rint(to_mask)
    if not (np.abs(whole[:3, :3]).sum(axis=0) == 1).all():
        return False
    corners = np.array([(*c, 1) for c in itertools.product(*[(0, n - 1) for n in shape])])
    off = corners @ (to_mask - whole)[:3].T
    return bool(np.abs(off).max() <= _SAME_LATTICE)


def _copied(places: Array, nearest: Array, like: Volume) -> Array:
    moved = np.zeros(like.shape, bool)
    if len(places):
        moved[tuple(nearest.astype(int).T)] = True
    return moved


def _share(inside: Array, to_mask: Array, like: Volume) -> Array:
    """Return the voxels of the scan that are filled by at least half."""
    import SimpleITK as sitk

    # Index spaces stand for both grids, so that a sheared one is taken as well.
    image = sitk.GetImageFromArray(inside.astype(np.float32).transpose(2, 1, 0))
    steps = np.abs(to_mask[:3, :3]).max(axis=0)  # voxels of the mask in one of the scan
    counts = [min(_MOST_POINTS, max(1, int(np.ceil(step - 1e-6)))) for step in steps]
    total = np.zeros(like.shape, np.float32)
    make_transform: Any = sitk.AffineTransform
    for point in itertools.product(*[range(n) for n in counts]):
        offset = np.array([(p + 0.5) / n - 0.5 for p, n in zip(point, counts, strict=True)])
        transform = make_transform(3)
        transform.SetMatrix(to_mask[:3, :3].ravel().tolist())
        transform.SetTranslation((to_mask[:3, :3] @ offset + to_mask[:3, 3]).tolist())
        moved: Any = sitk.Resample(
            image, list(like.shape), transform, sitk.sitkLinear, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0),
            np.eye(3).ravel().tolist(), 0.0, sitk.sitkFloat32,
        )  # fmt: skip
        total += sitk.GetArrayFromImage(moved).transpose(2, 1, 0)
    filled: Array = total >= 0.5 * float(np.prod(counts))
    return filled


def _turned_deg(a: Array, b: Array) -> float:
    first, second = (m[:3, :3] / np.array(column_lengths(m)) for m in (a, b))
    cosines = np.abs(first.T @ second).max(axis=0)
    return float(np.degrees(np.arccos(np.clip(cosines, -1, 1))).max())
