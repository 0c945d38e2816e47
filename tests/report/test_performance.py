"""Table 2, difficult cases and T1c, against the letter and against counting by hand."""

from __future__ import annotations

import math

import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report import performance as tables
from spinalcord.stats import auc, letter
from spinalcord.stats.estimate import decimal


def rows(table, **keys):
    return [r for r in table.rows if all(r[k] == v for k, v in keys.items())]


def test_the_letters_counts_give_its_percentages():
    table = Cohort(cohorts.of_letter()).table("table2")
    for task in letter().tasks:
        own = {r["figure"]: r for r in rows(table, task=task.name, cases="all")}
        for figure in ("accuracy", "sensitivity", "specificity"):
            assert int(decimal(100 * own[figure]["estimate"], 0)) == task.printed[figure]
        assert own["accuracy"]["k"] == task.counts.n_correct
        assert own["AUC"]["reason"] == "no patient has a probability"
        assert math.isnan(own["AUC"]["estimate"])
    first = rows(table, task="tumor_vs_demyelination", figure="accuracy")[0]
    assert first["sentence"] == "96 % (150 of 157) [95 % CI: 91 %, 98 %]"


def test_the_letters_own_table_prints_what_it_printed():
    pytest.importorskip("pandas", reason="needs pandas, of the extra report")
    frame = letter().table2()
    for task in letter().tasks:
        own = frame[frame["task"] == task.name]
        for name, printed in task.printed.items():
            figure, _, hard = name.partition(", ")
            cases = "difficult" if hard else "all"
            got = own[(own["figure"] == figure) & (own["cases"] == cases)]
            assert list(got["percent"]) == [printed]
    assert set(frame["notice"]) == {
        "constructed from published counts; not a result of this project"
    }


def test_counts_by_hand():
    table = cohorts.drawn(60, seed=3)
    got = Cohort(table).table("table2")
    index = [i for i, t in enumerate(table["reference_diagnosis"]) if t in ("MS", "NMOSD")]
    truth = [table["reference_diagnosis"][i] for i in index]
    said = [table["ms_vs_nmosd_label"][i] for i in index]
    (row,) = rows(got, task="ms_vs_nmosd", cases="all", figure="sensitivity")
    pairs = list(zip(truth, said, strict=True))
    assert row["n"] == truth.count("NMOSD") == 15
    assert row["k"] == pairs.count(("NMOSD", "NMOSD")) > 0
    (row,) = rows(got, task="ms_vs_nmosd", figure="AUC")
    scores = [table["ms_vs_nmosd_probability"][i] for i in index]
    want = auc([t == "NMOSD" for t in truth], scores)
    assert (row["estimate"], row["low"]) == (want.estimate, want.low)


def test_without_an_answer_is_said_and_counted_as_wrong():
    table = cohorts.drawn(40)
    for name in list(table):
        if "_vs_" in name or name == "diagnosis":
            table[name][2] = "n/a"  # an MS
    got = Cohort(table).table("table2")
    (strict,) = rows(got, task="ms_vs_nmosd", figure="accuracy, no answer counted as wrong")
    (plain,) = rows(got, task="ms_vs_nmosd", figure="accuracy", cases="all")
    assert (strict["n"], plain["n"], strict["k"]) == (20, 19, plain["k"])
    assert any("MS or NMOSD: 1 of 20 patients have no answer" in note for note in got.notes)
    assert not rows(got, task="astrocytoma_vs_ependymoma", figure=strict["figure"])


def test_difficult_by_column_or_where_readers_differ():
    table = cohorts.drawn(40)
    flags, source = tables.difficult_cases(Cohort(table).cases)
    differ = [a != b for a, b in zip(table["reader_1"], table["reader_2"], strict=True)]
    assert list(flags) == differ
    assert source == "difficult: fewer than five sevenths of the 2 readers agree"
    table["difficult"] = ["true"] * 10 + ["false"] * 29 + ["n/a"]
    flags, source = tables.difficult_cases(Cohort(table).cases)
    assert [sum(f is v for f in flags) for v in (True, False, None)] == [10, 29, 1]
    got = Cohort(table).table("difficult")
    n = [r["n"] for r in rows(got, task="tumor_vs_demyelination", figure="accuracy")]
    assert n == [10, 29]
    few = rows(got, task="ms_vs_nmosd", cases="difficult", figure="accuracy")[0]
    assert few["sentence"].endswith("fewer than 10 patients")


def test_five_of_seven_readers_agree():
    table = {"case_id": ["a", "b", "c"]}
    for r in range(7):
        table[f"reader_{r}"] = ["MS" if r < 5 else "NMOSD", "MS" if r < 4 else "NMOSD", ""]
    table["reader_0"][2] = "MS"
    assert list(tables.difficult_cases(Cohort(table).cases)[0]) == [False, True, None]


def test_differences_have_effect_p_and_adjusted_p():
    got = Cohort(cohorts.drawn(80)).table("difficult")
    tests = rows(got, cases="difficult less other")
    assert len(tests) == 6
    for row in tests:
        assert row["low"] <= row["estimate"] <= row["high"]
        assert 0 <= row["p"] <= row["p_holm"] <= 1
    assert any("adjusted for the 6 tests" in note for note in got.notes)


@pytest.mark.parametrize(
    ("table", "name", "message"),
    [
        ({"case_id": ["a"]}, "table2", "no case has a reference_diagnosis"),
        ({"case_id": ["a"], "reference_diagnosis": ["MS"]}, "table2", "has an answer"),
        ({"case_id": ["a"], "reader_1": ["MS"]}, "difficult", "not known"),
    ],
)
def test_what_cannot_be_computed_says_why(table, name, message):
    with pytest.raises(InputError, match=message):
        Cohort(table).table(name)
