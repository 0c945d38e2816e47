"""The fair comparison with readers, against counting by hand."""

from __future__ import annotations

from report import cohorts

from spinalcord import Cohort
from spinalcord.stats import mcnemar


def rows(table, **keys):
    return [r for r in table.rows if all(r[k] == v for k, v in keys.items())]


def test_readers_and_model_answer_the_same_question_of_four():
    table = cohorts.drawn(60, seed=5)
    got = Cohort(table).table("readers")
    assert any("two-way question, the readers a four-way one" in note for note in got.notes)
    right = {
        who: [a == b for a, b in zip(table[who], table["reference_diagnosis"], strict=True)]
        for who in ("diagnosis", "reader_1")
    }
    b = sum(m and not r for m, r in zip(*right.values(), strict=True))
    c = sum(r and not m for m, r in zip(*right.values(), strict=True))
    (row,) = rows(
        got,
        task="four diagnoses",
        cases="reader_1",
        figure="accuracy, four-class model less reader",
    )
    assert (row["n"], row["p"]) == (60, mcnemar(b, c, 60).p)
    (ours,) = rows(got, task="four diagnoses", cases="reader_1", figure="accuracy, model, of four")
    assert ours["k"] == sum(right["diagnosis"])
    parts = [
        rows(got, task=f"four diagnoses, {kind}", cases="reader_1")[0]
        for kind in ("tumor", "demyelination")
    ]
    assert sum(part["k"] for part in parts) == ours["k"]
    (together,) = rows(got, task="four diagnoses", cases="the readers together")
    assert together["test"] == "Cochran's Q"


def test_without_a_diagnosis_there_is_no_four_class_row():
    table = cohorts.drawn(20)
    table["diagnosis"] = [""] * 20
    got = Cohort(table).table("readers")
    assert not [row for row in got.rows if row["task"].startswith("four")]
    table = cohorts.drawn(20)
    table["reader_1"] = ["tumor"] * 20  # no diagnosis of the four
    got = Cohort(table).table("readers")
    assert not rows(got, task="four diagnoses", cases="reader_1")
