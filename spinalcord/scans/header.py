"""Read the few DICOM tags that are needed for geometry and for the choice of the series.

GDCM decodes the pixels, but its metadata dictionary holds no sequences, so the position of each
frame of an enhanced file never reaches Python; and it is slow to ask for hundreds of files.
This module walks the data elements itself (PS3.5, section 7 and annex A) and skips whatever is not
in the table below. Tags that identify a patient are not in the table: they are never read, so
nothing downstream can print them.

Not read: pixel data (GDCM's work), character sets beyond Latin and UTF-8 (descriptions are only
shown and searched for 't2' and the like), value multiplicity checks.
"""

from __future__ import annotations

import io
import math
import os
import re
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PIXELS = {0x7FE00008, 0x7FE00009, 0x7FE00010}
_SHORT_FORM = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split()
)  # fmt: skip
_LONG_FORM = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR",
              b"UT", b"UV"}  # fmt: skip
_LONG_TEXT = {b"UC", b"UT"}  # GE's 7 T scanners write the pixel spacing as UT
_MAX_DEPTH = 24

IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"
DEFLATED_LE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BE = "1.2.840.10008.1.2.2"

# tag: (name, kind) or, for a sequence, (name, table of its items)
_TIMING: dict[int, tuple[str, Any]] = {0x00180080: ("tr_ms", "decimal")}
_FRAME: dict[int, tuple[str, Any]] = {
    0x00209113: ("plane_position", {0x00200032: ("position", "decimals")}),
    0x00209116: ("plane_orientation", {0x00200037: ("orientation", "decimals")}),
    0x00289110: ("pixel_measures", {0x00280030: ("pixel_spacing", "decimals")}),
    0x00289145: (
        "value_transform",
        {0x00281052: ("intercept", "decimal"), 0x00281053: ("slope", "decimal")},
    ),
    0x00189114: ("echo", {0x00189082: ("te_ms", "double")}),
    0x00189112: ("timing", _TIMING),
    0x00189226: ("frame_type", {0x00089007: ("image_type", "texts")}),
}
_DATASET: dict[int, tuple[str, Any]] = {
    0x00080008: ("image_type", "texts"),
    0x00080016: ("sop_class", "text"),
    0x00080018: ("sop_uid", "text"),
    0x00080060: ("modality", "text"),
    0x0008103E: ("description", "text"),
    0x00089209: ("contrast", "text"),
    0x00180020: ("scanning_sequence", "texts"),
    0x00180024: ("sequence_name", "text"),
    0x00180080: ("tr_ms", "decimal"),
    0x00180081: ("te_ms", "decimal"),
    0x00180082: ("ti_ms", "decimal"),
    0x00181030: ("protocol", "text"),
    0x00189005: ("pulse_sequence", "text"),
    0x0020000E: ("series_uid", "text"),
    0x00200032: ("position", "decimals"),
    0x00200037: ("orientation", "decimals"),
    0x00200052: ("frame_uid", "text"),
    0x00209163: ("n_parts", "short"),
    0x00280002: ("samples", "short"),
    0x00280004: ("photometric", "text"),
    0x00280008: ("n_frames", "decimal"),
    0x00280010: ("rows", "short"),
    0x00280011: ("columns", "short"),
    0x00280030: ("pixel_spacing", "decimals"),
    0x00280100: ("bits_allocated", "short"),
    0x00281052: ("intercept", "decimal"),
    0x00281053: ("slope", "decimal"),
    0x52009229: ("shared", _FRAME),
    0x52009230: ("per_frame", _FRAME),
}


class DamagedHeaderError(ValueError):
    """A file starts like DICOM but is truncated or inconsistent."""


@dataclass(frozen=True)
class Header:
    """Tags of one file.

    Attributes
    ----------
    path : Path
    tags : dict
        By the names of the table above; absent tags are absent.
    has_pixels : bool
    transfer_syntax : str
        UID of the encoding.
    misnamed : tuple of (int, int)
        Where numbers in text (VR DS) stand under another text's VR, in the long form: byte
        offset of the element and length of its value. GDCM refuses to decode such a file.
    missing_nbytes : int
        By how much the file is too short for its pixels; for compressed ones, for the fragments
        that it announces.
    """

    path: Path
    tags: dict[str, Any] = field(repr=False)
    has_pixels: bool = False
    transfer_syntax: str = EXPLICIT_LE
    missing_nbytes: int = 0
    misnamed: tuple[tuple[int, int], ...] = ()


def read_header(path: Path) -> Header | None:
    """Read the tags of one file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Header or None
        None where the file is not DICOM.

    Raises
    ------
    DamagedHeaderError
        It starts like DICOM, but cannot be walked to its end or to its pixels.
    OSError
        The file cannot be opened.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(132)
        if start[128:] == b"DICM":
            syntax = _read_meta(file, size)
        else:
            guess = _guess_syntax(start)
            if guess is None:
                return None
            file.seek(0)
            syntax = _read_meta(file, size) or guess if start[:2] == b"\x02\x00" else guess
        if syntax == DEFLATED_LE:
            try:
                data = zlib.decompress(file.read(), -15)
            except zlib.error as error:
                raise DamagedHeaderError("its deflated data set cannot be unpacked") from error
            return _read_dataset(path, io.BytesIO(data), len(data), EXPLICIT_LE, syntax)
        return _read_dataset(path, file, size, syntax or _sniff(file), syntax)


def starts_like_dicom(start: bytes) -> bool:
    """Return whether a file may be DICOM, by its first 132 bytes.

    Parameters
    ----------
    start : bytes

    Returns
    -------
    bool

    Examples
    --------
    >>> starts_like_dicom(bytes(128) + b"DICM"), starts_like_dicom(b"a text" * 22)
    (True, False)
    """
    return start[128:132] == b"DICM" or _guess_syntax(start) is not None


def _read_dataset(path: Path, file: BinaryIO, size: int, encoding: str, syntax: str) -> Header:
    walker = _Walker(file, size, encoding)
    tags = walker.elements(size, _DATASET)
    missing = walker.missing_pixels(tags)
    if walker.pixels_at is not None and missing == 0:
        walker.after_pixels()
    has_pixels = walker.pixels_at is not None
    misnamed = () if syntax == DEFLATED_LE else tuple(walker.misnamed)
    return Header(path, tags, has_pixels, syntax or encoding, missing, misnamed)


def renamed(path: Path, misnamed: Iterable[tuple[int, int]]) -> bytes:
    """Return the bytes of a file with the VR of its misnamed numbers corrected.

    Parameters
    ----------
    path : Path
    misnamed : iterable of (int, int)
        `Header.misnamed`.

    Returns
    -------
    bytes
        As long as the file: the long form's four bytes of length become the last four of the
        value's padding, which DS allows.
    """
    raw = bytearray(path.read_bytes())
    for at, length in misnamed:
        value = bytes(raw[at + 12 : at + 12 + length]).rstrip(b" \0").ljust(length + 4)
        raw[at + 4 : at + 12 + length] = b"DS" + struct.pack("<H", length + 4) + value
    return bytes(raw)


def _guess_syntax(start: bytes) -> str | None:
    """Return the encoding of a data set without the 128-byte preamble, or None."""
    if len(start) < 16 or start[:2] not in (b"\x02\x00", b"\x08\x00"):
        return None
    element = struct.unpack_from("<H", start, 2)[0]
    if element > 0x0100:
        return None
    if start[4:6] in (b"UL", b"CS", b"UI", b"OB", b"SH", b"DA"):
        return EXPLICIT_LE
    length = struct.unpack_from("<I", start, 4)[0]
    return IMPLICIT_LE if length <= 64 and length % 2 == 0 else None


def _read_meta(file: BinaryIO, size: int) -> str:
    """Walk group 2, always explicit little endian; '' where it names no transfer syntax."""
    syntax = ""
    while True:
        start = file.tell()
        head = file.read(8)
        if len(head) < 8 or head[:2] != b"\x02\x00":
            file.seek(start)
            return syntax
        vr = head[4:6]
        if vr not in _LONG_FORM and vr not in _SHORT_FORM:
            # Readers do not agree on how long such an element is.
            raise DamagedHeaderError(
                f"its file meta information has an unknown value representation, {_text(vr)!r}"
            )
        if vr in _LONG_FORM:
            (length,) = struct.unpack("<I", file.read(4).ljust(4, b"\0"))
        else:
            (length,) = struct.unpack_from("<H", head, 6)
        if length > size - file.tell():
            raise DamagedHeaderError("it breaks off within its file meta information")
        value = file.read(length)
        if head[2:4] == b"\x10\x00":
            syntax = _text(value)


def _sniff(file: BinaryIO) -> str:
    start = file.tell()
    head = file.read(6)
    file.seek(start)
    return EXPLICIT_LE if re.fullmatch(rb"[A-Z]{2}", head[4:6]) else IMPLICIT_LE


class _Walker:
    """Walks data elements in one encoding; stops at the pixels."""

    def __init__(self, file: BinaryIO, size: int, encoding: str) -> None:
        self.file = file
        self.size = size
        self.order = ">" if encoding == EXPLICIT_BE else "<"
        self.explicit = encoding != IMPLICIT_LE
        self.pixels_at: int | None = None
        self.pixels_nbytes = 0
        self.depth = 0
        self.misnamed: list[tuple[int, int]] = []

    def elements(self, end: int, table: dict[int, tuple[str, Any]]) -> dict[str, Any]:
        """Walk up to `end`, or to an item's end mark; return the values that `table` names."""
        found: dict[str, Any] = {}
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise DamagedHeaderError("its sequences are nested without end")
        while self.file.tell() + 8 <= end:
            tag, vr, length = self.element_head()
            if tag in (_ITEM_END, _SEQUENCE_END):
                break
            if tag in _PIXELS and self.depth == 1:
                self.pixels_at, self.pixels_nbytes = self.file.tell(), length
                break
            name, kind = table.get(tag, ("", None))
            if length == _UNDEFINED or isinstance(kind, dict):
                items = self.sequence(length, vr, kind if isinstance(kind, dict) else {})
                if name and items:
                    found[name] = items
                continue
            if length > self.size - self.file.tell():
                raise DamagedHeaderError(
                    f"it breaks off: {length} bytes announced, {self.size - self.file.tell()} left"
                )
            if vr in _LONG_TEXT and kind in ("decimal", "decimals") and self.depth == 1:
                self.misnamed.append((self.file.tell() - 12, length))
            if name:
                value = self.value(self.file.read(length), kind)
                if value is not None:
                    found[name] = value
            else:
                self.file.seek(length, os.SEEK_CUR)
        self.depth -= 1
        return found

    def element_head(self) -> tuple[int, bytes, int]:
        head = self.file.read(8)
        if len(head) < 8:
            raise DamagedHeaderError("it breaks off within a data element")
        group, element = struct.unpack_from(self.order + "HH", head)
        tag = group << 16 | element
        vr = head[4:6]
        if group == 0xFFFE or not self.explicit or not (vr.isalpha() and vr.isupper()):
            return tag, b"", struct.unpack_from(self.order + "I", head, 4)[0]
        if vr in _LONG_FORM:
            rest = self.file.read(4)
            if len(rest) < 4:
                raise DamagedHeaderError("it breaks off within a data element")
            return tag, vr, struct.unpack(self.order + "I", rest)[0]
        return tag, vr, struct.unpack_from(self.order + "H", head, 6)[0]

    def sequence(
        self, length: int, vr: bytes, table: dict[int, tuple[str, Any]]
    ) -> list[dict[str, Any]]:
        if length != _UNDEFINED and length > self.size - self.file.tell():
            raise DamagedHeaderError("it breaks off within a sequence")
        end = self.size if length == _UNDEFINED else self.file.tell() + length
        if not table and length != _UNDEFINED:
            self.file.seek(end)
            return []
        # A sequence of unknown representation is encoded implicitly, whatever surrounds it.
        explicit, order = self.explicit, self.order
        if vr == b"UN":
            self.explicit, self.order = False, "<"
        items = []
        while self.file.tell() + 8 <= end:
            tag, _, nbytes = self.element_head()
            if tag == _SEQUENCE_END:
                break
            if tag != _ITEM:
                raise DamagedHeaderError("a sequence contains something that is not an item")
            if nbytes != _UNDEFINED and nbytes > self.size - self.file.tell():
                raise DamagedHeaderError("it breaks off within a sequence")
            if not table and nbytes != _UNDEFINED:
                self.file.seek(nbytes, os.SEEK_CUR)
                continue
            stop = self.size if nbytes == _UNDEFINED else self.file.tell() + nbytes
            items.append(self.elements(stop, table))
        self.explicit, self.order = explicit, order
        return items

    def missing_pixels(self, tags: dict[str, Any]) -> int:
        """Return the number of bytes of pixels that the file lacks; GDCM would invent them."""
        if self.pixels_at is None:
            return 0
        if self.pixels_nbytes != _UNDEFINED:
            bits = int(tags.get("bits_allocated", 0)) * int(tags.get("samples", 1))
            for name in ("rows", "columns", "n_frames"):
                bits *= int(tags.get(name, 1 if name == "n_frames" else 0))
            wanted = max(self.pixels_nbytes, (bits + 7) // 8)
            return max(0, wanted - min(self.pixels_nbytes, self.size - self.pixels_at))
        at = self.pixels_at
        while at + 8 <= self.size:
            self.file.seek(at)
            tag, _, nbytes = self.element_head()
            if tag != _ITEM:
                return 0
            at += 8 + nbytes
        return max(8, at - self.size)

    def after_pixels(self) -> None:
        """Walk the elements after the pixels, which GDCM reads too.

        GDCM allocates as much memory as an element announces, whatever the size of the file.
        """
        if self.pixels_at is not None and self.pixels_nbytes != _UNDEFINED:
            self.file.seek(self.pixels_at + self.pixels_nbytes)
        while self.file.tell() + 8 <= self.size:
            self.depth = 1  # as within a sequence: further pixels are skipped
            self.elements(self.size, {})

    def value(self, raw: bytes, kind: str) -> Any:
        """Decode a value; None if it is empty or not of its kind."""
        try:
            if kind == "short":
                return struct.unpack_from(self.order + "H", raw)[0]
            if kind == "double":
                return struct.unpack_from(self.order + "d", raw)[0]
            text = _text(raw)
            if kind == "text":
                return text or None
            parts = [part.strip() for part in text.split("\\")]
            if kind == "texts":
                return tuple(parts) if text else None
            numbers = tuple(float(part) for part in parts)
        except (struct.error, ValueError):
            return None
        if kind == "decimals":
            return numbers
        return numbers[0] if math.isfinite(numbers[0]) else None


def _text(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return "".join(c for c in text if c.isprintable() or c == "\\").strip()
