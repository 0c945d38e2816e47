"""Calibration without bins, and net benefit."""

from __future__ import annotations

import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report.probabilities import benefit
from spinalcord.stats import net_benefit


def test_calibration_has_a_test_beside_the_index():
    rows = Cohort(cohorts.drawn(80)).table("calibration").rows
    own = [row for row in rows if row["task"] == "tumor_vs_demyelination"]
    assert [row["figure"] for row in own][-2:] == ["O:E", "ICI"]
    assert 0 < own[-1]["p"] <= 1
    assert own[-1]["test"] == "simulated outcomes"
    assert "if the probabilities were right" in own[-1]["reason"]


def test_net_benefit_of_each_task():
    cohort = Cohort(cohorts.drawn(80))
    rows = cohort.table("benefit").rows
    assert len(rows) == 15
    truth = [w in ("MS", "NMOSD") for w in cohort.cases.words("reference_diagnosis")]
    p = cohort.cases.numbers("tumor_vs_demyelination_probability")
    assert rows[0]["estimate"] == net_benefit(truth, p, 0.1).estimate
    assert rows[0]["acting on everyone"] == pytest.approx(0.5 - 0.5 / 9)


def test_without_probabilities():
    with pytest.raises(InputError, match="has a probability"):
        benefit(Cohort(cohorts.of_letter()).cases)
