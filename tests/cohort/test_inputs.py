"""What tells whether an input has changed."""

from __future__ import annotations

import hashlib
import os

import pytest

from spinalcord.cohort import inputs
from spinalcord.cohort.inputs import again, describe_input, is_unchanged


def test_one_file_has_the_digest_of_its_bytes(tmp_path):
    path = tmp_path / "a.nii"
    path.write_bytes(b"scan")
    known = describe_input(path, [path])
    assert known["sha256"] == hashlib.sha256(b"scan").hexdigest()
    assert known["files"] == ["a.nii"]
    assert is_unchanged(path, known)
    assert again(path, known) == known


def test_a_touched_file_has_the_same_digest_and_another_stamp(tmp_path):
    path = tmp_path / "a.nii"
    path.write_bytes(b"scan")
    known = describe_input(path, [path])
    os.utime(path, ns=(1, 1))
    assert not is_unchanged(path, known)
    assert again(path, known)["sha256"] == known["sha256"]
    path.write_bytes(b"SCAN")
    assert again(path, known)["sha256"] != known["sha256"]


def test_same_size_and_time_do_not_hide_a_change(tmp_path):
    path = tmp_path / "a.nii"
    path.write_bytes(b"scan")
    times = os.stat(path)
    known = describe_input(path, [path])
    path.write_bytes(b"SCAN")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert not is_unchanged(path, known)


def test_a_folder_stands_for_all_files_below(tmp_path):
    folder = tmp_path / "series"
    (folder / "deep").mkdir(parents=True)
    (folder / "i1").write_bytes(b"1")
    (folder / "deep" / "i2").write_bytes(b"2")
    known = describe_input(folder)
    assert known["files"] is None
    assert is_unchanged(folder, known)
    (folder / "deep" / "i3").write_bytes(b"3")
    assert not is_unchanged(folder, known)
    assert again(folder, known)["sha256"] != known["sha256"]


def test_all_files_of_a_series_count(tmp_path):
    files = [tmp_path / name for name in ("a.hdr", "a.img")]
    for file in files:
        file.write_bytes(b"x")
    known = describe_input(files[0], files)
    assert known["files"] == ["a.hdr", "a.img"]
    files[1].write_bytes(b"y")
    assert not is_unchanged(files[0], known)


def test_what_has_gone_is_changed(tmp_path):
    path = tmp_path / "a.nii"
    path.write_bytes(b"scan")
    known = describe_input(path, [path])
    path.unlink()
    assert not is_unchanged(path, known)
    assert again(path, known) is None
    path.mkdir()
    assert again(path, known) is None


def test_a_change_while_reading_is_noticed(tmp_path, monkeypatch):
    path = tmp_path / "a.nii"
    path.write_bytes(b"scan")
    real = inputs.file_sha256

    def growing(file):
        digest = real(file)
        path.write_bytes(b"longer scan")
        return digest

    monkeypatch.setattr(inputs, "file_sha256", growing)
    with pytest.raises(inputs.InputError, match="changed while it was read"):
        describe_input(path, [path])
