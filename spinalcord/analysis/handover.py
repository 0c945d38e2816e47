"""Export results for other programs: DICOM objects and segmentations for 3D Slicer."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..exchange.capture_object import make_capture
from ..exchange.maker import Maker
from ..exchange.report_object import make_report
from ..exchange.segmentation_object import make_segmentation
from ..exchange.slicer import save_slicer
from ..exchange.sources import SourceSeries, read_sources
from ..pictures.mosaic import draw_mosaic
from ..scans.writing import write_bytes
from .results import Record, Result, output_path

if TYPE_CHECKING:
    from ..scans.volume import Volume
    from .classification import Diagnosis
    from .segmentation import Segmentation

FORMATS = ("nifti", "seg.nrrd", "dicom-seg", "dicom-sc")
"""Formats of a segmentation; a diagnosis has "json", "dicom-sr" and "dicom-sc"."""


def check_format(given: str, known: Sequence[str]) -> str:
    """Return the format of a file to write.

    Raises
    ------
    InputError
        An unknown format.

    Examples
    --------
    >>> check_format("nifti", FORMATS)
    'nifti'
    """
    if given not in known:
        raise InputError(f"format is {given!r}, expected one of {', '.join(known)}")
    return given


def make_maker(record: Record) -> Maker:
    """Return the maker of a result: the model that was used first."""
    model = record.models[0] if record.models else {}
    name = " ".join(str(model[key]) for key in ("name", "version") if model.get(key))
    return Maker(name or "unknown", str(model.get("sha256", "")), record.notice, record.warnings)


def save_segmentation(
    result: Segmentation, path: str | os.PathLike[str], kind: str, *, fractional: bool = False
) -> list[Path]:
    """Write a segmentation in a format other than NIfTI; see `Segmentation.save`.

    Raises
    ------
    InputError
        A scan that is not from DICOM files; another ending; a place that cannot be written.
    MissingExtraError
        Without highdicom.
    """
    stem = result.record.stem
    if kind == "seg.nrrd":
        parts = {"lesion": result.mask}
        if result.cord is not None:
            parts["cord"] = result.cord
        return [save_slicer(parts, output_path(path, stem, "desc-lesion_dseg", ".seg.nrrd"))]
    if kind == "dicom-sc":
        return [save_capture(result, path)]
    label = f"desc-lesion_{'prob' if fractional else ''}seg"
    target = output_path(path, stem, label, ".dcm")
    volume = result.probability if fractional else result.mask
    return [_write(lesion_object(result, read_sources(result.scan), volume), target)]


def lesion_object(result: Result, source: SourceSeries, volume: Volume) -> Any:
    """Return the Segmentation object of a lesion mask, or of its probabilities."""
    fractional = volume.array.dtype.kind == "f"
    maker = make_maker(result.record)
    return make_segmentation(source, volume, "lesion", maker, fractional=fractional)


def save_report(diagnosis: Diagnosis, path: str | os.PathLike[str]) -> list[Path]:
    """Write measurements and classification as a structured report; see `Diagnosis.save`.

    Raises
    ------
    InputError, MissingExtraError
        As for `save_segmentation`.
    """
    target = output_path(path, diagnosis.record.stem, "measurements", ".dcm")
    source = read_sources(diagnosis.scan)
    segmentation = diagnosis.segmentation
    made = None if segmentation is None else lesion_object(segmentation, source, segmentation.mask)
    return [_write(_report(diagnosis, segmentation, source, made), target)]


def save_capture(result: Result, path: str | os.PathLike[str]) -> Path:
    """Write the slices with their outlines as a Secondary Capture image.

    Raises
    ------
    InputError, MissingExtraError
        As for `save_segmentation`.
    """
    target = output_path(path, result.record.stem, "desc-lesion_overlay", ".dcm")
    return _write(_capture(result, read_sources(result.scan)), target)


def make_objects(
    segmentation: Segmentation | None, diagnosis: Diagnosis | None
) -> dict[str, bytes]:
    """Return all DICOM objects of a case: SEG, SR and Secondary Capture.

    Parameters
    ----------
    segmentation : Segmentation or None
        None if a mask was given, which then has no object of its own.
    diagnosis : Diagnosis or None

    Returns
    -------
    dict of str to bytes
        Contents of the files by the suffix after the stem in their names.

    Raises
    ------
    InputError, MissingExtraError
        As for `save_segmentation`.
    """
    result = segmentation or diagnosis
    if result is None:
        return {}
    source = read_sources(result.scan)
    made: dict[str, Any] = {}
    if segmentation is not None:
        made["desc-lesion_seg"] = lesion_object(segmentation, source, segmentation.mask)
    made["measurements"] = _report(diagnosis, segmentation, source, made.get("desc-lesion_seg"))
    made["desc-lesion_overlay"] = _capture(result, source)
    return {label: _encoded(each) for label, each in made.items()}


def _report(
    diagnosis: Diagnosis | None,
    segmentation: Segmentation | None,
    source: SourceSeries,
    made: Any,
) -> Any:
    result: Any = diagnosis or segmentation
    lesions = () if segmentation is None else segmentation.lesions
    inside = int((result.mask.array != 0).sum())
    return make_report(
        source,
        made,
        [lesion.to_dict() for lesion in lesions],
        volume_mm3=inside * result.mask.voxel_mm3,
        probabilities={} if diagnosis is None else diagnosis.probabilities,
        diagnosis=None if diagnosis is None else diagnosis.diagnosis,
        maker=make_maker(result.record),
    )


def _capture(result: Result, source: SourceSeries) -> Any:
    mosaic = draw_mosaic(result.scene())
    numbers = ", ".join(picture.caption for picture in mosaic.pictures)
    colours = ", ".join(f"{name} outlined in RGB {colour}" for name, colour in mosaic.legend)
    note = f"{mosaic.note}: {numbers}; {colours}. {result.notice}"
    pictures = [picture.rgb for picture in mosaic.pictures]
    return make_capture(source, pictures, note, make_maker(result.record))


def _write(made: Any, path: Path) -> Path:
    return write_bytes(path, _encoded(made))


def _encoded(made: Any) -> bytes:
    buffer = io.BytesIO()
    made.save_as(buffer)
    return buffer.getvalue()
