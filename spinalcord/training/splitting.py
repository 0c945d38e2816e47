"""Who trains and who validates: splits that keep a patient, and a group, on one side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..cohort.listing import CohortCase
from ..errors import InputError

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SHARE = 0.2
"""Of the patients that validate where the cohort does not say who does: the letter's 98 of 490."""

_SPLITS = {
    "train": TRAIN, "training": TRAIN,
    "validation": VALIDATION, "valid": VALIDATION, "val": VALIDATION,
    "test": TEST, "testing": TEST,
}  # fmt: skip


def split_cases(cases: Sequence[CohortCase], *, seed: int = 0) -> tuple[list[CohortCase], str]:
    """Check the splits of cases, or draw them where none has one.

    All scans of a patient, and all patients of a group, belong to one split.

    Parameters
    ----------
    cases : sequence of CohortCase
        Their splits as the cohort spells them; empty where it does not say.
    seed : int, default 0

    Returns
    -------
    cases : list of CohortCase
    origin : str
        "cohort" or "drawn".

    Raises
    ------
    InputError
        A split of another name, or for some cases only; a patient or a group in two splits.

    Examples
    --------
    >>> cases = [CohortCase(f"{k}", f"p{k // 2}", f"{k}.nii") for k in range(20)]
    >>> drawn, origin = split_cases(cases)
    >>> origin, sum(case.split == "validation" for case in drawn)
    ('drawn', 4)
    """
    unknown = sorted({case.split for case in cases if case.split.lower() not in (*_SPLITS, "")})
    if unknown:
        raise InputError(f"split is train, validation or test, got {', '.join(unknown)}")
    empty = sum(not case.split for case in cases)
    if 0 < empty < len(cases):
        raise InputError(f"{empty} of {len(cases)} cases have no split; give it to all or to none")
    if empty:
        drawn = _draw(cases, seed)
        return [set_split(c, split) for c, split in zip(cases, drawn, strict=True)], "drawn"
    named = [set_split(case, _SPLITS[case.split.lower()]) for case in cases]
    _check_together(named)
    return named, "cohort"


def set_split(case: CohortCase, split: str) -> CohortCase:
    """Return the case with another split."""
    return replace(case, truth={**case.truth, "split": split})


def units(cases: Sequence[CohortCase]) -> list[int]:
    """Number what must stay together: patients, joined where they share a group.

    Parameters
    ----------
    cases : sequence of CohortCase

    Returns
    -------
    list of int
        For each case the index of the first case of its unit.

    Examples
    --------
    >>> cases = [CohortCase(c, p, "", group=g) for c, p, g in ["ap1", "bq2", "cp3", "dr2"]]
    >>> units(cases)
    [0, 1, 0, 1]
    """
    parent = list(range(len(cases)))

    def root(k: int) -> int:
        while parent[k] != k:
            k = parent[k] = parent[parent[k]]
        return k

    first: dict[tuple[str, str], int] = {}
    for k, case in enumerate(cases):
        for key in (("patient", case.participant_id), ("group", case.group)):
            if key[1]:
                a, b = root(first.setdefault(key, k)), root(k)
                parent[max(a, b)] = min(a, b)
    return [root(k) for k in range(len(cases))]


def _check_together(cases: Sequence[CohortCase]) -> None:
    at: dict[tuple[str, str], str] = {}
    for case in cases:
        for what, who in (("participant", case.participant_id), ("group", case.group)):
            if who and at.setdefault((what, who), case.split) != case.split:
                whose = "a patient" if what == "participant" else "a group"
                raise InputError(
                    f"{what} {who} is in the splits {at[what, who]} and {case.split}: all scans "
                    f"of {whose} belong to one"
                )


def _draw(cases: Sequence[CohortCase], seed: int) -> list[str]:
    """Return each case's split: a fifth of the units of each diagnosis validate."""
    rng = np.random.default_rng([seed, 1])
    own = units(cases)
    split: dict[int, str] = {}
    for _, members in sorted(_strata(cases, own).items()):
        order = rng.permutation(len(members))
        n = max(round(SHARE * len(members)), 1) if len(members) > 1 else 0
        for place, k in enumerate(order):
            split[members[k]] = VALIDATION if place < n else TRAIN
    return [split[unit] for unit in own]


def _strata(cases: Sequence[CohortCase], own: Sequence[int]) -> dict[str, list[int]]:
    """Return the units of each diagnosis, by name; those with several are a stratum of their own.

    Sorted by the name of the first patient: the order of the cohort's rows changes nothing.
    """
    found: dict[int, set[str]] = {}
    names: dict[int, str] = {}
    for case, unit in zip(cases, own, strict=True):
        found.setdefault(unit, set()).update({case.diagnosis} - {""})
        names[unit] = min(names.get(unit, case.participant_id), case.participant_id)
    strata: dict[str, list[int]] = {}
    for unit in sorted(found, key=lambda unit: names[unit]):
        diagnoses = found[unit]
        name = "several" if len(diagnoses) > 1 else next(iter(diagnoses), "")
        strata.setdefault(name, []).append(unit)
    return strata
