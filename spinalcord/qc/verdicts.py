"""Verdicts as the page exports them: a table of case_id, verdict and note, separated by tabs."""

from __future__ import annotations

import csv
import io

from ..errors import InputError

VERDICTS = ("pass", "fail", "artefact")
LEFT_OUT = ("fail", "artefact")
REASON = "quality control: "
"""How the reason of an exclusion begins that comes from a verdict."""

_COLUMNS = ("case_id", "verdict")


def is_verdicts(text: str) -> bool:
    """Say whether a file holds verdicts, by its first line."""
    head = text.partition("\n")[0].strip().split("\t")
    return all(column in head for column in _COLUMNS)


def read_verdicts(text: str, name: str) -> dict[str, tuple[str, str]]:
    """Read verdicts.

    Parameters
    ----------
    text : str
        Of the file.
    name : str
        Of the file, for messages.

    Returns
    -------
    dict
        case_id to verdict (one of `VERDICTS`, or empty) and note.

    Raises
    ------
    InputError
        No such table; a row without case_id, a case twice, or a word that is no verdict.
    """
    rows = csv.DictReader(io.StringIO(text.strip("\n"), newline=""), delimiter="\t")
    if not is_verdicts(text):
        raise InputError(f"{name}: expected verdicts: a table with the columns case_id and verdict")
    verdicts: dict[str, tuple[str, str]] = {}
    for row in rows:
        case_id, verdict = (_clean(row.get(column)) for column in _COLUMNS)
        where = f"{name}: line {rows.line_num}"
        if not case_id:
            raise InputError(f"{where} has no case_id")
        if case_id in verdicts:
            raise InputError(f"{where}: case {case_id} is there twice")
        if verdict.lower() not in ("", *VERDICTS):
            raise InputError(f"{where}: {verdict!r} is none of {', '.join(VERDICTS)}")
        verdicts[case_id] = verdict.lower(), _clean(row.get("note"))
    return verdicts


def left_out(text: str, name: str) -> dict[str, str]:
    """Return case_id to reason for the cases whose verdict leaves them out.

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
    """
    return {
        case_id: REASON + verdict + (f": {note}" if note else "")
        for case_id, (verdict, note) in read_verdicts(text, name).items()
        if verdict in LEFT_OUT
    }


def _clean(value: str | None) -> str:
    text = " ".join((value or "").split())
    return "" if text == "n/a" else text
