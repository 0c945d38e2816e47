"""Determine from the affine which stored axis points in which anatomical direction."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

# World axis (x, y, z of RAS+) and sign along which each working axis counts up:
# slices towards the right, rows towards the feet, columns towards the back.
_WORKING_WORLD = (0, 2, 1)
_WORKING_SIGN = (1, -1, -1)


@dataclass(frozen=True)
class Orientation:
    """Position of the working axes (slice L->R, row S->I, column A->P) in the stored array.

    Attributes
    ----------
    permutation : tuple of int
        Working axis `a` is stored axis ``permutation[a]``.
    flips : tuple of bool
        Whether working axis `a` counts against the stored direction.
    codes : str
        Direction of each *stored* axis, as in nibabel: 'PSR', 'RAS' and so on.
    obliquity_deg : float
        The largest angle between a stored axis and the body axis that it stands for.
    """

    permutation: tuple[int, int, int]
    flips: tuple[bool, bool, bool]
    codes: str
    obliquity_deg: float


def column_lengths(affine: np.ndarray) -> tuple[float, float, float]:
    """Return the length of one step along each stored axis, mm."""
    # Summed over x, y, z in this order whatever the storage, so that reoriented copies of a
    # volume have the same spacing to the last bit.
    x, y, z = affine[0, :3], affine[1, :3], affine[2, :3]
    i, j, k = np.sqrt(x * x + y * y + z * z).tolist()
    return i, j, k


def find_orientation(affine: np.ndarray) -> Orientation:
    """Assign stored axes to anatomical axes, with the largest sum of cosines.

    Parameters
    ----------
    affine : (4, 4) ndarray
        From stored index to RAS+ millimetres.

    Returns
    -------
    Orientation
    """
    cosines = affine[:3, :3] / np.array(column_lengths(affine))

    def fit(axes: tuple[int, ...]) -> tuple[float, ...]:
        total = sum(abs(float(cosines[w, s])) for w, s in zip(_WORKING_WORLD, axes, strict=True))
        # At 45 degrees assignments tie.  Then the lines themselves decide, taken without their
        # sense, so that every reoriented copy of the volume gets the same one.
        lines = [cosines[:, axes[n]] * np.sign(cosines[_WORKING_WORLD[n], axes[n]]) for n in (0, 1)]
        return round(total, 9), *np.round(np.concatenate(lines), 9).tolist()

    s, r, c = max(itertools.permutations(range(3)), key=fit)
    letters = [""] * 3
    flips = []
    angles = []
    for world, sign, stored in zip(_WORKING_WORLD, _WORKING_SIGN, (s, r, c), strict=True):
        cosine = float(cosines[world, stored])
        flips.append(cosine * sign < 0)
        letters[stored] = ("RL", "AP", "SI")[world][cosine < 0]
        angles.append(float(np.degrees(np.arccos(min(1.0, abs(cosine))))))
    return Orientation((s, r, c), (flips[0], flips[1], flips[2]), "".join(letters), max(angles))


def corner_displacement_mm(a: np.ndarray, b: np.ndarray, shape: tuple[int, ...]) -> float:
    """Return the largest distance between the corners of one grid under two affines, mm."""
    ends = [(0, n - 1) for n in shape[:3]]
    corners = np.array([(*c, 1) for c in itertools.product(*ends)], dtype=np.float64)
    return float(np.linalg.norm(corners @ (a - b)[:3].T, axis=1).max())


def shear_deg(affine: np.ndarray) -> float:
    """Return the largest deviation of two axes of a grid from a right angle, in degrees."""
    axes = affine[:3, :3] / np.array(column_lengths(affine))
    cosines = (axes.T @ axes)[np.triu_indices(3, 1)]
    return float(np.degrees(np.arcsin(np.clip(np.abs(cosines), 0, 1).max())))
