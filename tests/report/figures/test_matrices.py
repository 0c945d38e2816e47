"""Confusion and agreement: the numbers in the cells."""

from __future__ import annotations

import numpy as np
import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report import figures


def cells(axes):
    return {tuple(map(int, text.get_position())): text.get_text() for text in axes.texts}


def test_four_diagnoses(axes):
    table = cohorts.drawn(60)
    figures.draw_confusion(Cohort(table), ax=axes)
    pairs = list(zip(table["reference_diagnosis"], table["diagnosis"], strict=True))
    found = cells(axes)
    assert len(found) == 16
    right = pairs.count(("MS", "MS"))
    assert found[2, 2].split("\n")[0] == str(right)
    assert found[3, 2].split("\n")[0] == str(pairs.count(("MS", "NMOSD")))
    assert axes.get_title().endswith("n = 60")
    shares = np.asarray(axes.images[0].get_array())
    np.testing.assert_allclose(shares.sum(1), 1)
    assert shares[2, 2] == pytest.approx(right / 15)


def test_two_answers(axes):
    figures.draw_confusion(Cohort(cohorts.of_letter()), "ms_vs_nmosd", ax=axes)
    got = [cells(axes)[x, y].split("\n")[0] for y in (0, 1) for x in (0, 1)]
    assert got == ["26", "7", "9", "36"]


def test_agreement(axes):
    cohort = Cohort(cohorts.drawn(60))
    figures.draw_agreement(cohort, ax=axes)
    rows = {(r["first"], r["second"]): r for r in cohort.table("agreement").rows}
    value = rows["reference", "model"]["estimate"]
    assert cells(axes)[0, 0].startswith(f"{value:.2f}\n(")
    assert len(axes.texts) == 6


def test_many_readers_leave_no_room_for_intervals(axes):
    table = cohorts.drawn(40)
    for r in range(3, 8):
        table[f"reader_{r}"] = table["reader_1"]
    figures.draw_agreement(Cohort(table), ax=axes)
    assert len(axes.texts) == 36
    assert not any("(" in text.get_text() for text in axes.texts)


def test_text_is_readable_on_its_cell(axes):
    figures.draw_confusion(Cohort(cohorts.of_letter()), "tumor_vs_demyelination", ax=axes)
    colours = {tuple(map(int, t.get_position())): t.get_color() for t in axes.texts}
    assert colours[0, 0] == "white"
    assert colours[1, 0] == "black"


def test_refusals(axes):
    with pytest.raises(InputError, match="no task 'x'"):
        figures.draw_confusion(Cohort(cohorts.drawn(8)), "x", ax=axes)
    empty = Cohort({"case_id": ["a"], "reference_diagnosis": ["tumor"]})
    with pytest.raises(InputError, match="no case with a reference_diagnosis has an answer"):
        figures.draw_confusion(empty, "ms_vs_nmosd", ax=axes)
    with pytest.raises(InputError, match="agreement needs two"):
        figures.draw_agreement(empty, ax=axes)
