"""Read NRRD, MetaImage and SimpleITK images, and the pixels of DICOM files, with SimpleITK."""

from __future__ import annotations

import contextlib
import math
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..memory import check_memory
from .meta_header import SUFFIXES as META_SUFFIXES
from .meta_header import read_meta_header
from .orientation import shear_deg
from .volume import MAX_SHEAR_DEG, Source, Volume, warn

SUFFIXES = (".nrrd", ".nhdr", *META_SUFFIXES)
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


class _Quiet:
    """Setting of the process, which the first reader turns off and the last one restores."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.readers = 0
        self.shown = True


_quiet = _Quiet()


@contextlib.contextmanager
def quiet_itk() -> Iterator[Any]:
    """Provide SimpleITK with its warnings disabled, and restore the setting afterwards."""
    import SimpleITK as sitk

    process: Any = sitk.ProcessObject
    with _quiet.lock:
        if _quiet.readers == 0:
            _quiet.shown = process.GetGlobalWarningDisplay()
            process.SetGlobalWarningDisplay(False)
        _quiet.readers += 1
    try:
        yield sitk
    finally:
        with _quiet.lock:
            _quiet.readers -= 1
            if _quiet.readers == 0:
                process.SetGlobalWarningDisplay(_quiet.shown)


def reason(error: Exception) -> str:
    """Return the last line of an ITK error, without addresses and source file names."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    last = lines[-1] if lines else type(error).__name__
    if last.startswith("Reason: "):  # ITK's guess, from the current value of errno
        return "damaged or truncated, or the file of its voxels is missing"
    return last.rpartition("): ")[2] if "ITK ERROR" in last else last


def read_itk(path: Path) -> Volume:
    """Read a NRRD or MetaImage file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Volume

    Warns
    -----
    SpinalcordWarning
        The file does not say how its axes lie in the patient.

    Raises
    ------
    InputError
        Damaged, not one 3-D volume, or colour.
    """
    meta = None
    if path.suffix.lower() in META_SUFFIXES:
        meta = read_meta_header(path)  # rejects files that would crash ITK
    with quiet_itk() as sitk:
        try:
            reader = sitk.ImageFileReader()
            reader.SetFileName(str(path))
            reader.ReadImageInformation()
            placed = _says_orientation(meta, reader)
            check_memory(2 * _stated_nbytes(reader), f"{path}: to read it")
            image = reader.Execute()
        except RuntimeError as error:
            raise InputError(f"{path}: not readable ({reason(error)})") from error
    if not placed:
        warn(
            f"{path}: the file does not say how its axes lie in the patient; "
            "left, posterior, superior is assumed, as ITK does"
        )
    return from_sitk(image, source=Source("itk", path, (path,)))


def _stated_nbytes(reader: Any) -> int:
    """Return the bytes that an image takes by its header."""
    import SimpleITK as sitk

    kind = sitk.GetPixelIDValueAsString(reader.GetPixelID())
    bits = [int(word) for word in kind.replace("-", " ").split() if word.isdigit()]
    width = bits[0] // 8 if bits else 8
    return int(math.prod(reader.GetSize()) * reader.GetNumberOfComponents() * width)


def _says_orientation(meta: Mapping[str, str] | None, reader: Any) -> bool:
    if meta is None:
        return "NRRD_space" in reader.GetMetaDataKeys()
    return not {"TransformMatrix", "Orientation", "Rotation"}.isdisjoint(meta)


def from_sitk(image: Any, *, source: Source | None = None) -> Volume:
    """Convert a SimpleITK image, from LPS to RAS+.

    Parameters
    ----------
    image : SimpleITK.Image
        3-D, or 4-D with one volume; one number per pixel.
    source : Source, optional

    Returns
    -------
    Volume
        Array indices in SimpleITK's own order (x, y, z).

    Raises
    ------
    InputError
        Other dimensions, or colour.
    """
    import SimpleITK as sitk

    name = "the SimpleITK image" if source is None or source.path is None else str(source.path)
    size = image.GetSize()
    while len(size) > 3 and size[-1] == 1:
        size = size[:-1]
    if len(size) != 3:
        raise InputError(f"{name}: {len(size)}-D data of size {size}; one 3-D volume is expected")
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(
            f"{name}: {image.GetNumberOfComponentsPerPixel()} numbers per voxel (colour or "
            "vectors); one is expected"
        )
    n = image.GetDimension()
    direction = np.array(image.GetDirection()).reshape(n, n)[:3, :3]
    affine = np.eye(4)
    affine[:3, :3] = direction * np.array(image.GetSpacing()[:3])
    affine[:3, 3] = image.GetOrigin()[:3]
    array = sitk.GetArrayFromImage(image)
    return Volume(array.reshape(size[::-1]).T, LPS_TO_RAS @ affine, source=source)


def to_sitk(volume: Volume) -> Any:
    """Convert a volume to a SimpleITK image; see `Volume.to_sitk`."""
    import SimpleITK as sitk

    sheared = shear_deg(volume.affine)
    if sheared > MAX_SHEAR_DEG:
        raise InputError(
            f"the grid is sheared by {sheared:.1f} degrees, which SimpleITK cannot hold: resample "
            "it, or use to_nibabel()"
        )
    array = volume.array.astype(np.uint8) if volume.array.dtype == bool else volume.array
    image: Any = sitk.GetImageFromArray(np.ascontiguousarray(array.T))
    placed = LPS_TO_RAS @ volume.affine
    image.SetSpacing(volume.spacing_mm)
    image.SetDirection((placed[:3, :3] / np.array(volume.spacing_mm)).ravel().tolist())
    image.SetOrigin(placed[:3, 3].tolist())
    return image


def read_pixels(paths: list[Path], mended: Mapping[Path, bytes] | None = None) -> list[np.ndarray]:
    """Decode DICOM files, rescaled by the slope and intercept that GDCM finds.

    Parameters
    ----------
    paths : list of Path
    mended : mapping of Path to bytes, optional
        Contents to decode in place of files that GDCM rejects.

    Returns
    -------
    list of (frames, rows, columns) ndarray

    Raises
    ------
    InputError
        GDCM cannot decode a file.
    """
    from tqdm import tqdm

    mended = mended or {}
    arrays = []
    with quiet_itk() as sitk, tempfile.TemporaryDirectory(prefix="spinalcord-") as scratch:
        reader = sitk.ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        for path in tqdm(paths, desc="slices", unit="file", delay=2, disable=None, leave=False):
            source = path
            if path in mended:
                source = Path(scratch, "mended.dcm")
                source.write_bytes(mended[path])
            reader.SetFileName(str(source))
            try:
                array = sitk.GetArrayFromImage(reader.Execute())
            except RuntimeError as error:
                raise InputError(
                    f"{path}: its pixels cannot be decoded; damaged, truncated or of an "
                    f"unsupported encoding ({reason(error)})"
                ) from error
            arrays.append(array)
    return arrays
