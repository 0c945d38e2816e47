"""The flow of patients as boxes."""

from __future__ import annotations

from report import cohorts

from spinalcord import Cohort
from spinalcord.report import figures


def test_every_step_and_who_left(axes):
    table = cohorts.drawn(40, split=["test"] * 30 + ["train"] * 10)
    figures.draw_flow(Cohort(table), ax=axes)
    words = [text.get_text() for text in axes.texts]
    assert "patients of the split test\nn = 30" in words
    assert "of other splits: 10" in words
    assert any("MS:\N{NO-BREAK SPACE}7" in word for word in words)


def test_nothing_known(axes):
    figures.draw_flow(Cohort({"case_id": ["a"]}), ax=axes)
    assert any("none is known" in text.get_text() for text in axes.texts)
