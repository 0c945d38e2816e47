"""How much memory there is, by made-up files of the kernel, and what is refused."""

from __future__ import annotations

import gzip
import struct

import nibabel
import numpy as np
import pytest

from spinalcord import memory
from spinalcord.errors import InputError
from spinalcord.scans.reading import load

GB = 10**9


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """kernel(own group's line, {file: text}) in place of /proc and /sys; 8 GB are free."""

    def make(own, files):
        meminfo, groups = tmp_path / "meminfo", tmp_path / "groups"
        meminfo.write_text("MemTotal: 16000000 kB\nMemAvailable: 7812500 kB\n")
        (tmp_path / "own").write_text(own)
        for name, text in files.items():
            (groups / name).parent.mkdir(parents=True, exist_ok=True)
            (groups / name).write_text(str(text))
        monkeypatch.setattr(memory, "_MEMINFO", meminfo)
        monkeypatch.setattr(memory, "_OWN_GROUP", tmp_path / "own")
        monkeypatch.setattr(memory, "_GROUPS", groups)

    return make


@pytest.mark.parametrize(
    ("own", "files", "want"),
    [
        ("", {}, 8 * GB),
        ("0::/\n", {"memory.max": "max\n", "memory.current": "5\n"}, 8 * GB),
        ("0::/a/b\n", {"a/memory.max": 3 * GB, "a/memory.current": GB}, 2 * GB),
        (
            "0::/a\n",
            {
                "a/memory.max": 2 * GB,
                "a/memory.current": 2 * GB,
                "a/memory.stat": f"anon 5\ninactive_file {GB}\nactive_file 7\n",
            },
            GB + 7,
        ),
        (
            "4:cpu,memory:/job\n",
            {
                "memory/job/memory.limit_in_bytes": 2 * GB,
                "memory/job/memory.usage_in_bytes": GB,
            },
            GB,
        ),
        (
            "4:memory:/docker/x\n",
            {"memory/memory.limit_in_bytes": GB, "memory/memory.usage_in_bytes": 2 * GB},
            0,
        ),
    ],
)
def test_the_least_of_machine_and_groups(kernel, own, files, want):
    kernel(own, files)
    assert memory.available_nbytes() == want


def test_where_the_kernel_tells_nothing_nothing_is_refused(tmp_path, monkeypatch):
    for name in ("_MEMINFO", "_OWN_GROUP", "_GROUPS"):
        monkeypatch.setattr(memory, name, tmp_path / "none")
    assert memory.available_nbytes() is None
    memory.check_memory(1e18, "anything")


def test_the_refusal_has_both_figures(kernel):
    kernel("", {})
    memory.check_memory(7.9 * GB, "x")
    with pytest.raises(InputError, match=r"^x takes about 9\.0 GB of memory; 8\.0 GB are avail"):
        memory.check_memory(9 * GB, "x")


def test_a_nifti_file_that_would_not_fit_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "t2.nii.gz"
    header = nibabel.Nifti2Header()
    header.set_data_dtype(np.float64)
    header.set_data_shape((10**4, 10**4, 10**5))
    path.write_bytes(gzip.compress(header.binaryblock + bytes(1 << 21), mtime=0))
    with pytest.raises(InputError, match=r"takes about \d+\.\d GB of memory"):
        load(path)


@pytest.mark.slow
def test_a_gzip_bomb_takes_no_more_than_its_header_says(tmp_path):
    """300 MB of zeros behind a scan of 400 bytes, in 300 kB."""
    from spinalcord.scans import nifti

    image = nibabel.Nifti1Image(np.arange(210, dtype=np.int16).reshape(5, 6, 7), np.eye(4))
    packed = gzip.compress(image.to_bytes() + bytes(300 << 20), 6)
    assert len(packed) < 1 << 20
    assert len(nifti._unpacked(packed, tmp_path)) < 8 << 20
    path = tmp_path / "t2.nii.gz"
    path.write_bytes(packed)
    np.testing.assert_array_equal(load(path).array, image.get_fdata())
    path.write_bytes(packed[:-8] + struct.pack("<II", 1, 2))  # the checksum is still looked at
    with pytest.raises(InputError, match="damaged or truncated"):
        load(path)
