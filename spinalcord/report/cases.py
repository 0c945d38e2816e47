"""The cases of a cohort: columns read from a run's folder, a file or a DataFrame.

The columns are those of a run's ``cases.tsv`` (docs/cohort.md). What is missing is the empty
string in words and NaN in numbers.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..tasks import DIAGNOSES, TASKS, chain_diagnosis

Words = NDArray[np.object_]
Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

GROUP = {"astrocytoma": "tumor", "ependymoma": "tumor", "MS": "demyelination",
         "NMOSD": "demyelination", "tumor": "tumor", "demyelination": "demyelination"}  # fmt: skip
_MISSING = frozenset(("", "n/a", "N/A", "NA", "nan", "NaN", "None", "<NA>", "null"))
_SPELLING = {name.lower(): name for name in (*DIAGNOSES, "tumor", "demyelination")}
_DIAGNOSIS_COLUMNS = ("reference_diagnosis", "diagnosis")


@dataclass(frozen=True)
class Cases:
    """Columns of equal length.

    Parameters
    ----------
    columns : mapping of str to (n,) object
        Words, as read; empty where missing.
    n : int
    """

    columns: Mapping[str, Words]
    n: int

    def words(self, name: str) -> Words:
        """Return a column as words; all empty where there is no such column."""
        column = self.columns.get(name)
        return np.full(self.n, "", object) if column is None else column

    def has(self, name: str) -> bool:
        """Whether any case has a value in this column."""
        return bool((self.words(name) != "").any())

    def numbers(self, name: str) -> Float:
        """Return a column as numbers, NaN where missing.

        Raises
        ------
        InputError
            A word that is no number.
        """
        out = np.full(self.n, math.nan)
        for i, word in enumerate(self.words(name)):
            if word != "":
                try:
                    out[i] = float(word)
                except ValueError as error:
                    raise InputError(
                        f"column {name}, case {self.words('case_id')[i]}: {word!r} is no number"
                    ) from error
        return out

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
        return Cases(columns, n)

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
        Which cases.
    truth : (m,) bool
        Whether the positive answer is right.
    answered : (m,) bool
        Whether there is an answer.
    answer : (m,) bool
        Whether the positive answer was given; False where there is none.
    probability : (m,) float64
        Of the positive answer; NaN where there is none.
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
        An answer that is none of the task's two; a probability that is no number or outside 0 to 1.
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
        raise InputError(f"column {name}_probability holds numbers outside 0 to 1")
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


def read_answers(answer: Words, reference: Words, name: str) -> tuple[Bool, Bool]:
    """Judge readers' diagnoses for one task.

    Parameters
    ----------
    answer, reference : (m,) words
        Of the cases that belong to the task.
    name : str
        As in `TASKS`.

    Returns
    -------
    read, right : (m,) bool
        Whether the reader gave a diagnosis, and whether it answers the task rightly. For the second
        and third task only the very diagnosis does.
    """
    if name == "tumor_vs_demyelination":
        given = np.array([GROUP.get(word, word) for word in answer], object)
        true = np.array([GROUP.get(word, "") for word in reference], object)
    else:
        given, true = answer, reference
    read = answer != ""
    return read, read & (given == true)


# ---- Reading ----------------------------------------------------------------------------------


def read_cases(source: Any, *, columns: Mapping[str, str] | None = None) -> Cases:
    """Read a table of cases.

    Parameters
    ----------
    source : path, DataFrame, mapping of columns, or rows
        A file ending in .csv is separated by commas, any other by tabs.
    columns : mapping of str to str, optional
        The table's own name of a column, by the name it has here.

    Returns
    -------
    Cases

    Raises
    ------
    InputError
        No such file, or it is no table; columns of unequal length; no case_id, or one twice.
    """
    if isinstance(source, (str, os.PathLike)):
        table = _read_file(Path(source))
    elif isinstance(source, Mapping):
        table = {str(name): list(values) for name, values in source.items()}
    elif hasattr(source, "columns") and hasattr(source, "to_dict"):
        table = {str(name): list(source[name]) for name in source.columns}
    elif isinstance(source, Iterable):
        table = _from_rows(source)
    else:
        raise InputError(
            f"a cohort from {type(source).__name__}; expected a run's folder, a CSV or TSV file, "
            "a DataFrame, a mapping of columns or rows"
        )
    for here, there in (columns or {}).items():
        if there not in table:
            raise InputError(f"no column {there!r} to be read as {here}")
        table[here] = table.pop(there)
    return _checked(table)


def read_columns(path: Path) -> Cases:
    """Read one of a run's further tables; without cases where the file is absent.

    Raises
    ------
    InputError
        The file is no table.
    """
    table = _read_file(path) if path.exists() else {}
    n = len(next(iter(table.values()), ()))
    return Cases({name: _words(values) for name, values in table.items()}, n)


def _read_file(path: Path) -> dict[str, list[Any]]:
    comma = path.suffix.lower() == ".csv"
    # A run's tables know no quotes: tabs within a text have become spaces.
    options: dict[str, Any] = {} if comma else {"delimiter": "\t", "quoting": csv.QUOTE_NONE}
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, **options)
            header = next(reader, [])
            table: dict[str, list[Any]] = {name.strip(): [] for name in header}
            if len(table) != len(header) or not header:
                raise InputError(f"{path}: no header, or a column twice")
            for number, row in enumerate(reader, 2):
                if not row:
                    continue
                if len(row) != len(header):
                    raise InputError(
                        f"{path}, line {number}: {len(row)} cells; expected {len(header)}"
                    )
                for column, cell in zip(table.values(), row, strict=True):
                    column.append(cell)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{path}: cannot be read as a table: {reason}") from error
    return table


def _from_rows(rows: Iterable[Any]) -> dict[str, list[Any]]:
    rows = list(rows)
    if not all(isinstance(row, Mapping) for row in rows):
        raise InputError("rows of a cohort must be mappings of column to value")
    names = dict.fromkeys(str(name) for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _checked(table: dict[str, list[Any]]) -> Cases:
    lengths = {len(values) for values in table.values()}
    if len(lengths) > 1:
        raise InputError(f"columns of {min(lengths)} to {max(lengths)} cases; expected equal ones")
    if "case_id" not in table:
        raise InputError(f"no column case_id among {', '.join(table) or 'none'}")
    columns = {name: _words(values) for name, values in table.items()}
    n = lengths.pop()
    ids = columns["case_id"]
    seen: set[str] = {""}
    for case in ids:
        if case in seen:
            raise InputError(f"case_id {case!r} is empty or occurs twice")
        seen.add(case)
    for name in columns:
        if name in _DIAGNOSIS_COLUMNS or name.startswith("reader_"):
            spelt = [_SPELLING.get(word.lower(), word) for word in columns[name]]
            columns[name] = np.array(spelt, object)
    columns.setdefault("participant_id", ids)
    cases = Cases(columns, n)
    if "diagnosis" not in columns:
        columns["diagnosis"] = _follow_chain(cases)
    return cases


def _follow_chain(cases: Cases) -> Words:
    """Return the diagnosis that the answers to the three tasks lead to; empty without them."""
    answers = [given_answers(cases, name)[0] for name in TASKS]
    out = np.full(cases.n, "", object)
    for i, given in enumerate(zip(*answers, strict=True)):
        if all(given):
            out[i] = chain_diagnosis(dict(zip(TASKS, given, strict=True)))
    return out


def _words(values: Iterable[Any]) -> Words:
    words = ["" if value is None else str(value).strip() for value in values]
    out = np.empty(len(words), object)
    out[:] = ["" if word in _MISSING else word for word in words]
    return out
