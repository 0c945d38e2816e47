"""Read annotations in the formats of labs and resample them to the grid of the scan.

Label maps (NIfTI, NRRD, MetaImage: ITK-SNAP, SCT), segmentations of 3D Slicer, DICOM SEG and
RTSTRUCT are all converted to a lesion mask, a cord mask if there is one, and the slices that were
annotated.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from . import reading
from .contours import read_rtstruct
from .header import DamagedHeaderError, read_header
from .labels import OTHERS, Label, check_label, choose_segments, pick
from .orientation import corner_displacement_mm
from .plausibility import find_doubts
from .regridding import Regridded, regrid
from .segments import RTSTRUCT, Segments, dicom_kind, read_seg, read_slicer
from .volume import Volume, warn

Array = np.ndarray[Any, Any]

MOST_LOST = 0.5
"""Largest share of a mask that may lie beyond the scan; with more, it belongs to another region."""

_QUIET_LOSS = 0.01
_TEMPLATES = {3: "Talairach", 4: "MNI", 5: "template"}
_MIRRORS = {"left-right": (-1, 1, 1), "left-right and front-back": (-1, -1, 1)}
_LONGEST_GAP = 3  # slices without outline between two whose outlines overlap


@dataclass(frozen=True)
class Annotation:
    """An annotation on the grid of a scan.

    Attributes
    ----------
    lesion : Volume
        uint8, 0 and 1, in the scan's storage order.
    cord : Volume or None
        The cord likewise, if it is known.
    unannotated : tuple of int
        Slices that were not annotated, counted from the left; annotated slices without outline have
        no lesion.
    doubts : tuple of str
        Reasons to correct the annotation before training on it, one sentence each.
    others : mapping of str to Volume
        Oedema and cyst, if annotated, in the form of `lesion`: measured, but not part of it.
    files : tuple of Path
        Files that were read.
    """

    lesion: Volume
    cord: Volume | None = None
    unannotated: tuple[int, ...] = ()
    doubts: tuple[str, ...] = ()
    others: Mapping[str, Volume] = field(default_factory=dict)
    files: tuple[Path, ...] = field(default=(), repr=False)


def read_annotation(
    mask: Any, *, like: Volume, label: Label = None, cord: Any = None
) -> Annotation:
    """Read an annotation of any kind onto the grid of a scan.

    Parameters
    ----------
    mask : path, Volume, nibabel or SimpleITK image
        A label map; a ``.seg.nrrd`` of 3D Slicer; a DICOM SEG or RTSTRUCT, or a folder that holds
        one such file and nothing else. On the scan's grid, or on another grid of the same frame of
        reference.
    like : Volume
        The scan.
    label : int, str or mapping, optional
        Label of the lesion: see `spinalcord.scans.labels.check_label`. If not given, all nonzero
        voxels of a label map, and the segments named lesion, plaque, tumour and the like.
    cord : path, Volume, nibabel or SimpleITK image, optional
        Mask of the cord, if `mask` does not contain it; it is used to detect flipped masks.

    Returns
    -------
    Annotation

    Warns
    -----
    SpinalcordWarning
        Resampled from another grid, and how far apart the two were; several values without a
        label; segments that were not used; oedema and cyst, which are not part of the lesion;
        slices that were not annotated; each doubt.

    Raises
    ------
    InputError
        Unreadable; in another frame of reference, in template space, or outside the scan; not
        integers; a label that does not occur.
    MissingExtraError
        DICOM without pydicom.

    Notes
    -----
    No format states which slices were examined. Slices count as not annotated if the map has
    ``unannotated`` on them; if a DICOM SEG contains empty planes for other slices but none for
    them; or if up to three slices without any outline lie between two whose outlines overlap, since
    a lesion does not vanish and reappear at the same place within a few slices.

    Examples
    --------
    >>> scan = Volume(np.ones((4, 5, 6)), np.diag([2.0, 1.0, 1.0, 1.0]))
    >>> both = scan.like(np.repeat(np.uint8([[[0]], [[1]], [[2]], [[1]]]), 5, 1).repeat(6, 2))
    >>> found = read_annotation(both, like=scan, label={"lesion": 2, "cord": 1})
    >>> int(found.lesion.array.sum()), int(found.cord.array.sum())
    (30, 60)
    """
    label = check_label(label)
    parts = _from_file(mask, like, label)
    if parts is None:
        parts = _from_map(mask, like, label)
    name, lesion, inner, known, others, files = parts
    if cord is not None:
        inner = read_structure(cord, like=like, structure="cord").array != 0
    if inner is not None and not inner.any():
        inner = None  # every scan shows the cord: it was not annotated
        warn(f"{name}: no voxel is cord; the cord counts as not annotated")
    ours = like.sagittal()
    outlines, shown = _working(lesion, like), None if inner is None else _working(inner, like)
    missing = _unannotated(outlines, shown, known)
    if missing:
        warn(
            f"{name}: {len(missing)} of {len(outlines)} slices were not annotated, and are not "
            "taken for slices without lesion"
        )
    scan = np.asarray(ours.array, np.float32)
    doubts = find_doubts(scan, like.sagittal_spacing_mm, outlines, shown)
    for doubt in doubts:
        warn(f"{name}: {doubt}")
    if others:
        told = " and ".join(f"{n} ({v.sum() * like.voxel_mm3:.0f} mm³)" for n, v in others.items())
        warn(f"{name}: {told} drawn apart from the lesion: measured, but not part of it")
    return Annotation(
        like.like(lesion.astype(np.uint8)),
        None if inner is None else like.like(inner.astype(np.uint8)),
        missing,
        doubts,
        {name: like.like(array.astype(np.uint8)) for name, array in others.items()},
        files,
    )


def read_structure(
    mask: Any, *, like: Volume, structure: str, label: int | str | None = None
) -> Volume:
    """Read one structure other than the lesion, such as a cord mask in a file of its own.

    Parameters
    ----------
    mask, like
        As for `read_annotation`.
    structure : str
        One of `spinalcord.scans.labels.STRUCTURES`.
    label : int or str, optional
        Its value or the name of its segment. If not given, all nonzero voxels of a label map, and
        the segments of that name.

    Returns
    -------
    Volume
        uint8, 0 and 1, in the scan's storage order.

    Raises
    ------
    InputError
        As for `read_annotation`; a file of named segments without that structure.
    """
    found = _segments(mask, like)
    if found is None:
        return like.like(_from_map(mask, like, check_label(label))[1].astype(np.uint8))
    path, segments = found
    # The label is that of the requested structure, as it is for a lesion.
    meant = structure if label is None else "lesion"
    inside = _place_segments(path, segments, meant, check_label(label), like)
    if inside is None:
        shown = ", ".join(repr(name) for name in segments.names)
        raise InputError(f"{path}: no segment is called {structure}; there are {shown}")
    return like.like(inside.astype(np.uint8))


_Parts = tuple[str, Array, "Array | None", "Array | None", dict[str, Array], tuple[Path, ...]]


def _segments(mask: Any, like: Volume) -> tuple[Path, Segments] | None:
    """Read a file of named segments; None for any other mask."""
    if not isinstance(mask, (str, os.PathLike)):
        return None
    path = _only_file(Path(mask))
    kind = dicom_kind(path)
    if kind:
        segments = read_rtstruct(path, like) if kind == RTSTRUCT else read_seg(path)
        _check_frame(path, segments, like)
        return path, segments
    if path.is_file() and path.name.lower().endswith((".nrrd", ".nhdr")):
        slicer = read_slicer(path)
        return None if slicer is None else (path, slicer)
    return None


def _only_file(path: Path) -> Path:
    """Return the only file of a folder, such as one exported by an archive."""
    if not path.is_dir():
        return path
    inside = [p for p in sorted(path.rglob("*")) if p.is_file() and p.name.upper() != "DICOMDIR"]
    return inside[0] if len(inside) == 1 else path


def _from_file(mask: Any, like: Volume, label: Label) -> _Parts | None:
    found = _segments(mask, like)
    if found is None:
        return None
    path, segments = found
    lesion = _place_segments(path, segments, "lesion", label, like)
    cord = _place_segments(path, segments, "cord", label, like)
    known: Array | None = None
    if segments.drawn is not None:
        known = ~_without(regrid(segments.drawn, like).inside, like)
    skipped = _place_segments(path, segments, "unannotated", label, like)
    if skipped is not None:
        free = _without(skipped, like)
        known = free if known is None else known & free
    files = tuple(dict.fromkeys(f for v in segments.volumes for f in v.source.files))
    if lesion is None:
        raise InputError(f"{path}: no lesion in it")
    found_too = ((o, _place_segments(path, segments, o, label, like)) for o in OTHERS)
    others = {name: array for name, array in found_too if array is not None and array.any()}
    return str(path), lesion, cord, known, others, files


def _place_segments(
    path: Path, segments: Segments, structure: str, label: Label, like: Volume
) -> Array | None:
    """Merge the segments of one structure on the scan's grid; None if there are none."""
    meant = dict(zip(segments.names, segments.structures, strict=True))
    names = choose_segments(segments.names, meant, label, structure, str(path))
    if not names:
        return None
    others = [n for n in segments.names if n not in names and meant[n] in ("", "lesion")]
    if structure == "lesion" and others:
        shown = ", ".join(repr(name) for name in others)
        warn(f"{path}: segments {shown} were not used")
    inside = np.zeros(like.shape, bool)
    told = False
    for name, volume in zip(segments.names, segments.volumes, strict=True):
        if name in names:
            placed = regrid(volume, like)
            inside |= _checked(str(path), volume, placed, like, told=told)
            told = True
    return inside


def _from_map(mask: Any, like: Volume, label: Label) -> _Parts:
    """Read a label map, each of whose values is one structure."""
    given = isinstance(mask, (str, os.PathLike))
    volume = reading.load(mask) if given else Volume.from_any(mask)
    name = "the mask" if volume.source.path is None else str(volume.source.path)
    wanted = pick(label, "lesion")
    if isinstance(wanted, str):
        raise InputError(
            f"{name}: values without names, so no segment {wanted!r}: give the value of lesion"
        )
    stated = set(label.values()) if isinstance(label, Mapping) else set()
    if isinstance(wanted, int) and set(np.unique(volume.array).tolist()) <= {0, *stated}:
        inside = volume.array == wanted  # all values are labelled, even without a lesion
    else:
        inside = reading.select(volume.array, name, wanted)
    lesion = place(volume.like(inside), like, name)
    placed = {
        structure: place(volume.like(volume.array == value), like, name, told=True)
        for structure in ("cord", "unannotated", *OTHERS)
        if (value := pick(label, structure)) is not None
    }
    known = _without(placed["unannotated"], like) if "unannotated" in placed else None
    others = {o: placed[o] for o in OTHERS if o in placed and placed[o].any()}
    return name, lesion, placed.get("cord"), known, others, volume.source.files


def place(mask: Volume, like: Volume, name: str, *, told: bool = False) -> Array:
    """Resample a mask to the grid of a scan.

    Parameters
    ----------
    mask : Volume
        bool, on any grid and in any storage order.
    like : Volume
        The scan.
    name : str
        For messages.
    told : bool, default False
        Whether the warnings were already issued for another part of the same file.

    Returns
    -------
    bool array
        In the scan's storage order.

    Raises
    ------
    InputError
        The mask lies outside the scan or in template space.
    """
    ours, theirs = like.sagittal(), mask.sagittal()
    smallest = min(like.spacing_mm)
    if ours.shape == theirs.shape:
        moved = corner_displacement_mm(ours.affine, theirs.affine, ours.shape)
        if moved <= smallest:
            if moved > 0.1 * smallest and not told:
                warn(
                    f"{name}: its affine is off the scan's by up to {moved:.2g} mm (rounded, it "
                    "seems); it is taken voxel by voxel"
                )
            flips = tuple(slice(None, None, -1 if f else 1) for f in like.orientation.flips)
            copied: Array = theirs.array[flips].transpose(np.argsort(like.orientation.permutation))
            return copied
    for way, signs in _MIRRORS.items():
        mirrored = Volume(mask.array, np.diag([*signs, 1]) @ mask.affine)
        if mirrored.sagittal().same_grid(ours, 0.5):
            raise InputError(
                f"{name}: not on the scan's grid but on its mirror image, {way}: it was written "
                "with another convention of left and right (LPS taken for RAS)"
            )
    _check_space(mask, like, name)
    placed = regrid(mask, like)
    if placed.same_lattice and not told:
        warn(
            f"{name}: not on the scan's grid, but on voxels of it: {mask.shape} of {like.shape}, "
            "or shifted; taken voxel by voxel"
        )
    return _checked(name, mask, placed, like, told=told)


def _check_space(mask: Volume, like: Volume, name: str) -> None:
    """Reject a mask in template space, unless the scan is in it too."""
    codes = [volume.source.details.get("sform_code", 0) for volume in (mask, like)]
    if codes[0] in _TEMPLATES and codes[1] not in _TEMPLATES:
        raise InputError(
            f"{name}: not on the scan's grid: it lies in {_TEMPLATES[codes[0]]} space (sform_code "
            f"{codes[0]}), the scan in the scanner's"
        )


def _checked(name: str, mask: Volume, placed: Regridded, like: Volume, *, told: bool) -> Array:
    """Reject a mask on another grid, or warn how it was resampled."""
    apart = f"{mask.shape} voxels of {_mm(mask)} mm, the scan has {like.shape} of {_mm(like)} mm"
    if placed.lost_fraction > MOST_LOST or not _meet(mask, like):
        share = f"{placed.lost_fraction:.0%} of it" if mask.array.any() else "all of it"
        raise InputError(
            f"{name}: not on the scan's grid, nor where the scan is: {apart}, and {share} lies "
            "beyond the scan"
        )
    if mask.array.any() and not placed.inside.any():
        raise InputError(
            f"{name}: not on the scan's grid, and so small that nothing is left of it there: "
            f"{apart}"
        )
    if told:
        return placed.inside
    if not placed.same_lattice:
        warn(
            f"{name}: not on the scan's grid, but resampled onto it: {apart}; its voxels lie up to "
            f"{placed.apart_mm:.2g} mm from the scan's, its axes {placed.turned_deg:.1f} degrees "
            "off"
        )
    if placed.lost_fraction > _QUIET_LOSS:
        warn(f"{name}: {placed.lost_fraction:.0%} of it lies beyond the scan and is ignored")
    return placed.inside


def _meet(mask: Volume, like: Volume) -> bool:
    """Return whether two grids overlap, by the bounding box of one in the other."""
    corners = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in mask.shape])).reshape(3, -1).T
    world = corners @ mask.affine[:3, :3].T + mask.affine[:3, 3]
    inverse = np.linalg.inv(like.affine)
    there = world @ inverse[:3, :3].T + inverse[:3, 3]
    low, high = there.min(axis=0), there.max(axis=0)
    return bool(((high > -0.5) & (low < np.array(like.shape) - 0.5)).all())


def _check_frame(path: Path, segments: Segments, like: Volume) -> None:
    """Reject an object with another frame of reference than that of the scan."""
    if not segments.frame_uid or like.source.kind != "dicom" or not like.source.files:
        return
    try:
        header = read_header(like.source.files[0])
    except (DamagedHeaderError, OSError):
        return
    own = "" if header is None else str(header.tags.get("frame_uid", ""))
    if own and own != segments.frame_uid:
        raise InputError(
            f"{path}: another frame of reference than the scan's: it was drawn on images of "
            "another examination, or on a registered copy"
        )


def _working(array: Array, like: Volume) -> Array:
    """Return an array in storage order as (slice L->R, row S->I, column A->P)."""
    moved: Array = array.transpose(like.orientation.permutation)
    flips = tuple(slice(None, None, -1 if f else 1) for f in like.orientation.flips)
    return np.asarray(moved[flips])


def _without(array: Array, like: Volume) -> Array:
    """Return the slices, counted from the left, in which an array is zero."""
    empty: Array = np.logical_not(_working(array, like).any(axis=(1, 2)))
    return empty


def _unannotated(lesion: Array, cord: Array | None, known: Array | None) -> tuple[int, ...]:
    """Return the slices that were not annotated."""
    drawn = lesion if cord is None else lesion | cord
    filled = np.flatnonzero(drawn.any(axis=(1, 2)))
    missing = set() if known is None else set(np.flatnonzero(~known).tolist())
    for before, after in itertools.pairwise(filled):
        gap = range(int(before) + 1, int(after))
        if 0 < len(gap) <= _LONGEST_GAP and (drawn[before] & drawn[after]).any():
            missing.update(gap)
    return tuple(sorted(missing - set(filled.tolist())))


def _mm(volume: Volume) -> str:
    return " x ".join(f"{mm:.4g}" for mm in volume.spacing_mm)
