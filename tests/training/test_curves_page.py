"""spinalcord.training.curves_page: a page that reloads itself until the training has ended."""

from __future__ import annotations

import re

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
from histories import HISTORY, RUNNING  # noqa: E402

from spinalcord.training.curves_page import LEFT, Progress, draw_chart, make_curves_page  # noqa: E402

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
    assert "The last 3 epochs, newest first" in ended
    assert "The first epoch" in make_curves_page(HISTORY[:1], ["auc"], RUNNING)
    before = make_curves_page([], [], Progress("segmentation", 0, 5, 3, 25, 9.0, 0.25))
    assert "loss of the epoch that runs 0.2500" in before
    assert "<svg" not in before


def test_every_curve_of_a_segmentation_has_its_own_color():
    # Two of patches, the score, four diagnoses, other ones, lesion-free scans and the cord.
    row = {"epoch": 1} | {f"x{n}": n / 10 for n in range(10)}
    chart = draw_chart([row], [name for name in row if name != "epoch"], "validation", top=1.0)
    assert len(set(re.findall(r'stroke="(#\w+)" stroke-width="2"', chart))) == 10


def test_a_curve_lies_where_its_values_are():
    chart = draw_chart([{"epoch": 1, "auc": 0.5}, {"epoch": 3, "auc": 1.0}], ["auc", "dice"], "x",
                       top=1.0)  # fmt: skip
    assert 'points="68.0,115.0 548.0,8.0"' in chart
    assert "dice" not in chart
    assert draw_chart(HISTORY, ["dice"], "x") == ""


@pytest.mark.parametrize("largest", [1e-4, 1.23e-5, 0.000976, 4.5678, 81512.0, 1234567.0])
def test_the_numbers_of_the_vertical_axis_fit(largest):
    chart = draw_chart([{"epoch": 1, "rate": largest}], ["rate"], "learning rate")
    ends = re.findall(r'<text x="(\d+)" y="[\d.]+" text-anchor="end">([^<]+)</text>', chart)
    labels = [text for x, text in ends if int(x) == LEFT - 6]
    assert len(labels) == 3
    assert float(labels[-1].replace(",", "")) == pytest.approx(largest, rel=0.01)
    # A digit of 12 px system-ui is at most 7.5 px wide.
    assert max(map(len, labels)) * 7.5 <= LEFT - 6
