"""spinalcord.training.curves_page: a page that reloads itself until the training has ended."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
from spinalcord.training.curves_page import Progress, draw_chart, make_curves_page  # noqa: E402

HISTORY = [
    {"epoch": k, "steps": 5 * k, "seconds": 1.5 * k, "learning_rate": 1e-4,
     "train_loss": 1 / k, "validation_loss": 2 / k, "auc": 0.5 + 0.1 * k}
    for k in (1, 2, 3)
]  # fmt: skip
RUNNING = Progress("segmentation", 3, 5, 15, 25, 300.0)
ENDED = Progress("segmentation", 5, 5, 25, 25, 300.0, None, "epochs")


def test_the_page_reloads_itself_until_the_training_has_ended():
    page = make_curves_page(HISTORY, ["auc"], RUNNING)
    assert '<meta http-equiv="refresh" content="10">' in page
    assert "epoch 3 of 5, step 15 of 25, 5.0 minutes; at most 3.3 minutes to go" in page
    assert page.count("<polyline") == 4
    # Self-contained, without script.
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page
    ended = make_curves_page(HISTORY, ["auc"], ENDED)
    assert "refresh" not in ended
    assert "ended (epochs)" in ended
    before = make_curves_page([], [], Progress("segmentation", 0, 5, 3, 25, 9.0, 0.25))
    assert "loss of the epoch that runs 0.2500" in before
    assert "<svg" not in before


def test_a_curve_lies_where_its_values_are():
    chart = draw_chart([{"epoch": 1, "auc": 0.5}, {"epoch": 3, "auc": 1.0}], ["auc", "dice"], "x",
                       top=1.0)  # fmt: skip
    assert 'points="52.0,115.0 548.0,8.0"' in chart
    assert "dice" not in chart
    assert draw_chart(HISTORY, ["dice"], "x") == ""
