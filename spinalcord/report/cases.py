"""The cases of a cohort: columns read from a run's folder, a file or a DataFrame.

The columns are those of a run's ``cases.tsv`` (docs/cohort.md). What is missing is the empty
string in words and NaN in numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..tables import DataTable, Vocabulary, read_table
from ..tables.cells import to_number
from ..tables.checks import PLAUSIBLE, is_plausible, unusable
from ..tables.words import KINDS, SYNONYMS
from ..tasks import DIAGNOSES, TASKS, chain_diagnosis

Words = NDArray[np.object_]
Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

GROUP = {"astrocytoma": "tumor", "ependymoma": "tumor", "MS": "demyelination",
         "NMOSD": "demyelination", "tumor": "tumor", "demyelination": "demyelination"}  # fmt: skip
KNOWN = (
    "case_id", "participant_id", "split", "age", "sex", "reference_diagnosis", "diagnosis", "found",
    "difficult", "difficulty", "t1c", "mask", "reason", "notice", "warnings", *PLAUSIBLE,
    "volume_difference_mm3", "overlap_fraction", "stage", "error",
    *(f"{name}_{part}" for name in TASKS for part in ("probability", "label", "threshold")),
    *(f"{name}_probability" for name in DIAGNOSES),
)  # fmt: skip
"""Columns that are found whatever their case; those of readers besides."""

_WHAT = "a cohort is a run's folder, or"


@dataclass(frozen=True)
class Cases:
    """Columns of equal length.

    Parameters
    ----------
    columns : mapping of str to (n,) object
        Words, as read; empty where missing.
    n : int
    notes : tuple of str
        What was guessed or ignored when they were read.
    """

    columns: Mapping[str, Words]
    n: int
    notes: tuple[str, ...] = field(default=(), kw_only=True)

    def words(self, name: str) -> Words:
        """Return a column as words; all empty where there is no such column."""
        column = self.columns.get(name)
        return np.full(self.n, "", object) if column is None else column

    def has(self, name: str) -> bool:
        """Whether any case has a value in this column."""
        return bool((self.words(name) != "").any())

    def numbers(self, name: str) -> Float:
        """Return a column as numbers, NaN where missing or implausible (see `unusable`).

        Raises
        ------
        InputError
            A word that is not a number.
        """
        ids = self.words("case_id")
        out = np.full(self.n, math.nan)
        for i, word in enumerate(self.words(name)):
            value = to_number(word, f"column {name}, case {ids[i]}")
            out[i] = value if is_plausible(name, value) else math.nan
        return out

    def unusable(self, unit: str = "patients") -> tuple[str, ...]:
        """Describe unknown words and impossible values, with the number of cases."""
        names = [*(n for n in KINDS if n in self.columns), *self.readers]
        names += [name for name in PLAUSIBLE if name in self.columns]
        return unusable({name: self.words(name).tolist() for name in names}, unit)

    def flags(self, name: str) -> Words:
        """Return a column of truth values as True, False or None.

        Raises
        ------
        InputError
            A word that is none.
        """
        known = {"true": True, "1": True, "1.0": True, "yes": True, "false": False, "0": False,
                 "0.0": False, "no": False, "": None}  # fmt: skip
        words = self.words(name)
        wrong = {word for word in words if word.lower() not in known}
        if wrong:
            raise InputError(f"column {name}: {min(wrong)!r} is neither true nor false")
        return np.array([known[word.lower()] for word in words], object)

    def take(self, keep: Bool | NDArray[np.int64]) -> Cases:
        """Return some of the cases."""
        columns = {name: column[keep] for name, column in self.columns.items()}
        n = int(keep.sum()) if keep.dtype == np.bool_ else keep.size
        return Cases(columns, n, notes=self.notes)

    @property
    def readers(self) -> tuple[str, ...]:
        """Columns with readers' diagnoses."""
        return tuple(c for c in self.columns if c.startswith("reader_") and self.has(c))


@dataclass(frozen=True)
class Question:
    """The cases that truly belong to a task, and what was answered.

    Parameters
    ----------
    name : str
        As in `TASKS`.
    index : (m,) int64
        The cases.
    truth : (m,) bool
        Whether the positive answer is right.
    answered : (m,) bool
        Whether there is an answer.
    answer : (m,) bool
        Whether the positive answer was given; False where there is none.
    probability : (m,) float64
        Probability of the positive answer; NaN if there is none.
    """

    name: str
    index: NDArray[np.int64]
    truth: Bool
    answered: Bool
    answer: Bool
    probability: Float

    @property
    def right(self) -> Bool:
        """Whether the answer is right; False where there is none."""
        return np.asarray(self.answered & (self.answer == self.truth), np.bool_)

    @property
    def scored(self) -> Bool:
        """Whether there is a probability."""
        return ~np.isnan(self.probability)


def ask(cases: Cases, name: str) -> Question:
    """Gather the cases and answers of one task.

    The first task concerns every case with a known diagnosis; the second true tumors, the third
    true demyelination, whatever the first was answered.

    Parameters
    ----------
    cases : Cases
    name : str
        As in `TASKS`.

    Returns
    -------
    Question

    Raises
    ------
    InputError
        An answer that is not one of the task's two; a probability that is not a number in [0, 1].
    """
    task = TASKS[name]
    reference = cases.words("reference_diagnosis")
    if name == "tumor_vs_demyelination":
        truth_words = np.array([GROUP.get(word, "") for word in reference], object)
    else:
        truth_words = reference
    index = np.flatnonzero((truth_words == task.negative) | (truth_words == task.positive))
    label, probability = given_answers(cases.take(index), name)
    return Question(
        name,
        index,
        (truth_words[index] == task.positive).astype(bool),
        (label != "").astype(bool),
        (label == task.positive).astype(bool),
        probability,
    )


def given_answers(cases: Cases, name: str) -> tuple[Words, Float]:
    """Return the answers to a task in words, and the probabilities of the positive one.

    Where a case has no label, its probability is compared with its threshold, or with 0.5.

    Returns
    -------
    label : (n,) object
        Empty where there is no answer.
    probability : (n,) float64

    Raises
    ------
    InputError
        As `ask`.
    """
    task = TASKS[name]
    probability = cases.numbers(f"{name}_probability")
    if ((probability < 0) | (probability > 1)).any():
        raise InputError(f"column {name}_probability contains numbers outside 0 to 1")
    label = cases.words(f"{name}_label")
    wrong = {*label} - {task.negative, task.positive, ""}
    if wrong:
        raise InputError(
            f"column {name}_label: {min(wrong)!r}; expected {task.negative} or {task.positive}"
        )
    threshold = cases.numbers(f"{name}_threshold")
    cut = np.where(np.isnan(threshold), 0.5, threshold)
    computed = np.where(probability >= cut, task.positive, task.negative)
    computed = np.where(np.isnan(probability), "", computed)
    return np.where(label != "", label, computed), probability


def judge_readings(answer: Words, reference: Words, name: str) -> tuple[Bool, Bool]:
    """Judge readers' diagnoses for one task.

    Parameters
    ----------
    answer, reference : (m,) words
        Data of the cases that belong to the task.
    name : str
        As in `TASKS`.

    Returns
    -------
    read, right : (m,) bool
        Whether the reader gave a diagnosis that is known, and whether it answers the task rightly.
        For the second and third task only the very diagnosis does.
    """
    if name == "tumor_vs_demyelination":
        given = np.array([GROUP.get(word, word) for word in answer], object)
        true = np.array([GROUP.get(word, "") for word in reference], object)
    else:
        given, true = answer, reference
    read = np.array([word in SYNONYMS["diagnosis"] for word in answer], bool)
    return read, read & (given == true)


# ---- Reading ----------------------------------------------------------------------------------


def read_cases(
    source: Any,
    *,
    columns: Mapping[str, str] | None = None,
    words: Mapping[str, Mapping[str, str]] | None = None,
    of_run: bool = False,
) -> Cases:
    """Read a table of cases.

    Parameters
    ----------
    source : path, DataFrame, mapping of columns, or rows
        As for `spinalcord.tables.read_table`.
    columns : mapping of str to str, optional
        The table's own name of a column, by the name it has here.
    words : mapping, optional
        Further words for sex and diagnosis; see `spinalcord.tables.Vocabulary`.
    of_run : bool, default False
        Whether it is a table that a run has written, in which quotes are characters.

    Returns
    -------
    Cases

    Raises
    ------
    InputError
        No such file, or it is no table; columns of unequal length; no case_id, or one twice.

    Examples
    --------
    >>> cases = read_cases({"case_id": ["a"], "Sex": ["w"], "reference_diagnosis": ["nmo"]})
    >>> cases.words("sex")[0], cases.words("reference_diagnosis")[0]
    ('F', 'NMOSD')
    """
    table = read_table(source, known=KNOWN, columns=columns, stray_quotes=of_run, what=_WHAT)
    table.need("case_id", hint="; columns= or --columns says which one it is")
    cases = _columns(Vocabulary(words).spell(table))
    ids = cases.words("case_id")
    seen: set[str] = set()
    for row, case in enumerate(ids):
        if not case or case in seen:
            raise InputError(
                f"{table.where(row, 'case_id')}: case_id {case!r} is empty or occurs twice"
            )
        seen.add(case)
    added = {"participant_id": ids} if "participant_id" not in cases.columns else {}
    if "diagnosis" not in cases.columns:
        added["diagnosis"] = _follow_chain(cases)
    return Cases({**cases.columns, **added}, cases.n, notes=cases.notes)


def read_further(path: Path) -> Cases:
    """Read one of a run's further tables; without cases where the file is absent.

    Raises
    ------
    InputError
        The file is no table.
    """
    if not path.exists():
        return Cases({}, 0)
    return _columns(Vocabulary().spell(read_table(path, known=KNOWN, stray_quotes=True)))


def _columns(table: DataTable) -> Cases:
    columns = {}
    for name in table.columns:
        columns[name] = np.empty(len(table.rows), object)
        columns[name][:] = table.column(name)
    return Cases(columns, len(table.rows), notes=table.notes)


def _follow_chain(cases: Cases) -> Words:
    """Return the diagnosis that the answers to the three tasks lead to; empty without them."""
    answers = [given_answers(cases, name)[0] for name in TASKS]
    out = np.full(cases.n, "", object)
    for i, given in enumerate(zip(*answers, strict=True)):
        if all(given):
            out[i] = chain_diagnosis(dict(zip(TASKS, given, strict=True)))
    return out
