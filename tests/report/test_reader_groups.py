"""The model against readers as a group, and test by test."""

from __future__ import annotations

import numpy as np
import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report.reader_groups import paired, reader_group

pytest.importorskip("scipy", reason="this analysis needs SciPy, of the extra stats")


def three_readers(n=80):
    table = cohorts.drawn(n)
    truth, rng = table["reference_diagnosis"], np.random.default_rng(5)
    table["reader_3"] = [t if rng.random() < 0.7 else "MS" for t in truth]
    return table


def test_rows_and_their_margin():
    table = Cohort(three_readers(), margin=0.05).table("reader_group")
    own = [row for row in table.rows if row["task"] == "tumor_vs_demyelination"]
    assert [row["figure"] for row in own] == [
        "accuracy, model less mean reader", "sensitivity, model less mean reader",
        "specificity, model less mean reader", "accuracy, model less mean reader",
        "accuracy, model less mean reader",
    ]  # fmt: skip
    assert own[-2]["test"] == "non-inferiority, margin 5 points, one-sided"
    assert own[-1]["test"] == "equivalence, margin 5 points, two one-sided"
    # One more question has to be answered: its p-value is never the smaller one.
    assert own[-1]["p"] >= own[-2]["p"]
    assert own[-1]["level"] == 0.95
    assert any("margin of 5.0 points" in note for note in table.notes)
    cohort = Cohort(three_readers())
    right = [
        np.mean(cohort.cases.words(c) == cohort.cases.words("reference_diagnosis"))
        for c in ("diagnosis", "reader_1", "reader_2", "reader_3")
    ]
    four = [row for row in table.rows if row["task"] == "four diagnoses"]
    assert four[0]["estimate"] == pytest.approx(right[0] - np.mean(right[1:]))
    assert [row["test"].partition(",")[0] for row in four[1:]] == ["non-inferiority", "equivalence"]


def test_two_readers_are_marked_as_too_few():
    rows = Cohort(cohorts.drawn(80)).table("reader_group").rows
    assert all("2 readers are too few" in row["reason"] for row in rows)


def test_paired_figures():
    rows = Cohort(three_readers()).table("paired").rows
    own = [r for r in rows if r["task"] == "ms_vs_nmosd" and r["cases"] == "reader_3"]
    assert [row["figure"] for row in own] == [
        f"{figure}, model less reader"
        for figure in (
            "sensitivity", "specificity", "positive predictive value", "negative predictive value",
        )
    ]  # fmt: skip


def test_too_few_readers():
    table = cohorts.drawn(40)
    del table["reader_2"]
    with pytest.raises(InputError, match="two columns reader_"):
        reader_group(Cohort(table).cases)
    del table["reader_1"]
    with pytest.raises(InputError, match="no readers"):
        paired(Cohort(table).cases)


def test_nobody_answered_by_all():
    table = cohorts.drawn(40)
    table["reader_1"] = ["MS"] * 20 + [""] * 20
    table["reader_2"] = [""] * 20 + ["MS"] * 20
    with pytest.raises(InputError, match="no case was answered by"):
        reader_group(Cohort(table).cases)


def test_bad_margin():
    with pytest.raises(InputError, match="the margin is 5"):
        Cohort(cohorts.drawn(20), margin=5)
