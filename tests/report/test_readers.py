"""Readers beside the model, and agreement."""

from __future__ import annotations

import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report import readers
from spinalcord.stats import mcnemar


def rows(table, **keys):
    return [r for r in table.rows if all(r[k] == v for k, v in keys.items())]


def test_model_against_a_reader_by_hand():
    table = cohorts.drawn(60, seed=5)
    got = Cohort(table).table("readers")
    (row,) = rows(got, task="ms_vs_nmosd", cases="reader_1", figure="accuracy, model less reader")
    index = [i for i, t in enumerate(table["reference_diagnosis"]) if t in ("MS", "NMOSD")]
    model = [table["ms_vs_nmosd_label"][i] == table["reference_diagnosis"][i] for i in index]
    reader = [table["reader_1"][i] == table["reference_diagnosis"][i] for i in index]
    b = sum(m and not r for m, r in zip(model, reader, strict=True))
    c = sum(r and not m for m, r in zip(model, reader, strict=True))
    assert b + c > 3
    assert row["p"] == mcnemar(b, c, 30).p
    assert row["estimate"] == pytest.approx((b - c) / 30)
    assert row["p_holm"] >= row["p"]


def test_a_tumor_called_inflammation_is_wrong_for_either_class():
    table = {
        "case_id": ["a", "b"],
        "reference_diagnosis": ["astrocytoma", "ependymoma"],
        "astrocytoma_vs_ependymoma_label": ["astrocytoma", "ependymoma"],
        "reader_1": ["MS", "MS"],
    }
    got = Cohort(table).table("readers")
    own = rows(got, task="astrocytoma_vs_ependymoma", cases="reader_1")
    assert [r["k"] for r in own[:3]] == [0, 0, 0]
    assert [r["n"] for r in own[:3]] == [2, 1, 1]


def test_several_readers_are_compared():
    got = Cohort(cohorts.drawn(60)).table("readers")
    assert [r["test"] for r in rows(got, cases="all readers")] == ["Cochran's Q"] * 3
    table = cohorts.drawn(60)
    del table["reader_2"]
    assert not rows(Cohort(table).table("readers"), cases="all readers")


def test_agreement_of_every_pair():
    table = cohorts.drawn(60)
    table["reader_3"] = table["reference_diagnosis"]
    got = Cohort(table).table("agreement")
    assert len(got.rows) == 2 * (10 + 1)
    (row, ac1) = rows(got, first="reference", second="reader_3")
    assert row["estimate"] == ac1["estimate"] == 1
    (row, ac1) = rows(got, first="reference", second="model")
    assert ac1["figure"] == "AC1"
    assert 0.2 < row["estimate"] < 1
    assert row["n"] == 60
    assert rows(got, first="all readers")[0]["method"] == "Gwet"


def test_nobody_to_compare_with():
    with pytest.raises(InputError, match="no readers"):
        readers.readers(Cohort(cohorts.of_letter()).cases)
    with pytest.raises(InputError, match="agreement needs two of"):
        Cohort({"case_id": ["a"], "reader_1": ["MS"]}).table("agreement")
