"""Sample sizes for a next study, assuming the figures of this cohort."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..stats import (
    SampleSize,
    auc,
    cohen_kappa,
    kappa_power,
    patients_for_auc,
    patients_for_kappa,
    patients_for_proportion,
)
from ..stats.estimate import decimal
from .cases import Cases, Question
from .performance import count, questions
from .readers import judge
from .table import Table

HALF_WIDTH = 0.05
POWER = 0.9
KAPPA_WIDTH, KAPPA_NULL = 0.1, 0.4  # moderate agreement ends at 0.4 to 0.6, by most scales


def planning(cases: Cases, *, level: float = 0.95, notes: Sequence[str] = ()) -> Table:
    """Plan a study of the same tasks.

    Parameters
    ----------
    cases, level, notes
        As in `table2`.

    Returns
    -------
    Table
        Per task the patients for a sensitivity and a specificity to within 5 points, for an AUC
        above 0.5 with a power of 90 %, at the cohort's shares of the classes, and for the kappa of
        the first two readers (tumor or demyelination) to within 0.1, with the power that this
        cohort has to tell it from 0.4.

    Raises
    ------
    InputError
        As `questions`.
    """
    rows = []
    for question in questions(cases):
        for figure, supposed, plan in _plans(question, level):
            rows.append(
                {
                    "task": question.name,
                    "figure": figure,
                    "supposed": supposed,
                    "patients": plan.n,
                    "sentence": plan.sentence(),
                }
            )
        rows += _kappa(cases, question, level)
    columns = ("task", "figure", "supposed", "patients", "sentence")
    return Table(
        "planning",
        "Patients that a next study of these tasks would need",
        columns,
        tuple(rows),
        columns,
        (
            *notes,
            "this cohort's figures are taken as true, which they are not: plan with less "
            "favourable ones too",
        ),
    )


def _kappa(cases: Cases, question: Question, level: float) -> list[dict[str, object]]:
    """Patients for the kappa of the first two readers, and what this cohort's number can show."""
    names = cases.readers[:2]
    # Of the other tasks a reader may name a third diagnosis: there are more than two categories.
    if len(names) < 2 or question.name != "tumor_vs_demyelination":
        return []
    marks = [judge(cases, question, name) for name in names]
    both = marks[0][0] & marks[1][0]
    calls = [np.where(right, question.truth, ~question.truth)[both] for _, right in marks]
    table = np.array([[np.sum((calls[0] == i) & (calls[1] == j)) for j in (0, 1)] for i in (0, 1)])
    kappa, n = cohen_kappa(table, level=level).estimate, int(table.sum())
    positive = float((2 * table[1, 1] + table[0, 1] + table[1, 0]) / (2 * n)) if n else 0.0
    if not (0 <= kappa < 1 and 0 < positive < 1):
        return []
    plan = patients_for_kappa(kappa, positive, KAPPA_WIDTH, level=level)
    power = kappa_power(kappa, KAPPA_NULL, positive, n, alpha=1 - level)
    said = f"; power of these {n} patients to tell it from {KAPPA_NULL:g}: "
    row = {"task": question.name, "figure": f"kappa, {names[0]} and {names[1]}", "supposed": kappa}
    return [{**row, "patients": plan.n, "sentence": plan.sentence() + said + decimal(power, 2)}]


def _plans(question: Question, level: float) -> list[tuple[str, float, SampleSize]]:
    table = count(question)
    if not (table.n_positive and table.n_negative):
        return []
    share = table.n_positive / table.n
    plans = []
    for figure, k, n, part in (
        ("sensitivity", table.tp, table.n_positive, share),
        ("specificity", table.tn, table.n_negative, 1 - share),
    ):
        plan = patients_for_proportion(k / n, HALF_WIDTH, share=part, level=level)
        plans.append((figure, k / n, plan))
    keep = question.scored
    if {*question.truth[keep]} == {True, False}:
        area = auc(question.truth[keep], question.probability[keep]).estimate
        if 0.5 < area < 1:
            ratio = (1 - share) / share
            plan = patients_for_auc(area, power=POWER, ratio=ratio, alpha=1 - level)
            plans.append(("AUC", area, plan))
    return plans
