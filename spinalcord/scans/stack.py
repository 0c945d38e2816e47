"""Stack DICOM slices, with checks of positions, orientations and gaps.

ITK takes the first two positions for the whole series and notices neither an uneven gap, nor a
missing slice, nor a slice in another plane. Here the position of every frame is used, and irregular
grids are rejected with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .header import Header
from .itk import LPS_TO_RAS
from .orientation import find_orientation
from .volume import MAX_IN_PLANE_MM, MAX_SHEAR_DEG, MIN_SLICES

# Same plane: scanners write cosines with six digits or more.
_SAME_PLANE_DEG = 0.1
# Positions are often rounded to a tenth of a millimetre: a jitter below these is not reported.
_QUIET_MM, _QUIET_FRACTION = 0.06, 0.02
_UNEVEN_FRACTION = 0.1
_SAME_PLACE_MM = 0.01
# Spacings are written with four digits or more.  Within this share of the median, no pixel of a
# 512 x 512 slice lies further off than an eighth of a pixel.
_SPACING_FRACTION = 5e-4


@dataclass(frozen=True)
class Frame:
    """One image of a series: its pixels and its position (LPS, mm)."""

    path: Path
    index: int
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    pixel_spacing: tuple[float, ...] | None
    slope: float
    intercept: float
    te_ms: float | None = None
    image_type: tuple[str, ...] = ()


def frames_of(header: Header) -> list[Frame]:
    """List the frames of one file.

    A frame's own functional groups come first, then the shared ones, then the plain tags.
    """
    tags = header.tags
    n_frames = max(1, int(tags.get("n_frames", 1)))
    shared = (tags.get("shared") or [{}])[0]
    groups = tags.get("per_frame") or []
    # A damaged count must not create millions of frames; the check of the stack reports it.
    groups = groups[:n_frames] if groups else [{}] * min(n_frames, 1)

    def find(group: dict[str, Any], macro: str, name: str) -> object:
        for level in (group, shared):
            for item in level.get(macro, []):
                if name in item:
                    return item[name]
        # In a multi-frame file a plain position would be that of the first frame only.
        return tags.get(name) if n_frames == 1 or macro == "value_transform" else None

    def find_te(group: dict[str, Any]) -> float | None:
        te = find(group, "echo", "te_ms")
        return float(te) if isinstance(te, (int, float)) else tags.get("te_ms")

    def frame_type(group: dict[str, Any]) -> tuple[str, ...]:
        kind = find(group, "frame_type", "image_type")
        return kind if isinstance(kind, tuple) else tags.get("image_type", ())

    return [
        Frame(
            header.path,
            index,
            _triple(find(group, "plane_position", "position"), 3),
            _triple(find(group, "plane_orientation", "orientation"), 6),
            _triple(find(group, "pixel_measures", "pixel_spacing"), 2),
            _number(find(group, "value_transform", "slope"), 1.0),
            _number(find(group, "value_transform", "intercept"), 0.0),
            find_te(group),
            frame_type(group),
        )
        for index, group in enumerate(groups)
    ]


def _triple(values: object, n: int) -> tuple[float, ...] | None:
    if not isinstance(values, tuple) or len(values) != n or not np.isfinite(values).all():
        return None
    return values


def _number(value: object, default: float) -> float:
    return float(value) if isinstance(value, (int, float)) else default


@dataclass(frozen=True)
class Stack:
    """Frames in the order of their position along the normal.

    Attributes
    ----------
    frames : tuple of Frame
    affine : (4, 4) ndarray or None
        From (column, row, slice) to RAS+ millimetres; None where there is no such grid.
    plane : str
        'sagittal', 'coronal', 'axial', or 'unknown'.
    reasons, notes : tuple of str
        Reasons why it cannot be used; warnings if it is.
    crowded : bool
        Several images lie at one position.
    """

    frames: tuple[Frame, ...]
    affine: np.ndarray | None
    plane: str
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    crowded: bool = False


def build_stack(frames: list[Frame]) -> Stack:
    """Order frames by position along the normal, and check that they form a regular grid.

    Parameters
    ----------
    frames : list of Frame
        At least one; in any order.

    Returns
    -------
    Stack
    """
    lacking = [
        name
        for name in ("position", "orientation", "pixel_spacing")
        if any(getattr(frame, name) is None for frame in frames)
    ]
    if lacking:
        words = " and ".join(name.replace("_", " ") for name in lacking)
        return Stack(tuple(frames), None, "unknown", (f"no {words} in the patient",), ())
    cosines = np.array([frame.orientation for frame in frames]).reshape(-1, 2, 3)
    if not _are_cosines(cosines):
        reason = "row and column directions are not perpendicular unit vectors"
        return Stack(tuple(frames), None, "unknown", (reason,), ())
    normals = np.cross(cosines[:, 0], cosines[:, 1])
    plane = ("sagittal", "coronal", "axial")[int(np.abs(normals[0]).argmax())]
    reasons = []
    spread = np.degrees(np.arccos(np.clip((cosines @ cosines[0].T)[:, [0, 1], [0, 1]], -1, 1)))
    if spread.max() > _SAME_PLANE_DEG:
        planes = {("sagittal", "coronal", "axial")[i] for i in np.abs(normals).argmax(axis=1)}
        what = " and ".join(sorted(planes)) if len(planes) > 1 else f"{spread.max():.1f} degrees"
        return Stack(tuple(frames), None, plane, (f"mixed orientations ({what})",), ())
    spacings = np.array([frame.pixel_spacing for frame in frames])
    if spacings.min() <= 0:
        return Stack(tuple(frames), None, plane, ("pixel spacing is not positive",), ())
    spacing = np.median(spacings, axis=0)
    if np.abs(spacings / spacing - 1).max() > _SPACING_FRACTION:
        least, most = spacings.min(), spacings.max()
        reasons.append(f"mixed pixel sizes ({least:.4g} to {most:.4g} mm)")
    if len(frames) < MIN_SLICES:
        reasons.append(f"{len(frames)} slice(s); at least {MIN_SLICES} are expected")
        return Stack(tuple(frames), None, plane, tuple(reasons), ())

    positions = np.array([frame.position for frame in frames])
    along = positions @ normals[0]
    order = np.argsort(along, kind="stable")
    ordered = tuple(frames[i] for i in order)
    more, notes = _check_gaps(along[order])
    reasons += more
    if more:
        crowded = bool(np.diff(along[order]).min() < _SAME_PLACE_MM)
        return Stack(ordered, None, plane, tuple(reasons), (), crowded)
    affine, more = _place(positions[order], cosines[0], normals[0], spacing, plane)
    reasons += more
    return Stack(ordered, affine, plane, tuple(reasons), tuple(notes))


def _are_cosines(cosines: np.ndarray) -> bool:
    lengths = np.linalg.norm(cosines, axis=2)
    crossed = np.einsum("fi,fi->f", cosines[:, 0], cosines[:, 1])
    return bool(np.all(np.abs(lengths - 1) < 1e-2) and np.all(np.abs(crossed) < 1e-2))


def _check_gaps(along: np.ndarray) -> tuple[list[str], list[str]]:
    """Check sorted positions along the normal; return reasons for rejection, and warnings."""
    gaps = np.diff(along)
    n_same = int(np.count_nonzero(gaps < _SAME_PLACE_MM))
    if n_same:
        return [
            f"several images at the same position ({len(along)} images at {len(along) - n_same} "
            "positions: echoes, phases or time points, so 4-D, or no volume at all)"
        ], []
    step = float(np.median(gaps))
    ratio = gaps / step
    whole = np.rint(ratio)
    missing = (whole >= 2) & (np.abs(ratio - whole) <= _UNEVEN_FRACTION)
    if missing.any() and np.all(missing | (np.abs(ratio - 1) <= _UNEVEN_FRACTION)):
        n = int((whole[missing] - 1).sum())
        what = f"a gap of {gaps.max():.4g} mm in steps of {step:.4g} mm"
        return [f"{n} slice(s) missing ({what})"], []
    spread = f"{gaps.min():.4g} to {gaps.max():.4g} mm"
    if np.any(np.abs(ratio - 1) > _UNEVEN_FRACTION):
        return [f"uneven slice gaps ({spread})"], []
    if np.abs(gaps - step).max() > max(_QUIET_MM, _QUIET_FRACTION * step):
        return [], [f"slightly uneven slice gaps ({spread}); the mean is used"]
    return [], []


def _place(
    positions: np.ndarray,
    cosines: np.ndarray,
    normal: np.ndarray,
    spacing: np.ndarray,
    plane: str,
) -> tuple[np.ndarray | None, list[str]]:
    """Return the affine of an evenly spaced stack, and reasons for rejection."""
    step = (positions[-1] - positions[0]) / (len(positions) - 1)
    line = positions[0] + np.arange(len(positions))[:, None] * step
    off = positions - line
    off -= np.outer(off @ normal, normal)
    if np.linalg.norm(off, axis=1).max() > 0.5 * float(spacing.min()):
        return None, ["slices are shifted against each other unevenly"]
    reasons: list[str] = []
    cosine = float(step @ normal) / float(np.linalg.norm(step))
    tilt = float(np.degrees(np.arccos(min(1.0, cosine))))
    if tilt > MAX_SHEAR_DEG and plane != "sagittal":
        # Sagittal slices cut from such a stack would be sheared themselves.
        reasons.append(f"gantry tilt: slices are stacked {tilt:.1f} degrees off their normal")
    affine = np.eye(4)
    affine[:3, 0] = cosines[0] * spacing[1]
    affine[:3, 1] = cosines[1] * spacing[0]
    affine[:3, 2] = step
    affine[:3, 3] = positions[0]
    affine = LPS_TO_RAS @ affine
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    _, si, ap = find_orientation(affine).permutation
    if max(lengths[si], lengths[ap]) > MAX_IN_PLANE_MM * 1.001:
        reasons.append(
            f"not sagittal-capable (voxels of {lengths[si]:.4g} mm head to foot, "
            f"{lengths[ap]:.4g} mm front to back; at most {MAX_IN_PLANE_MM:g} mm is expected)"
        )
    return affine, reasons
