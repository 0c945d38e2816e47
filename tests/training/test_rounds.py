"""spinalcord.training.rounds: folds, halves, and which networks a cohort can train."""

from __future__ import annotations

from collections import Counter

import pytest

from spinalcord.cohort.listing import CohortCase
from spinalcord.training.rounds import cases_for, classifier_targets, make_halves, make_rounds

pytest.importorskip("torch", reason="torch is not installed")


def cohort(*diagnoses, each=4):
    return [
        CohortCase(
            f"{d}{k}", f"{d}{k}", f"{d}{k}.nii",
            truth={"reference_diagnosis": d, "split": "train" if k else "validation"},
        )
        for d in diagnoses for k in range(each)
    ]  # fmt: skip


def test_every_patient_validates_in_one_fold_and_trains_in_the_others():
    cases = cohort("MS", "NMOSD")
    rounds = make_rounds(cases, 4, 0)
    assert [r.name for r in rounds] == ["fold-1", "fold-2", "fold-3", "fold-4"]
    held = Counter(c.case_id for r in rounds for c in r.of("validation"))
    assert held == {c.case_id: 1 for c in cases}
    for r in rounds:
        assert len(r.of("train")) == 6
        assert {c.case_id for c in r.outlined} == {c.case_id for c in r.of("validation")}
        assert Counter(c.diagnosis for c in r.of("validation")) == {"MS": 1, "NMOSD": 1}


def test_without_folds_there_is_one_round_and_its_halves_outline_who_trains():
    (whole,) = make_rounds(cohort("MS", "NMOSD", each=5), None, 0)
    assert Counter(c.split for c in whole.cases) == {"train": 8, "validation": 2}
    halves = make_halves(whole, 0)
    outlined = [c.case_id for h in halves for c in h.outlined]
    assert sorted(outlined) == sorted(c.case_id for c in whole.of("train"))
    for half in halves:
        seen = {c.case_id for c in half.cases}
        assert not seen & {c.case_id for c in half.outlined}
        assert len(half.of("validation")) == 2
    (alone,) = make_rounds(cohort("MS", each=2), None, 0)
    assert make_halves(alone, 0) == []


def test_what_cannot_be_trained_is_said_with_the_reason():
    rounds = make_rounds(cohort("MS", "NMOSD"), 2, 0)
    targets, not_trained = classifier_targets(rounds, "c.csv")
    assert targets == ("ms_vs_nmosd",)
    assert "no case of split train with diagnosis astrocytoma" in not_trained["diagnosis"]
    assert set(not_trained) == {"diagnosis", "tumor_vs_demyelination", "astrocytoma_vs_ependymoma"}
    both = cohort("MS", "astrocytoma", "other")
    assert {c.diagnosis for c in cases_for(both, "ms_vs_nmosd")} == {"MS"}
