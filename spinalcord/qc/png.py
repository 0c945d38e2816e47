"""PNG files of colours from a table, some of them transparent [1]_.

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

_UP = 2
_LEVEL = 6


def encode(pixels: Array, colours: Array) -> bytes:
    """Encode an image as a PNG file.

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
    lines = np.empty((rows, 1 + columns), np.uint8)
    lines[:, 0] = _UP
    lines[0, 1:] = pixels[0]
    np.subtract(pixels[1:], pixels[:-1], out=lines[1:, 1:])  # modulo 256, as the format has it
    header = struct.pack(">2I5B", columns, rows, 8, 3, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"PLTE", colours[:, :3].tobytes())
        + _chunk(b"tRNS", colours[:, 3].tobytes())
        + _chunk(b"IDAT", zlib.compress(lines.tobytes(), _LEVEL))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
