"""DICOM: a file, a folder or a zip becomes one volume.

A folder is searched with all its subfolders; names and endings do not matter.  One file of a
classic series stands for the series, as far as it lies in the same folder (as dcm2niix does);
one multi-frame file stands for itself.  Headers are read once, pixels only of the chosen series.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..errors import InputError, SeriesError
from .header import DamagedHeaderError, Header, read_header, renamed, starts_like_dicom
from .itk import read_pixels
from .series import Candidate, choose, group_series, is_multiframe
from .stack import Frame, frames_of
from .volume import Source, Volume, warn

_MAX_ZIP_NBYTES = 16 << 30
# Deflated pixels of a scan take at least a fiftieth; zeros a thousandth.
_MAX_ZIP_RATIO, _SMALL_NBYTES = 200, 64 << 20


def read_dicom(path: Path, *, series: str | None = None) -> Volume:
    """Read one series.

    Parameters
    ----------
    path : Path
        A DICOM file or a folder.
    series : str, optional
        SeriesInstanceUID; overrides the choice.

    Returns
    -------
    Volume
        Array indices (column, row, slice), slices in the order of their position along the
        normal; rescaled.

    Warns
    -----
    SpinalcordWarning
        Copies or damaged files were ignored; gaps are slightly uneven; the series does not
        look T2-weighted.

    Raises
    ------
    InputError
        No DICOM here, or pixels that cannot be decoded.
    SeriesError
        No usable series, or several; the message lists them.
    """
    if path.is_dir() or path.name.upper() == "DICOMDIR":
        folder = path if path.is_dir() else path.parent
        headers, damaged = _read_headers(_files_below(folder))
    else:
        headers, damaged = _headers_beside(path)
    return _read_series(path, headers, damaged, series)


def _read_series(
    path: Path, headers: list[Header], damaged: list[Path], series: str | None
) -> Volume:
    """Choose a series and read it; `path` is that given by the user, for messages."""
    candidates = group_series(headers)
    if not candidates:
        raise _nothing(path, headers, damaged)
    chosen = choose(candidates, path, series)
    _warn(path, chosen, damaged)
    return _assemble(chosen, path)


def read_zip(path: Path, *, series: str | None = None) -> Volume:
    """Read one DICOM series from a zip archive, which is unpacked into a temporary folder.

    Parameters, returned value, warnings and errors as in `read_dicom`; InputError also for a
    damaged or encrypted archive.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="spinalcord-") as scratch:
            _unpack(path, Path(scratch))
            volume = _read_unpacked(path, Path(scratch), series)
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise InputError(f"{path}: a damaged or unsupported zip archive") from error
    return volume


def _read_unpacked(path: Path, scratch: Path, series: str | None) -> Volume:
    try:
        volume = _read_series(path, *_read_headers(_files_below(scratch)), series)
    except InputError as error:
        # The user knows the archive, not our temporary folder.
        raise type(error)(str(error).replace(str(scratch), str(path))) from error
    source = Source("dicom", path, (path,), volume.source.details)
    return Volume(volume.array, volume.affine, source=source)


def _unpack(path: Path, scratch: Path) -> None:
    """Write the DICOM members under generated names, so that none can escape the folder."""
    with zipfile.ZipFile(path) as archive:
        members = [m for m in archive.infolist() if not m.is_dir()]
        if any(m.flag_bits & 1 for m in members):
            raise InputError(f"{path}: an encrypted zip archive; unpack it first")
        members = [m for m in members if _starts_like_dicom(archive, m)]
        total = sum(m.file_size for m in members)
        packed_nbytes = max(sum(m.compress_size for m in members), 1)
        if total > _SMALL_NBYTES and total > _MAX_ZIP_RATIO * packed_nbytes:
            raise InputError(
                f"{path}: {total} bytes when unpacked, {total // packed_nbytes} times as many as "
                f"packed; at most {_MAX_ZIP_RATIO} times are accepted"
            )
        if total > _MAX_ZIP_NBYTES:
            raise InputError(
                f"{path}: {total} bytes when unpacked; at most {_MAX_ZIP_NBYTES} are accepted"
            )
        for number, member in enumerate(members):
            name = "".join(c for c in Path(member.filename).name if c.isalnum() or c in "._-")
            target = scratch / f"{number:06d}-{name[-60:]}"
            with archive.open(member) as packed, open(target, "wb") as file:
                shutil.copyfileobj(packed, file)


def _starts_like_dicom(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    """Return whether a member may be DICOM, by its first bytes."""
    with archive.open(member) as packed:
        return starts_like_dicom(packed.read(132))


def _files_below(folder: Path) -> list[Path]:
    found = []
    for root, folders, names in os.walk(folder):
        folders.sort()
        found += [Path(root, name) for name in sorted(names)]
    return found


def _read_headers(files: Iterable[Path]) -> tuple[list[Header], list[Path]]:
    """Read all headers; return those of DICOM files, and the damaged files."""
    from tqdm import tqdm

    headers, damaged = [], []
    for file in tqdm(files, desc="headers", unit="file", delay=2, disable=None, leave=False):
        try:
            header = read_header(file) if file.is_file() else None
        except (DamagedHeaderError, OSError):
            damaged.append(file)
            continue
        if header is not None:
            headers.append(header)
    return headers, damaged


def _headers_beside(path: Path) -> tuple[list[Header], list[Path]]:
    """Read one file's header, and for a classic image those of its series in the folder."""
    try:
        own = read_header(path)
    except DamagedHeaderError as error:
        raise InputError(f"{path}: a damaged or truncated DICOM file: {error}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    if own is None:
        with open(path, "rb") as file:
            if file.read(2) == b"\x1f\x8b":
                raise InputError(f"{path}: gzip-compressed; unpack it first")
        raise InputError(
            f"{path}: not a scan that can be read; NIfTI (.nii, .nii.gz), NRRD, MetaImage or "
            "DICOM (file, folder, zip) is expected"
        )
    if own.missing_nbytes:
        raise InputError(f"{path}: truncated: {own.missing_nbytes} bytes of pixels are missing")
    uid = own.tags.get("series_uid")
    if uid is None or is_multiframe(own) or not own.has_pixels:
        return [own], []
    others = sorted(file for file in path.parent.iterdir() if file.is_file())
    headers, damaged = _read_headers(others)
    return [h for h in headers if h.tags.get("series_uid") == uid and not is_multiframe(h)], damaged


def _nothing(path: Path, headers: list[Header], damaged: list[Path]) -> InputError:
    if headers:
        return SeriesError(f"{path}: no usable series: DICOM, but no SeriesInstanceUID in it")
    if damaged:
        return InputError(f"{path}: {len(damaged)} damaged DICOM file(s), and no other")
    scans = []
    if path.is_dir():
        endings = (".nii", ".nii.gz", ".nrrd", ".mha")
        scans = [f.name for f in _files_below(path) if f.name.lower().endswith(endings)]
    hint = f"; to read {scans[0]!r}, pass that file" if scans else ""
    return InputError(f"{path}: no DICOM file in it{hint}")


def _warn(path: Path, chosen: Candidate, damaged: list[Path]) -> None:
    notes = list(chosen.notes)
    if damaged:
        notes.append(f"{len(damaged)} damaged file(s) were ignored, first {damaged[0].name}")
    if chosen.weighting != "T2":
        notes.append(
            f"the series taken does not look T2-weighted (weighting {chosen.weighting}, "
            f"{chosen.stack.plane}), and results rest on T2-weighted images"
        )
    for note in notes:
        warn(f"{path}: {note}")


def _assemble(chosen: Candidate, path: Path) -> Volume:
    """Decode the pixels and stack them in the order of the frames."""
    frames = chosen.stack.frames
    paths = list(dict.fromkeys(frame.path for frame in frames))
    mended = {h.path: renamed(h.path, h.misnamed) for h in chosen.headers if h.misnamed}
    pixels = dict(zip(paths, read_pixels(paths, mended), strict=True))
    slices = [pixels[frame.path] for frame in frames]
    rows, columns = (int(chosen.headers[0].tags.get(name, 0)) for name in ("rows", "columns"))
    for frame, decoded in zip(frames, slices, strict=True):
        if decoded.ndim != 3 or decoded.shape[1:] != (rows, columns):
            raise InputError(
                f"{frame.path}: pixels of shape {decoded.shape}; "
                f"{rows} x {columns} and one number each are expected"
            )
        if frame.index >= len(decoded):
            raise InputError(
                f"{frame.path}: {len(decoded)} frames decoded, {frame.index + 1} are expected"
            )
    dtype = np.result_type(*{array.dtype for array in slices})
    dtype = np.dtype(np.float32) if dtype.kind == "f" else dtype
    firsts = {header.path: frames_of(header)[0] for header in chosen.headers}
    if len({(f.slope, f.intercept) for f in (*frames, *firsts.values())}) > 1:
        dtype = np.dtype(np.float32)
    stacked = np.empty((len(frames), rows, columns), dtype)
    for out, frame, decoded in zip(stacked, frames, slices, strict=True):
        out[...] = _rescaled(decoded[frame.index], frame, firsts[frame.path])
    details = {
        "plane": chosen.stack.plane,
        "weighting": chosen.weighting,
        "files": len(paths),
        "slices": len(frames),
    }
    source = Source("dicom", path, tuple(sorted(paths)), details)
    if chosen.stack.affine is None:
        raise SeriesError(f"{path}: the series has no regular grid")
    return Volume(stacked.T, chosen.stack.affine, source=source)


def _rescaled(decoded: np.ndarray, frame: Frame, first: Frame) -> np.ndarray:
    """Rescale a frame by its own slope: GDCM uses that of the first frame for the whole file."""
    if (frame.slope, frame.intercept) == (first.slope, first.intercept) or first.slope == 0:
        return decoded
    stored = np.rint((decoded - first.intercept) / first.slope)
    return np.asarray(stored * frame.slope + frame.intercept)
