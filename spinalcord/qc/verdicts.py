"""Which cases are left out, and why: by a list, or by verdicts as the page exports them."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..errors import InputError

VERDICTS = ("pass", "fail", "artefact")
LEFT_OUT = ("fail", "artefact")
REASON = "quality control: "
"""How the reason of an exclusion begins that comes from a verdict."""

_ON_REQUEST = "excluded on request"
_COLUMNS = ("case_id", "verdict")


def read_exclusions(
    exclude: str | os.PathLike[str] | Mapping[str, str] | Iterable[str] | None,
) -> dict[str, str]:
    """Say which cases are to be left out.

    Parameters
    ----------
    exclude : path, mapping or iterable of str, optional
        A file with verdicts, or with one case_id or participant_id a line and the reason after a
        tab; such ids with reasons; or such ids.

    Returns
    -------
    dict
        case_id or participant_id to reason.

    Raises
    ------
    InputError
        The file cannot be read, or holds a verdict that cannot be meant.
    """
    if exclude is None:
        return {}
    if isinstance(exclude, Mapping):
        return {str(key): str(value) for key, value in exclude.items()}
    if not isinstance(exclude, (str, os.PathLike)):
        return {str(entry): _ON_REQUEST for entry in exclude}
    try:
        text = Path(exclude).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "no UTF-8 text"
        raise InputError(f"{exclude}: the list of exclusions cannot be read: {why}") from error
    if is_verdicts(text):
        return left_out(text, str(exclude))
    reasons = {}
    for line in text.splitlines():
        entry, _, reason = line.partition("#")[0].strip().partition("\t")
        if entry:
            reasons[entry.strip()] = reason.strip() or _ON_REQUEST
    return reasons


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
