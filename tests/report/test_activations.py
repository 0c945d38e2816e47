"""Shares of the attribution, for right answers and wrong."""

from __future__ import annotations

import numpy as np
import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report.activations import activations


@pytest.fixture
def table():
    return cohorts.explained(cohorts.drawn(60))


def rows(table, **keys):
    return [row for row in table.rows if all(row[k] == v for k, v in keys.items())]


def test_means_are_those_of_right_and_wrong_answers(table):
    got = Cohort(table).table("activations")
    first = "tumor_vs_demyelination"
    kind = {"MS": "demyelination", "NMOSD": "demyelination"}
    right = np.array(
        [
            kind.get(truth, "tumor") == label
            for truth, label in zip(
                table["reference_diagnosis"], table[f"{first}_label"], strict=True
            )
        ]
    )
    assert 5 < (~right).sum() < 30
    shares = np.array(table[f"{first}_ring_fraction"])
    for answers, own in (("right", right), ("wrong", ~right), ("all", right | ~right)):
        (row,) = rows(got, task=first, answers=answers, figure="share in the ring around it")
        assert row["n"] == own.sum()
        assert row["estimate"] == pytest.approx(shares[own].mean())
        assert row["low"] < row["estimate"] < row["high"]
    assert len(rows(got, task=first)) == 3 * 4


def test_tasks_off_the_way_are_not_counted(table):
    got = Cohort(table).table("activations")
    (row,) = rows(got, task="ms_vs_nmosd", answers="all", figure="share in the lesion")
    assert row["n"] == sum(d in ("MS", "NMOSD") for d in table["diagnosis"])
    (right,) = rows(got, task="ms_vs_nmosd", answers="right", figure="share in the lesion")
    (wrong,) = rows(got, task="ms_vs_nmosd", answers="wrong", figure="share in the lesion")
    assert right["n"] + wrong["n"] <= row["n"]


def test_notes_say_how(table):
    how = {"method": "layercam", "layer": "block3", "ring_mm": 7.5}
    notes = activations(Cohort(table).cases, explanation=how, notes=("first",)).notes
    assert notes[:2] == ("first", "LayerCAM at block3; the ring is 7.5 mm wide")
    assert len(activations(Cohort(table).cases).notes) == 1


def test_an_older_run_has_the_lesion_s_share_alone():
    table = cohorts.drawn(20) | {"ms_vs_nmosd_inside_fraction": [0.5] * 10 + ["n/a"] * 10}
    got = Cohort(table).table("activations")
    assert {row["figure"] for row in got.rows} == {"share in the lesion"}
    assert rows(got, answers="all")[0]["n"] == 10


def test_without_shares_there_is_no_table():
    with pytest.raises(InputError, match="no case has shares of the attribution"):
        Cohort(cohorts.drawn(8)).table("activations")


def test_a_share_that_is_no_number_is_refused():
    table = cohorts.drawn(8) | {"ms_vs_nmosd_inside_fraction": ["half"] * 8}
    with pytest.raises(InputError, match="'half' is not a number"):
        Cohort(table).table("activations")
