"""Cohorts from runs and tables: which cases count, and what is said about them."""

from __future__ import annotations

import pytest
from report import cohorts

import spinalcord
from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report import TABLES
from spinalcord.report.contents import gather


def test_test_split_is_evaluated_and_said():
    split = ["train"] * 10 + ["Test"] * 10
    cohort = Cohort(cohorts.drawn(20, split=split))
    assert cohort.split == "Test"
    assert cohort.cases.n == 10
    assert cohort.notes[0] == "evaluated: the 10 patients of the split Test"
    assert Cohort(cohorts.drawn(20, split=split), split="train").n_elsewhere == 10
    every = Cohort(cohorts.drawn(20, split=split), split="all")
    assert every.notes[0] == "evaluated: all 20 patients, of the splits Test, train together"
    nameless = Cohort(cohorts.drawn(20, split=[""] * 20))
    assert "names no split" in nameless.notes[0]
    with pytest.raises(InputError, match=r"no case of split 'x'; known: test, all"):
        Cohort(cohorts.drawn(8), split="x")


def test_one_scan_a_patient():
    table = cohorts.drawn(20)
    table["participant_id"] = [f"p{i // 2}" for i in range(20)]
    cohort = Cohort(table)
    assert (cohort.cases.n, cohort.n_repeated) == (10, 10)
    assert list(cohort.cases.words("case_id")) == table["case_id"][::2]
    assert "10 further scans of the same patients are excluded" in cohort.notes[1]


def test_a_run_brings_failures_and_notices(tmp_path):
    failures = {
        "case_id": ["f1", "f2", "sub-00000_ses-2"],
        "participant_id": ["f1", "f2", "sub-00000"],
        "split": ["test", "train", "test"],
        "reference_diagnosis": ["MS"] * 3,
        "reason": ["unreadable"] * 3,
    }
    run = cohorts.write_run(tmp_path / "out", cohorts.drawn(40), failures=failures)
    for source in (run, str(run / "cases.tsv")):
        cohort = Cohort(source)
        assert cohort.failures.n == 2
        assert list(cohort.lost.words("case_id")) == ["f1"]
        assert "random weights" in cohort.notice
        assert "not for clinical use" in cohort.notice
        assert cohort.n_all == 50
        strict = [r for r in cohort.table("table2").rows if "no answer" in r["figure"]]
        assert [(r["task"], r["n"]) for r in strict] == [
            ("tumor_vs_demyelination", 41),
            ("ms_vs_nmosd", 21),
        ]
        assert dict(cohort.flow[0].left) == {"failed": 3, "not yet run": 7}


def test_level_is_checked_and_used():
    with pytest.raises(InputError, match="level is 2"):
        Cohort(cohorts.drawn(8), level=2)
    row = Cohort(cohorts.drawn(20), level=0.9).table("table2").rows[0]
    assert row["level"] == 0.9
    assert "90 % CI" in row["sentence"]


@pytest.mark.slow
def test_every_table_is_a_frame_with_its_notes():
    pytest.importorskip("pandas", reason="needs pandas, of the extra report")
    pytest.importorskip("scipy", reason="intervals of means need SciPy, of the extra report")
    cohort = Cohort(cohorts.explained(cohorts.drawn(60)))
    without = {"errors", "characteristics", "planning"}  # lists, without estimates
    for name in [name for name in TABLES if name != "scans"]:
        frame = getattr(cohort, name)()
        need = {"k", "n", "estimate", "low", "high", "method", "reason", "sentence"}
        assert need <= {*frame.columns} or name in without, name
        assert len(frame), name
        assert frame.attrs["notes"][0] == "evaluated: the 60 patients of the split test"
        assert any("synthetic phantoms" in note for note in frame.attrs["notes"])
    other = Cohort(cohorts.drawn(60, seed=1))
    assert "same patients" in set(cohort.with_t1c(other)["cases"])


@pytest.mark.slow
def test_undefined_has_a_reason():
    cohort = Cohort(cohorts.explained(cohorts.drawn(60)))
    for name in [name for name in TABLES if name != "scans"]:
        for row in cohort.table(name).rows:
            if "estimate" in row and row["figure"] and row["estimate"] != row["estimate"]:
                assert row["reason"], (name, row)


def test_unknown_table():
    with pytest.raises(InputError, match="no table 'table3'; expected one of table1"):
        Cohort(cohorts.drawn(8)).table("table3")


def test_a_table_has_no_folder_of_its_own():
    with pytest.raises(InputError, match="name one"):
        Cohort(cohorts.drawn(8)).report()


def test_it_shows_itself():
    assert repr(Cohort(cohorts.drawn(8))) == "Cohort(8 patients, split='test')"
    assert spinalcord.report.Cohort is Cohort


@pytest.mark.slow
def test_what_is_not_known_is_said_in_tables_flow_and_page(tmp_path):
    table = cohorts.drawn(20)
    table["sex"] = ["1"] * 8 + ["2"] * 12
    table["reference_diagnosis"][0] = "M.S."
    cohort = Cohort(table)
    female = [r for r in cohort.table("table1").rows if r["characteristic"] == "female"]
    assert {(r["k"], r["n"], r["missing"]) for r in female if r["group"] == "all"} == {(0, 0, 20)}
    said = "sex: 20 of 20 patients have an unknown word"
    assert any(note.startswith(said) for note in cohort.table("table1").notes)
    assert ("reference 'M.S.', not known", 1) in cohort.flow[-2].left
    contents = gather(cohort)
    assert any(said[5:] in notice for notice in contents.notices)
    assert len(contents.facts["doubts"]) == 2
    stated = Cohort(table, words={"sex": {"1": "M", "2": "F"}, "diagnosis": {"M.S.": "MS"}})
    row = next(
        r for r in stated.table("table1").rows
        if (r["characteristic"], r["group"]) == ("female", "all")
    )  # fmt: skip
    assert (row["k"], row["n"], row["missing"]) == (12, 20, 0)
    assert stated.doubts == ()
