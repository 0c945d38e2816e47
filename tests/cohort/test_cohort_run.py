"""Results of a run: what is read from its folder, and when."""

from __future__ import annotations

import sys

import pytest

from spinalcord.cohort import CohortRun
from spinalcord.cohort.cohort_run import CohortRun as SameClass
from spinalcord.errors import InputError

CASES = "case_id\tfound\tdiagnosis\na\ttrue\tMS\nb\tfalse\tn/a\n"


@pytest.fixture
def run(tmp_path):
    (tmp_path / "cases.tsv").write_text(CASES)
    (tmp_path / "failures.tsv").write_text("case_id\treason\n")
    return CohortRun(
        tmp_path, {"cases": 2, "done": 2}, "not for clinical use", {"failed before": 1}
    )


def test_tables_are_read_when_they_are_asked_for(run):
    assert CohortRun is SameClass
    rows = run.read("cases.tsv")
    assert rows[0] == {"case_id": "a", "found": True, "diagnosis": "MS"}
    assert rows[1]["diagnosis"] is None
    (run.out / "cases.tsv").write_text(CASES + "c\ttrue\tNMOSD\n")
    assert len(run.read("cases.tsv")) == 3


def test_tables_are_data_frames(run):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    assert isinstance(run.table, pandas.DataFrame)
    assert list(run.failures.columns) == ["case_id", "reason"]  # an empty table has its columns
    assert len(run.failures) == 0


def test_without_pandas_they_are_rows(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert run.table == run.read("cases.tsv")


def test_a_table_that_is_missing_is_named(run):
    with pytest.raises(InputError, match=r"lesions\.tsv"):
        _ = run.lesions


def test_plain_values(run):
    assert run.to_dict() == {
        "out": str(run.out), "counts": {"cases": 2, "done": 2},
        "redone": {"failed before": 1}, "notice": "not for clinical use",
    }  # fmt: skip
