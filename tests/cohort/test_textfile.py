"""Long text files: whole or not at all."""

from __future__ import annotations

import os

import pytest

from spinalcord.cohort.textfile import TextFile
from spinalcord.errors import InputError


def test_a_file_is_there_once_it_is_finished(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with TextFile(path) as file:
        file.write("new")
        assert path.read_text() == "old"
        file.finish()
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_what_is_not_finished_leaves_nothing(tmp_path):
    with TextFile(tmp_path / "a.txt") as file:
        file.write("half")
    assert os.listdir(tmp_path) == []


def test_left_overs_of_killed_runs_go(tmp_path):
    (tmp_path / ".a.txt.1-2.part").write_text("half")
    (tmp_path / ".b.txt.1-2.part").write_text("another's")
    with TextFile(tmp_path / "a.txt") as file:
        file.finish()
    assert sorted(os.listdir(tmp_path)) == [".b.txt.1-2.part", "a.txt"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(InputError, match=r"a\.txt: cannot be written"):
        TextFile(tmp_path / "absent" / "a.txt").__enter__()
