"""Segmentations with named segments: 3D Slicer's ``.seg.nrrd`` and DICOM SEG."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..extras import require
from .header import DamagedHeaderError, read_header
from .itk import LPS_TO_RAS, quiet_itk, reason
from .labels import structure_of
from .volume import Source, Volume

Array = np.ndarray[Any, Any]

SEG, LABELMAP_SEG, RTSTRUCT = (
    "1.2.840.10008.5.1.4.1.1.66.4",
    "1.2.840.10008.5.1.4.1.1.66.7",
    "1.2.840.10008.5.1.4.1.1.481.3",
)
"""Kinds of DICOM objects that hold annotations."""

_SAME_PLANE_MM = 0.01
_UNEVEN = 0.1  # deviation of a frame from its plane, in steps


@dataclass(frozen=True)
class Segments:
    """The segments of one file.

    Attributes
    ----------
    names : tuple of str
        Names in the order of the file; several segments may have the same name.
    volumes : tuple of Volume
        bool, on the file's own grid, one a segment.
    structures : tuple of str
        Structure of each; see `structure_of`. Empty if unknown.
    drawn : Volume or None
        bool: planes in the file, including empty ones; None if the file does not state them.
    frame_uid : str
        Frame of reference, if the file names one. Not to be shown in messages.
    """

    names: tuple[str, ...]
    volumes: tuple[Volume, ...]
    structures: tuple[str, ...]
    drawn: Volume | None = None
    frame_uid: str = field(default="", repr=False)


def dicom_kind(path: Path) -> str:
    """Return the SOP class of a DICOM file that holds annotations; empty for any other file."""
    if not path.is_file():
        return ""
    try:
        header = read_header(path)
    except (DamagedHeaderError, OSError):
        return ""
    kind = "" if header is None else str(header.tags.get("sop_class", ""))
    return kind if kind in (SEG, LABELMAP_SEG, RTSTRUCT) else ""


def read_slicer(path: Path) -> Segments | None:
    """Read a segmentation of 3D Slicer.

    Parameters
    ----------
    path : Path
        A NRRD file. Cropped extents and several layers, where segments overlap, are read.

    Returns
    -------
    Segments or None
        None for a NRRD file without segments.

    Raises
    ------
    InputError
        It cannot be read, or a segment names a layer that is not there.
    """
    with quiet_itk() as sitk:
        try:
            reader = sitk.ImageFileReader()
            reader.SetFileName(str(path))
            reader.ReadImageInformation()
            said = {key: reader.GetMetaData(key) for key in reader.GetMetaDataKeys()}
            numbers = sorted(
                int(found[1]) for key in said if (found := re.fullmatch(r"Segment(\d+)_ID", key))
            )
            if not numbers:
                return None
            image: Any = reader.Execute()
        except RuntimeError as error:
            raise InputError(f"{path}: not readable ({reason(error)})") from error
        layers = sitk.GetArrayFromImage(image)
    layers = layers.reshape(*image.GetSize()[::-1], -1).transpose(3, 2, 1, 0)
    affine = _itk_affine(image)
    names, volumes, structures = [], [], []
    source = Source("itk", path, (path,))
    for place, number in enumerate(numbers):
        about = {key: said.get(f"Segment{number}_{key}", "") for key in ("Name", "ID", "Tags")}
        # Before Slicer 4.11 each segment had a layer of its own, and no label value.
        layer = _whole(said.get(f"Segment{number}_Layer"), place if len(layers) > 1 else 0)
        value = _whole(said.get(f"Segment{number}_LabelValue"), 1)
        if not 0 <= layer < len(layers):
            raise InputError(f"{path}: segment {number} names layer {layer} of {len(layers)}")
        name = about["Name"] or about["ID"]
        names.append(name)
        structures.append(structure_of(name) or _tagged(about["Tags"]))
        volumes.append(Volume(layers[layer] == value, affine, source=source))
    return Segments(tuple(names), tuple(volumes), tuple(structures))


def _itk_affine(image: Any) -> Array:
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    placed: Array = LPS_TO_RAS @ affine
    return placed


def _tagged(tags: str) -> str:
    """Read the structure from Slicer's terminology, if the name does not state it."""
    meanings = re.findall(r"\^([^^~]+)(?=[~|])", tags)
    return next((found for text in meanings if (found := structure_of(text))), "")


def _whole(text: str | None, default: int) -> int:
    return int(text) if text is not None and re.fullmatch(r"\s*-?\d+\s*", text) else default


def read_seg(path: Path) -> Segments:
    """Read a DICOM Segmentation object: binary, fractional or a label map.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Segments
        A fractional segment is cut at one half.

    Raises
    ------
    MissingExtraError
        Without pydicom.
    InputError
        No segments; frames without position, or that do not form a regular grid.
    """
    pydicom = require("pydicom", "dicom", "reading DICOM segmentations")
    try:
        data = pydicom.dcmread(path)
        about = list(data.SegmentSequence)
        frames = data.pixel_array.reshape(-1, int(data.Rows), int(data.Columns))
        places = [_place(data, index) for index in range(len(frames))]
    except Exception as error:  # pydicom raises many kinds for a damaged file
        text = str(error).replace(str(path), "it") or type(error).__name__
        raise InputError(f"{path}: not a readable DICOM segmentation ({text})") from error
    if not about or not len(frames):
        raise InputError(f"{path}: a DICOM segmentation without segments or frames")
    affine, planes = _stack(path, places)
    shape = frames.shape[2], frames.shape[1], int(planes.max()) + 1
    numbers = [int(item.SegmentNumber) for item in about]
    inside = {number: np.zeros(shape, bool) for number in numbers}
    kind = str(data.SegmentationType)
    least = 0.5 * float(data.get("MaximumFractionalValue", 1)) if kind == "FRACTIONAL" else 1
    for index, frame in enumerate(frames):
        for number in numbers if kind == "LABELMAP" else [_segment(data, index)]:
            filled = frame == number if kind == "LABELMAP" else frame >= least
            if number in inside:
                inside[number][:, :, planes[index]] |= filled.T
    drawn = np.zeros(shape, bool)
    drawn[:, :, planes] = True
    empty = any(not frame.any() for frame in frames)
    source = Source("dicom", path, (path,))
    names = tuple(str(item.SegmentLabel) for item in about)
    return Segments(
        names,
        tuple(Volume(inside[number], affine, source=source) for number in numbers),
        tuple(structure_of(n) or _coded(item) for n, item in zip(names, about, strict=True)),
        # Without any empty frame, the writer may have omitted all of them.
        Volume(drawn, affine, source=source) if empty else None,
        str(data.get("FrameOfReferenceUID", "")),
    )


def _coded(item: Any) -> str:
    for name in ("SegmentedPropertyTypeCodeSequence", "AnatomicRegionSequence"):
        for code in item.get(name, ()):
            found = structure_of(str(code.get("CodeMeaning", "")))
            if found and (name[0] == "S" or found == "cord"):
                return found
    return ""


def _segment(data: Any, index: int) -> int:
    for group in (data.PerFrameFunctionalGroupsSequence[index], _shared(data)):
        if "SegmentIdentificationSequence" in group:
            return int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
    raise ValueError(f"frame {index + 1} names no segment")


def _shared(data: Any) -> Any:
    groups = data.get("SharedFunctionalGroupsSequence") or [{}]
    return groups[0]


def _place(data: Any, index: int) -> tuple[Array, Array, Array]:
    """Return position, orientation and spacing of a frame (between rows, columns, frames)."""
    own = data.PerFrameFunctionalGroupsSequence[index]

    def find(macro: str, name: str) -> Any:
        for group in (own, _shared(data)):
            if macro in group:
                return getattr(getattr(group, macro)[0], name, None)
        return None

    position = find("PlanePositionSequence", "ImagePositionPatient")
    orientation = find("PlaneOrientationSequence", "ImageOrientationPatient")
    spacing = find("PixelMeasuresSequence", "PixelSpacing")
    if position is None or orientation is None or spacing is None:
        raise ValueError(f"frame {index + 1} has no position, orientation or pixel spacing")
    between = find("PixelMeasuresSequence", "SpacingBetweenSlices") or find(
        "PixelMeasuresSequence", "SliceThickness"
    )
    numbers = [*map(float, spacing), float(between or 0)]
    return np.array(position, float), np.array(orientation, float), np.array(numbers)


def _stack(path: Path, places: list[tuple[Array, Array, Array]]) -> tuple[Array, Array]:
    """Return the affine of a grid that holds all frames, and each frame's plane on it."""
    positions = np.array([place[0] for place in places])
    cosines = np.array([place[1] for place in places]).reshape(-1, 2, 3)
    spacing = places[0][2]
    if np.abs(cosines - cosines[0]).max() > 1e-3 or any(
        np.abs(place[2][:2] - spacing[:2]).max() > 1e-3 for place in places
    ):
        raise InputError(f"{path}: frames of different orientations or pixel sizes")
    row, column = cosines[0]
    normal = np.cross(row, column)
    along = positions @ normal
    levels = np.unique(np.round(along / _SAME_PLANE_MM)) * _SAME_PLANE_MM
    gaps = np.diff(levels)
    step = float(gaps.min()) if gaps.size else float(spacing[2] or 1.0)
    if (
        spacing[2]
        and gaps.size
        and abs(np.rint(gaps / spacing[2]) * spacing[2] - gaps).max() < (_UNEVEN * spacing[2])
    ):
        step = float(spacing[2])  # every second plane may be drawn
    planes = (along - along.min()) / step
    first = positions[int(np.argmin(along))]
    sideways = positions - first - np.outer(along - along.min(), normal)
    if np.abs(planes - np.rint(planes)).max() > _UNEVEN or np.abs(sideways).max() > 0.5 * min(
        spacing[:2]
    ):
        raise InputError(f"{path}: the frames do not form a regular grid")
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = row * spacing[1], column * spacing[0]
    affine[:3, 2], affine[:3, 3] = normal * step, first
    return LPS_TO_RAS @ affine, np.rint(planes).astype(int)
