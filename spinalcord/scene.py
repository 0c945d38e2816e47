"""What pictures of a result show: a scan and what lies on it, seen as a radiologist sees it.

A sagittal slice is shown with the head up and the face to the left, in the working orientation
(slice L->R, row S->I, column A->P); an oblique scan is shown in its own planes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .volume import Volume

Array = np.ndarray[Any, Any]


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
    """

    scan: Volume
    lesion: Volume
    cord: Volume | None = None
    heat: Volume | None = None

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

    def stored_slice(self, index: int) -> int:
        """Return where a slice lies along the stored left-right axis."""
        return self.n_slices - 1 - index if self.scan.orientation.flips[0] else index

    def working(self, name: str) -> Array:
        """Return the array of ``"scan"``, ``"lesion"``, ``"cord"`` or ``"heat"`` as it is shown."""
        volume: Volume = getattr(self, name)
        return volume.sagittal().array
