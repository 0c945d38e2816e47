"""The flow of patients: how many came in, where they went, how many were evaluated."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..qc.verdicts import LEFT_OUT, REASON
from ..tasks import DIAGNOSES

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
        Who leave before the next box, and why.
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
    answered = int((cases.words("diagnosis") != "").sum())
    unfound = int((cases.words("found") == "false").sum())
    known = cases.words("reference_diagnosis") != ""
    both = int(((cases.words("diagnosis") != "") & known).sum())
    here = "" if cohort.split == "all" else f" of the split {cohort.split}"
    steps = [
        Step(
            "scans in the cohort",
            cohort.n_all,
            _some(
                *judged,
                ("left out on request", excluded - sum(n for _, n in judged)),
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
            _some(("no lesion found", unfound), ("no answer", cases.n - answered - unfound)),
        ),
        Step("patients with an answer", answered, _some(("no reference", answered - both))),
        Step("patients evaluated in all four diagnoses", both),
    ]
    return tuple(steps)


def diagnosis_counts(cohort: Cohort) -> dict[str, int]:
    """Count the reference diagnoses of those evaluated, the four first."""
    counts = Counter(word for word in cohort.cases.words("reference_diagnosis") if word)
    order = [*DIAGNOSES, *sorted({*counts} - {*DIAGNOSES})]
    return {name: counts[name] for name in order if counts[name]}


def _judged(cohort: Cohort) -> list[tuple[str, int]]:
    """Count those that quality control has left out, by verdict."""
    reasons = cohort.excluded.words("reason")
    return [
        (f"quality control: {verdict}", sum(r.startswith(REASON + verdict) for r in reasons))
        for verdict in LEFT_OUT
    ]


def _some(*left: tuple[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple((why, n) for why, n in left if n > 0)
