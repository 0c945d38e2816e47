"""Subgroups: performance in children, men, difficult cases and others."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..stats import by_subgroup
from ..tables.words import FEMALE, MALE
from .adjusting import own_factors
from .cases import Cases, Question, Words
from .performance import difficult_cases, families, questions
from .table import COMPARISON, Table, comparison_row, estimate_row

ADULT = 18  # years
_SEX = {FEMALE: "female", MALE: "male"}
FIGURES = ("accuracy", "sensitivity", "specificity", "auc")


def subgroups(
    cases: Cases, *, own: Sequence[str] = (), level: float = 0.95, notes: Sequence[str] = ()
) -> Table:
    """Compute the figures of each task by age, sex, difficulty and T1c, with interactions.

    Parameters
    ----------
    cases, level, notes
        As in `table2`.
    own : sequence of str
        Columns of the cohort's own, such as ``("site",)``.

    Returns
    -------
    Table
        Per task, figure and factor a row for each subgroup and one for the interaction, whose
        p-value is adjusted for the number of factors.

    Raises
    ------
    InputError
        As `questions`; no factor has two subgroups.
    """
    factors = find_factors(cases, own)
    if not factors:
        raise InputError(
            "no subgroups: age, sex, difficult and t1c are the same or unknown for all"
        )
    rows = []
    for question in questions(cases):
        for figure in FIGURES:
            rows += _rows(question, factors, figure, level)
    return Table(
        "subgroups",
        "Subgroups",
        ("task", "factor", "subgroup", *COMPARISON),
        tuple(rows),
        ("task", "factor", "subgroup", "figure", "sentence", "p", "p_holm", "test"),
        (
            *notes,
            f"children: younger than {ADULT} years",
            "interaction: whether the subgroups differ; p (Holm) is adjusted for the "
            f"{len(factors)} factors",
            *families(str(row["test"]) for row in rows),
        ),
    )


def find_factors(cases: Cases, own: Sequence[str] = ()) -> dict[str, Words]:
    """Return the subgroup of every case, for each factor with at least two subgroups.

    Returns
    -------
    dict of str to (n,) object
        None where not known.
    """
    ages = cases.numbers("age")
    split = [None if math.isnan(a) else "children" if a < ADULT else "adults" for a in ages]
    flags = difficult_cases(cases)[0]
    t1c = {"given": "with T1c", "absent": "without T1c"}
    found = {
        "age": split,
        "sex": [_SEX.get(word) for word in cases.words("sex")],
        "difficult": [{True: "difficult", False: "other"}.get(flag) for flag in flags],
        "t1c": [t1c.get(word) for word in cases.words("t1c")],
    }
    found |= {name: list(words) for name, words in own_factors(cases, own).items()}
    return {
        factor: np.array(names, object)
        for factor, names in found.items()
        if len({*names} - {None}) > 1
    }


def _rows(
    question: Question, factors: dict[str, Words], figure: str, level: float
) -> list[dict[str, object]]:
    keep = question.scored if figure == "auc" else question.answered
    truth = question.truth[keep]
    answer = question.probability[keep] if figure == "auc" else question.answer[keep]
    own = {factor: names[question.index][keep] for factor, names in factors.items()}
    rows: list[dict[str, object]] = []
    if not truth.size:
        return rows
    for part in by_subgroup(truth, answer, own, figure=figure, level=level):  # type: ignore[arg-type]
        keys = {"task": question.name, "factor": part.factor}
        for name, estimate in part.estimates.items():
            nothing = {"p": math.nan, "p_holm": math.nan, "test": ""}
            rows.append({**estimate_row(estimate, **keys, subgroup=name), **nothing})
        interaction = comparison_row(
            part.interaction, part.p_adjusted, **keys, subgroup="interaction"
        )
        rows.append(interaction)
    return rows
