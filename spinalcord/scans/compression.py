"""Compress results to gzip in several threads, to the same bytes for any number of them."""

from __future__ import annotations

import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

from .. import _core

CHUNK_NBYTES = 1 << 21
"""Parts are compressed on their own; a part without what came before costs 0.1 % of its size."""

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"  # no name, no time, fast, unknown system


def gzip_array(data: bytes, item_nbytes: int) -> bytes:
    """Compress the bytes of an array.

    Bytes are masks, in which runs are all that there is to find: a fifth of the time of the
    default level, and up to a fifth more bytes. Other arrays take level 1: 0.6 of the time, and
    5 % more bytes.

    Parameters
    ----------
    data : bytes
    item_nbytes : int
        Bytes of a value.

    Returns
    -------
    bytes
        One gzip member, without a time: equal data give equal bytes.

    Examples
    --------
    >>> import gzip
    >>> gzip.decompress(gzip_array(b"000", 1))
    b'000'
    """
    strategy = zlib.Z_RLE if item_nbytes == 1 else zlib.Z_DEFAULT_STRATEGY
    view = memoryview(data)
    parts = [view[i : i + CHUNK_NBYTES] for i in range(0, len(view), CHUNK_NBYTES)] or [view]

    def deflate(number: int) -> bytes:
        last = number == len(parts) - 1
        packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, strategy)
        end = zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH
        return packer.compress(parts[number]) + packer.flush(end)

    with ThreadPoolExecutor(min(int(_core.cpu()["threads"]), len(parts))) as pool:
        total = pool.submit(zlib.crc32, view)
        packed = list(pool.map(deflate, range(len(parts))))
    check = struct.pack("<II", total.result(), len(view) & 0xFFFFFFFF)
    return b"".join([_HEADER, *packed, check])
