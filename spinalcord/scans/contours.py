"""Fill the closed curves of a DICOM RTSTRUCT on the grid of a scan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..extras import require
from .itk import LPS_TO_RAS
from .labels import structure_of
from .segments import Segments
from .volume import Source, Volume

Array = np.ndarray[Any, Any]

_FLAT = 0.5  # thickness in voxels up to which a curve counts as planar
_ON_SLICE = 0.25  # largest distance in voxels between a plane and a slice


def read_rtstruct(path: Path, like: Volume) -> Segments:
    """Read an RT Structure Set.

    Parameters
    ----------
    path : Path
    like : Volume
        The scan on whose grid the curves are filled: a voxel is inside if its centre is, and curves
        within others are holes (even-odd rule). Curves in planes of another series, such as axial
        ones for a sagittal scan, extend to the next plane.

    Returns
    -------
    Segments

    Raises
    ------
    MissingExtraError
        Without pydicom.
    InputError
        No closed curve; curves that lie oblique to the scan's axes.
    """
    pydicom = require("pydicom", "dicom", "reading DICOM structure sets")
    try:
        data = pydicom.dcmread(path)
        about = {int(r.ROINumber): r for r in data.StructureSetROISequence}
        kinds = {
            int(o.ReferencedROINumber): str(o.get("RTROIInterpretedType", ""))
            for o in data.get("RTROIObservationsSequence") or ()
        }
        curves = {int(r.ReferencedROINumber): _curves(r) for r in data.ROIContourSequence}
    except Exception as error:  # pydicom raises many types of errors for damaged files
        text = str(error).replace(str(path), "it") or type(error).__name__
        raise InputError(f"{path}: not a readable DICOM structure set ({text})") from error
    drawn = [number for number in about if curves.get(number)]
    if not drawn:
        raise InputError(f"{path}: a DICOM structure set without closed curves")
    names = [str(about[number].ROIName) for number in drawn]
    frame = {str(about[n].get("ReferencedFrameOfReferenceUID", "")) for n in drawn} - {""}
    return Segments(
        tuple(names),
        tuple(_fill(path, n, curves[k], like) for n, k in zip(names, drawn, strict=True)),
        tuple(
            structure_of(n) or structure_of(kinds.get(k, ""))
            for n, k in zip(names, drawn, strict=True)
        ),
        frame_uid=frame.pop() if len(frame) == 1 else "",
    )


def _curves(roi: Any) -> list[Array]:
    """Return the closed curves of a region, RAS+ millimetres."""
    found = []
    for contour in roi.get("ContourSequence") or ():
        points = np.array([float(v) for v in contour.ContourData]).reshape(-1, 3)
        if str(contour.ContourGeometricType).startswith("CLOSED") and len(points) > 2:
            found.append(points @ LPS_TO_RAS[:3, :3])
    return found


def _fill(path: Path, name: str, curves: list[Array], like: Volume) -> Volume:
    to_index = np.linalg.inv(like.affine)
    placed = [points @ to_index[:3, :3].T + to_index[:3, 3] for points in curves]
    spread = np.array([np.ptp(points, axis=0) for points in placed]).max(axis=0)
    axis = int(np.argmin(spread))
    if spread[axis] > _FLAT:
        raise InputError(
            f"{path}: the curves of {name!r} lie oblique to the scan: export the structure as a "
            "label map or DICOM SEG instead"
        )
    levels = np.array([points[:, axis].mean() for points in placed])
    first, step = _planes(levels, axis == like.orientation.permutation[0])
    numbers = np.rint((levels - first) / step).astype(int)
    shape = list(like.shape)
    shape[axis] = int(numbers.max()) + 1
    inside = np.zeros(shape, bool)
    others = [a for a in range(3) if a != axis]
    for number, points in zip(numbers, placed, strict=True):
        plane = np.moveaxis(inside, axis, 0)[number]
        plane ^= fill_polygon(points[:, others], plane.shape)
    affine = like.affine.copy()
    affine[:3, axis] *= step
    affine[:3, 3] = like.affine[:3, :3] @ (np.arange(3) == axis) * first + like.affine[:3, 3]
    return Volume(inside, affine, source=Source("dicom", path, (path,)))


def _planes(levels: Array, slices: bool) -> tuple[float, float]:
    """Return the first plane with a curve, and the step to the next, in voxels."""
    whole = np.rint(levels)
    if slices and np.abs(levels - whole).max() <= _ON_SLICE:
        return float(whole.min()), 1.0
    gaps = np.diff(np.unique(np.round(levels, 2)))
    gaps = gaps[gaps > _FLAT / 2]
    return float(levels.min()), float(gaps.min()) if gaps.size else 1.0


def fill_polygon(points: Array, shape: tuple[int, ...]) -> Array:
    """Return the pixels whose centre is inside a polygon.

    Parameters
    ----------
    points : float (n, 2) array
        Corners in pixels; (0, 0) is the centre of the first pixel. The polygon is closed.
    shape : (int, int)

    Returns
    -------
    bool array of that shape

    Examples
    --------
    >>> int(fill_polygon(np.array([(0.5, 0.5), (0.5, 3.5), (2.5, 3.5), (2.5, 0.5)]), (5, 5)).sum())
    6
    """
    inside = np.zeros(shape, bool)
    rows, columns = np.arange(shape[0]), np.arange(shape[1])
    for (r0, c0), (r1, c1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        crossed = np.flatnonzero((rows < r0) != (rows < r1))
        if crossed.size:
            at = c0 + (rows[crossed] - r0) * (c1 - c0) / (r1 - r0)
            inside[crossed] ^= columns > at[:, None]
    return inside
