"""Sample sizes for a next study, assuming the figures of this cohort."""

from __future__ import annotations

from collections.abc import Sequence

from ..stats import SampleSize, auc, patients_for_auc, patients_for_proportion
from .cases import Cases, Question
from .performance import count, questions
from .table import Table

HALF_WIDTH = 0.05
POWER = 0.9


def planning(cases: Cases, *, level: float = 0.95, notes: Sequence[str] = ()) -> Table:
    """Plan a study of the same tasks.

    Parameters
    ----------
    cases, level, notes
        As in `table2`.

    Returns
    -------
    Table
        Per task the patients for a sensitivity and a specificity to within 5 points, and for an
        AUC above 0.5 with a power of 90 %, at the cohort's shares of the classes.

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
