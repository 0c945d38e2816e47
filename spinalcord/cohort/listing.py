"""The cases of a cohort: what each one's files are, and what is known about it."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..qc.verdicts import read_exclusions
from ..scans.writing import result_stem
from ..tasks import DIAGNOSES

CARRIED = ("split", "age", "sex")
"""Columns that every table of results has; those of readers and of `carry` follow where given."""

HARMLESS = (*CARRIED, "difficult", "difficulty")
"""Columns that are carried along unasked, with those of readers."""

MASK_USES = ("compare", "use", "ignore")
MISSING = frozenset(("", "n/a", "na", "nan", "none", "null"))

_RESERVED = frozenset(
    ("cases.tsv", "lesions.tsv", "slices.tsv", "failures.tsv", "excluded.tsv",
     "dataset_description.json", "report.html", "report", "qc.html", "qc")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CohortCase:
    """One scan of a cohort.

    Attributes
    ----------
    case_id : str
        Unique within the cohort.
    participant_id : str
        The patient.
    path : str
        The scan: a file, or a DICOM folder.
    mask, t1c, series : str or None
        Lesion mask, contrast-enhanced T1w, SeriesInstanceUID.
    folder : str
        Where results go, relative to the output folder.
    truth : mapping of str to str
        What the cohort says of it: split, age, sex, reference_diagnosis, readers' calls.
    """

    case_id: str
    participant_id: str
    path: str
    mask: str | None = None
    t1c: str | None = None
    series: str | None = None
    folder: str = ""
    truth: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The case_id as a file name of its own."""
        return file_name(self.case_id)

    @property
    def stem(self) -> str:
        """How the names of its results begin."""
        return result_stem(self.name)


@dataclass(frozen=True)
class Listing:
    """A cohort as it is to be run.

    Attributes
    ----------
    name : str
        Of the folder or table, without its path.
    cases : sequence of CohortCase
        In the cohort's order.
    excluded : sequence of (CohortCase, str)
        Left out on request, with the reason.
    columns : tuple of str
        Of `CohortCase.truth` beyond the usual ones, in the cohort's order.
    """

    name: str
    cases: Sequence[CohortCase]
    excluded: Sequence[tuple[CohortCase, str]]
    columns: tuple[str, ...]


def list_cohort(
    cohort: Any,
    *,
    masks: str = "compare",
    t1c: bool = True,
    exclude: Any = None,
    carry: Iterable[str] = (),
    out: Path | None = None,
) -> Listing:
    """List the cases of a cohort in any accepted form.

    Parameters
    ----------
    cohort : path, DataFrame or sequence of mappings
        As for `spinalcord.run_cohort`.
    masks : {"compare", "use", "ignore"}
        Whether masks are looked for.
    t1c : bool
        Whether contrast-enhanced scans are looked for.
    exclude : path, mapping or iterable of str, optional
        As for `spinalcord.run_cohort`.
    carry : iterable of str
        Further columns to carry along.
    out : Path, optional
        Output folder, which is no part of the cohort.

    Returns
    -------
    Listing

    Raises
    ------
    InputError
        Unreadable; no case in it; a case twice; a required column or a named one missing; an
        exclusion that fits no case.
    """
    from . import bids, folders

    if masks not in MASK_USES:
        raise InputError(f"masks is {', '.join(MASK_USES)}, got {masks!r}")
    wanted = tuple(dict.fromkeys(carry))
    if isinstance(cohort, (str, os.PathLike)):
        path = Path(cohort)
        name = path.resolve().name
        if path.is_dir():
            if bids.is_bids(path):
                cases, given = bids.list_bids(path, wanted, masks != "ignore", t1c, out)
            else:
                cases, given = folders.list_folder(path, masks != "ignore", out), ()
        else:
            cases, given = from_rows(read_rows(path), name, path.parent, wanted)
    else:
        name = "table"
        cases, given = from_rows(_rows_of(cohort), name, Path(), wanted)
    absent = [column for column in wanted if column not in given]
    if absent:
        raise InputError(f"{name} has no column {', '.join(absent)}, which carry= names")
    cases = [_without(case, masks != "ignore", t1c) for case in cases]
    _check(cases, name)
    kept, excluded = _exclude(cases, exclude, name)
    if not kept:
        raise InputError(f"{name}: all {len(cases)} cases are excluded")
    return Listing(name, kept, excluded, tuple(c for c in given if c not in CARRIED))


def from_rows(
    rows: Iterable[Mapping[str, Any]], name: str, folder: Path, wanted: Sequence[str]
) -> tuple[list[CohortCase], tuple[str, ...]]:
    """Make cases of the rows of a table; see `spinalcord.run_cohort` for its columns.

    Parameters
    ----------
    rows : iterable of mapping
        Column to value.
    name : str
        Of the table, for messages.
    folder : Path
        Relative paths start here.
    wanted : sequence of str
        Further columns to carry along.

    Returns
    -------
    cases : list of CohortCase
    columns : tuple of str
        Those carried along.

    Raises
    ------
    InputError
        A required column or value is missing.
    """
    cases = []
    columns: tuple[str, ...] = ()
    for number, raw in enumerate(rows, 1):
        row = {str(key).strip(): clean(value) for key, value in raw.items() if key is not None}
        if number == 1:
            missing = [column for column in ("case_id", "path") if column not in row]
            if missing:
                raise InputError(
                    f"{name}: no column {' and '.join(missing)}; a table of cases has case_id and "
                    "path, and may have mask, t1c, series, participant_id, diagnosis, age, sex, "
                    "split and reader_*"
                )
            columns = carried_columns(row, wanted)
        if not row.get("case_id") or not row.get("path"):
            raise InputError(f"{name}: row {number} has no case_id or no path")
        case_id = row["case_id"]
        files = {key: _resolve(folder, row.get(key)) for key in ("path", "mask", "t1c")}
        cases.append(
            CohortCase(
                case_id=case_id,
                participant_id=row.get("participant_id") or case_id,
                path=files["path"] or "",
                mask=files["mask"],
                t1c=files["t1c"],
                series=row.get("series") or None,
                folder=file_name(case_id),
                truth=truth(row, columns),
            )
        )
    if not cases:
        raise InputError(f"{name}: no case in it")
    return cases, columns


def carried_columns(row: Mapping[str, Any], wanted: Sequence[str]) -> tuple[str, ...]:
    """Say which columns are carried along: no others, since they may identify a patient."""
    return tuple(
        column
        for column in row
        if column in HARMLESS or column.startswith("reader_") or column in wanted
    )


def truth(row: Mapping[str, str], columns: Sequence[str]) -> dict[str, str]:
    """Take from a row what is known about a case."""
    known = {column: row[column] for column in columns if row.get(column)}
    if row.get("diagnosis"):
        given = row["diagnosis"]
        spelling = {name.lower(): name for name in DIAGNOSES}
        known["reference_diagnosis"] = spelling.get(given.lower(), given)
    return known


def clean(value: Any) -> str:
    """Return a table's value as text; empty where it is missing."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # pandas makes floats of whole numbers beside missing ones
    text = "" if value is None else str(value).strip()
    return "" if text.lower() in MISSING else text


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a CSV or TSV file with a header.

    Raises
    ------
    InputError
        No such file, unreadable, no text, or rows longer than the header.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected a table in UTF-8 (CSV or TSV), or a folder") from error
    head = text.partition("\n")[0]
    mark = max("\t;,", key=head.count)
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=mark))
    for number, row in enumerate(rows, 2):
        if None in row:
            raise InputError(f"{path}: line {number} has more values than the header has columns")
    return rows


def file_name(case_id: str) -> str:
    """Turn a case_id into a file name: what is awkward becomes '-'."""
    return re.sub(r"[^\w.+-]+", "-", case_id).strip("-.") or "case"


def _rows_of(table: Any) -> list[Mapping[str, Any]]:
    if hasattr(table, "to_dict") and hasattr(table, "columns"):
        table = table.to_dict("records")
    rows = list(table) if isinstance(table, Iterable) else []
    if not rows or not all(isinstance(row, Mapping) for row in rows):
        raise InputError(
            f"a cohort is a folder, a CSV or TSV file, a DataFrame or a list of dicts, got "
            f"{type(table).__name__}{' without rows' if not rows else ''}"
        )
    return rows


def _resolve(folder: Path, value: str | None) -> str | None:
    return str((folder / value).absolute()) if value else None


def _without(case: CohortCase, masks: bool, t1c: bool) -> CohortCase:
    from dataclasses import replace

    if (masks or case.mask is None) and (t1c or case.t1c is None):
        return case
    return replace(case, mask=case.mask if masks else None, t1c=case.t1c if t1c else None)


def _check(cases: Sequence[CohortCase], name: str) -> None:
    """Refuse ids that are no file names of their own, also where upper case is lower case."""
    seen: dict[str, str] = {}
    for case in cases:
        key = case.name.lower()
        if key in seen:
            raise InputError(
                f"{name}: case {case.case_id} is there twice"
                if seen[key] == case.case_id
                else f"{name}: cases {seen[key]} and {case.case_id} would have the same file names"
            )
        if key in _RESERVED or len(key.encode()) > 150:
            raise InputError(f"{name}: {case.case_id} cannot be a case_id: it names a folder")
        seen[key] = case.case_id


def _exclude(
    cases: Sequence[CohortCase], exclude: Any, name: str
) -> tuple[list[CohortCase], list[tuple[CohortCase, str]]]:
    reasons = read_exclusions(exclude)
    known = {case.case_id for case in cases} | {case.participant_id for case in cases}
    unknown = [entry for entry in reasons if entry not in known]
    if unknown:
        raise InputError(f"{name} has no case {', '.join(unknown[:10])}, which exclude= names")
    kept, excluded = [], []
    for case in cases:
        reason = reasons.get(case.case_id, reasons.get(case.participant_id))
        if reason is None:
            kept.append(case)
        else:
            excluded.append((case, reason))
    return kept, excluded
