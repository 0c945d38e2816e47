"""spinalcord.training.splitting: patients and groups stay together."""

from __future__ import annotations

from collections import Counter

import pytest

from spinalcord.cohort.listing import CohortCase
from spinalcord.errors import InputError
from spinalcord.training.splitting import draw_folds, split_cases, units


def case(name, *, patient=None, diagnosis="MS", split="", group="", site=""):
    truth = {"reference_diagnosis": diagnosis, "split": split}
    return CohortCase(name, patient or name, f"{name}.nii", truth=truth, group=group,
                      site=site)  # fmt: skip


def test_a_drawn_split_keeps_patients_together():
    cases = [
        case(f"{d}{k}-{scan}", patient=f"{d}{k}", diagnosis=d)
        for d in ("MS", "NMOSD") for k in range(10) for scan in range(3)
    ]  # fmt: skip
    drawn, origin = split_cases(cases, seed=3)
    assert origin == "drawn"
    splits = {c.participant_id: {o.split for o in drawn if o.participant_id == c.participant_id}
              for c in drawn}  # fmt: skip
    assert all(len(own) == 1 for own in splits.values())
    counts = Counter((next(iter(own)), patient[:2]) for patient, own in splits.items())
    assert counts == {("validation", "MS"): 2, ("train", "MS"): 8,
                      ("validation", "NM"): 2, ("train", "NM"): 8}  # fmt: skip
    assert drawn == split_cases(cases, seed=3)[0]
    assert drawn != split_cases(cases, seed=4)[0]


def test_a_patient_in_two_splits_is_refused():
    both = [case("a", patient="p", split="train"), case("b", patient="p", split="test")]
    with pytest.raises(InputError, match="participant p is in the splits train and test"):
        split_cases(both)


def test_splits_that_cannot_be_used():
    with pytest.raises(InputError, match="got holdout"):
        split_cases([case("a", split="holdout")])
    with pytest.raises(InputError, match="1 of 2 cases have no split"):
        split_cases([case("a", split="train"), case("b")])


def test_a_drawn_split_keeps_groups_together():
    """Ten hosts with two diagnoses each, and patients of one who are nobody's hosts."""
    cases = [
        case(f"h{host}-{d}-{k}", diagnosis=d, group=f"h{host}")
        for host in range(10) for d in ("MS", "NMOSD") for k in range(2)
    ] + [case(f"p{k}", diagnosis="MS") for k in range(10)]  # fmt: skip
    drawn, _ = split_cases(cases, seed=1)
    by_host: dict[str, set[str]] = {}
    for c in drawn:
        if c.group:
            by_host.setdefault(c.group, set()).add(c.split)
    assert all(len(own) == 1 for own in by_host.values())
    assert Counter(next(iter(own)) for own in by_host.values()) == {"train": 8, "validation": 2}
    assert Counter(c.split for c in drawn if not c.group) == {"train": 8, "validation": 2}
    back = split_cases(cases[::-1], seed=1)[0]
    assert {c.case_id: c.split for c in back} == {c.case_id: c.split for c in drawn}


def test_patients_and_groups_join_into_units():
    """A patient in two groups joins them."""
    cases = [case("a", patient="p", group="x"), case("b", patient="q", group="y"),
             case("c", patient="r", group="z"), case("d", patient="p", group="y")]  # fmt: skip
    assert units(cases) == [0, 0, 2, 0]


def test_a_group_in_two_splits_is_refused():
    both = [case("a", group="g", split="train"), case("b", group="g", split="test")]
    with pytest.raises(InputError, match="group g is in the splits train and test"):
        split_cases(both)


def test_folds_hold_each_diagnosis_and_site_alike():
    cases = [
        case(f"{d}{s}{k}-{scan}", patient=f"{d}{s}{k}", diagnosis=d, site=s)
        for d in ("MS", "NMOSD", "") for s in ("A", "B") for k in range(10) for scan in range(2)
    ]  # fmt: skip
    folds = draw_folds(cases, 5, seed=1)
    seen = Counter((f, c.diagnosis, c.site) for f, c in zip(folds, cases, strict=True))
    assert set(seen.values()) == {4}
    assert len(seen) == 30
    by_patient: dict[str, set[int]] = {}
    for f, c in zip(folds, cases, strict=True):
        by_patient.setdefault(c.participant_id, set()).add(f)
    assert all(len(own) == 1 for own in by_patient.values())
    assert folds != draw_folds(cases, 5, seed=2)
    assert folds[::-1] == draw_folds(cases[::-1], 5, seed=1)


def test_folds_hold_groups_together_and_patients_that_do_not_divide():
    cases = [case(f"a{k}", group=f"g{k // 3}") for k in range(21)]
    folds = draw_folds(cases, 3)
    assert all(len({folds[k] for k in range(3 * g, 3 * g + 3)}) == 1 for g in range(7))
    assert sorted(Counter(folds).values()) == [6, 6, 9]


@pytest.mark.parametrize("n", [1, 4])
def test_folds_that_cannot_be(n):
    with pytest.raises(InputError, match=f"folds is {n}, expected 2 to 3"):
        draw_folds([case("a"), case("b"), case("c"), case("d", group="x"), case("a2", patient="a"),
                    case("c2", patient="c", group="x")], n)  # fmt: skip
