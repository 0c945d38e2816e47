"""Check a MetaImage file before ITK, which does not validate it, reads it."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Mapping
from pathlib import Path

from ..errors import InputError

SUFFIXES = (".mha", ".mhd")
# ITK keeps sizes, spacings and axes in arrays of this length, and writes beyond them.
MAX_DIMENSIONS = 10
MAX_NBYTES = 1 << 20
# ITK's own buffers for a line are longer.
MAX_LINE_NBYTES = 4096
MOST_VOXEL_NBYTES = 8
CHUNK_NBYTES = 1 << 20
ZLIB_OR_GZIP = 47  # zlib's window bits for either
LAST_KEY = "ElementDataFile"  # its line is followed by voxels or file names


def read_meta_header(path: Path) -> dict[str, str]:
    """Read the keys and values before the voxels of a MetaImage file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict of str to str
        In the order of the file; the last value of a key that occurs twice.

    Raises
    ------
    InputError
        A line that is not ``key = value``, control characters, no line ``ElementDataFile``, or a
        number of dimensions that ITK has no room for; compressed voxels that are damaged, which
        ITK would decompress forever.
    """
    with open(path, "rb") as file:
        data = file.read(MAX_NBYTES)
    nbytes = 0
    found: dict[str, str] = {}  # also what ITK has copied from DICOM, such as 0008|0005
    for number, line in enumerate(data.split(b"\n"), 1):
        nbytes += len(line) + 1
        text = line.removesuffix(b"\r").decode("latin-1")
        match = re.fullmatch(r"[ \t]*([^\s=:][^=:]{0,63}?)[ \t]*[=:](.*)", text)
        plain = len(line) <= MAX_LINE_NBYTES and not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", text)
        if text.strip() == "" and number > 1:
            continue
        if match is None or not plain:
            stated = text[:40].encode("ascii", "backslashreplace").decode()
            raise InputError(
                f"{path}: not readable (line {number} of its header is {stated!r}; "
                "key = value is expected)"
            )
        key, value = match[1], match[2].strip()
        if key == "NDims" and not (
            re.fullmatch("[0-9]{1,2}", value) and 1 <= int(value) <= MAX_DIMENSIONS
        ):
            raise InputError(
                f"{path}: not readable (NDims is {value[:20]!r}; a number from 1 to "
                f"{MAX_DIMENSIONS} is expected)"
            )
        found[key] = value
        if key == LAST_KEY:
            _check_compressed(path, found, nbytes)
            return found
    raise InputError(f"{path}: not readable (no line {LAST_KEY} = ... ends its header)")


def _check_compressed(path: Path, header: Mapping[str, str], nbytes: int) -> None:
    """Decompress the voxels that the header accounts for, and discard them."""
    if header.get("CompressedData", "")[:1] not in ("T", "t", "1"):
        return
    local = header[LAST_KEY].upper() == "LOCAL"
    source = path if local else path.parent / header[LAST_KEY]
    words = [*header.get("DimSize", "").split(), header.get("ElementNumberOfChannels", "1")]
    if not source.is_file() or not all(re.fullmatch("[0-9]{1,9}", word) for word in words):
        return  # ITK says what is missing
    most = math.prod(int(word) for word in words) * MOST_VOXEL_NBYTES
    stated = header.get("CompressedDataSize", "")
    left = int(stated) if re.fullmatch("0*[1-9][0-9]{0,17}", stated) else source.stat().st_size
    inflate = zlib.decompressobj(ZLIB_OR_GZIP)
    with open(source, "rb") as file:
        file.seek(nbytes if local else 0)
        try:
            while not inflate.eof and most > 0:
                data = inflate.unconsumed_tail
                if not data:
                    data = file.read(min(CHUNK_NBYTES, left))
                    left -= len(data)
                if not data:
                    raise zlib.error("it ends early")
                most -= len(inflate.decompress(data, CHUNK_NBYTES))
        except zlib.error as error:
            raise InputError(
                f"{path}: not readable (its compressed voxels are damaged or truncated)"
            ) from error
