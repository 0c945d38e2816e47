"""A volume: voxels as stored, the affine that places them, and their source.

Axes are named by the body, never by storage: the *working orientation* is
(slice L->R, row S->I, column A->P).  A volume knows which stored axis, in which direction,
is which; moving voxels for computation is the C core's work, `Volume.sagittal` only looks at
the same memory in another order.
"""

from __future__ import annotations

import os
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, SpinalcordWarning, note_warning
from .orientation import (
    Orientation,
    column_lengths,
    corner_displacement_mm,
    find_orientation,
    shear_deg,
)
from .tensors import from_tensor, on_cpu

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

MAX_IN_PLANE_MM = 3.0
MIN_SLICES = 3
MAX_SHEAR_DEG = 0.5


@dataclass(frozen=True)
class Source:
    """Source of a volume, as far as results need it.

    Attributes
    ----------
    kind : str
        'nifti', 'dicom', 'itk' (NRRD, MetaImage) or 'memory'.
    path : Path, optional
        Path given by the user: the file, or the folder or zip of a DICOM series.
    files : tuple of Path
        The files that were read; for a zip, the zip itself.
    details : mapping
        Plain values kept for writing (the geometry fields of a NIfTI header) and for the report
        (weighting, plane, echo time).  Never a tag that identifies a patient.
    """

    kind: str = "memory"
    path: Path | None = None
    files: tuple[Path, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


class Volume:
    """A 3-D scan and its position in the patient. Immutable; the array is read-only.

    Parameters
    ----------
    array : (i, j, k) array_like of real numbers
        Voxels in any axis order.  Not copied.  Trailing axes of length 1 are dropped.
    affine : (4, 4) array_like
        From voxel index to RAS+ millimetres (x right, y anterior, z superior), as in nibabel.
    source : Source, optional
        Source of the volume.

    Raises
    ------
    InputError
        Not three axes; no voxels; complex, colour or object values; an affine that is not
        4 x 4, not finite, or does not span space.

    Examples
    --------
    >>> import numpy as np
    >>> volume = Volume(np.zeros((20, 64, 48)), np.diag([3.0, 0.5, 0.5, 1.0]))
    >>> volume.orientation.codes, volume.spacing_mm
    ('RAS', (3.0, 0.5, 0.5))
    >>> volume.sagittal().shape
    (20, 48, 64)
    """

    __slots__ = ("_affine", "_array", "_orientation", "_source")

    _array: np.ndarray
    _affine: np.ndarray
    _source: Source
    _orientation: Orientation

    def __init__(self, array: Any, affine: Any, *, source: Source | None = None) -> None:
        source = Source() if source is None else source
        where = _where(source)
        voxels = _as_voxels(array, where)
        matrix = _as_affine(affine, where)
        object.__setattr__(self, "_array", voxels)
        object.__setattr__(self, "_affine", matrix)
        object.__setattr__(self, "_source", source)
        object.__setattr__(self, "_orientation", find_orientation(matrix))

    @classmethod
    def from_any(cls, scan: Any, *, series: str | None = None) -> Volume:
        """Convert a path, a Volume, or an image of another package to a Volume.

        Parameters
        ----------
        scan : path, Volume, nibabel image, SimpleITK image or MONAI MetaTensor
            A path goes through `read`. A MetaTensor, or any tensor with an `affine` to RAS+
            millimetres, may have one channel first; it is copied from its device.
        series : str, optional
            SeriesInstanceUID; only for a path to DICOM.

        Returns
        -------
        Volume
            Not yet checked for being a usable scan, unless read from a path: see `check_scan`.

        Raises
        ------
        InputError
            A bare array, or anything else without a place in the patient.
        """
        if isinstance(scan, Volume):
            return scan
        if isinstance(scan, (str, os.PathLike)):
            from .reading import read

            return read(scan, series=series)
        if hasattr(scan, "GetDirection") and hasattr(scan, "GetPixelIDValue"):
            from .itk import from_sitk

            return from_sitk(scan)
        if hasattr(scan, "affine") and hasattr(scan, "dataobj"):
            from .nifti import from_nibabel

            return from_nibabel(scan)
        if hasattr(scan, "affine") and hasattr(scan, "__array__"):
            return cls(*from_tensor(scan))
        kind = type(scan).__name__
        if hasattr(scan, "__array__") or isinstance(scan, (list, tuple)):
            raise InputError(
                f"a bare {kind} has no voxel sizes and no left or right: pass a file name, "
                "spinalcord.Volume(array, affine) with the 4 x 4 affine to RAS+ millimetres, "
                "or a nibabel or SimpleITK image"
            )
        raise InputError(
            f"cannot take a {kind} as a scan: pass a file or folder name, a spinalcord.Volume, "
            "or a nibabel or SimpleITK image"
        )

    @property
    def array(self) -> np.ndarray:
        """Voxels as stored, (i, j, k), read-only."""
        return self._array

    @property
    def affine(self) -> np.ndarray:
        """(4, 4) float64, from stored index to RAS+ millimetres, read-only."""
        return self._affine

    @property
    def source(self) -> Source:
        """Where the volume came from."""
        return self._source

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along each stored axis."""
        i, j, k = self._array.shape
        return i, j, k

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbours along each stored axis, millimetres."""
        return column_lengths(self._affine)

    @property
    def voxel_mm3(self) -> float:
        """Volume of one voxel in mm3; also correct for sheared grids."""
        return abs(float(np.linalg.det(self._affine[:3, :3])))

    @property
    def orientation(self) -> Orientation:
        """Position of the working axes in the stored array."""
        return self._orientation

    @property
    def sagittal_spacing_mm(self) -> tuple[float, float, float]:
        """Spacing along (L-R, S-I, A-P), millimetres."""
        spacing = self.spacing_mm
        s, r, c = self._orientation.permutation
        return spacing[s], spacing[r], spacing[c]

    def stored_slice(self, index: int) -> int:
        """Convert the index of a sagittal slice, counted from the left, to its stored index.

        The same the other way round.
        """
        order = self._orientation
        n = self._array.shape[order.permutation[0]]
        return n - 1 - int(index) if order.flips[0] else int(index)

    def sagittal(self) -> Volume:
        """Return a view as (slice L->R, row S->I, column A->P), with the matching affine.

        No voxel is copied; an oblique volume keeps its own planes and is not resampled.
        """
        order = self._orientation
        view = self._array.transpose(order.permutation)
        view = view[tuple(slice(None, None, -1 if flip else 1) for flip in order.flips)]
        affine = np.eye(4)
        affine[:3, 3] = self._affine[:3, 3]
        for axis, (stored, flip) in enumerate(zip(order.permutation, order.flips, strict=True)):
            column = self._affine[:3, stored]
            affine[:3, axis] = -column if flip else column
            if flip:
                affine[:3, 3] += column * (self._array.shape[stored] - 1)
        return Volume(view, affine, source=self._source)

    def like(self, array: Any) -> Volume:
        """Return a volume with another array of the same shape on this grid, such as a mask or map.

        Raises
        ------
        InputError
            The shapes differ.
        """
        if np.shape(array) != self.shape:
            raise InputError(
                f"an array of shape {np.shape(array)} does not fit the scan's grid {self.shape}"
            )
        return Volume(array, self._affine, source=self._source)

    def same_grid(self, other: Volume, tolerance: float = 0.1) -> bool:
        """Check whether two volumes have the same shape and voxel positions.

        Parameters
        ----------
        other : Volume
        tolerance : float, default 0.1
            The largest displacement of any corner, as a fraction of the smallest voxel side.
        """
        if self.shape != other.shape:
            return False
        moved = corner_displacement_mm(self._affine, other.affine, self.shape)
        return moved <= tolerance * min(self.spacing_mm)

    def to_nibabel(self) -> Any:
        """Return a nibabel image of these voxels; data types as `save_volume` writes them."""
        from .writing import to_nibabel

        return to_nibabel(self)

    def to_sitk(self) -> Any:
        """Return a SimpleITK image of these voxels, in LPS; sheared grids lose their shear.

        Raises
        ------
        InputError
            A grid sheared by more than half a degree, which SimpleITK's images cannot be.
        """
        from .itk import to_sitk

        return to_sitk(self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return the voxels as stored, for `numpy.asarray`; read-only unless they are copied."""
        if dtype is not None and np.dtype(dtype) != self._array.dtype:
            if copy is False:
                raise ValueError(f"{self._array.dtype} voxels as {np.dtype(dtype)} need a copy")
            return self._array.astype(dtype)
        return self._array.copy() if copy else self._array

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Volume is frozen: cannot set {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Volume is frozen: cannot delete {name}")

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self._array, self._affine, self._source)

    def __repr__(self) -> str:
        shape = " x ".join(str(n) for n in self.shape)
        spacing = " x ".join(f"{mm:.4g}" for mm in self.spacing_mm)
        name = "" if self._source.path is None else f", {self._source.path.name!r}"
        return f"Volume({shape} {self._array.dtype}, {spacing} mm, {self._orientation.codes}{name})"


def _rebuild(array: np.ndarray, affine: np.ndarray, source: Source) -> Volume:
    return Volume(array, affine, source=source)


def _where(source: Source) -> str:
    return "" if source.path is None else f"{source.path}: "


def _as_voxels(array: Any, where: str) -> np.ndarray:
    voxels: np.ndarray = on_cpu(array)
    while voxels.ndim > 3 and voxels.shape[-1] == 1:
        voxels = voxels[..., 0]
    if voxels.ndim != 3:
        raise InputError(
            f"{where}{voxels.ndim}-D data of shape {voxels.shape}; one 3-D volume is expected"
        )
    if voxels.size == 0:
        raise InputError(f"{where}no voxels: the shape is {voxels.shape}")
    if voxels.dtype.kind not in "biuf":
        raise InputError(
            f"{where}{voxels.dtype} voxels; one real number per voxel is expected "
            "(no colour, no complex values)"
        )
    if not voxels.dtype.isnative or voxels.dtype.itemsize > 8:
        wanted = voxels.dtype.newbyteorder("=") if voxels.dtype.itemsize <= 8 else np.float64
        voxels = np.asarray(voxels, dtype=wanted)
    seen: np.ndarray = voxels.view()
    seen.flags.writeable = False
    return seen


def _as_affine(affine: Any, where: str) -> np.ndarray:
    try:
        matrix = np.array(affine, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}the affine is not a 4 x 4 matrix of numbers") from error
    if matrix.shape != (4, 4):
        raise InputError(f"{where}the affine has shape {matrix.shape}; (4, 4) is expected")
    if not np.isfinite(matrix).all() or not np.array_equal(matrix[3], [0, 0, 0, 1]):
        raise InputError(f"{where}the affine is not finite, or its last row is not 0 0 0 1")
    if not spans_space(matrix):
        lengths = column_lengths(matrix)
        raise InputError(f"{where}the affine does not span space (voxel sides {_mm(lengths)} mm)")
    matrix.flags.writeable = False
    return matrix


def spans_space(affine: np.ndarray) -> bool:
    """Check whether an affine gives every voxel a volume.

    Parameters
    ----------
    affine : float64 (4, 4) array

    Returns
    -------
    bool
        False for columns of zeros, NaN, or of fewer than three directions.

    Examples
    --------
    >>> import numpy as np
    >>> spans_space(np.diag([3.0, 0.5, 0.5, 1.0])), spans_space(np.diag([3.0, 0.5, 0.0, 1.0]))
    (True, False)
    """
    columns = affine[:3, :3]
    if not np.isfinite(columns).all():
        return False
    lengths = column_lengths(affine)
    # The volume of the unit cell, relative to that of a box with the same sides.
    return min(lengths) > 0 and abs(float(np.linalg.det(columns / lengths))) >= 1e-3


def _mm(values: tuple[float, ...]) -> str:
    return " x ".join(f"{v:.4g}" for v in values)


def warn(message: str) -> None:
    """Issue a SpinalcordWarning that points at the line that called the package.

    Results repeat it: see `spinalcord.errors.note_warnings`.
    """
    note_warning(message)
    level = 2
    frame = sys._getframe(1)
    package = __name__.partition(".")[0]
    while frame.f_back is not None and _package(frame) == package:
        frame = frame.f_back
        level += 1
    warnings.warn(message, SpinalcordWarning, stacklevel=level)


def _package(frame: FrameType) -> str:
    name: str = frame.f_globals.get("__name__", "")  # code that was given to exec() may have none
    return name.partition(".")[0]


def check_scan(volume: Volume) -> None:
    """Check that a volume can be a sagittal scan of the spinal cord.

    Parameters
    ----------
    volume : Volume

    Warns
    -----
    SpinalcordWarning
        It looks like a mask (two values, or one for more than 99 % of the voxels); the grid is
        sheared by more than 0.5 degrees.

    Raises
    ------
    InputError
        Coarser than 3 mm along S-I or A-P (not sagittal-capable), fewer than three sagittal
        slices, NaN or infinite voxels, or the same value in all voxels.
    """
    where = _where(volume.source)
    lr, si, ap = volume.sagittal_spacing_mm
    if max(si, ap) > MAX_IN_PLANE_MM * 1.001:
        raise InputError(
            f"{where}not sagittal-capable: voxels of {si:.4g} mm head to foot and {ap:.4g} mm "
            f"front to back (L-R {lr:.4g} mm), at most {MAX_IN_PLANE_MM:g} mm is expected"
        )
    n_slices = volume.shape[volume.orientation.permutation[0]]
    if n_slices < MIN_SLICES:
        raise InputError(f"{where}{n_slices} sagittal slice(s); at least {MIN_SLICES} are expected")
    low, high = volume.array.min(), volume.array.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        n_bad = int(np.count_nonzero(~np.isfinite(volume.array)))
        raise InputError(f"{where}{n_bad} voxels are NaN or infinite")
    if low == high:
        raise InputError(f"{where}all voxels have the same value ({low})")
    n_low = int(np.count_nonzero(volume.array == low))
    n_two = n_low + int(np.count_nonzero(volume.array == high))
    if n_two == volume.array.size or n_low > 0.99 * volume.array.size:
        warn(
            f"{where}{n_low / volume.array.size:.1%} of the voxels have the value {low}: this "
            "looks like a mask or labels, where a scan is expected"
        )
    sheared = shear_deg(volume.affine)
    if sheared > MAX_SHEAR_DEG:
        warn(
            f"{where}the grid is sheared by {sheared:.1f} degrees: slices are taken as stored, "
            "so lengths and volumes across them are only nearly right"
        )
