"""Calibration of the probabilities without bins, and their net benefit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from ..errors import InputError
from ..stats import calibration_index, net_benefit, observed_to_expected
from . import performance
from .cases import Cases
from .performance import questions
from .table import ESTIMATE, Table, estimate_row

THRESHOLDS = (0.1, 0.2, 0.3, 0.5, 0.7)


def calibration_in_full(cases: Cases, *, level: float = 0.95, notes: Sequence[str] = ()) -> Table:
    """Brier score, slope, intercept, observed to expected, and the ICI of each task.

    Parameters
    ----------
    cases, level, notes
        As in `table2`.

    Returns
    -------
    Table
        The ICI has a p-value, that the probabilities are right, in place of an interval.

    Raises
    ------
    InputError
        As `questions`; no case has a probability.
    """
    table = performance.calibration(cases, level=level, notes=notes)
    nothing = {"p": math.nan, "test": ""}
    rows = []
    for question in questions(cases):
        truth, p = question.truth[question.scored], question.probability[question.scored]
        keys = {"task": question.name}
        rows += [{**row, **nothing} for row in table.rows if row["task"] == question.name]
        if truth.size:
            ratio = observed_to_expected(truth, p, level=level)
            rows.append({**estimate_row(ratio, **keys), **nothing})
            test = calibration_index(truth, p, level=level)
            rows.append({**estimate_row(test.effect, **keys), "p": test.p, "test": test.method})
    remarks = (
        "O:E: 1 is perfect, above 1 the probabilities are too low",
        "ICI: mean distance of the smooth curve from the diagonal; p: a distance as large if the "
        "probabilities were right",
    )
    return replace(
        table,
        columns=("task", *ESTIMATE, "p", "test"),
        rows=tuple(rows),
        shown=("task", "figure", "sentence", "method", "p"),
        notes=(*table.notes, *remarks),
    )


def benefit(cases: Cases, *, level: float = 0.95, notes: Sequence[str] = ()) -> Table:
    """Net benefit of each task at some threshold probabilities.

    Parameters
    ----------
    cases, level, notes
        As in `table2`.

    Returns
    -------
    Table
        Beside that of acting on everyone; that of acting on nobody is 0.

    Raises
    ------
    InputError
        As `questions`; no case has a probability.
    """
    rows = []
    for question in questions(cases):
        truth, p = question.truth[question.scored], question.probability[question.scored]
        for threshold in THRESHOLDS if truth.size else ():
            keys = {"task": question.name, "threshold": threshold}
            share = float(truth.mean())
            everyone = share - threshold / (1 - threshold) * (1 - share)
            estimate = net_benefit(truth, p, threshold, level=level)
            rows.append({**estimate_row(estimate, **keys), "acting on everyone": everyone})
    if not rows:
        raise InputError("no case with a reference_diagnosis has a probability")
    return Table(
        "benefit",
        "Net benefit at threshold probabilities",
        ("task", "threshold", *ESTIMATE, "acting on everyone"),
        tuple(rows),
        ("task", "threshold", "sentence", "acting on everyone"),
        (*notes, "per patient; acting on nobody: 0; thresholds are examples, not recommendations"),
    )
