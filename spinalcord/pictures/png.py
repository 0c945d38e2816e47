"""PNG files of true colours, or of colours from a table, some of them transparent [1]_.

References
----------
.. [1] Portable Network Graphics Specification, third edition, W3C, sections 9 and 11.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_RGB, _TABLE = 2, 3
_NONE, _UP = 0, 2
_LEVEL = 6


def encode_rgb(rgb: Array) -> bytes:
    """Encode an image as a PNG file.

    Parameters
    ----------
    rgb : uint8 (rows, columns, 3) array

    Returns
    -------
    bytes
        The same for the same image, whatever the machine.
    """
    rows, columns, _ = rgb.shape
    lines = np.full((rows, 1 + 3 * columns), _NONE, np.uint8)
    lines[:, 1:] = rgb.reshape(rows, -1)
    return _file(rows, columns, _RGB, lines)


def encode_table(pixels: Array, colours: Array) -> bytes:
    """Encode an image of few colours as a PNG file.

    Parameters
    ----------
    pixels : uint8 (rows, columns) array
        Numbers of colours.
    colours : uint8 (n, 4) array
        Red, green, blue, opacity; at most 256.

    Returns
    -------
    bytes
        The same for the same image, whatever the machine.
    """
    rows, columns = pixels.shape
    lines = np.full((rows, 1 + columns), _UP, np.uint8)
    lines[0, 1:] = pixels[0]
    np.subtract(pixels[1:], pixels[:-1], out=lines[1:, 1:])  # modulo 256, as the format has it
    table = _chunk(b"PLTE", colours[:, :3].tobytes()) + _chunk(b"tRNS", colours[:, 3].tobytes())
    return _file(rows, columns, _TABLE, lines, table)


def _file(rows: int, columns: int, colour: int, lines: Array, table: bytes = b"") -> bytes:
    header = struct.pack(">2I5B", columns, rows, 8, colour, 0, 0, 0)
    data = zlib.compress(lines.tobytes(), _LEVEL)
    start = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header)
    return start + table + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
