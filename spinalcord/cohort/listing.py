"""List the cases of a cohort: the files of each, and the data known about it."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import InputError, SpinalcordWarning
from ..paths import local_path
from ..qc.verdicts import read_exclusions
from ..run_options import CohortInputs
from ..scans.writing import result_stem
from ..tables import DataTable, Vocabulary, read_table
from ..tables.checks import unusable

CARRIED = ("split", "age", "sex")
"""Columns that every table of results has; those of readers and of `carry` follow where given."""

HARMLESS = (*CARRIED, "difficult", "difficulty")
"""Columns that are carried along unasked, with those of readers."""

FILES = ("path", "mask", "t1c", "cord")
COLUMNS = (
    "case_id", *FILES, "series", "participant_id", "group", "site", "diagnosis",
    "reference_diagnosis", *HARMLESS,
)  # fmt: skip
"""Columns that a table of cases may have, found whatever their case; those of readers besides."""

_WHAT = "a cohort is a folder, or"

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
        Folder of the results, relative to the output folder.
    truth : mapping of str to str
        Data of the cohort: split, age, sex, reference_diagnosis, readers' calls.
    cord : str or None
        Cord mask, which training uses.
    group : str
        Group of cases that must stay in one split of a training; empty: the cases of the patient
        alone.
    site : str
        Site of acquisition, by which folds are stratified; empty if unknown.
    """

    case_id: str
    participant_id: str
    path: str
    mask: str | None = None
    t1c: str | None = None
    series: str | None = None
    folder: str = ""
    truth: Mapping[str, str] = field(default_factory=dict)
    cord: str | None = None
    group: str = ""
    site: str = ""

    @property
    def diagnosis(self) -> str:
        """The reference diagnosis; empty if there is none."""
        return self.truth.get("reference_diagnosis", "")

    @property
    def split(self) -> str:
        """The split as spelled in the cohort; empty if it states none."""
        return self.truth.get("split", "")

    @property
    def name(self) -> str:
        """The case_id as a file name of its own."""
        return file_name(self.case_id)

    @property
    def stem(self) -> str:
        """Beginning of the names of its results."""
        return result_stem(self.name)


@dataclass(frozen=True)
class Listing:
    """The cases of a cohort, with those that are excluded.

    Attributes
    ----------
    name : str
        Name of the folder or table, without its path.
    cases : sequence of CohortCase
        In the cohort's order.
    excluded : sequence of (CohortCase, str)
        Excluded on request, with the reason.
    columns : tuple of str
        Columns of `CohortCase.truth` beyond the usual ones, in the cohort's order.
    notes : tuple of str
        What was guessed, ignored or unusable, one sentence each.
    """

    name: str
    cases: Sequence[CohortCase]
    excluded: Sequence[tuple[CohortCase, str]]
    columns: tuple[str, ...]
    notes: tuple[str, ...] = ()


def list_cohort(
    cohort: Any, inputs: CohortInputs | None = None, *, out: Path | None = None
) -> Listing:
    """List the cases of a cohort in any accepted form.

    Parameters
    ----------
    cohort : path, DataFrame or sequence of mappings
        As for `spinalcord.run_cohort`.
    inputs : CohortInputs, optional
        Cases to exclude, files to search for, and interpretation of tables.
    out : Path, optional
        Output folder, which is not part of the cohort.

    Returns
    -------
    Listing

    Warns
    -----
    SpinalcordWarning
        For each of the listing's notes: what was guessed, ignored or unusable.

    Raises
    ------
    InputError
        A URL; unreadable; no case; a duplicate case; a missing required or requested column; an
        exclusion that matches no case.

    Examples
    --------
    >>> list_cohort([{"case_id": "a", "path": "a.nii", "Sex": "w"}]).cases[0].truth
    {'sex': 'F'}
    """
    from . import bids, folders  # which import this module

    inputs = CohortInputs() if inputs is None else inputs
    wanted, masks = tuple(inputs.carry), inputs.masks != "ignore"
    vocabulary = Vocabulary(inputs.words)
    path = local_path(cohort) if isinstance(cohort, (str, os.PathLike)) else None
    name = "table" if path is None else path.resolve().name
    given: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    if path is None or not path.is_dir():
        known = (*COLUMNS, *wanted)
        table = read_table(cohort, known=known, columns=inputs.columns, what=_WHAT)
        folder = Path() if path is None else path.parent
        cases, given = from_table(vocabulary.spell(table), name, folder, wanted)
        notes = table.notes
    elif bids.is_bids(path):
        cases, given, notes = bids.list_bids(path, inputs, out)
    else:
        cases = folders.list_folder(path, masks, out)
    absent = [column for column in wanted if column not in given]
    if absent:
        raise InputError(f"{name} has no column {', '.join(absent)}, which carry= names")
    cases = [_without(case, masks, inputs.t1c) for case in cases]
    _check(cases, name)
    found = _doubts(cases, name)
    for note in found:
        warnings.warn(note, SpinalcordWarning, stacklevel=2)
    if path is not None:  # the name of a folder may be that of a patient
        notes = tuple(note.replace(str(path), path.name) for note in notes)
    kept, excluded = _exclude(cases, inputs.exclude, name)
    if not kept:
        raise InputError(f"{name}: all {len(cases)} cases are excluded")
    own = tuple(c for c in given if c not in CARRIED)
    return Listing(name, kept, excluded, own, (*notes, *found))


def from_table(
    table: DataTable, name: str, folder: Path, wanted: Sequence[str]
) -> tuple[list[CohortCase], tuple[str, ...]]:
    """Convert the rows of a table to cases; see `spinalcord.run_cohort` for its columns.

    Parameters
    ----------
    table : DataTable
        Table with the column names and words that the package uses.
    name : str
        Name of the table, for messages.
    folder : Path
        Relative paths start here.
    wanted : sequence of str
        Further columns to copy.

    Returns
    -------
    cases : list of CohortCase
    columns : tuple of str
        The copied columns.

    Raises
    ------
    InputError
        A required column or value is missing.
    """
    if not table.rows:
        raise InputError(f"{name}: no case in it")
    table.need(
        "case_id",
        "path",
        hint="; a table of cases has case_id and path, and may have mask, t1c, series, "
        "participant_id, diagnosis, age, sex, split and reader_*; columns= or --columns names them",
    )
    columns = carried_columns(table.columns, wanted)
    cases = []
    for number, row in enumerate(table.dicts()):
        for column in ("case_id", "path"):
            if not row[column]:
                raise InputError(f"{table.where(number, column)}: no {column}")
        case_id = row["case_id"]
        files = {key: _resolve(folder, row.get(key)) for key in FILES}
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
                cord=files["cord"],
                group=row.get("group") or "",
                site=row.get("site") or "",
            )
        )
    return cases, columns


def carried_columns(given: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the columns to copy: no others, since they may identify a patient."""
    return tuple(
        column
        for column in given
        if column in HARMLESS or column.startswith("reader_") or column in wanted
    )


def truth(row: Mapping[str, str], columns: Sequence[str]) -> dict[str, str]:
    """Return the data about a case in a row.

    If a table has both, like that of a run, reference_diagnosis is the truth and diagnosis the
    answer.
    """
    known = {column: row[column] for column in columns if row.get(column)}
    column = "reference_diagnosis" if "reference_diagnosis" in row else "diagnosis"
    if row.get(column):
        known["reference_diagnosis"] = row[column]
    return known


def read_rows(path: str | os.PathLike[str]) -> list[dict[str, str]]:
    """Read a table; the old name of `spinalcord.tables.read_table`, until version 0.3."""
    warnings.warn(
        "spinalcord.cohort.listing.read_rows is now spinalcord.tables.read_table; the old name "
        "will be removed in version 0.3",
        DeprecationWarning,
        stacklevel=2,
    )
    return read_table(path).dicts()


def file_name(case_id: str) -> str:
    """Convert a case_id to a file name, with '-' in place of special characters."""
    return re.sub(r"[^\w.+-]+", "-", case_id).strip("-.") or "case"


def _doubts(cases: Sequence[CohortCase], name: str) -> tuple[str, ...]:
    """Return sentences on what cannot be used in the cohort."""
    columns = dict.fromkeys(column for case in cases for column in case.truth)
    found = unusable({c: [case.truth.get(c, "") for case in cases] for c in columns})
    doubts = [f"{name}: {one}" for one in found]
    given: dict[str, set[str]] = {}
    for case in cases:
        given.setdefault(case.participant_id, set()).add(case.diagnosis)
    double = [who for who, words in given.items() if len(words - {""}) > 1]
    if double:
        doubts.append(
            f"{name}: {len(double)} participants have more than one diagnosis: "
            f"{', '.join(double[:5])}"
        )
    return tuple(doubts)


def _resolve(folder: Path, value: str | None) -> str | None:
    return str((folder / value).absolute()) if value else None


def _without(case: CohortCase, masks: bool, t1c: bool) -> CohortCase:
    if (masks or case.mask is None) and (t1c or case.t1c is None):
        return case
    return replace(case, mask=case.mask if masks else None, t1c=case.t1c if t1c else None)


def _check(cases: Sequence[CohortCase], name: str) -> None:
    """Check that ids give distinct file names, also on file systems that ignore case."""
    seen: dict[str, str] = {}
    for case in cases:
        key = case.name.lower()
        if key in seen:
            raise InputError(
                f"{name}: case {case.case_id} occurs twice"
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
