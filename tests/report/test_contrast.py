"""With and without T1c: within one run, and the same patients in two runs."""

from __future__ import annotations

import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report import contrast
from spinalcord.stats import compare_modalities_by
from spinalcord.tasks import TASKS


def rows(table, **keys):
    return [r for r in table.rows if all(r[k] == v for k, v in keys.items())]


def test_t1c_within_one_run():
    cohort = Cohort(cohorts.drawn(80))
    got = cohort.table("with_t1c")
    n = [r["n"] for r in rows(got, task="tumor_vs_demyelination", figure="accuracy")]
    given = list(cohort.cases.words("t1c")).count("given")
    assert n == [given, 80 - given]
    with pytest.raises(InputError, match="says the same of every case"):
        Cohort(cohorts.drawn(20, t1c=["absent"] * 20)).table("with_t1c")


def test_t1c_in_two_runs_is_paired():
    first = cohorts.drawn(60, seed=1)
    second = {name: values[::-1] for name, values in cohorts.drawn(60, seed=1).items()}
    second["ms_vs_nmosd_label"] = list(second["reference_diagnosis"])
    for i, truth in enumerate(second["reference_diagnosis"]):
        if truth not in ("MS", "NMOSD"):
            second["ms_vs_nmosd_label"][i] = "MS"
    got = contrast.t1c_paired(Cohort(first).cases, Cohort(second).cases)
    (same,) = rows(got, task="tumor_vs_demyelination", figure="accuracy, with less without")
    assert (same["estimate"], same["p"]) == (0, 1)
    (better,) = rows(got, task="ms_vs_nmosd", figure="accuracy, with less without")
    assert better["estimate"] > 0
    assert better["test"] == "McNemar, exact"
    with_t1c = rows(got, task="ms_vs_nmosd", cases="with T1c")[0]
    assert (with_t1c["k"], with_t1c["n"]) == (30, 30)


def read_twice(n=60):
    """The same patients, read without T1c and with it by two readers, who then err less often."""
    first, second = cohorts.drawn(n, seed=1), cohorts.drawn(n, seed=1)
    for reader in ("reader_1", "reader_2"):
        wrong = [i for i, t in enumerate(first["reference_diagnosis"]) if first[reader][i] != t]
        for i in wrong[::2]:
            second[reader][i] = second["reference_diagnosis"][i]
    return first, second


def test_readers_of_two_runs_are_compared_as_a_group():
    first, second = read_twice()
    cohort = Cohort(first, t1c_run=second)
    got = rows(cohort.table("with_t1c"), cases="2 readers, same patients")
    assert [row["task"] for row in got] == list(TASKS)
    truth = cohort.cases.words("reference_diagnosis")
    kinds = {"MS": 1, "NMOSD": 1}
    answers = [
        [
            [kinds.get(d, 0) == kinds.get(t, 0) for d, t in zip(run[r], truth, strict=True)]
            for r in ("reader_1", "reader_2")
        ]
        for run in (second, first)
    ]
    study = compare_modalities_by("accuracy", [1] * 60, answers, modalities=("with", "without"))
    assert got[0]["estimate"] == pytest.approx(study.comparison.effect.estimate)
    assert got[0]["p"] == pytest.approx(study.comparison.p, nan_ok=True)
    assert got[0]["figure"] == "accuracy, with less without"
    one = Cohort({k: v for k, v in first.items() if k != "reader_2"}, t1c_run=Cohort(second))
    assert not [r for r in one.table("with_t1c").rows if "readers" in r["cases"]]


def test_runs_that_do_not_match():
    first, second = Cohort(cohorts.drawn(8)), cohorts.drawn(8)
    second["case_id"] = second["participant_id"] = [f"x{i}" for i in range(8)]
    with pytest.raises(InputError, match="no case_id is in both runs"):
        contrast.t1c_paired(first.cases, Cohort(second).cases)
    turned = cohorts.drawn(8)
    turned["reference_diagnosis"] = turned["reference_diagnosis"][::-1]
    with pytest.raises(InputError, match="differ in the reference_diagnosis"):
        contrast.t1c_paired(first.cases, Cohort(turned).cases)
