"""Patient flow: included, excluded, failed and evaluated patients."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..qc.verdicts import EXCLUDED, REASON
from ..tables.words import SYNONYMS
from ..tasks import DIAGNOSES, TASKS
from .cases import ask

if TYPE_CHECKING:
    from .cohort import Cohort


@dataclass(frozen=True)
class Step:
    """One box of the flow.

    Parameters
    ----------
    label : str
    n : int
    left : tuple of (str, int)
        Patients excluded before the next box, with the reason.
    """

    label: str
    n: int
    left: tuple[tuple[str, int], ...] = ()


def patient_flow(cohort: Cohort) -> tuple[Step, ...]:
    """Count the way from the cohort to what is evaluated.

    Parameters
    ----------
    cohort : Cohort

    Returns
    -------
    tuple of Step
        What leaves a box is the difference to the next one.
    """
    cases = cohort.cases
    done = cases.n + cohort.n_repeated + cohort.n_elsewhere
    failed, excluded = cohort.n_failed, cohort.excluded.n
    judged = _judged(cohort)
    missing = cohort.n_all - done - failed - excluded
    reference, answer = cases.words("reference_diagnosis"), cases.words("diagnosis")
    answers = np.isin(answer, DIAGNOSES)
    answered = int(answers.sum())
    unfound = int(((cases.words("found") == "false") & ~answers).sum())
    unknown = int(((answer != "") & ~answers).sum())
    given, four = reference[answers], np.isin(reference, DIAGNOSES)
    names = [word for word in dict.fromkeys([*SYNONYMS["diagnosis"], *given]) if word]
    others = [
        (f"reference {word}" if word in SYNONYMS["diagnosis"] else f"reference {word!r}, not known",
         int((given == word).sum()))
        for word in names if word not in DIAGNOSES
    ]  # fmt: skip
    here = "" if cohort.split == "all" else f" of the split {cohort.split}"
    steps = [
        Step(
            "scans in the cohort",
            cohort.n_all,
            _some(
                *judged,
                ("excluded on request", excluded - sum(n for _, n in judged)),
                ("failed", failed),
                ("not yet run", missing),
            ),
        ),
        Step(
            "scans done",
            done,
            _some(
                ("of other splits", cohort.n_elsewhere),
                ("further scans of the same patients", cohort.n_repeated),
            ),
        ),
        Step(
            f"patients{here}",
            cases.n,
            _some(
                ("no lesion found", unfound),
                ("answer of another word", unknown),
                ("no answer", cases.n - answered - unfound - unknown),
            ),
        ),
        Step(
            "patients with an answer",
            answered,
            _some(("no reference", int((given == "").sum())), *others),
        ),
        Step("patients evaluated in all four diagnoses", int((answers & four).sum())),
    ]
    return tuple(steps)


def evaluated_counts(cohort: Cohort) -> dict[str, int]:
    """Count the patients that each task's figures are of: with a reference and an answer.

    A task concerns other patients than the four diagnoses do, so its n is another: those whose
    reference is tumor or demyelination alone take part in the first, and so does who has an answer
    to it and none to the others.

    Parameters
    ----------
    cohort : Cohort

    Returns
    -------
    dict of str to int
        By task; without those of nobody, and those whose columns cannot be read, which their
        tables say.
    """
    counts = {}
    for name in TASKS:
        with contextlib.suppress(InputError):
            counts[name] = int(ask(cohort.cases, name).answered.sum())
    return {name: n for name, n in counts.items() if n}


def diagnosis_counts(cohort: Cohort) -> dict[str, int]:
    """Count the reference diagnoses of the patients that are known, the four first."""
    counts = Counter(cohort.cases.words("reference_diagnosis"))
    return {name: counts[name] for name in SYNONYMS["diagnosis"] if counts[name]}


def _judged(cohort: Cohort) -> list[tuple[str, int]]:
    """Count those that quality control has excluded, by verdict."""
    reasons = cohort.excluded.words("reason")
    return [
        (f"quality control: {verdict}", sum(r.startswith(REASON + verdict) for r in reasons))
        for verdict in EXCLUDED
    ]


def _some(*left: tuple[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple((why, n) for why, n in left if n > 0)
