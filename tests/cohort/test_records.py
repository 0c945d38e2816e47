"""Records and the lock."""

from __future__ import annotations

import errno
import fcntl
import subprocess
import sys

import pytest

from spinalcord.cohort.listing import CohortCase
from spinalcord.cohort.records import forget, locked, read_record, record_path, write_record
from spinalcord.errors import InputError

CASE = CohortCase("a 1", "p", "/scan.nii", folder="a-1")


def test_a_record_comes_back(tmp_path):
    assert read_record(tmp_path, CASE) is None
    write_record(tmp_path, CASE, {"status": "done", "x": [1.5, "é"]})
    record = read_record(tmp_path, CASE)
    assert record == {"format": 1, "case_id": "a 1", "status": "done", "x": [1.5, "é"]}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}', '{"format":1,"case_id":"b"}'])
def test_what_is_no_record_counts_as_none(tmp_path, text):
    path = record_path(tmp_path, CASE)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert read_record(tmp_path, CASE) is None


def test_forgetting_takes_results_and_left_overs_of_this_case_alone(tmp_path):
    folder = tmp_path / "a-1"
    folder.mkdir()
    names = ["a-1_mask.nii", ".a-1_mask.nii.7-ab.part", ".a-10_mask.nii.7-ab.part", "mine.txt"]
    for name in names:
        (folder / name).touch()
    write_record(tmp_path, CASE, {"files": [{"name": "a-1/a-1_mask.nii"}]})
    forget(tmp_path, CASE)
    assert sorted(p.name for p in folder.iterdir()) == [".a-10_mask.nii.7-ab.part", "mine.txt"]
    assert read_record(tmp_path, CASE) is None
    forget(tmp_path, CASE)  # nothing is left to forget


def test_what_cannot_be_removed_is_named(tmp_path):
    write_record(tmp_path, CASE, {"files": [{"name": "a-1"}]})
    (tmp_path / "a-1").mkdir()
    with pytest.raises(InputError, match=r"a-1: cannot be removed"):
        forget(tmp_path, CASE)


def test_one_run_at_a_time(tmp_path):
    with (
        locked(tmp_path / "out"),
        pytest.raises(InputError, match=r"written by another run \(process \d+ on "),
        locked(tmp_path / "out"),
    ):
        raise AssertionError
    with locked(tmp_path / "out"):  # free again
        pass


def test_the_lock_of_a_killed_process_is_no_problem(tmp_path):
    program = (
        "import os, pathlib, signal\n"
        "from spinalcord.cohort.records import locked\n"
        f"with locked(pathlib.Path({str(tmp_path)!r})):\n"
        "    print('held', flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "held\n"
    with locked(tmp_path):
        pass


def test_folders_that_cannot_be_locked(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"), locked(tmp_path / "file"):
        raise AssertionError

    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(InputError, match="cannot be locked"), locked(tmp_path):
        raise AssertionError
