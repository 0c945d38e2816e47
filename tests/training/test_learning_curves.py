"""spinalcord.training.learning_curves: a table and, with matplotlib, a picture."""

from __future__ import annotations

import builtins
import csv

import pytest

from spinalcord.errors import InputError

torch = pytest.importorskip("torch", reason="torch is not installed")
from spinalcord.training.curves_page import Progress, draw_chart, make_page  # noqa: E402
from spinalcord.training.learning_curves import FIXED, write_curves  # noqa: E402

HISTORY = [
    {"epoch": k, "steps": 5 * k, "seconds": 1.5 * k, "learning_rate": 1e-4,
     "train_loss": 1 / k, "validation_loss": 2 / k, "auc": 0.5 + 0.1 * k}
    for k in (1, 2, 3)
]  # fmt: skip


RUNNING = Progress("segmentation", 3, 5, 15, 25, 300.0)
ENDED = Progress("segmentation", 5, 5, 25, 25, 300.0, None, "epochs")


def test_the_page_reloads_itself_until_the_training_has_ended():
    page = make_page(HISTORY, ["auc"], RUNNING)
    assert '<meta http-equiv="refresh" content="10">' in page
    assert "epoch 3 of 5, step 15 of 25, 5.0 minutes; at most 3.3 minutes to go" in page
    assert page.count("<polyline") == 4
    # Self-contained, without script.
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page
    ended = make_page(HISTORY, ["auc"], ENDED)
    assert "refresh" not in ended
    assert "ended (epochs)" in ended
    before = make_page([], [], Progress("segmentation", 0, 5, 3, 25, 9.0, 0.25))
    assert "loss of the epoch that runs 0.2500" in before
    assert "<svg" not in before


def test_a_curve_lies_where_its_values_are():
    chart = draw_chart([{"epoch": 1, "auc": 0.5}, {"epoch": 3, "auc": 1.0}], ["auc", "dice"], "x",
                       top=1.0)  # fmt: skip
    assert 'points="52.0,115.0 548.0,8.0"' in chart
    assert "dice" not in chart
    assert draw_chart(HISTORY, ["dice"], "x") == ""


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
