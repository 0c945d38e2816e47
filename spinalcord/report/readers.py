"""The model beside readers of the same cases, and how far all of them agree."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..stats import (
    Comparison,
    Estimate,
    TwoByTwo,
    cochran_q,
    cohen_kappa,
    discordant,
    fleiss_kappa,
    gwet_ac1,
    mcnemar,
)
from ..tasks import DIAGNOSES, TASKS
from .cases import Bool, Cases, Question, judge_readings
from .performance import compared, questions
from .readers_four_class import NOTES, four_class_rows
from .table import ESTIMATE, Table, estimate_row


def readers(cases: Cases, *, level: float = 0.95, notes: Sequence[str] = ()) -> Table:
    """Compare the model with each reader on the cases that both answered.

    Parameters
    ----------
    cases, level, notes
        As in `table2`.

    Returns
    -------
    Table
        Per task and reader accuracy, sensitivity and specificity, and the model's accuracy less the
        reader's (McNemar, Tango's interval); with several readers, whether they differ (Cochran).
        The same for the four diagnoses, where model and readers answer the same question.

    Raises
    ------
    InputError
        As `questions`; no column reader_*.
    """
    if not cases.readers:
        raise InputError("no readers: expected columns reader_* with their diagnoses")
    rows: list[tuple[dict[str, str], Estimate | Comparison]] = []
    for question in questions(cases):
        marks = {reader: judge(cases, question, reader) for reader in cases.readers}
        for reader, (read, right) in marks.items():
            keys = {"task": question.name, "cases": reader}
            summary = count_reader(question, read, right).summary(level=level)
            rows += [(keys, summary[f]) for f in ("accuracy", "sensitivity", "specificity")]
            both = read & question.answered
            test = mcnemar(
                *discordant(question.right[both], right[both]),
                level=level,
                name="accuracy, model less reader",
            )
            rows.append((keys, test))
        if len(marks) > 1:
            every = np.all([read for read, _ in marks.values()], axis=0)
            correct = np.stack([right[every] for _, right in marks.values()], axis=1)
            if len(correct):
                keys = {"task": question.name, "cases": "all readers"}
                rows.append((keys, cochran_q(correct, level=level)))
    rows += four_class_rows(cases, level=level)
    return compared("readers", "The model and the readers", rows, [*notes, *NOTES])


def agreement(cases: Cases, *, level: float = 0.95, notes: Sequence[str] = ()) -> Table:
    """Estimate agreement in the four diagnoses beyond chance: model, readers and reference.

    Parameters
    ----------
    cases, level, notes
        As in `table2`.

    Returns
    -------
    Table
        Cohen's kappa and Gwet's AC1 of every pair; Fleiss' kappa and AC1 of all readers where
        there are several.

    Raises
    ------
    InputError
        Fewer than two of them have given diagnoses.
    """
    voices = named_voices(cases)
    if len(voices) < 2:
        raise InputError("agreement needs two of: reference_diagnosis, diagnosis, reader_*")
    rows = []
    for first, second in combinations(voices, 2):
        a, b = voices[first], voices[second]
        both = (a >= 0) & (b >= 0)
        kappa = cohen_kappa(_cross(a[both], b[both]), method="score", level=level)
        rows.append(estimate_row(kappa, first=first, second=second))
        if both.any():
            ratings = _ratings(np.stack([a[both], b[both]], axis=1))
            rows.append(estimate_row(gwet_ac1(ratings, level=level), first=first, second=second))
    names = cases.readers
    if len(names) > 1:
        codes = np.stack([voices[name] for name in names], axis=1)
        codes = codes[(codes >= 0).all(axis=1)]
        if len(codes):
            ratings = _ratings(codes)
            fleiss = fleiss_kappa(ratings, level=level)
            rows.append(estimate_row(fleiss, first="all readers", second=""))
            ac1 = gwet_ac1(ratings, level=level)
            rows.append(estimate_row(ac1, first="all readers", second=""))
    return Table(
        "agreement",
        "Agreement in the four diagnoses",
        ("first", "second", *ESTIMATE),
        tuple(rows),
        ("first", "second", "figure", "sentence", "method"),
        (*notes, "of patients to whom both gave one of the four diagnoses"),
    )


def judge(cases: Cases, question: Question, reader: str) -> tuple[Bool, Bool]:
    """Return which cases of a task a reader read, and which of them correctly."""
    part = cases.take(question.index)
    return judge_readings(part.words(reader), part.words("reference_diagnosis"), question.name)


def count_reader(question: Question, read: Bool, right: Bool) -> TwoByTwo:
    """Count a reader's answers to one task; a diagnosis of another kind is a wrong answer."""
    truth = question.truth[read]
    answer = np.where(right[read], truth, ~truth)
    return TwoByTwo.from_labels(truth, answer, positive=TASKS[question.name].positive)


def named_voices(cases: Cases) -> dict[str, NDArray[np.int64]]:
    """Number the four diagnoses that reference, model and readers gave; -1 for anything else."""
    code = {name: i for i, name in enumerate(DIAGNOSES)}
    columns = {"reference": "reference_diagnosis", "model": "diagnosis"}
    columns |= {reader: reader for reader in cases.readers}
    return {
        voice: np.array([code.get(word, -1) for word in cases.words(column)], np.int64)
        for voice, column in columns.items()
        if cases.has(column)
    }


def _ratings(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count how many voices put each case into each diagnosis."""
    counts = [(codes == c).sum(1) for c in range(len(DIAGNOSES))]
    return np.stack(counts, axis=1).astype(np.int64)


def _cross(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    table = np.zeros((len(DIAGNOSES), len(DIAGNOSES)), np.int64)
    np.add.at(table, (a, b), 1)
    return table
