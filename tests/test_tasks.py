"""Tasks: four probabilities from three, and the diagnosis that decisions lead to."""

from __future__ import annotations

import itertools

import pytest

from spinalcord.tasks import DIAGNOSES, TASKS, chain_diagnosis, chain_probabilities, deciding_tasks


def test_positive_is_the_second_of_the_name():
    for task in TASKS.values():
        first, second = task.name.split("_vs_")
        assert (task.negative.lower(), task.positive.lower()) == (first, second)


def test_chain_multiplies_along_the_way():
    got = chain_probabilities(
        {
            "tumor_vs_demyelination": 0.25,
            "astrocytoma_vs_ependymoma": 0.5,
            "ms_vs_nmosd": 0.125,
        }
    )
    assert got == {"astrocytoma": 0.375, "ependymoma": 0.375, "MS": 0.21875, "NMOSD": 0.03125}


@pytest.mark.parametrize("values", list(itertools.product((0.0, 0.3, 1.0), repeat=3)))
def test_chain_sums_to_one(values):
    got = chain_probabilities(dict(zip(TASKS, values, strict=True)))
    assert tuple(got) == DIAGNOSES
    assert sum(got.values()) == pytest.approx(1, abs=1e-12)
    assert all(0 <= p <= 1 for p in got.values())


@pytest.mark.parametrize(("first", "expected"), [("tumor", "ependymoma"), ("demyelination", "MS")])
def test_diagnosis_follows_the_decisions(first, expected):
    labels = {
        "tumor_vs_demyelination": first,
        "astrocytoma_vs_ependymoma": "ependymoma",
        "ms_vs_nmosd": "MS",
    }
    assert chain_diagnosis(labels) == expected


def test_the_tasks_that_lead_to_a_diagnosis():
    first = "tumor_vs_demyelination"
    assert deciding_tasks("MS") == deciding_tasks("NMOSD") == (first, "ms_vs_nmosd")
    assert deciding_tasks("ependymoma") == (first, "astrocytoma_vs_ependymoma")
    assert deciding_tasks(None) == ()
