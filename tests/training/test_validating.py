"""spinalcord.training.validating: limits and thresholds of all rounds together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spinalcord.cohort.listing import CohortCase
from spinalcord.training.rounds import make_rounds
from spinalcord.training.settings import Settings

pytest.importorskip("torch", reason="torch is not installed")
validating = pytest.importorskip("spinalcord.training.validating")

CHOICES = [(0.2, 0.0, 0.0, 0.0, 0.0), (0.5, 20.0, 0.0, 0.0, 0.0)]


def cohort():
    return [
        CohortCase(f"{d}{k}", f"{d}{k}", f"{d}{k}.nii", f"{d}{k}_m.nii",
                   truth={"reference_diagnosis": d, "split": "train"})
        for d in ("MS", "NMOSD", "") for k in range(4)
    ]  # fmt: skip


@pytest.fixture
def measured(monkeypatch):
    """The first choice is best, but has a false lesion in every scan without any."""

    class Model:
        outputs = ("lesion",)

    def measure(pipeline, scan, mask, choices, **options):
        ill = not Path(scan).name[0].isdigit()
        return (np.array([0.8, 0.6]) if ill else np.array([0.0, 1.0])), ill

    monkeypatch.setattr(validating, "read_model", lambda path: Model())
    monkeypatch.setattr(validating, "all_choices", lambda cord: CHOICES)
    monkeypatch.setattr(validating, "Pipeline", lambda folder: folder)
    monkeypatch.setattr(validating, "measure_choices", measure)


def test_limits_are_chosen_on_every_case_once(measured):
    said = []
    rounds = make_rounds(cohort(), 2, 0)
    files = {r.name: Path(r.name) / "s.safetensors" for r in rounds}
    found = validating.limits_of_rounds(rounds, files, most_false=0.1, say=said.append)
    assert (found["threshold"], found["min_lesion_mm3"]) == (0.5, 20.0)
    assert found["threshold_from"] == (
        "out-of-fold, largest mean Dice of 12 whole scans with at most 10% of 4 without lesion "
        "having one"
    )
    assert said == ["limits: threshold 0.5, min_lesion_mm3 20, min_thickness_mm 0, min_peak 0, "
                    "min_in_cord 0"]  # fmt: skip
    ill = make_rounds([c for c in cohort() if c.diagnosis], 2, 0)
    found = validating.limits_of_rounds(ill, files, most_false=0.1, say=said.append)
    assert found["threshold"] == 0.2
    assert "there is no validation scan without lesion" in said[1]


def test_what_no_choice_meets_is_said(measured, monkeypatch):
    def measure(pipeline, scan, mask, choices, **options):
        ill = not Path(scan).name[0].isdigit()
        return (np.array([0.8, 0.6]) if ill else np.array([0.0, 0.0])), ill

    monkeypatch.setattr(validating, "measure_choices", measure)
    said = []
    rounds = make_rounds(cohort(), 2, 0)
    files = {r.name: Path(r.name) / "s.safetensors" for r in rounds}
    found = validating.limits_of_rounds(rounds, files, most_false=0.1, say=said.append)
    assert found["threshold"] == 0.2
    assert "with any choice at least 100% of the scans without lesion have a false one" in said[0]


def test_a_cut_is_chosen_on_the_answers_of_all_folds(monkeypatch):
    scores = iter([[0.1, 0.8], [0.4, 0.9]])
    monkeypatch.setattr(validating, "prepare_cases", lambda held, *rest, **options: held)
    monkeypatch.setattr(validating.Network, "open", lambda path: path)
    monkeypatch.setattr(
        validating, "answers", lambda network, held: (np.array([False, True]),
                                                      np.array(next(scores)))
    )  # fmt: skip
    rounds = make_rounds(cohort(), 2, 0)
    trained = {r.name: r.cases for r in rounds}
    said = []
    cut, origin = validating.cut_of_rounds(
        "ms_vs_nmosd", rounds, trained, {r.name: Path(r.name) for r in rounds}, Settings(),
        Path("cache"), say=said.append,
    )  # fmt: skip
    assert cut == pytest.approx(0.6)
    assert origin == "out-of-fold, Youden, 4 cases"
    assert said == ["ms_vs_nmosd: threshold 0.600 (out-of-fold, Youden, 4 cases)"]
