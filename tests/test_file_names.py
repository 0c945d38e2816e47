"""Names of any length and bytes, and inputs that are only read."""

from __future__ import annotations

import os
import sys

import nibabel
import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.scans.reading import load, read
from spinalcord.scans.writing import result_path, save_volume

NAMES = {
    "255 bytes": b"t" * 248 + b".nii.gz",
    "not UTF-8": b"t2-\xff\xe9.nii.gz",
    "line feed": b"t2\n.nii.gz",
    "leading dash": b"-t2.nii.gz",
    "right to left": "\u202et2.nii.gz".encode(),
    "255 bytes of UTF-8": "ü".encode() * 124 + b".nii.gz",
}


def write_scan(path):
    array = np.arange(210, dtype=np.int16).reshape(5, 6, 7)
    with open(path, "wb") as file:
        import gzip

        file.write(gzip.compress(nibabel.Nifti1Image(array, np.eye(4)).to_bytes(), mtime=0))


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_read_and_named_in_results_or_refused(tmp_path, name):
    path = os.path.join(os.fsencode(tmp_path), NAMES[name])
    write_scan(path)
    volume = read(os.fsdecode(path))
    target = result_path(tmp_path / "out", volume, "desc-lesion_mask", ".nii.gz")
    mask = volume.like(volume.array > 100)
    if len(os.fsencode(target.name)) > 255:
        with pytest.raises(InputError, match="cannot be written: File name too long"):
            save_volume(mask, target)
        target = tmp_path / "out" / "m.nii.gz"  # which a user then names
    np.testing.assert_array_equal(load(save_volume(mask, target)).array, mask.array)


def test_nothing_is_opened_for_writing_beside_a_scan(tmp_path):
    """So that folders may be read-only; root, which tests may run as, could write to those."""
    path = tmp_path / "scans" / "t2.nii.gz"
    path.parent.mkdir()
    write_scan(path)
    touched = []

    def hear(event, arguments):
        here = bool(arguments) and str(arguments[0]).startswith(str(path.parent))
        if here and event in ("os.mkdir", "os.rename", "os.remove", "os.utime", "os.chmod"):
            touched.append((event, arguments))
        if here and event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            touched.append((event, arguments))

    sys.addaudithook(hear)  # there is no way to take one off again; it then hears of others
    read(path)
    assert touched == []
