"""Share of the attribution in the lesion and in a ring around it, for right and wrong answers.

After the letter's analysis of Grad-CAM in lesion and perilesional areas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..analysis.attribution import METHODS
from ..errors import InputError
from ..stats import mean
from ..tasks import TASKS
from .cases import Cases, ask
from .table import ESTIMATE, Table, estimate_row

# Columns of a run, after the task's name, and what they are called.
_SHARES = {
    "inside_fraction": "share in the lesion",
    "ring_fraction": "share in the ring around it",
    "flat_inside_fraction": "lesion's share of the images",
    "flat_ring_fraction": "ring's share of the images",
}


def activations(
    cases: Cases,
    *,
    explanation: Mapping[str, Any] | None = None,
    level: float = 0.95,
    notes: Sequence[str] = (),
) -> Table:
    """Mean shares of the attribution by task, for right and wrong answers.

    Parameters
    ----------
    cases : Cases
    explanation : mapping, optional
        Explanation options of the run, for the notes.
    level, notes
        As in `table2`.

    Returns
    -------
    Table
        Means over patients with bootstrap intervals. A patient without a known diagnosis counts
        among all alone, and one whose truth the task does not concern as well.

    Raises
    ------
    InputError
        No case has a share; a share that is not a number.
    """
    rows: list[dict[str, Any]] = []
    for task in TASKS:
        columns = [c for c in _SHARES if cases.has(f"{task}_{c}")]
        if f"{task}_inside_fraction" not in [f"{task}_{c}" for c in columns]:
            continue
        for group, own in _groups(cases, task).items():
            for column in columns:
                values = cases.numbers(f"{task}_{column}")[own]
                # Tasks off the way to a diagnosis are not explained.
                estimate = mean(
                    values[~np.isnan(values)],
                    method="bootstrap-t",
                    bounds=(0, 1),
                    level=level,
                    name=_SHARES[column],
                )
                rows.append(estimate_row(estimate, task=task, answers=group))
    if not rows:
        raise InputError(
            "no case has shares of the attribution: expected a column <task>_inside_fraction"
        )
    return Table(
        "activations",
        "Attribution in the lesion and around it",
        ("task", "answers", *ESTIMATE),
        tuple(rows),
        ("task", "answers", "figure", "sentence", "method"),
        (*notes, *_how(explanation or {})),
    )


def _groups(cases: Cases, task: str) -> dict[str, Any]:
    question = ask(cases, task)
    right, wrong = np.zeros(cases.n, bool), np.zeros(cases.n, bool)
    right[question.index] = question.right
    wrong[question.index] = question.answered & ~question.right
    groups = {"all": np.ones(cases.n, bool), "right": right, "wrong": wrong}
    return {name: own for name, own in groups.items() if own.any()}


def _how(explanation: Mapping[str, Any]) -> list[str]:
    remarks = ["the images' shares are what a map that is equal everywhere would have"]
    method = METHODS.get(str(explanation.get("method")))
    if method is not None:
        remarks.insert(
            0,
            f"{method.title} at {explanation.get('layer')}; the ring is "
            f"{explanation.get('ring_mm')} mm wide",
        )
    return remarks
