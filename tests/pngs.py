"""Reads PNG files with a table of colours, by what the format's specification says."""

from __future__ import annotations

import struct
import zlib

import numpy as np


def decode(png):
    """Return (rows, columns, 4) red, green, blue, opacity."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(png):
        (nbytes,) = struct.unpack(">I", png[at : at + 4])
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + nbytes]
        (checksum,) = struct.unpack(">I", png[at + 8 + nbytes : at + 12 + nbytes])
        assert checksum == zlib.crc32(kind + data)
        chunks[kind] = data
        at += 12 + nbytes
    assert list(chunks) == [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"]
    columns, rows, *rest = struct.unpack(">2I5B", chunks[b"IHDR"])
    assert rest == [8, 3, 0, 0, 0]
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(rows, 1 + columns)
    pixels = np.zeros((rows, columns), np.uint8)
    for row, line in enumerate(lines):
        assert line[0] == 2  # "up"
        above = pixels[row - 1] if row else np.zeros(columns, np.uint8)
        pixels[row] = line[1:] + above
    colours = np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)
    opacities = np.frombuffer(chunks[b"tRNS"], np.uint8)
    return np.concatenate([colours, opacities[:, None]], axis=1)[pixels]
