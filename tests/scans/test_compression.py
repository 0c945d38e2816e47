"""Compressed results: what any reader unpacks, and the same bytes every time."""

from __future__ import annotations

import gzip
import subprocess
import zlib

import numpy as np
import pytest

from spinalcord import _core
from spinalcord.scans.compression import CHUNK_NBYTES, gzip_array


def sample(nbytes, dtype):
    """Mostly zeros, with noise in a part."""
    values = np.zeros(nbytes // np.dtype(dtype).itemsize, dtype)
    noise = np.random.default_rng(0).integers(0, 100, len(values) // 5)
    values[len(values) // 2 :][: len(noise)] = noise
    return values.tobytes()


@pytest.mark.parametrize("nbytes", [0, 4, 1000, CHUNK_NBYTES, 2 * CHUNK_NBYTES + 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_what_is_packed_is_unpacked(nbytes, dtype):
    data = sample(nbytes, dtype)
    packed = gzip_array(data, np.dtype(dtype).itemsize)
    assert gzip.decompress(packed) == data
    whole = zlib.decompressobj(31)  # one member: some readers stop after the first
    assert whole.decompress(packed) == data
    assert whole.eof
    assert whole.unused_data == b""


def test_the_number_of_threads_changes_no_byte(monkeypatch):
    data = sample(3 * CHUNK_NBYTES, np.float32)
    packed = gzip_array(data, 4)
    for threads in (1, 3):
        monkeypatch.setattr(_core, "cpu", lambda threads=threads: {"threads": threads})
        assert gzip_array(data, 4) == packed


def test_it_is_not_much_longer_than_by_the_default_level():
    mask = sample(CHUNK_NBYTES + 100, np.uint8)
    mask = (np.frombuffer(mask, np.uint8) > 0).astype(np.uint8).tobytes()
    values = sample(CHUNK_NBYTES + 100, np.float32)
    for data, item_nbytes in ((mask, 1), (values, 4)):
        assert len(gzip_array(data, item_nbytes)) < 1.3 * len(gzip.compress(data, 6))


def test_the_program_gzip_accepts_it(tmp_path):
    path = tmp_path / "array.gz"
    path.write_bytes(gzip_array(sample(CHUNK_NBYTES + 100, np.float32), 4))
    assert subprocess.run(["gzip", "-t", path], check=False).returncode == 0
