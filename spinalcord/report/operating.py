"""Operating points: parts of the ROC curve, likelihood ratios, and shares of all scans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..errors import InputError
from ..stats import (
    clustered_summary,
    diagnostic_odds_ratio,
    partial_auc,
    sensitivity_at,
)
from ..tasks import TASKS
from .cases import Cases
from .performance import count, questions
from .table import ESTIMATE, Table, estimate_row

FIXED = 0.9  # the specificity, or sensitivity, that is fixed


def operating(cases: Cases, *, level: float = 0.95, notes: Sequence[str] = ()) -> Table:
    """Partial AUC, sensitivity and specificity at a fixed value of the other, likelihood ratios.

    Parameters
    ----------
    cases, level, notes
        As in `table2`.

    Returns
    -------
    Table
        Per task; likelihood ratios and the diagnostic odds ratio at the threshold in force.

    Raises
    ------
    InputError
        As `questions`.
    """
    rows = []
    for question in questions(cases):
        keys = {"task": question.name}
        truth, p = question.truth[question.scored], question.probability[question.scored]
        if truth.any() and not truth.all():
            rows.append(estimate_row(partial_auc(truth, p, low=FIXED, level=level), **keys))
            rows.append(
                estimate_row(sensitivity_at(truth, p, specificity=FIXED, level=level), **keys)
            )
            # The other class with turned scores: specificity at a fixed sensitivity.
            turned = sensitivity_at(~truth, -p, specificity=FIXED, level=level)
            reason = turned.reason.replace("negative", "positive").replace(
                "specificity", "sensitivity"
            )
            name = f"specificity at sensitivity {FIXED:g}"
            rows.append(estimate_row(replace(turned, name=name, reason=reason), **keys))
        table = count(question)
        if table.n:
            summary = table.summary(level=level)
            rows += [estimate_row(summary[f], **keys) for f in ("lr_positive", "lr_negative")]
            rows.append(estimate_row(diagnostic_odds_ratio(table, level=level), **keys))
    return Table(
        "operating",
        "Operating points",
        ("task", *ESTIMATE),
        tuple(rows),
        ("task", "figure", "sentence", "method"),
        (*notes, "partial AUC on McClish's scale: 0.5 is chance, 1 perfect"),
    )


def scans(cases: Cases, *, level: float = 0.95, notes: Sequence[str] = ()) -> Table:
    """Figures of all scans, several of a patient not taken as independent.

    Parameters
    ----------
    cases : Cases
        All scans of the split, with participant_id.
    level, notes
        As in `table2`.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        As `questions`; every patient has one scan.
    ImportError
        Without SciPy.
    """
    owners = cases.words("participant_id")
    several = len({*owners}) < cases.n
    if not several:
        raise InputError("every patient has one scan: table 2 counts them all")
    rows = []
    for question in questions(cases):
        own = question.answered
        if not own.any():
            continue
        found = clustered_summary(
            question.truth[own],
            question.answer[own],
            np.array([str(w) for w in owners[question.index][own]]),
            level=level,
        )
        patients = {*owners[question.index][own]}
        keys = {"task": question.name, "patients": len(patients)}
        rows += [estimate_row(estimate, **keys) for estimate in found.values()]
    remarks = [f"{task.positive} is the positive class" for task in TASKS.values()]
    return Table(
        "scans",
        "All scans, the patient being what is independent",
        ("task", "patients", *ESTIMATE),
        tuple(rows),
        ("task", "patients", "figure", "sentence", "method"),
        (*notes[:1], *remarks),
    )
