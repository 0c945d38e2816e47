"""Contents of the pictures of a result: a scan and its overlays, in radiological orientation.

A sagittal slice is shown with the head up and the face to the left, in the working orientation
(slice L->R, row S->I, column A->P); an oblique scan is shown in its own planes, and its letters
say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from .._moved import old_names
from ..errors import InputError
from ..scans.volume import Volume

Array = np.ndarray[Any, Any]

MARGIN_MM = 40.0
"""Margin around the lesions."""

MAX_SLICES = 12
"""More lesion slices than this are thinned out evenly."""

_TILT = 0.25  # cosine from which a second letter is named: some 15 degrees


class Edges(NamedTuple):
    """Anatomical directions of the edges of a slice, such as S, I, A and P.

    An edge between two directions has both letters, the nearer first: "AL".
    """

    top: str
    bottom: str
    left: str
    right: str


class Crop(NamedTuple):
    """The part of every slice that is shown: rows and columns from start to before stop."""

    rows: slice
    columns: slice


@dataclass(frozen=True, eq=False)
class Scene:
    """A scan with lesions, cord and a map on its grid; all are looked at, nothing is copied.

    Parameters
    ----------
    scan : Volume
        Intensities.
    lesion : Volume
        Not 0 in lesion.
    cord : Volume, optional
        Not 0 in the cord.
    heat : Volume, optional
        A map, such as `Explanation.map`.
    heat_label : str, optional
        Meaning of the map's values, with their unit.
    heat_limit : float, optional
        Limit of the colour scale in both directions; the largest magnitude in the map if not given.

    Raises
    ------
    InputError
        An overlay lies on another grid.
    """

    scan: Volume
    lesion: Volume
    cord: Volume | None = None
    heat: Volume | None = None
    heat_label: str = ""
    heat_limit: float | None = None

    def __post_init__(self) -> None:
        for name in ("lesion", "cord", "heat"):
            other: Volume | None = getattr(self, name)
            if other is not None and not self.scan.same_grid(other):
                raise InputError(
                    f"{name} is {other!r}, which does not lie voxel by voxel on the scan, "
                    f"{self.scan!r}: read a mask with "
                    "spinalcord.scans.reading.read_mask(path, like=scan)"
                )

    @cached_property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Along slice, row and column axis."""
        return self.scan.sagittal_spacing_mm

    @property
    def n_slices(self) -> int:
        """Sagittal slices of the scan."""
        return self.scan.shape[self.scan.orientation.permutation[0]]

    @cached_property
    def lesion_slices(self) -> tuple[int, ...]:
        """The slices that hold lesion, left to right, counted from the left."""
        per_slice = self.working("lesion").any(axis=(1, 2))
        return tuple(np.flatnonzero(per_slice).tolist())

    @cached_property
    def edges(self) -> Edges:
        """Anatomical directions at the edges of every slice."""
        affine = self.scan.sagittal().affine[:3, :3]
        down, back = (affine[:, axis] / np.linalg.norm(affine[:, axis]) for axis in (1, 2))
        return Edges(_letters(-down), _letters(down), _letters(-back), _letters(back))

    @cached_property
    def heat_span(self) -> tuple[float, float]:
        """Lowest and highest value that has a colour; both 0 where the map is 0 everywhere."""
        if self.heat is None:
            return 0.0, 0.0
        values = self.heat.array
        limit = self.heat_limit
        if limit is None:
            limit = float(np.abs(values).max())
        return (-limit if float(values.min()) < 0 else 0.0), limit

    def working(self, name: str) -> Array:
        """Return the array of ``"scan"``, ``"lesion"``, ``"cord"`` or ``"heat"`` as it is shown."""
        volume: Volume = getattr(self, name)
        return volume.sagittal().array

    def choose_slices(
        self, slices: Sequence[int] | None = None, *, most: int = MAX_SLICES
    ) -> tuple[int, ...]:
        """Choose what to show, left to right.

        Parameters
        ----------
        slices : sequence of int, optional
            As stored, in any order; those that hold lesion if not given, or the middle one.
        most : int, default 12
            More slices with lesion than this are thinned out evenly; the one with most lesion
            stays.

        Returns
        -------
        tuple of int
            Counted from the left, ascending.

        Raises
        ------
        InputError
            No slices, or one that the scan has not.
        """
        if slices is not None:
            return self._given(slices)
        found = self.lesion_slices
        if len(found) <= most:
            return found or (self.n_slices // 2,)
        places = np.linspace(0, len(found) - 1, most).round().astype(int)
        chosen = [found[place] for place in places]
        main = self.main_slice
        chosen[int(np.abs(np.array(chosen) - main).argmin())] = main
        return tuple(chosen)

    @cached_property
    def main_slice(self) -> int:
        """The slice with most lesion, counted from the left, or the middle one."""
        counts = np.count_nonzero(self.working("lesion"), axis=(1, 2))
        return int(counts.argmax()) if counts.any() else self.n_slices // 2

    def crop(self, margin_mm: float | None = MARGIN_MM) -> Crop:
        """Choose the part of the slices to show: around all lesions, or all where there is none.

        Parameters
        ----------
        margin_mm : float or None, default 40
            Margin around the lesions; None shows whole slices.

        Returns
        -------
        Crop

        Raises
        ------
        InputError
            A margin below 0, or none at all.
        """
        if margin_mm is not None and not margin_mm >= 0:
            raise InputError(f"margin_mm is {margin_mm!r}, expected at least 0, or None")
        lesion = self.working("lesion")
        if margin_mm is None or not self.lesion_slices:
            return Crop(slice(0, lesion.shape[1]), slice(0, lesion.shape[2]))
        sides = []
        for axis in (1, 2):
            others = tuple({0, 1, 2} - {axis})
            inside = np.flatnonzero(lesion.any(axis=others))
            more = int(np.ceil(margin_mm / self.spacing_mm[axis]))
            ends = max(0, inside[0] - more), min(lesion.shape[axis], inside[-1] + 1 + more)
            sides.append(slice(int(ends[0]), int(ends[1])))
        return Crop(*sides)

    def grey_span(self, slices: Sequence[int], frame: Crop) -> tuple[float, float]:
        """Return the intensities shown as black and as white, for these slices together."""
        shown = self.working("scan")[list(slices), frame.rows, frame.columns]
        low, high = np.percentile(shown, (1, 99.5))
        return float(low), float(max(high, low + 1e-30))

    def _given(self, slices: Sequence[int]) -> tuple[int, ...]:
        numbers = list(slices)
        expected = f"expected whole numbers from 0 to {self.n_slices - 1}"
        if not numbers:
            raise InputError(f"slices is empty, {expected}")
        for number in numbers:
            if not isinstance(number, int | np.integer) or not 0 <= number < self.n_slices:
                raise InputError(f"slices contains {number!r}, {expected}")
        return tuple(sorted({self.scan.stored_slice(int(number)) for number in numbers}))


def _letters(direction: Array) -> str:
    """Name a direction in RAS+ by the body: the nearest axis, and those not far behind."""
    order = np.argsort(-np.abs(direction), kind="stable")
    return "".join(
        ("RL", "AP", "SI")[axis][int(direction[axis] < 0)]
        for rank, axis in enumerate(order.tolist())
        if rank == 0 or abs(direction[axis]) >= _TILT
    )


__getattr__ = old_names(__name__)
