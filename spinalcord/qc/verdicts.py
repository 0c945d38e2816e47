"""Read excluded cases and reasons from a list, or from the verdicts that the page exports."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from ..errors import InputError
from ..paths import local_path
from ..tables import DataTable, parse_table, read_table
from ..tables.parsing import find_separator, split_rows
from ..tables.reading import read_bytes, read_text
from ..tables.spreadsheets import is_spreadsheet

VERDICTS = ("pass", "fail", "artefact")
EXCLUDED = ("fail", "artefact")
REASON = "quality control: "
"""Beginning of the reason for an exclusion by a verdict."""

_ON_REQUEST = "excluded on request"
_COLUMNS = ("case_id", "verdict")
_IDS = ("case_id", "participant_id")
_KNOWN = (*_IDS, "verdict", "note", "reason")


def read_exclusions(
    exclude: str | os.PathLike[str] | Mapping[str, str] | Iterable[str] | None,
) -> dict[str, str]:
    """Return the cases to exclude, with the reasons.

    Parameters
    ----------
    exclude : path, mapping or iterable of str, optional
        A table with verdicts, or with a column case_id or participant_id and maybe reason; a file
        without header, with one such id a line and the reason after a tab (what follows ``#`` is a
        comment); such ids with reasons; or such ids.

    Returns
    -------
    dict
        case_id or participant_id to reason.

    Raises
    ------
    InputError
        A URL; the file cannot be read, or contains an unknown verdict.

    Examples
    --------
    >>> read_exclusions({"sub-01": "moved"})
    {'sub-01': 'moved'}
    """
    if exclude is None:
        return {}
    if isinstance(exclude, Mapping):
        return {str(key): str(value) for key, value in exclude.items()}
    if not isinstance(exclude, (str, os.PathLike)):
        return {str(entry): _ON_REQUEST for entry in exclude}
    path, name = local_path(exclude), str(exclude)
    if is_spreadsheet(read_bytes(path), path):
        return _of_table(read_table(path, known=_KNOWN))
    text = read_text(path)
    if any(column in _header(text) for column in _IDS):
        return _of_table(parse_table(text, name, known=_KNOWN, optional=("note", "reason")))
    lines = "\n".join(line.partition("#")[0] for line in text.split("\n"))
    reasons = {}
    for row in split_rows(lines, "\t", name):
        entry, *rest = row.cells
        reasons[entry] = " ".join(rest).strip() or _ON_REQUEST
    return reasons


def is_verdicts(text: str) -> bool:
    r"""Return whether a file contains verdicts, by its first line.

    Examples
    --------
    >>> is_verdicts("Case_ID;Verdict\nsub-01;pass")
    True
    """
    return all(column in _header(text) for column in _COLUMNS)


def read_verdicts(text: str, name: str) -> dict[str, tuple[str, str]]:
    r"""Read verdicts.

    Parameters
    ----------
    text : str
        Contents of the file.
    name : str
        Name of the file, for messages.

    Returns
    -------
    dict
        case_id to verdict (one of `VERDICTS`, or empty) and note.

    Raises
    ------
    InputError
        Not such a table; a row without case_id, a duplicate case, or an unknown verdict.

    Examples
    --------
    >>> read_verdicts("case_id\tverdict\tnote\nsub-01\tfail\tmoved", "verdicts.tsv")
    {'sub-01': ('fail', 'moved')}
    """
    if not is_verdicts(text):
        raise InputError(f"{name}: expected verdicts: a table with the columns case_id and verdict")
    return _verdicts(parse_table(text, name, known=_KNOWN, optional=("note",)))


def excluded_cases(text: str, name: str) -> dict[str, str]:
    r"""Return the cases that are excluded by their verdicts, with reasons.

    Parameters
    ----------
    text, name : str
        As for `read_verdicts`.

    Returns
    -------
    dict

    Raises
    ------
    InputError
        As for `read_verdicts`.

    Examples
    --------
    >>> excluded_cases("case_id\tverdict\nsub-01\tfail\nsub-02\tpass", "verdicts.tsv")
    {'sub-01': 'quality control: fail'}
    """
    return _reasons(read_verdicts(text, name))


def _header(text: str) -> list[str]:
    """Return the names in a text's first row, in lower case."""
    text = text.lstrip("\ufeff\n")
    first = text.partition("\n")[0]
    rows = split_rows(first, find_separator(text), "the first line", stray_quotes=True)
    return [cell.casefold() for cell in rows[0].cells] if rows else []


def _verdicts(table: DataTable) -> dict[str, tuple[str, str]]:
    verdicts: dict[str, tuple[str, str]] = {}
    for number, row in enumerate(table.dicts()):
        case_id, verdict = (_clean(row[column]) for column in _COLUMNS)
        where = table.where(number)
        if not case_id:
            raise InputError(f"{where} has no case_id")
        if case_id in verdicts:
            raise InputError(f"{where}: case {case_id} occurs twice")
        if verdict.lower() not in ("", *VERDICTS):
            raise InputError(f"{where}: {verdict!r} is none of {', '.join(VERDICTS)}")
        verdicts[case_id] = verdict.lower(), _clean(row.get("note", ""))
    return verdicts


def _of_table(table: DataTable) -> dict[str, str]:
    """Return the cases that a table of verdicts or of cases excludes."""
    if "verdict" in table.columns and "case_id" in table.columns:
        return _reasons(_verdicts(table))
    column = next((name for name in _IDS if name in table.columns), None)
    if column is None:
        table.need("case_id", hint="; a table of exclusions has case_id or participant_id")
    reasons = {}
    for number, row in enumerate(table.dicts()):
        if not row[column or ""]:
            raise InputError(f"{table.where(number, column)}: no {column}")
        reasons[row[column or ""]] = _clean(row.get("reason", "")) or _ON_REQUEST
    return reasons


def _reasons(verdicts: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    return {
        case_id: REASON + verdict + (f": {note}" if note else "")
        for case_id, (verdict, note) in verdicts.items()
        if verdict in EXCLUDED
    }


def _clean(value: str) -> str:
    return " ".join(value.split())
