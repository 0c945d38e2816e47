"""Read NIfTI-1, NIfTI-2 and .hdr/.img pairs: plain files by `nifti_header`, others with nibabel.

The affine is the sform where its code is set, else the qform: nibabel's own order.  Oblique and
sheared affines are kept as they are.  Analyze 7.5 stores no orientation and is refused.
"""

from __future__ import annotations

import gzip
import io
import math
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..memory import check_memory
from .nifti_header import decode_nifti
from .orientation import corner_displacement_mm
from .volume import Source, Volume, spans_space, warn

SUFFIXES = (".nii", ".nii.gz", ".hdr", ".img", ".hdr.gz", ".img.gz")

# Fields needed to write a result on the same grid.  Free text fields (descrip, db_name,
# aux_file) may hold a patient's name, so they stay behind.
GEOMETRY_FIELDS = (
    "pixdim", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d",
    "qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z", "xyzt_units",
)  # fmt: skip


def read_nifti(path: Path) -> Volume:
    """Read one NIfTI volume.

    Parameters
    ----------
    path : Path
        .nii, .nii.gz, or either file of a pair.

    Returns
    -------
    Volume
        Scaled by the slope and intercept of the header, if set.

    Warns
    -----
    SpinalcordWarning
        Qform and sform disagree, or neither is set.

    Raises
    ------
    InputError
        A pointer without its content, a damaged or truncated file, a header without its image,
        Analyze 7.5, 4-D data, colour or complex voxels.
    """
    if os.path.getsize(path) == 0:
        raise InputError(f"{path}: the file is empty")
    try:
        image = _load(path)
        return from_nibabel(image, path=path)
    except InputError:
        raise
    except (zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: damaged or truncated: it cannot be unpacked") from error
    except MemoryError:
        raise
    except Exception as error:  # nibabel raises a dozen types of errors for damaged files
        reason = str(error).replace(str(path), "it").strip() or type(error).__name__
        if reason.startswith("w2 should be positive"):  # nibabel of a qform on its own
            raise _no_form(str(path), ["qform"]) from error
        raise InputError(f"{path}: not a readable NIfTI file ({reason})") from error


def _load(path: Path) -> Any:
    name = path.name.lower()
    if name.endswith((".hdr", ".img", ".hdr.gz", ".img.gz")):
        return _load_pair(path)
    check_memory(2 * os.path.getsize(path), f"{path}: to read it")
    raw = path.read_bytes()
    _refuse_pointer(path, raw[:1024])
    if raw[:2] == b"\x1f\x8b":
        raw = _unpacked(raw, path)
    for kind in (348, 540):
        sizes = struct.pack("<i", kind), struct.pack(">i", kind)
        if raw[:4] in sizes and len(raw) >= kind:
            magic = raw[344:347] if kind == 348 else raw[4:7]
            if magic[:2] != b"n+":
                break
            raw = _with_offset(path, raw, kind, "<" if raw[:4] == sizes[0] else ">")
            return _sized(path, decode_nifti(raw) or _by_nibabel(raw, kind), len(raw))
    raise InputError(f"{path}: not a NIfTI file (its first bytes are not a NIfTI header)")


def _by_nibabel(raw: bytes, kind: int) -> Any:
    import nibabel

    cls = nibabel.Nifti1Image if kind == 348 else nibabel.Nifti2Image
    return cls.from_bytes(raw)


def _unpacked(packed: bytes, path: Path) -> bytes:
    """Unpack a .nii.gz as far as its header accounts for it.

    The rest is unpacked piece by piece and discarded, to verify the checksum at its end: a few
    kilobytes can unpack to gigabytes.
    """
    kept: list[bytes] = []
    length, most = 0, 540
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
        while piece := stream.read(max(1 << 20, min(most - length, len(packed) * 4))):
            if length < most:
                kept.append(piece)
            length += len(piece)
            if len(kept) == 1:
                most = _stated_nbytes(kept[0])
                check_memory(2 * most, f"{path}: to unpack it")
    return b"".join(kept)


def _stated_nbytes(start: bytes) -> int:
    """Return the length of a NIfTI file by its header, plus one header."""
    for kind, at, code in ((348, 40, "h"), (540, 16, "q")):
        for order in "<>":
            if len(start) < kind or struct.unpack_from(order + "i", start)[0] != kind:
                continue
            extents = struct.unpack_from(f"{order}8{code}", start, at)
            offset_at, offset_code = (108, "f") if kind == 348 else (168, "q")
            (offset,) = struct.unpack_from(order + offset_code, start, offset_at)
            n = math.prod(max(1, extent) for extent in extents[1:])
            bits_at = 72 if kind == 348 else 14
            (bits,) = struct.unpack_from(order + "h", start, bits_at)
            if not 0 <= offset < 1 << 40:  # NaN, too
                return kind
            return int(offset + kind + n * max(1, bits // 8))
    return len(start)


def _with_offset(path: Path, raw: bytes, kind: int, order: str) -> bytes:
    """Set a vox_offset of 0, as left by some writers, to the smallest valid one.

    Taken literally, as nibabel does, 0 would make the header part of the voxels.
    """
    at, code, least = (108, "f", 352.0) if kind == 348 else (168, "q", 544)
    if struct.unpack_from(order + code, raw, at)[0] != 0:
        return raw
    warn(f"{path}: vox_offset is 0; the voxels are taken to begin at byte {least:.0f}")
    start = at + struct.calcsize(code)
    return raw[:at] + struct.pack(order + code, least) + raw[start:]


def _load_pair(path: Path) -> Any:
    import nibabel

    _refuse_pointer(path, path.read_bytes()[:1024])
    stem, dot, kind = path.name.rpartition(".hdr" if ".hdr" in path.name.lower() else ".img")
    if not dot:  # upper-case endings
        stem, kind = path.name[:-4], ""
    try:
        image = nibabel.load(path, mmap=False)
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: one file of a .hdr/.img pair; the other half of {stem!r} is missing"
        ) from error
    if not isinstance(image, nibabel.Nifti1Pair):
        raise InputError(
            f"{path}: {type(image).__name__.removesuffix('Image')} format, which stores no "
            "orientation; convert it to NIfTI from the original DICOM"
        )
    data = image.file_map["image"].filename
    if data is None or not os.path.isfile(data):
        raise InputError(f"{path}: a header alone; its image {stem}.img{kind} is missing")
    return image if data.lower().endswith(".gz") else _sized(path, image, os.path.getsize(data))


def _sized(path: Path, image: Any, available: int) -> Any:
    """Reject a file that is shorter than its header states, before allocating memory."""
    header = image.header
    dtype = header.get_data_dtype()
    offset = int(image.dataobj.offset)
    wanted = offset + math.prod(int(n) for n in image.shape) * dtype.itemsize
    if wanted > available:
        raise InputError(
            f"{path}: truncated: {available} bytes, {wanted} are expected for "
            f"{image.shape} {dtype} voxels"
        )
    return image


def _refuse_pointer(path: Path, start: bytes) -> None:
    if b"annex/objects/" in start:
        raise InputError(
            f"{path}: a git-annex pointer, not the image itself; fetch it with "
            f"'git annex get {path.name}'"
        )
    if start.startswith(b"version https://git-lfs"):
        raise InputError(
            f"{path}: a Git LFS pointer, not the image itself; fetch it with 'git lfs pull'"
        )


def from_nibabel(image: Any, *, path: Path | None = None) -> Volume:
    """Convert a nibabel image: voxels, affine and, for NIfTI, the codes of its header.

    Parameters
    ----------
    image : nibabel spatial image
        Anything with `affine`, `dataobj` and `shape`.
    path : Path, optional
        The file it was read from.

    Returns
    -------
    Volume

    Warns
    -----
    SpinalcordWarning
        Qform and sform disagree, or neither is set.

    Raises
    ------
    InputError
        Not one 3-D volume of real numbers with an affine; a unit other than millimetres.
    """
    name = "the nibabel image" if path is None else str(path)
    if image.affine is None:
        raise InputError(f"{name}: no affine, so no voxel sizes and no left or right")
    shape = tuple(int(n) for n in image.shape)
    if math.prod(shape[3:]) != 1 or len(shape) < 3:
        raise InputError(
            f"{name}: {len(shape)}-D data of shape {shape}; one 3-D volume is expected"
        )
    affine = np.array(image.affine, dtype=np.float64)
    details: dict[str, Any] = {}
    header = getattr(image, "header", None)
    if header is not None and "sform_code" in header and "qform_code" in header:
        header = header.copy()
        affine = _best_form(name, header, affine)
        _check_header(name, header, affine, shape)
        details = {key: np.array(header[key]).tolist() for key in GEOMETRY_FIELDS}
        details["version"] = 2 if int(header["sizeof_hdr"]) == 540 else 1
    source = Source("nifti" if details else "memory", path, _files(image, path), details)
    return Volume(_voxels(name, image), affine, source=source)


def _best_form(name: str, header: Any, affine: np.ndarray) -> np.ndarray:
    """Return the affine to use; an invalid form is replaced by the other one.

    The code of an invalid form is set to 0 in `header`, so that results do not repeat it.
    """
    forms = {"sform": _form(header, "sform"), "qform": _form(header, "qform")}
    broken = [kind for kind, form in forms.items() if form is not None and not spans_space(form)]
    sound = [kind for kind, form in forms.items() if form is not None and spans_space(form)]
    if not broken:
        return affine
    if not sound:
        raise _no_form(name, broken)
    (kind,) = broken
    warn(
        f"{name}: the {kind} places no voxels (zeros, NaN or rank below 3); the {sound[0]} is used"
    )
    header[f"{kind}_code"] = 0
    form = forms[sound[0]]
    assert form is not None
    return form


def _no_form(name: str, broken: list[str]) -> InputError:
    places = "places" if len(broken) == 1 else "place"
    return InputError(
        f"{name}: the {' and the '.join(broken)} {places} no voxels (zeros, NaN, rank below 3 or "
        "a quaternion that is no rotation), and no other form is set"
    )


def _form(header: Any, kind: str) -> np.ndarray | None:
    """Return a form if its code is set, with NaN if it cannot be computed; else None."""
    if int(header[f"{kind}_code"]) <= 0:
        return None
    try:
        return np.array(getattr(header, f"get_{kind}")(), dtype=np.float64)
    except (ValueError, ArithmeticError):  # a quaternion of no rotation, as nibabel says it
        return np.full((4, 4), np.nan)


def _check_header(name: str, header: Any, affine: np.ndarray, shape: tuple[int, ...]) -> None:
    unit = header.get_xyzt_units()[0]
    if unit not in ("mm", "unknown"):
        raise InputError(f"{name}: voxel sizes in {unit}s; millimetres are expected")
    qform, sform = int(header["qform_code"]) > 0, int(header["sform_code"]) > 0
    if not qform and not sform:
        warn(
            f"{name}: neither qform nor sform is set, so the file does not say where left and "
            "right are; nibabel's default is assumed"
        )
    if qform and sform:
        # Some writers omit the shear of the sform in the qform: compare the positions of voxels.
        moved = corner_displacement_mm(header.get_qform(), affine, shape)
        smallest = float(np.sqrt((affine[:3, :3] ** 2).sum(axis=0)).min())
        if not moved <= 0.1 * smallest:
            warn(f"{name}: qform and sform disagree by up to {moved:.3g} mm; the sform is used")


def _voxels(name: str, image: Any) -> np.ndarray:
    proxy = image.dataobj
    dtype = np.dtype(proxy.dtype)
    if dtype.kind not in "biuf":
        kind = "colour" if dtype.names else str(dtype)
        raise InputError(f"{name}: {kind} voxels; one real number per voxel is expected")
    if not hasattr(proxy, "get_unscaled"):
        return np.asarray(proxy)
    slope, inter = float(np.ravel(proxy.slope)[0]), float(np.ravel(proxy.inter)[0])
    raw = np.asarray(proxy.get_unscaled())
    if slope == 1 and inter == 0:
        return raw
    # float32 holds scaled 8- and 16-bit integers exactly enough, at half the memory.
    real = np.float64 if dtype.itemsize > 2 and dtype != np.float32 else np.float32
    return np.asarray(raw * real(slope) + real(inter))


def _files(image: Any, path: Path | None) -> tuple[Path, ...]:
    if path is None:
        return ()
    names = {h.filename for h in getattr(image, "file_map", {}).values() if h.filename}
    return tuple(sorted(Path(n) for n in names)) or (path,)
