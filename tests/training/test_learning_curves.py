"""spinalcord.training.learning_curves: a table and, with matplotlib, a picture."""

from __future__ import annotations

import builtins
import csv

import pytest

from spinalcord.errors import InputError

torch = pytest.importorskip("torch", reason="torch is not installed")
from histories import HISTORY, RUNNING  # noqa: E402

from spinalcord.training.curves_page import Progress  # noqa: E402
from spinalcord.training.learning_curves import FIXED, write_curves  # noqa: E402


def test_the_table_holds_every_epoch(tmp_path):
    files = write_curves(tmp_path / "curves", HISTORY, ["auc"], RUNNING)
    assert files[0] == tmp_path / "curves.csv"
    rows = list(csv.DictReader(files[0].open()))
    assert list(rows[0]) == [*FIXED, "auc"]
    assert [{k: float(v) for k, v in row.items()} for row in rows] == HISTORY


def test_the_picture(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    files = write_curves(tmp_path / "curves", HISTORY, ["auc"], RUNNING)
    assert files[2].read_bytes().startswith(b"\x89PNG")
    # Within an epoch the picture stays as it is.
    within = Progress("segmentation", 3, 5, 16, 25, 300.0, 0.4)
    assert len(write_curves(tmp_path / "curves", HISTORY, ["auc"], within)) == 2


def test_without_matplotlib_there_is_the_table(tmp_path, monkeypatch):
    real = builtins.__import__

    def refuse(name, *rest):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    names = [p.name for p in write_curves(tmp_path / "curves", HISTORY, ["auc"], RUNNING)]
    assert names == ["curves.csv", "curves.html"]


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        write_curves(tmp_path / "file" / "curves", HISTORY, ["auc"], RUNNING)
