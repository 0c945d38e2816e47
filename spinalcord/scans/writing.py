"""Write results: NIfTI on the grid of the scan, with a JSON sidecar and BIDS-derivative names.

Every file is written under a temporary name in its own folder, flushed to disk, and renamed: a
reader sees the old file or the new one, never half of one, and a full disk leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import secrets
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import InputError
from ..paths import local_path
from .compression import gzip_array
from .nifti_header import NiftiHeader, encode_nifti
from .orientation import corner_displacement_mm
from .volume import Volume

_SCAN_ENDINGS = (
    ".nii.gz", ".nii", ".hdr.gz", ".img.gz", ".hdr", ".img", ".nrrd", ".nhdr", ".mha", ".mhd",
    ".zip", ".dcm", ".dicom", ".ima",
)  # fmt: skip
_BIDS = re.compile(r"(sub-[A-Za-z0-9]+(?:_[a-z]+-[A-Za-z0-9+]+)*)(?:_[A-Za-z0-9]+)?")
_WRITTEN: dict[str, Any] = {"b": np.uint8, "u": np.uint8, "i": np.int32, "f": np.float32}

UNDECODABLE = "backslashreplace"
"""Error handler for bytes in file names that are not UTF-8."""


def result_stem(scan: Volume | str | os.PathLike[str]) -> str:
    """Return the stem of the results of a scan, which precedes ``_desc-lesion_mask.nii.gz``.

    A BIDS name keeps its entities and loses its suffix and any `desc`:
    ``sub-01_acq-sag_T2w.nii.gz`` gives ``sub-01_acq-sag``.  Any other name keeps its stem, with
    what is awkward in a file name turned into '-'.  A DICOM series is named after its folder, a
    zip or a multi-frame file after itself; a volume from memory is called 'scan'.

    Parameters
    ----------
    scan : Volume or path

    Returns
    -------
    str
    """
    if isinstance(scan, Volume):
        if scan.source.path is None:
            return "scan"
        path = scan.source.path
        if scan.source.kind == "dicom" and len(scan.source.files) > 1 and not path.is_dir():
            path = path.parent
    else:
        path = Path(scan)
    name = path.name if path.name not in ("", "..") else path.resolve().name
    for ending in _SCAN_ENDINGS:
        if name.lower().endswith(ending) and len(name) > len(ending):
            name = name[: -len(ending)]
            break
    bids = _BIDS.fullmatch(name)
    if bids:
        return "_".join(part for part in bids[1].split("_") if not part.startswith("desc-"))
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "scan"


def camel_case(name: str) -> str:
    """Convert the name of a task to a BIDS label: 'ms_vs_nmosd' to 'msVsNmosd'."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def result_path(
    out: str | os.PathLike[str], scan: Volume | str | os.PathLike[str], label: str, ending: str
) -> Path:
    """Return the path of a result: `out` if it has the ending, else a file in the folder `out`.

    Parameters
    ----------
    out : path
        A folder, made when the file is written, or a file name.
    scan : Volume or path
        Names the file within a folder; see `result_stem`.
    label : str
        'desc-lesion_mask', 'diagnosis' and so on.
    ending : str
        '.nii.gz' (a file name may then also end in '.nii') or '.json'.

    Returns
    -------
    Path
    """
    path = local_path(out)
    endings = (".nii.gz", ".nii") if ending == ".nii.gz" else (ending,)
    if path.name.lower().endswith(endings) and not path.is_dir():
        return path
    return path / f"{result_stem(scan)}_{label}{ending}"


def sidecar_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of the JSON sidecar of a NIfTI file."""
    path = Path(path)
    name = re.sub(r"\.nii(\.gz)?$", "", path.name, flags=re.IGNORECASE)
    return path.with_name(name + ".json")


def save_volume(volume: Volume, path: str | os.PathLike[str]) -> Path:
    """Write a result as NIfTI.

    Where the scan was NIfTI, and the result still lies on its grid, the geometry fields of its
    header are repeated bit for bit (qform and sform with their codes, pixdim, units), so that any
    viewer lays the two over each other.  Its free texts are not, since they may name a patient.

    Parameters
    ----------
    volume : Volume
        bool and unsigned are written as uint8, other integers as int32, floats as float32.
    path : path
        Ends in .nii or .nii.gz; folders are made.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        Another ending; integers that do not fit; a file that cannot be written.
    """
    path = Path(path)
    name = path.name.lower()
    if not name.endswith((".nii", ".nii.gz")):
        raise InputError(f"{path}: results are written as .nii or .nii.gz")
    array = _as_written(volume.array, path)
    data = _nifti_bytes(array, volume)
    if name.endswith(".gz"):
        data = gzip_array(data, array.itemsize)
    return write_bytes(path, data)


def _as_written(array: np.ndarray, path: Path) -> np.ndarray:
    dtype: np.dtype[Any] = np.dtype(_WRITTEN[array.dtype.kind])
    if array.dtype.kind in "ui" and array.size:
        low, high = int(array.min()), int(array.max())
        limits = np.iinfo(_WRITTEN[array.dtype.kind])
        if low < limits.min or high > limits.max:
            raise InputError(f"{path}: values {low} to {high} do not fit {dtype}")
    return array.astype(dtype, copy=False)


def to_nibabel(volume: Volume) -> Any:
    """Convert a volume to a nibabel image: NIfTI-1, or NIfTI-2 where the scan was.

    Parameters
    ----------
    volume : Volume

    Returns
    -------
    nibabel.Nifti1Image or Nifti2Image
        With the geometry fields of the scan's own header, where that was NIfTI.

    Raises
    ------
    InputError
        Integers that do not fit; see `save_volume`.
    """
    image = _nifti_image(_as_written(volume.array, Path("the image")), volume)
    return type(image).from_bytes(image.to_bytes())  # with the affine that its header states


def _nifti_bytes(array: np.ndarray, volume: Volume) -> bytes:
    fields = volume.source.details
    if fields.get("sform_code") or fields.get("qform_code"):
        plain = NiftiHeader(_nifti_version(array, volume))
        if _repeat_geometry(plain, volume):
            if not int(plain["xyzt_units"]) & 7:
                plain["xyzt_units"] = 2 | int(plain["xyzt_units"])
            return encode_nifti(plain, array)
    return bytes(_nifti_image(array, volume).to_bytes())


def _nifti_version(array: np.ndarray, volume: Volume) -> int:
    large = max(array.shape) > np.iinfo(np.int16).max
    return 2 if large or volume.source.details.get("version") == 2 else 1


def _nifti_image(array: np.ndarray, volume: Volume) -> Any:
    import nibabel

    second = _nifti_version(array, volume) == 2
    cls: Any = nibabel.Nifti2Image if second else nibabel.Nifti1Image
    header = cls.header_class()
    header.set_data_dtype(array.dtype)
    header.set_data_shape(array.shape)
    if not _repeat_geometry(header, volume):
        header.set_sform(volume.affine, 1)
        # A qform cannot hold shear; without shear it is the same grid again.
        header.set_qform(volume.affine, 1, strip_shears=True)
        if corner_displacement_mm(header.get_qform(), volume.affine, array.shape) > 1e-2:
            header["qform_code"] = 0
    if not int(header["xyzt_units"]) & 7:
        header["xyzt_units"] = 2 | int(header["xyzt_units"])
    return cls(array, None, header)


def _repeat_geometry(header: Any, volume: Volume) -> bool:
    """Copy the geometry fields of the scan's header; False where they do not fit this grid."""
    fields = volume.source.details
    if volume.source.kind != "nifti" or "pixdim" not in fields:
        return False
    kept = header.copy()
    for key, value in fields.items():
        if key == "pixdim":
            header["pixdim"][:4] = value[:4]
        elif key != "version":
            header[key] = value
    moved = corner_displacement_mm(header.get_best_affine(), volume.affine, volume.shape)
    if moved <= 1e-3:
        return True
    for key in fields:
        if key != "version":
            header[key] = kept[key]
    return False


def write_json(path: str | os.PathLike[str], content: dict[str, Any]) -> Path:
    """Write a JSON file; NaN and infinities, which JSON lacks, become null.

    Parameters
    ----------
    path : path
    content : dict
        NumPy values and paths are converted.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        The file cannot be written.
    """
    text = json.dumps(_plain(content), indent=2, ensure_ascii=False, allow_nan=False)
    return write_text(path, text + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    r"""Write a text file in UTF-8 atomically; create its folder.

    Parameters
    ----------
    path : path
    text : str
        Bytes of a file name that are not UTF-8, which Python holds as lone surrogates, are
        written as ``\udcXX``: in JSON the escape that gives the same name again.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        As for `write_bytes`.
    """
    return write_bytes(path, text.encode("utf-8", UNDECODABLE))


def write_bytes(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write a file atomically; create its folder.

    Parameters
    ----------
    path : path
    data : bytes

    Returns
    -------
    Path

    Raises
    ------
    InputError
        The folder cannot be made, the file not written, the disk is full; nothing is left behind,
        and an older file of that name is untouched.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name[:100]}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(temporary, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        _flush_folder(path.parent)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    return path


def _flush_folder(folder: Path) -> None:
    """Flush the rename to disk; not supported by some network file systems, which is ignored."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def describe_source(volume: Volume) -> dict[str, Any]:
    """Identify the files that a volume was read from, by content.

    Parameters
    ----------
    volume : Volume

    Returns
    -------
    dict
        'name' (of the file or folder, without its path), 'kind', 'files' (how many) and 'sha256'.
        For one file the digest is that of the file, as sha256sum prints it.  For several (a DICOM
        series, a .hdr/.img pair) it is that of their digests in hexadecimal, sorted, each followed
        by a newline, so neither names nor order matter.  For a volume from memory it is that of
        its voxels in C order followed by its affine.

    Raises
    ------
    InputError
        A file is no longer there, or cannot be read.
    """
    source = volume.source
    files = source.files
    digests = sorted(map(_digest_again, files))
    if len(digests) == 1:
        whole = digests[0]
    elif digests:
        whole = hashlib.sha256("".join(f"{d}\n" for d in digests).encode()).hexdigest()
    else:
        voxels = np.ascontiguousarray(volume.array)
        whole = hashlib.sha256(voxels.tobytes() + volume.affine.tobytes()).hexdigest()
    return {
        "name": None if source.path is None else source.path.name or source.path.resolve().name,
        "kind": source.kind,
        "files": len(files),
        "sha256": whole,
    }


def _digest_again(path: str | os.PathLike[str]) -> str:
    """Return the sha256 of a file that was read before."""
    try:
        return file_sha256(path)
    except OSError as error:  # that of a failed read names no file
        raise InputError(f"{path}: cannot be read again: {error.strerror}") from error


def file_sha256(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file in hexadecimal, as sha256sum prints it.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    str

    Raises
    ------
    OSError
        The file cannot be read.
    """
    with open(path, "rb") as file:
        return stream_sha256(file)


def stream_sha256(file: IO[bytes]) -> str:
    """Return the SHA-256 of what is left of an open binary file, in hexadecimal.

    Examples
    --------
    >>> import io
    >>> stream_sha256(io.BytesIO(b"abc"))[:16]
    'ba7816bf8f01cfea'
    """
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()
