"""`spinalcord run`: what it asks for, and what it prints; cohort/test_running.py has whole runs."""

from __future__ import annotations

import json

import pytest

from spinalcord import cohort
from spinalcord.analysis.attribution import ExplanationOptions
from spinalcord.cli import main
from spinalcord.limits import LesionLimits
from spinalcord.run_options import CohortInputs, Execution, RunOutputs


class Result:
    notice = "random weights"

    def __init__(self, n_failed):
        self.counts = {"done": 1, "failed": n_failed}

    def read(self, name):
        assert name == "failures.tsv"
        return [
            {"case_id": f"sub-{n:02}", "reason": "damaged"} for n in range(self.counts["failed"])
        ]

    def to_dict(self):
        return {"counts": self.counts}


@pytest.fixture
def asked(monkeypatch):
    calls = []

    def run_cohort(*where, **options):
        calls.append((where, options))
        return Result(25 if options["inputs"].masks == "use" else 0)

    monkeypatch.setattr(cohort, "run_cohort", run_cohort)
    return calls


def test_options_reach_the_run(asked, capsys):
    arguments = ["run", "in", "out", "--jobs", "3", "--threshold", "0.4", "--carry", "site,scanner"]
    arguments += ["--no-t1c", "--no-qc", "--no-resume", "--method", "layercam", "--quiet"]
    arguments += ["--precision", "auto", "--threads", "2", "--models", "m"]
    assert main(arguments) == 0
    (((source, out), options),) = asked
    assert (source, out) == ("in", "out")
    assert options == {
        "inputs": CohortInputs(carry=["site", "scanner"], t1c=False),
        "limits": LesionLimits(threshold=0.4),
        "explanation": ExplanationOptions(method="layercam"),
        "outputs": RunOutputs(qc=False),
        "execution": Execution(jobs=3, resume=False),
        "precision": "auto",
        "threads": 2,
        "models": "m",
        "progress": False,
    }
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {"counts": {"done": 1, "failed": 0}}
    assert shown.err == ""


def test_failures_that_are_not_shown_are_counted(asked, capsys):
    assert main(["run", "in", "out", "--masks", "use", "--precision", "f32"]) == 1
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "spinalcord: notice: random weights"
    assert told[1] == "spinalcord: failed: sub-00: damaged"
    assert len(told) == 22
    assert told[-1] == "spinalcord: failed: 5 more, listed in failures.tsv"
