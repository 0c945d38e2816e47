"""Comparison with the readers as a random group, and by sensitivity and predictive values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..stats import (
    Comparison,
    Estimate,
    compare_tests,
    compare_with_readers,
    equivalence,
    noninferiority,
)
from ..stats.estimate import decimal
from ..stats.reader_groups import ReaderFigure
from .cases import Bool, Cases, Question
from .performance import compared, questions
from .readers import judge, named_voices
from .readers_four_class import FOUR, NOTES
from .table import Table

FIGURES: tuple[ReaderFigure, ...] = ("accuracy", "sensitivity", "specificity")


def reader_group(
    cases: Cases, *, level: float = 0.95, notes: Sequence[str] = (), margin: float | None = None
) -> Table:
    """Compare the model with the readers as a random group (Obuchowski and Rockette).

    Parameters
    ----------
    cases, level, notes
        As in `table2`.
    margin : float, optional
        By how much the model's accuracy may lie below the readers' and still be not inferior,
        or from it on either side and still be equivalent, such as 0.05; fixed before the data were
        seen.

    Returns
    -------
    Table
        Per task the model's accuracy, sensitivity and specificity less the mean reader's, of the
        cases that the model and all readers answered; with `margin` non-inferiority and
        equivalence.

    Raises
    ------
    InputError
        As `questions`; fewer than two readers.
    ImportError
        Without SciPy.
    """
    if len(cases.readers) < 2:
        raise InputError("readers as a group: expected two columns reader_* at least")
    rows: list[tuple[dict[str, str], Estimate | Comparison]] = []
    for question in questions(cases):
        truth, model, readers = _answers(cases, question)
        if not truth.size:
            continue
        keys = {"task": question.name, "cases": f"{len(cases.readers)} readers"}
        for figure in FIGURES:
            if figure == "accuracy" or truth.any() == (figure == "sensitivity") or _both(truth):
                found = compare_with_readers(truth, model, readers, figure=figure, level=level)
                rows.append((keys, found.comparison))
        rows += [(keys, test) for test in _within(truth, model, readers, margin, level)]
    right = four_class_right(cases)
    if right.shape[1]:
        ones = np.ones(right.shape[1], bool)
        found = compare_with_readers(ones, right[0], right[1:], figure="accuracy", level=level)
        keys = {"task": FOUR, "cases": f"{len(cases.readers)} readers"}
        rows.append((keys, found.comparison))
        rows += [(keys, test) for test in _within(ones, right[0], right[1:], margin, level)]
    if not rows:
        raise InputError("no case was answered by the model and by all readers")
    remarks = [
        *notes,
        "readers and patients are both taken as samples: this is about readers like these",
        *NOTES,
    ]
    if margin is None:
        remarks.append("no margin was given: non-inferiority and equivalence are not tested")
    else:
        remarks.append(
            f"the margin of {decimal(100 * margin, 1)} points must have been fixed before the data "
            "were seen; its tests are one-sided at half of 1 less the level, so that the intervals "
            "beside them are those of the table"
        )
    table = compared("reader_group", "The model and the readers as a random group", rows, remarks)
    # The test's name says the interval's method as well.
    return replace(table, shown=tuple(c for c in table.shown if c != "method"))


def paired(cases: Cases, *, level: float = 0.95, notes: Sequence[str] = ()) -> Table:
    """Compare sensitivity, specificity and predictive values of model and reader, same patients.

    Parameters
    ----------
    cases, level, notes
        As in `table2`.

    Returns
    -------
    Table
        Per task and reader four differences, the model's less the reader's.

    Raises
    ------
    InputError
        As `questions`; no readers.
    """
    if not cases.readers:
        raise InputError("no readers: expected columns reader_* with their diagnoses")
    rows: list[tuple[dict[str, str], Estimate | Comparison]] = []
    for question in questions(cases):
        for reader in cases.readers:
            read, right = judge(cases, question, reader)
            both = read & question.answered
            truth = question.truth[both]
            if not truth.size:
                continue
            answer = np.where(right[both], truth, ~truth)
            found = compare_tests(
                truth, question.answer[both], answer, level=level, between="model less reader"
            )
            keys = {"task": question.name, "cases": reader}
            rows += [(keys, test) for test in found.values()]
    return compared(
        "paired",
        "The model and each reader: paired sensitivity, specificity and predictive values",
        rows,
        [
            *notes,
            *NOTES[:1],
            "within a pair of diagnoses the readers answered a four-way question, the model a "
            "two-way one, which favours the model",
            "predictive values: the test is a score test, the interval by square-and-add; where p "
            "is close to 1 less the level they can disagree",
        ],
    )


def four_class_right(cases: Cases) -> NDArray[np.float64]:
    """Say who named the very diagnosis, model first, of the cases that all of them diagnosed."""
    voices = named_voices(cases)
    truth = voices.get("reference")
    names = ("model", *cases.readers)
    if truth is None or not all(name in voices for name in names):
        return np.empty((len(names), 0))
    given = np.stack([voices[name] for name in names])
    known = (truth >= 0) & (given >= 0).all(axis=0)
    right: NDArray[np.float64] = (given[:, known] == truth[known]).astype(np.float64)
    return right


def _answers(cases: Cases, question: Question) -> tuple[Bool, Bool, NDArray[np.float64]]:
    """Truth, model and readers of the cases that all of them answered."""
    marks = [judge(cases, question, reader) for reader in cases.readers]
    every = question.answered & np.all([read for read, _ in marks], axis=0)
    truth = question.truth[every]
    readers = [np.where(right[every], truth, ~truth) for _, right in marks]
    return truth, question.answer[every], np.array(readers, np.float64)


def _within(
    truth: Bool, model: NDArray[Any], readers: NDArray[Any], margin: float | None, level: float
) -> list[Comparison]:
    """Non-inferiority and equivalence of the model's accuracy; none without a margin."""
    if margin is None:
        return []

    def effect(at: float) -> Estimate:
        found = compare_with_readers(truth, model, readers, figure="accuracy", level=at)
        return found.comparison.effect

    alpha = (1 - level) / 2
    return [test(effect, margin, alpha=alpha) for test in (noninferiority, equivalence)]


def _both(truth: Bool) -> bool:
    return bool(truth.any() and not truth.all())
