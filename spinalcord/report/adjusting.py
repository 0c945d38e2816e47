"""Subgroups by columns of the cohort, and their effects adjusted for each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from ..stats import (
    AdjustedFactor,
    adjusted_factors,
    adjusted_interactions,
    benjamini_hochberg,
)
from .cases import Cases, Words
from .performance import questions
from .table import COMPARISON, Table, comparison_row, estimate_row

MOST = 12  # levels of a factor


def own_factors(cases: Cases, names: Sequence[str]) -> dict[str, Words]:
    """Return columns of the cohort as factors.

    Parameters
    ----------
    cases : Cases
    names : sequence of str
        Such as ``("site", "scanner")``.

    Returns
    -------
    dict of str to (n,) object
        Words; None where missing.

    Raises
    ------
    InputError
        No such column, or all of it is empty; more than 12 different words.
    """
    found = {}
    for name in names:
        if not cases.has(name):
            known = ", ".join(column for column in cases.columns if cases.has(column))
            raise InputError(f"no column {name!r} for a factor; known: {known}")
        words = np.array([word or None for word in cases.words(name)], object)
        levels = len({*words} - {None})
        if levels > MOST:
            raise InputError(
                f"column {name} has {levels} different values; expected {MOST} at most"
            )
        found[name] = words
    return found


def adjusted_odds(
    cases: Cases, *, own: Sequence[str] = (), level: float = 0.95, notes: Sequence[str] = ()
) -> Table:
    """Test whether the answers are right as often in all subgroups, other factors held constant.

    Parameters
    ----------
    cases, level, notes
        As in `table2`.
    own : sequence of str
        The cohort's own factors; age, sex and the diagnosis go with them.

    Returns
    -------
    Table
        Per task and factor an odds ratio for every level against the most frequent one, and a test
        of the factor, its p-value adjusted over all tests of the table (Benjamini and Hochberg).

    Raises
    ------
    InputError
        As `questions`; as `own_factors`; no factor varies.
    ImportError
        Without SciPy, for factors of three levels or more.
    """
    columns = _heeded(cases, own)
    rows: list[dict[str, Any]] = []
    for question in questions(cases):
        keep = question.answered
        if not keep.any():
            continue
        part = {name: values[question.index][keep] for name, values in columns.items()}
        part["diagnosis"] = cases.words("reference_diagnosis")[question.index][keep]
        found = adjusted_factors(question.right[keep], part, level=level)
        rows += _rows(question.name, found)
    return _table(
        "adjusted",
        "Right answers by factor, each adjusted for the others",
        rows,
        (
            *notes,
            "odds ratios of a right answer; Firth's logistic regression on all factors at once",
        ),
    )


def interactions(
    cases: Cases, *, own: Sequence[str] = (), level: float = 0.95, notes: Sequence[str] = ()
) -> Table:
    """Test whether the probabilities tell the classes apart as well in all subgroups.

    Parameters
    ----------
    cases, level, notes
        As in `table2`.
    own : sequence of str
        The cohort's own factors; age and sex go with them.

    Returns
    -------
    Table
        Per task and factor a ratio of odds ratios for every level against the most frequent one,
        and a test of the interaction, the interactions with all other factors held constant;
        p-values as in `adjusted_odds`.

    Raises
    ------
    InputError
        As `questions`; as `own_factors`; no factor varies; no case has a probability.
    ImportError
        Without SciPy, for factors of three levels or more.
    """
    columns = _heeded(cases, own)
    rows: list[dict[str, Any]] = []
    for question in questions(cases):
        keep = question.scored
        if not keep.any():
            continue
        part = {name: values[question.index][keep] for name, values in columns.items()}
        found = adjusted_interactions(
            question.truth[keep], question.probability[keep], part, level=level
        )
        rows += _rows(question.name, found, "ratios of odds ratios", "interaction as a whole")
    if not rows:
        raise InputError("no case with a reference_diagnosis has a probability")
    return _table(
        "interactions",
        "Discrimination by factor: interactions, each adjusted for the others",
        rows,
        (
            *notes,
            "Firth's logistic regression of the class on the probability (normal scores of its "
            "ranks), all factors, and the products of the probability with each factor",
            "ratio of odds ratios: how many times the odds ratio of one standard deviation of "
            "probability is that of the other level; 1: the classes are discriminated equally well",
        ),
    )


def _heeded(cases: Cases, own: Sequence[str]) -> dict[str, Any]:
    """Return own factors, sex and age as columns of a regression."""
    columns: dict[str, Any] = dict(own_factors(cases, own))
    if cases.has("sex"):
        columns["sex"] = np.array([w or None for w in cases.words("sex")], object)
    if cases.has("age"):
        # Per ten years: a year's odds ratio is too close to 1 to read.
        columns["age, 10 years"] = np.array(
            [None if math.isnan(a) else a / 10 for a in cases.numbers("age")], object
        )
    if not columns:
        raise InputError("no factor to adjust for: expected age, sex, or factors= of your own")
    return columns


def _table(name: str, title: str, rows: Sequence[dict[str, Any]], notes: Sequence[str]) -> Table:
    """Lay out odds ratios with their tests, p-values adjusted together."""
    adjusted_p = benjamini_hochberg([row["p"] for row in rows])
    done = tuple({**row, "p_bh": q} for row, q in zip(rows, adjusted_p, strict=True))
    tests = sum(not math.isnan(q) for q in adjusted_p)
    said = f"p (BH): adjusted for the {tests} tests of this table (false discovery rate)"
    if not tests:
        said = "no factor could be tested"
    return Table(
        name,
        title,
        ("task", "factor", *COMPARISON, "p_bh"),
        done,
        ("task", "factor", "figure", "sentence", "p", "p_bh"),
        (*notes, said),
    )


def _rows(
    task: str,
    found: Sequence[AdjustedFactor],
    figure: str = "odds ratios",
    whole: str = "factor as a whole",
) -> list[dict[str, Any]]:
    empty = {"p": math.nan, "p_holm": math.nan, "p_bh": math.nan, "test": ""}
    reasons = {factor.test.reason for factor in found if math.isnan(factor.test.p)}
    if len(reasons) == 1 and all(math.isnan(factor.test.p) for factor in found):
        # A common reason is stated once.
        row = comparison_row(found[0].test, math.nan, task=task, factor="all")
        return [{**row, "figure": figure, "p_bh": math.nan}]
    rows: list[dict[str, Any]] = []
    for factor in found:
        keys = {"task": task, "factor": factor.factor}
        row = comparison_row(factor.test, math.nan, **keys)
        if not math.isnan(factor.test.p):
            rows += [{**estimate_row(e, **keys), **empty} for e in factor.odds_ratios.values()]
            words = f"{factor.test.df:g} df"
            row |= {"figure": whole, "sentence": words}
        rows.append({**row, "p_bh": math.nan})
    return rows
