"""Read NIfTI headers without nibabel in the common case.

Importing nibabel takes 0.1 to 0.25 s, which is most of the time to read a small scan. A header that
conforms to the standard is decoded here, to the same values as with nibabel; for any other,
`decode_nifti` returns None, and nibabel, which handles the errors of writers, is used.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

_FIELDS_1: list[Any] = [
    ("sizeof_hdr", "i4"), ("data_type", "S10"), ("db_name", "S18"), ("extents", "i4"),
    ("session_error", "i2"), ("regular", "S1"), ("dim_info", "u1"), ("dim", "i2", (8,)),
    ("intent_p1", "f4"), ("intent_p2", "f4"), ("intent_p3", "f4"), ("intent_code", "i2"),
    ("datatype", "i2"), ("bitpix", "i2"), ("slice_start", "i2"), ("pixdim", "f4", (8,)),
    ("vox_offset", "f4"), ("scl_slope", "f4"), ("scl_inter", "f4"), ("slice_end", "i2"),
    ("slice_code", "u1"), ("xyzt_units", "u1"), ("cal_max", "f4"), ("cal_min", "f4"),
    ("slice_duration", "f4"), ("toffset", "f4"), ("glmax", "i4"), ("glmin", "i4"),
    ("descrip", "S80"), ("aux_file", "S24"), ("qform_code", "i2"), ("sform_code", "i2"),
    ("quatern_b", "f4"), ("quatern_c", "f4"), ("quatern_d", "f4"),
    ("qoffset_x", "f4"), ("qoffset_y", "f4"), ("qoffset_z", "f4"),
    ("srow_x", "f4", (4,)), ("srow_y", "f4", (4,)), ("srow_z", "f4", (4,)),
    ("intent_name", "S16"), ("magic", "S4"),
]  # fmt: skip
_FIELDS_2: list[Any] = [
    ("sizeof_hdr", "i4"), ("magic", "S4"), ("eol_check", "i1", (4,)), ("datatype", "i2"),
    ("bitpix", "i2"), ("dim", "i8", (8,)), ("intent_p1", "f8"), ("intent_p2", "f8"),
    ("intent_p3", "f8"), ("pixdim", "f8", (8,)), ("vox_offset", "i8"), ("scl_slope", "f8"),
    ("scl_inter", "f8"), ("cal_max", "f8"), ("cal_min", "f8"), ("slice_duration", "f8"),
    ("toffset", "f8"), ("slice_start", "i8"), ("slice_end", "i8"), ("descrip", "S80"),
    ("aux_file", "S24"), ("qform_code", "i4"), ("sform_code", "i4"),
    ("quatern_b", "f8"), ("quatern_c", "f8"), ("quatern_d", "f8"),
    ("qoffset_x", "f8"), ("qoffset_y", "f8"), ("qoffset_z", "f8"),
    ("srow_x", "f8", (4,)), ("srow_y", "f8", (4,)), ("srow_z", "f8", (4,)),
    ("slice_code", "i4"), ("xyzt_units", "i4"), ("intent_code", "i4"), ("intent_name", "S16"),
    ("dim_info", "u1"), ("unused_str", "S15"),
]  # fmt: skip
_LAYOUTS = {1: np.dtype(_FIELDS_1), 2: np.dtype(_FIELDS_2)}
_SIZES = {348: 1, 540: 2}
_MAGIC = {1: b"n+1", 2: b"n+2"}
_FIRST_VOXEL = {1: 352, 2: 544}
_LINE_ENDS = (13, 10, 26, 10)
_DTYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8",
    1280: "u8",
}  # fmt: skip
_CODES = {np.dtype(text): code for code, text in _DTYPES.items()}
_LENGTHS = ("unknown", "meter", "mm", "micron")
_FREESURFER = (27307, 1, 6)  # length given elsewhere
_QUATERNION_EPS = {1: 3 * float(np.finfo(np.float32).eps), 2: 3 * float(np.finfo(np.float64).eps)}


class NiftiHeader:
    """The fields of a header by name, and the affines derived from them.

    Parameters
    ----------
    version : {1, 2}
        Version of the standard.
    fields : structured array scalar
        Fields as stored; those of an empty header if not given.

    Examples
    --------
    >>> header = NiftiHeader(1)
    >>> header["sform_code"] = 1
    >>> header["srow_x"] = (2, 0, 0, -8)
    >>> header.get_best_affine()[0].tolist()
    [2.0, 0.0, 0.0, -8.0]
    """

    def __init__(self, version: int, fields: Any = None) -> None:
        self.version = version
        if fields is None:
            fields = np.zeros((), _LAYOUTS[version])
            fields["sizeof_hdr"] = _LAYOUTS[version].itemsize
            fields["magic"] = _MAGIC[version]
            fields["pixdim"] = 1
            fields["dim"][1:] = 1
            if version == 2:
                fields["eol_check"] = _LINE_ENDS
        self._fields = fields

    def __contains__(self, name: str) -> bool:
        return name in (self._fields.dtype.names or ())

    def __getitem__(self, name: str) -> Any:
        return self._fields[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._fields[name] = value

    def copy(self) -> NiftiHeader:
        """Return a copy of the header."""
        return NiftiHeader(self.version, self._fields.copy())

    def to_bytes(self) -> bytes:
        """Return the header as stored in a file."""
        return bytes(self._fields.tobytes())

    def get_data_dtype(self) -> np.dtype[Any]:
        """Return the voxels' type, in the file's byte order."""
        order = self._fields.dtype["sizeof_hdr"].byteorder
        dtype: np.dtype[Any] = np.dtype(_DTYPES[int(self["datatype"])]).newbyteorder(order)
        return dtype

    def get_data_shape(self) -> tuple[int, ...]:
        """Return the extent along each axis of the file."""
        return tuple(int(n) for n in self["dim"][1 : 1 + int(self["dim"][0])])

    def get_xyzt_units(self) -> tuple[str]:
        """Return the unit of length."""
        return (_LENGTHS[int(self["xyzt_units"]) % 8],)

    def get_sform(self) -> np.ndarray:
        """Return the affine (4, 4) of the sform, whatever its code."""
        rows = [self["srow_x"], self["srow_y"], self["srow_z"], (0, 0, 0, 1)]
        return np.array(rows, np.float64)

    def get_qform(self) -> np.ndarray:
        """Return the affine (4, 4) of the qform, whatever its code.

        Raises
        ------
        ValueError
            The quaternion is not a rotation.
        """
        x, y, z = (np.longdouble(self[f"quatern_{axis}"]) for axis in "bcd")
        squared = 1 - (x * x + y * y + z * z)
        if abs(squared) < _QUATERNION_EPS[self.version]:
            squared = np.longdouble(0)
        elif not squared >= 0:
            raise ValueError(f"w2 should be positive, but is {float(squared):e}")
        w = np.sqrt(squared)
        s = 2 / (w * w + x * x + y * y + z * z)
        rotation = np.array(
            [
                [1 - s * (y * y + z * z), s * (x * y - w * z), s * (x * z + w * y)],
                [s * (x * y + w * z), 1 - s * (x * x + z * z), s * (y * z - w * x)],
                [s * (x * z - w * y), s * (y * z + w * x), 1 - s * (x * x + y * y)],
            ]
        )
        scale = np.array(self["pixdim"][1:4], np.float64)
        scale[2] *= self["pixdim"][0]
        affine = np.eye(4)
        affine[:3, :3] = rotation * scale
        affine[:3, 3] = [self[f"qoffset_{axis}"] for axis in "xyz"]
        return affine

    def get_best_affine(self) -> np.ndarray:
        """Return the sform where its code is set, else the qform."""
        return self.get_sform() if int(self["sform_code"]) else self.get_qform()


class NiftiImage:
    """A file in memory, accepted by `spinalcord.scans.nifti.from_nibabel`.

    Parameters
    ----------
    header : NiftiHeader
        Header of the file.
    raw : bytes
        The whole file.
    """

    file_map: dict[str, Any] = {}  # noqa: RUF012 - a name of nibabel's; never filled

    def __init__(self, header: NiftiHeader, raw: bytes) -> None:
        self.header = header
        self.affine = header.get_best_affine()
        self.shape = header.get_data_shape()
        self.dtype = header.get_data_dtype()
        self.offset = int(header["vox_offset"])
        slope, inter = float(header["scl_slope"]), float(header["scl_inter"])
        scaled = slope != 0 and math.isfinite(slope)
        self.slope, self.inter = (slope, inter) if scaled else (1.0, 0.0)
        self._raw = raw

    @property
    def dataobj(self) -> NiftiImage:
        """The object with the voxels and their scaling: this one."""
        return self

    def get_unscaled(self) -> np.ndarray:
        """Return the voxels as stored."""
        count = math.prod(self.shape)
        voxels = np.frombuffer(self._raw, self.dtype, count, self.offset)
        return voxels.reshape(self.shape, order="F")


def decode_nifti(raw: bytes) -> NiftiImage | None:
    """Decode a single-file NIfTI image with a header that conforms to the standard.

    Parameters
    ----------
    raw : bytes
        The whole file, unpacked.

    Returns
    -------
    NiftiImage or None
        None unless the header is plain, with three-dimensional real voxels and a qform or an sform:
        no other type or unit, no extensions, no fields that nibabel would correct or reject.
    """
    orders: tuple[Literal["<", ">"], ...] = ("<", ">")
    for order in orders:
        version = _SIZES.get(int.from_bytes(raw[:4], "little" if order == "<" else "big"))
        if version is None:
            continue
        layout = _LAYOUTS[version].newbyteorder(order)
        if len(raw) < layout.itemsize + 4 or raw[layout.itemsize]:
            return None
        header = NiftiHeader(version, np.frombuffer(raw, layout, 1)[0].copy())
        return NiftiImage(header, raw) if _is_plain(header) else None
    return None


def _is_plain(header: NiftiHeader) -> bool:
    dims, pixdim = header["dim"], header["pixdim"]
    offset, units = float(header["vox_offset"]), int(header["xyzt_units"])
    code, slope = int(header["datatype"]), float(header["scl_slope"])
    axes, forms = int(dims[0]), [int(header[f"{kind}form_code"]) for kind in "qs"]
    return (
        header["magic"] == _MAGIC[header.version]
        and (header.version == 1 or tuple(header["eol_check"]) == _LINE_ENDS)
        and code in _DTYPES
        and int(header["bitpix"]) == 8 * header.get_data_dtype().itemsize
        and 3 <= axes <= 7
        and min(dims[1 : 1 + axes]) >= 1
        and tuple(dims[1:4]) != _FREESURFER
        and float(pixdim[0]) in (-1.0, 1.0)
        and bool(np.isfinite(pixdim[1:4]).all() and (pixdim[1:] >= 0).all())
        and offset >= _FIRST_VOXEL[header.version]
        and offset % 16 == 0
        and 0 <= units < 64
        and units % 8 < len(_LENGTHS)
        and units // 8 <= 6
        and all(0 <= form <= 4 for form in forms)
        and any(forms)
        and (slope == 0 or not math.isfinite(slope) or math.isfinite(float(header["scl_inter"])))
        and _is_rotation(header)
    )


def _is_rotation(header: NiftiHeader) -> bool:
    """Return whether the qform, which is computed even if its code is 0, is a rotation."""
    try:
        return bool(np.isfinite(header.get_qform()).all())
    except ValueError:
        return False


def encode_nifti(header: NiftiHeader, array: np.ndarray) -> bytes:
    """Return the bytes of a single file.

    Parameters
    ----------
    header : NiftiHeader
        Header with the geometry; type, extents and offset are filled in.
    array : uint8, int32 or float32 array

    Returns
    -------
    bytes
        Equal to those that nibabel writes for the same fields.
    """
    header["dim"] = 1
    header["dim"][: 1 + array.ndim] = (array.ndim, *array.shape)
    header["datatype"] = _CODES[array.dtype]
    header["bitpix"] = 8 * array.dtype.itemsize
    header["vox_offset"] = _FIRST_VOXEL[header.version]
    header["scl_slope"], header["scl_inter"] = 1, 0
    return header.to_bytes() + bytes(4) + array.tobytes(order="F")
