"""The letter's table 2 from any cohort, and the same for difficult cases and with T1c."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from ..errors import InputError
from ..stats import (
    Comparison,
    Estimate,
    TwoByTwo,
    auc,
    brier,
    calibration_line,
    compare_aucs_unpaired,
    holm,
    proportion,
    proportion_difference,
)
from ..stats.distributions import fisher_p
from ..stats.estimate import undefined
from ..tasks import TASKS
from .cases import Bool, Cases, Question, Words, ask
from .table import COMPARISON, ESTIMATE, Table, comparison_row, estimate_row, task_words

_MAIN = ("accuracy", "sensitivity", "specificity", "ppv", "npv")
_SHORT = ("accuracy", "sensitivity", "specificity")


def questions(cases: Cases) -> list[Question]:
    """Return the rows of all three tasks.

    Raises
    ------
    InputError
        As `ask`; no case with a reference diagnosis and an answer.
    """
    asked = [ask(cases, name) for name in TASKS]
    if not asked[0].truth.size:
        raise InputError(
            "no case has a reference_diagnosis (astrocytoma, ependymoma, MS, NMOSD, or tumor or "
            "demyelination) to compare with"
        )
    if not any(question.answered.any() for question in asked):
        raise InputError("no case with a reference_diagnosis has an answer")
    return asked


def count(question: Question, among: Bool | None = None) -> TwoByTwo:
    """Count the answers to one task, of all its cases or of some."""
    keep = question.answered if among is None else question.answered & among
    return TwoByTwo.from_labels(
        question.truth[keep], question.answer[keep], positive=TASKS[question.name].positive
    )


def difficult_cases(cases: Cases) -> tuple[Words, str]:
    """Return which cases are difficult: by the column of that name, else where readers disagree.

    Readers disagree where fewer than five of seven, or that share, give the same diagnosis: of two
    or three readers all must.

    Returns
    -------
    flags : (n,) object
        True, False, or None where not known.
    source : str
        In words; empty where nothing is known.

    Raises
    ------
    InputError
        A column `difficult` with something else than truth values.
    """
    if cases.has("difficult"):
        return cases.flags("difficult"), "difficult: as the cohort's column says"
    readers = cases.readers
    flags = np.full(cases.n, None, object)
    if len(readers) < 2:
        return flags, ""
    answers = [cases.words(reader) for reader in readers]
    for i, given in enumerate(zip(*answers, strict=True)):
        named = [word for word in given if word]
        if len(named) > 1:
            most = max(map(named.count, named))
            flags[i] = 7 * most < 5 * len(named)
    return flags, f"difficult: fewer than five sevenths of the {len(readers)} readers agree"


def table2(cases: Cases, *, lost: Cases, level: float = 0.95, notes: Sequence[str] = ()) -> Table:
    """Accuracy, sensitivity, specificity, predictive values and AUC of the three tasks.

    Parameters
    ----------
    cases : Cases
    lost : Cases
        Those that failed, and so have no answer.
    level : float, default 0.95
    notes : sequence of str
        To begin the table's own with.

    Returns
    -------
    Table
        With rows for difficult cases where they are known.

    Raises
    ------
    InputError
        As `questions`.
    """
    rows, remarks = [], list(notes)
    flags, source = difficult_cases(cases)
    for question in questions(cases):
        keys = {"task": question.name, "cases": "all"}
        summary = count(question).summary(level=level)
        rows += [estimate_row(summary[figure], **keys) for figure in _MAIN]
        rows.append(estimate_row(_auc(question, level), **keys))
        silent = int((~question.answered).sum()) + ask(lost, question.name).truth.size
        if silent:
            right, n = int(question.right.sum()), question.truth.size
            n += ask(lost, question.name).truth.size
            strict = proportion(right, n, level=level, name="accuracy, no answer counted as wrong")
            rows.append(estimate_row(strict, **keys))
            remarks.append(
                f"{task_words(question.name)}: {silent} of {n} patients have no answer and are "
                "excluded from the other figures"
            )
        hard = flags[question.index] == True  # noqa: E712 - None is neither
        if hard.any():
            summary = count(question, hard.astype(bool)).summary(level=level)
            keys["cases"] = "difficult"
            rows += [estimate_row(summary[figure], **keys) for figure in _SHORT]
    remarks += [
        f"{task_words(task.name)}: {task.positive} is the positive class" for task in TASKS.values()
    ]
    if source and any(row["cases"] == "difficult" for row in rows):
        remarks.append(source)
    return Table(
        "table2",
        "Table 2. Classification performance",
        ("task", "cases", *ESTIMATE),
        tuple(rows),
        ("task", "cases", "figure", "sentence", "method"),
        tuple(remarks),
    )


def difficult(cases: Cases, *, level: float = 0.95, notes: Sequence[str] = ()) -> Table:
    """Compare accuracy in difficult cases with that in the others.

    Parameters
    ----------
    cases, level, notes
        As in `table2`.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        As `questions`; nothing says which cases are difficult.
    """
    flags, source = difficult_cases(cases)
    if not source:
        raise InputError(
            "which cases are difficult is not known: no column difficult, and fewer than two "
            "columns reader_*"
        )
    return two_groups(
        cases,
        flags,
        ("difficult", "other"),
        name="difficult",
        title="Difficult cases against the others",
        level=level,
        notes=[*notes, source],
    )


def calibration(cases: Cases, *, level: float = 0.95, notes: Sequence[str] = ()) -> Table:
    """Brier score, slope and intercept of calibration of each task.

    Parameters
    ----------
    cases, level, notes
        As in `table2`.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        As `questions`; no case has a probability.
    """
    rows = []
    for question in questions(cases):
        truth, p = question.truth[question.scored], question.probability[question.scored]
        if truth.size:
            found = (
                brier(truth, p, method="bootstrap-t", level=level),
                *calibration_line(truth, p, level=level),
            )
            rows += [estimate_row(estimate, task=question.name) for estimate in found]
    if not rows:
        raise InputError("no case with a reference_diagnosis has a probability")
    meaning = "Brier score: 0 is best; slope 1 and intercept 0 are perfect"
    return Table(
        "calibration",
        "Calibration of the probabilities",
        ("task", *ESTIMATE),
        tuple(rows),
        ("task", "figure", "sentence", "method"),
        (*notes, meaning),
    )


def compared(
    name: str,
    title: str,
    found: Sequence[tuple[dict[str, str], Estimate | Comparison]],
    notes: Sequence[str],
) -> Table:
    """Lay out estimates and comparisons, the latter's p-values adjusted together (Holm).

    Parameters
    ----------
    name, title : str
        As in `Table`.
    found : sequence of (keys, Estimate or Comparison)
        Keys hold task and cases.
    notes : sequence of str

    Returns
    -------
    Table
    """
    tests = [item for _, item in found if isinstance(item, Comparison)]
    adjusted = iter(holm([test.p for test in tests]))
    rows = []
    for keys, item in found:
        if isinstance(item, Comparison):
            rows.append(comparison_row(item, next(adjusted), **keys))
        else:
            nothing = {"p": math.nan, "p_holm": math.nan, "test": ""}
            rows.append({**estimate_row(item, **keys), **nothing})
    return Table(
        name,
        title,
        ("task", "cases", *COMPARISON),
        tuple(rows),
        ("task", "cases", "figure", "sentence", "method", "p", "p_holm", "test"),
        (
            *notes,
            f"p (Holm): adjusted for the {len(tests)} tests of this table",
            *families(test.method for test in tests),
        ),
    )


def families(methods: Iterable[str]) -> tuple[str, ...]:
    """Return notes on why a test and the interval beside it may disagree.

    Parameters
    ----------
    methods : iterable of str
        Tests of a table.

    Returns
    -------
    tuple of str
        Notes; none where every test belongs to its interval.
    """
    pairs = {
        "Fisher": "Fisher's test is exact, Newcombe's interval approximate",
        "McNemar, exact": "McNemar's test is exact, Tango's interval approximate",
        "chi-squared": "chi-squared tests all groups together, the interval is of two of them",
        "Fisher-Freeman-Halton": "the exact test is of all groups together, the interval of two",
        "Cochran's Q": "Cochran's test is of all readers together, the interval of two of them",
    }
    used = {*methods}
    found = [words for name, words in pairs.items() if name in used]
    if not found:
        return ()
    return (
        "test and interval may disagree near the limit, because they are of different families: "
        + "; ".join(found),
    )


def _auc(question: Question, level: float) -> Estimate:
    keep = question.scored
    if not keep.any():
        return undefined("AUC", "no patient has a probability", level, n=0)
    positive = TASKS[question.name].positive
    return auc(question.truth[keep], question.probability[keep], level=level, positive=positive)


def two_groups(
    cases: Cases,
    flags: Words,
    names: tuple[str, str],
    *,
    name: str,
    title: str,
    level: float,
    notes: Sequence[str],
) -> Table:
    """Compare two groups of patients task by task: a table of both and their difference."""
    rows: list[tuple[dict[str, str], Estimate | Comparison]] = []
    for question in questions(cases):
        own = flags[question.index]
        groups = [np.array([flag is value for flag in own], bool) for value in (True, False)]
        counts = [count(question, group) for group in groups]
        for which, table in zip(names, counts, strict=True):
            summary = table.summary(level=level)
            keys = {"task": question.name, "cases": which}
            rows += [(keys, summary[figure]) for figure in _SHORT]
        keys = {"task": question.name, "cases": f"{names[0]} less {names[1]}"}
        rows.append((keys, _fisher(counts[0], counts[1], level)))
        areas = _area_difference(question, groups, level)
        if areas is not None:
            rows.append((keys, areas))
    return compared(name, title, rows, notes)


def _fisher(first: TwoByTwo, second: TwoByTwo, level: float) -> Comparison:
    """Difference in accuracy of two groups of patients."""
    k1, n1, k2, n2 = first.n_correct, first.n, second.n_correct, second.n
    effect = proportion_difference(k1, n1, k2, n2, level=level, name="difference in accuracy")
    if not effect.defined:
        nan = math.nan
        return Comparison(effect.name, nan, nan, nan, "none", effect, effect.reason)
    p = fisher_p(k1, n1 - k1, k2, n2 - k2)
    return Comparison(effect.name, math.nan, math.nan, p, "Fisher", effect)


def _area_difference(question: Question, groups: list[Bool], level: float) -> Comparison | None:
    parts = []
    for group in groups:
        keep = group & question.scored
        if len({*question.truth[keep]}) < 2:
            return None
        parts.append((question.truth[keep], question.probability[keep]))
    return compare_aucs_unpaired(parts[0], parts[1], level=level)
