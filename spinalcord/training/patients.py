"""The cases to train on: files, diagnosis, and a split that keeps each patient on one side."""

from __future__ import annotations

import os
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..cohort.listing import CohortCase, list_cohort, read_rows
from ..errors import InputError, SpinalcordWarning
from .settings import SEGMENTATION, check_target, classes_of

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SHARE = 0.2
"""Of the patients that validate where the cohort does not say who does: the letter's 98 of 490."""

_SPLITS = {
    "train": TRAIN, "training": TRAIN,
    "validation": VALIDATION, "valid": VALIDATION, "val": VALIDATION,
    "test": TEST, "testing": TEST,
}  # fmt: skip


@dataclass(frozen=True)
class TrainingCase:
    """One scan with what is known about it.

    Attributes
    ----------
    case_id, participant_id : str
    path, mask : str
        The scan and its lesion mask.
    cord, t1c, series : str or None
        Cord mask and contrast-enhanced T1w on the same grid; SeriesInstanceUID.
    diagnosis : str
        Empty where there is none.
    split : str
        train, validation or test.
    """

    case_id: str
    participant_id: str
    path: str
    mask: str
    cord: str | None = None
    t1c: str | None = None
    series: str | None = None
    diagnosis: str = ""
    split: str = TRAIN


def list_cases(
    data: str | os.PathLike[str], target: str, *, seed: int = 0
) -> tuple[list[TrainingCase], str]:
    """List the cases of a cohort that a target can be trained and validated on.

    Parameters
    ----------
    data : path
        A BIDS folder or a CSV or TSV file, as for `spinalcord.run_cohort`.  A table may have the
        column ``cord``; in BIDS the cord mask lies beside the lesion mask and is called
        ``label-cord`` (or ``desc-cord``) in place of ``label-lesion``.
    target : str
        "segmentation", a task or "diagnosis": who has none of its diagnoses is left out.
    seed : int, default 0
        Draws the split where the cohort names none: a fifth of the patients of each diagnosis
        validate.

    Returns
    -------
    cases : list of TrainingCase
        Of the splits train and validation.
    origin : str
        Of the split: "cohort" or "drawn".

    Raises
    ------
    InputError
        As `spinalcord.run_cohort`; a patient in two splits; a split of another name or for some
        cases only; a class or a split without cases.
    """
    check_target(target)
    listed, origin = split_cases(_read(Path(data)), seed=seed)
    cases = [case for case in listed if case.split != TEST]
    without = sum(not case.mask for case in cases)
    if without:
        warnings.warn(
            f"{Path(data).name}: {without} of {len(cases)} cases have no lesion mask and are left "
            "out; a scan without lesion needs a mask of zeros",
            SpinalcordWarning,
            stacklevel=2,
        )
    cases = [case for case in cases if case.mask]
    if target != SEGMENTATION:
        wanted = {name for names in classes_of(target) for name in names}
        cases = [case for case in cases if case.diagnosis in wanted]
    check_classes(cases, target, Path(data).name)
    return cases, origin


def check_classes(cases: Iterable[TrainingCase], target: str, name: str) -> None:
    """Refuse cases that leave a split empty, or a class of the target in one.

    Raises
    ------
    InputError
        They do.
    """
    found = Counter((case.split, case.diagnosis) for case in cases)
    for split in (TRAIN, VALIDATION):
        if not any(key[0] == split for key in found):
            raise InputError(f"{name}: no case of split {split} to train {target} with")
        for names in () if target == SEGMENTATION else classes_of(target):
            if not any(found[split, diagnosis] for diagnosis in names):
                raise InputError(
                    f"{name}: no case of split {split} with diagnosis {' or '.join(names)}, "
                    f"which {target} needs"
                )


def split_cases(cases: Sequence[TrainingCase], *, seed: int = 0) -> tuple[list[TrainingCase], str]:
    """Check the splits of cases, or draw them by patient where none has one.

    Parameters
    ----------
    cases : sequence of TrainingCase
        Their splits as the cohort spells them; empty where it does not say.
    seed : int, default 0

    Returns
    -------
    cases : list of TrainingCase
    origin : str
        "cohort" or "drawn".

    Raises
    ------
    InputError
        A split of another name, or for some cases only; a patient in two splits.
    """
    unknown = sorted({case.split for case in cases if case.split.lower() not in (*_SPLITS, "")})
    if unknown:
        raise InputError(f"split is train, validation or test, got {', '.join(unknown)}")
    empty = sum(not case.split for case in cases)
    if 0 < empty < len(cases):
        raise InputError(f"{empty} of {len(cases)} cases have no split; give it to all or to none")
    origin = "drawn" if empty else "cohort"
    if empty:
        drawn = _draw(cases, seed)
        return [replace(case, split=drawn[case.participant_id]) for case in cases], origin
    named = [replace(case, split=_SPLITS[case.split.lower()]) for case in cases]
    at: dict[str, str] = {}
    for case in named:
        if at.setdefault(case.participant_id, case.split) != case.split:
            raise InputError(
                f"participant {case.participant_id} is in the splits {at[case.participant_id]} "
                f"and {case.split}: all scans of a patient belong to one"
            )
    return named, origin


def _draw(cases: Sequence[TrainingCase], seed: int) -> dict[str, str]:
    rng = np.random.default_rng([seed, 1])
    patients: dict[str, str] = {}
    for case in cases:
        patients.setdefault(case.participant_id, case.diagnosis)
    split = {}
    for diagnosis in sorted(set(patients.values())):
        names = sorted(name for name, own in patients.items() if own == diagnosis)
        order = rng.permutation(len(names))
        n = max(round(SHARE * len(names)), 1) if len(names) > 1 else 0
        for place, k in enumerate(order):
            split[names[k]] = VALIDATION if place < n else TRAIN
    return split


def _read(data: Path) -> list[TrainingCase]:
    carry: tuple[str, ...] = ()
    if not data.is_dir():
        rows = read_rows(data)
        carry = ("cord",) if rows and "cord" in {str(key).strip() for key in rows[0]} else ()
    listing = list_cohort(data, masks="use", carry=carry)
    return [
        TrainingCase(
            case_id=case.case_id,
            participant_id=case.participant_id,
            path=case.path,
            mask=case.mask or "",
            cord=_cord(case, data),
            t1c=case.t1c,
            series=case.series,
            diagnosis=case.truth.get("reference_diagnosis", ""),
            split=case.truth.get("split", ""),
        )
        for case in listing.cases
    ]


def _cord(case: CohortCase, data: Path) -> str | None:
    if case.truth.get("cord"):
        return str((data.parent / case.truth["cord"]).absolute())
    if not data.is_dir() or case.mask is None:
        return None
    mask = Path(case.mask)
    beside = mask.with_name(re.sub(r"(label|desc)-lesion", r"\1-cord", mask.name))
    return str(beside) if beside != mask and beside.is_file() else None
