"""Table 1 by medians and categories: rank tests, exact tests, standardised differences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from ..errors import InputError
from ..stats import exact_table_p, kruskal_wallis, standardised_difference
from ..stats.estimate import decimal
from .cases import Bool, Cases, Float, Words
from .demographics import diagnosis_groups
from .table import Table

_NUMBERS = {"age": ("age, years", 1.0), "n_lesions": ("lesions", 1.0)}
_MOST = 12  # categories of a column


def characteristics(
    cases: Cases,
    *,
    own: Sequence[str] = (),
    level: float = 0.95,
    notes: Sequence[str] = (),
) -> Table:
    """Describe age, sex, lesions and columns of the cohort's own, by diagnosis.

    Parameters
    ----------
    cases, notes
        As in `table1`.
    own : sequence of str
        Columns to describe besides: numbers by median and quartiles, words by counts.
    level : float, default 0.95
        Not used: medians and counts are given without interval here; `table1` has intervals.

    Returns
    -------
    Table
        A row per number, and per category of a column of words; p by Kruskal-Wallis or the exact
        test of Freeman and Halton; the largest standardised difference of two diagnoses.

    Raises
    ------
    InputError
        No such column; words of more than 12 kinds.
    """
    groups = diagnosis_groups(cases)
    rows: list[dict[str, Any]] = []
    for name, (label, unit) in _NUMBERS.items():
        if cases.has(name):
            rows.append(_number(label, cases.numbers(name) * unit, groups))
    if cases.has("lesion_volume_mm3"):
        rows.append(_number("lesion volume, mL", cases.numbers("lesion_volume_mm3") / 1e3, groups))
    if cases.has("sex"):
        rows += _categories("sex", cases.words("sex"), groups)
    for name in own:
        if not cases.has(name):
            raise InputError(f"no column {name!r} to describe")
        rows += _own(cases, name, groups)
    columns = ("characteristic", *groups, "p", "test", "largest SMD")
    return Table(
        "characteristics",
        "Patients by medians and categories",
        columns,
        tuple({**dict.fromkeys(columns, ""), **row} for row in rows),
        columns,
        (
            *notes,
            "numbers: median (lower quartile to upper quartile); categories: n (% of the known)",
            "p: of all diagnoses together, not adjusted; SMD: standardised difference of the two "
            "diagnoses that are furthest apart, above 0.1 often called unbalanced",
        ),
    )


def _own(cases: Cases, name: str, groups: Mapping[str, Bool]) -> list[dict[str, Any]]:
    words = cases.words(name)
    try:
        numbers: Float | None = cases.numbers(name)
    except InputError:
        numbers = None
    kinds = {*words} - {""}
    # A number with few values, such as field strength, is a category.
    if numbers is not None and len(kinds) > 5:
        return [_number(name.replace("_", " "), numbers, groups)]
    if len(kinds) > _MOST:
        raise InputError(f"column {name} has {len(kinds)} words; expected {_MOST} at most")
    return _categories(name.replace("_", " "), words, groups)


def _number(label: str, values: Float, groups: Mapping[str, Bool]) -> dict[str, Any]:
    parts = {name: values[own & ~np.isnan(values)] for name, own in groups.items()}
    row: dict[str, Any] = {"characteristic": label}
    for name, own in groups.items():
        known = parts[name]
        missing = int(own.sum()) - known.size
        row[name] = _quartiles(known) + (f"; {missing} missing" if missing else "")
    named = {name: x for name, x in parts.items() if name != "all" and x.size}
    test = kruskal_wallis(named)
    row |= {"p": test.p, "test": test.method if not math.isnan(test.p) else test.reason}
    row["largest SMD"] = _largest(list(named.values()))
    return row


def _quartiles(x: Float) -> str:
    if not x.size:
        return "–"
    low, middle, high = (decimal(float(q), 1) for q in np.quantile(x, [0.25, 0.5, 0.75]))
    return f"{middle} ({low} to {high})"


def _categories(label: str, words: Words, groups: Mapping[str, Bool]) -> list[dict[str, Any]]:
    kinds = sorted({*words} - {""})
    named = {name: own for name, own in groups.items() if name != "all"}
    table = [[int((words[own] == kind).sum()) for own in named.values()] for kind in kinds]
    first: dict[str, Any] = {"characteristic": label, "p": math.nan, "test": "one category only"}
    if len(kinds) > 1 and len(named) > 1:
        first["p"], first["test"] = exact_table_p(table)
    known = [words[own & (words != "")] for own in named.values()]
    first["largest SMD"] = _largest([list(part) for part in known if part.size])
    missing = {name: int((words[own] == "").sum()) for name, own in groups.items()}
    for name in groups:
        first[name] = f"{missing[name]} missing" if missing[name] else ""
    rows = [first]
    for kind in kinds:
        row: dict[str, Any] = {"characteristic": f"{label}: {kind}", "p": math.nan}
        for name, own in groups.items():
            k, n = int((words[own] == kind).sum()), int((words[own] != "").sum())
            row[name] = f"{k} ({decimal(100 * k / n, 0)} %)" if n else "–"
        rows.append(row)
    return rows


def _largest(parts: Sequence[Any]) -> float:
    sizes = [abs(standardised_difference(a, b)) for a, b in combinations(parts, 2)]
    known = [size for size in sizes if not math.isnan(size)]
    return max(known, default=math.nan)
