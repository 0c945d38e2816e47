"""Split cases into training and validation such that patients and groups stay together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..cohort.listing import CohortCase
from ..errors import InputError

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SHARE = 0.2
"""Share of validation patients if the cohort has no splits: 98 of 490, as in the letter."""

_SPLITS = {
    "train": TRAIN, "training": TRAIN,
    "validation": VALIDATION, "valid": VALIDATION, "val": VALIDATION,
    "test": TEST, "testing": TEST,
}  # fmt: skip


def split_cases(cases: Sequence[CohortCase], *, seed: int = 0) -> tuple[list[CohortCase], str]:
    """Check the splits of cases, or draw them if none has one.

    All scans of a patient, and all patients of a group, belong to one split.

    Parameters
    ----------
    cases : sequence of CohortCase
        Cases with the splits as spelled in the cohort; empty if it has none.
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
    """Number the units that must stay together: patients, merged if they share a group.

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


def draw_folds(cases: Sequence[CohortCase], n: int, *, seed: int = 0) -> list[int]:
    """Draw folds by patient and group, stratified by diagnosis and site.

    Parameters
    ----------
    cases : sequence of CohortCase
    n : int
        Folds, at least 2.
    seed : int, default 0

    Returns
    -------
    list of int
        Fold of each case, from 0, in which it validates.

    Raises
    ------
    InputError
        Fewer than 2 folds, or more than there are patients or groups.

    Examples
    --------
    >>> cases = [CohortCase(f"{k}", f"p{k // 2}", f"{k}.nii") for k in range(8)]
    >>> folds = draw_folds(cases, 2)
    >>> sorted(folds), folds[::2] == folds[1::2]
    ([0, 0, 0, 0, 1, 1, 1, 1], True)
    """
    own = units(cases)
    n_units = len(set(own))
    if not 2 <= n <= n_units:
        raise InputError(
            f"folds is {n}, expected 2 to {n_units}, the number of patients (or groups of them)"
        )
    rng = np.random.default_rng([seed, 2])
    fold: dict[int, int] = {}
    dealt = 0  # a stratum starts where the last one ended, so that folds differ by at most one
    for _, members in sorted(_strata(cases, own, site=True).items()):
        for k in rng.permutation(len(members)):
            fold[members[k]] = dealt % n
            dealt += 1
    return [fold[unit] for unit in own]


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
    """Return the split of each case: a fifth of the units of each diagnosis validate."""
    rng = np.random.default_rng([seed, 1])
    own = units(cases)
    split: dict[int, str] = {}
    for _, members in sorted(_strata(cases, own).items()):
        order = rng.permutation(len(members))
        n = max(round(SHARE * len(members)), 1) if len(members) > 1 else 0
        for place, k in enumerate(order):
            split[members[k]] = VALIDATION if place < n else TRAIN
    return [split[unit] for unit in own]


def _strata(
    cases: Sequence[CohortCase], own: Sequence[int], *, site: bool = False
) -> dict[tuple[str, ...], list[int]]:
    """Return the units of each diagnosis and, if asked for, site.

    Units with several diagnoses are a stratum of their own. Within a stratum, units are sorted by
    their first patient, so that the order of rows in the cohort has no influence.
    """
    diagnoses: dict[int, set[str]] = {}
    sites: dict[int, set[str]] = {}
    names: dict[int, str] = {}
    for case, unit in zip(cases, own, strict=True):
        diagnoses.setdefault(unit, set()).update({case.diagnosis} - {""})
        sites.setdefault(unit, set()).add(case.site if site else "")
        names[unit] = min(names.get(unit, case.participant_id), case.participant_id)
    strata: dict[tuple[str, ...], list[int]] = {}
    for unit in sorted(names, key=lambda unit: names[unit]):
        key = tuple(
            "several" if len(words) > 1 else next(iter(words), "")
            for words in (diagnoses[unit], sites[unit])
        )
        strata.setdefault(key, []).append(unit)
    return strata
