"""Find the images that a scan was read from, to which DICOM objects must refer."""

from __future__ import annotations

import hashlib
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..extras import require
from ..scans.volume import Volume

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

MANUFACTURER = "spinalcord"

# Attributes that highdicom reads and some series lack: of type 2, so empty means the same.
_EMPTY = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID",
    "StudyDate", "StudyTime", "ReferringPhysicianName",
)  # fmt: skip


# Optional sequences of the patient and the study that some series have without an item.
_NEVER_EMPTY = (
    "ProcedureCodeSequence", "ReferencedStudySequence", "ReferencedPatientSequence",
    "AdmittingDiagnosesCodeSequence",
)  # fmt: skip


@dataclass(frozen=True)
class SourceSeries:
    """The series that a scan was read from.

    Attributes
    ----------
    images : tuple of pydicom.Dataset
        Headers without pixels: one per slice, in the order of the volume's last axis; or one
        multi-frame image.
    slices : tuple of int
        Slice of the volume that each image, or each frame, shows; -1 for a frame that is not in it.
    """

    images: tuple[Any, ...]
    slices: tuple[int, ...]

    @property
    def uid(self) -> str:
        """SeriesInstanceUID."""
        return str(self.images[0].SeriesInstanceUID)

    @property
    def is_multiframe(self) -> bool:
        """Whether the series is one file with several frames."""
        return "PerFrameFunctionalGroupsSequence" in self.images[0]

    def frames(self, volume: Volume, dtype: Any) -> np.ndarray:
        """Return a volume on the scan's grid as (images or frames, rows, columns).

        Frames that the scan does not show are 0.
        """
        stack = np.asarray(volume.array, dtype).transpose(2, 1, 0)
        empty = np.zeros(stack.shape[1:], stack.dtype)
        return np.stack([stack[k] if k >= 0 else empty for k in self.slices])


def has_files(scan: Volume) -> bool:
    """Return whether a scan was read from DICOM files, to which objects can refer."""
    return scan.source.kind == "dicom" and bool(scan.source.files)


def read_sources(scan: Volume) -> SourceSeries:
    """Read the headers of the images that a scan was read from.

    Parameters
    ----------
    scan : Volume
        Read from DICOM files, a folder or a zip of them.

    Returns
    -------
    SourceSeries

    Raises
    ------
    MissingExtraError
        Without pydicom.
    InputError
        The scan is not from DICOM files, or they were removed or changed.
    """
    pydicom = require("pydicom", "dicom", "writing DICOM objects")
    source = scan.source
    if not has_files(scan):
        raise InputError(
            f"{'the scan' if source.path is None else source.path}: not DICOM: DICOM objects refer "
            "to the images that they were made from, so they need a scan read from DICOM files"
        )
    try:
        if len(source.files) == 1 and zipfile.is_zipfile(source.files[0]):
            series = _series_in_zip(pydicom, source.files[0])
        else:
            series = [[pydicom.dcmread(p, stop_before_pixels=True, force=True)
                       for p in source.files]]  # fmt: skip
    except (OSError, zipfile.BadZipFile) as error:
        name = getattr(error, "filename", None) or source.path
        said = getattr(error, "strerror", None) or error
        raise InputError(f"{name}: cannot be read again: {said}") from error
    for images in series:
        found = _match(images, scan)
        if found is not None:
            return found
    raise InputError(f"{source.path}: the images have changed since the scan was read")


def _series_in_zip(pydicom: Any, path: Path) -> list[list[Any]]:
    """Read the headers in a zip, by series, ignoring other files."""
    groups: dict[str, list[Any]] = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            with archive.open(member) as file:
                try:
                    image = pydicom.dcmread(file, stop_before_pixels=True)
                except pydicom.errors.InvalidDicomError:
                    continue
            if "ImagePositionPatient" in image or "PerFrameFunctionalGroupsSequence" in image:
                groups.setdefault(str(image.get("SeriesInstanceUID")), []).append(image)
    return list(groups.values())


def _match(images: list[Any], scan: Volume) -> SourceSeries | None:
    """Sort images by the slices of a scan; None if they are not those of the scan."""
    places = []
    for image in images:
        _complete(image, scan.spacing_mm[2])
        groups = image.get("PerFrameFunctionalGroupsSequence")
        if groups:
            places += [group.PlanePositionSequence[0].ImagePositionPatient for group in groups]
        else:
            places.append(image.ImagePositionPatient)
    points = np.c_[np.array(places, float), np.ones(len(places))]
    index = points @ (np.linalg.inv(scan.affine) @ LPS_TO_RAS).T
    slices = np.rint(index[:, 2]).astype(int)
    inside = (np.abs(index[:, :2]) < 1).all(1) & (slices >= 0) & (slices < scan.shape[2])
    if len(images) == 1:
        return SourceSeries(tuple(images), tuple(np.where(inside, slices, -1).tolist()))
    if sorted(slices[inside].tolist()) != list(range(scan.shape[2])):
        return None
    order = np.argsort(slices, kind="stable")
    return SourceSeries(tuple(images[k] for k in order), tuple(slices[order].tolist()))


def _complete(image: Any, step_mm: float) -> None:
    """Add required attributes that some series lack, and correct those that are copied.

    Only in memory: objects repeat the attributes of the patient and the study, including errors in
    them.
    """
    age = str(image.get("PatientAge") or "")
    if age and not re.fullmatch(r"\d{3}[DWMY]", age):
        found = re.fullmatch(r"\s*(\d{1,3})\s*([DWMY])\s*", age.upper())
        image.PatientAge = f"{int(found[1]):03d}{found[2]}" if found else ""
    for name in _NEVER_EMPTY:
        if name in image and not image[name].value:
            delattr(image, name)
    for name in _EMPTY:
        if name not in image:
            setattr(image, name, "")
    if "PerFrameFunctionalGroupsSequence" not in image:
        if not image.get("SliceThickness"):
            image.SliceThickness = f"{step_mm:.6g}"
        # Used by some readers to place the frames, and wrong in some series.
        image.SpacingBetweenSlices = f"{step_mm:.6g}"
    if "PerFrameFunctionalGroupsSequence" in image:
        _share(image)
    if not image.get("FrameOfReferenceUID"):
        # One for the series, so that its objects share it.
        image.FrameOfReferenceUID = derived_uid("frame", str(image.SeriesInstanceUID))


def _share(image: Any) -> None:
    """Copy the geometry of a multi-frame image to its shared groups, if each frame has its own."""
    from pydicom.dataset import Dataset

    if not image.get("SharedFunctionalGroupsSequence"):
        image.SharedFunctionalGroupsSequence = [Dataset()]
    shared = image.SharedFunctionalGroupsSequence[0]
    first = image.PerFrameFunctionalGroupsSequence[0]
    for name in ("PixelMeasuresSequence", "PlaneOrientationSequence"):
        if name not in shared and name in first:
            setattr(shared, name, first[name].value)


def derived_uid(*parts: str | bytes) -> str:
    """Return a UID that depends only on the given texts: equal results give equal objects.

    Parameters
    ----------
    *parts : str or bytes

    Returns
    -------
    str
        Under 2.25, where a UUID's number is a UID.

    Examples
    --------
    >>> derived_uid("a", "b") == derived_uid("a", "b") != derived_uid("ab")
    True
    """
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return f"2.25.{int.from_bytes(digest.digest()[:16], 'big')}"
