"""Read tables from files of every kind, DataFrames, mappings and rows.

``docs/tables.md`` describes the formats.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import InputError, SpinalcordWarning
from ..paths import local_path
from .cells import cell_text
from .data_table import DataTable, make_table
from .parsing import Row, decode, find_separator, split_rows
from .spreadsheets import is_spreadsheet, read_spreadsheet

KINDS = (
    "a table (a CSV, TSV, xlsx or sav file, a DataFrame, a mapping of columns, or a list of dicts)"
)


def read_table(
    source: Any,
    *,
    known: Iterable[str] = (),
    columns: Mapping[str, str] | None = None,
    optional: Sequence[str] = (),
    stray_quotes: bool = False,
    what: str = "expected",
) -> DataTable:
    """Read a table.

    Parameters
    ----------
    source : path, DataFrame, mapping of columns, or rows
        A file of text with a header (comma, semicolon or tab, found by content; UTF-8, UTF-16
        or cp1252), an Excel workbook (.xlsx), SPSS data (.sav) or R data (.rds, .RData).
    known : iterable of str
        Names of columns that are matched without regard to case.
    columns : mapping of str to str, optional
        Name of a column in the table by its new name: ``{"age": "Alter"}``.
    optional : sequence of str
        Columns whose cells may be omitted at the end of a row.
    stray_quotes : bool, default False
        Whether an unclosed quote is an ordinary character, as in the tables that a run writes.
    what : str
        Beginning of messages that state what was expected.

    Returns
    -------
    DataTable

    Warns
    -----
    SpinalcordWarning
        Something was guessed or ignored, such as the encoding; also in ``notes``.

    Raises
    ------
    InputError
        A URL, no such file, no text, no header, a column twice or missing, a row with more or fewer
        cells than the header, a quote that is not closed; file, line and column are named.
    ImportError
        A workbook, SPSS or R file without the extra `tables`.

    Examples
    --------
    >>> read_table([{"case_id": "a", "AGE": 41.0}, {"case_id": "b"}], known=["age"]).dicts()
    [{'case_id': 'a', 'age': '41'}, {'case_id': 'b', 'age': ''}]
    """
    if isinstance(source, (str, os.PathLike)):
        table = _read_file(local_path(source), optional, stray_quotes)
    else:
        table = _from_memory(source, what)
    return _said(table.renamed(known, columns))


def parse_table(
    text: str,
    name: str,
    *,
    known: Iterable[str] = (),
    optional: Sequence[str] = (),
    stray_quotes: bool = False,
) -> DataTable:
    r"""Read a table from text.

    Parameters
    ----------
    text : str
        With a header.
    name : str
        Name of the table, for messages.
    known, optional, stray_quotes
        As for `read_table`.

    Returns
    -------
    DataTable

    Raises
    ------
    InputError
        As `read_table`.

    Examples
    --------
    >>> parse_table("case_id;Age\na;30,5\n", "x.csv", known=["age"]).dicts()
    [{'case_id': 'a', 'age': '30.5'}]
    """
    table = _from_text(text.removeprefix("\ufeff"), name, (), optional, stray_quotes)
    return _said(table.renamed(known))


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Read the bytes of a file.

    Raises
    ------
    InputError
        It cannot be read.

    Examples
    --------
    >>> n = Path("cohort.csv").write_bytes(b"case_id,age")
    >>> read_bytes("cohort.csv")
    b'case_id,age'
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def read_text(path: str | os.PathLike[str]) -> str:
    r"""Read a text file, with ``\n`` as line ends; says what it guessed about the encoding.

    Parameters
    ----------
    path : path
        UTF-8, UTF-16 or cp1252.

    Returns
    -------
    str

    Warns
    -----
    SpinalcordWarning
        The encoding is a guess.

    Raises
    ------
    InputError
        It cannot be read, or is not text.

    Examples
    --------
    >>> n = Path("excluded.txt").write_bytes(b"sub-01\r\nsub-02")
    >>> read_text("excluded.txt")
    'sub-01\nsub-02'
    """
    text, guess = decode(read_bytes(path), str(path))
    if guess:
        warnings.warn(guess, SpinalcordWarning, stacklevel=2)
    return text


def _said(table: DataTable) -> DataTable:
    for note in table.notes:
        warnings.warn(note, SpinalcordWarning, stacklevel=3)
    return table


def _read_file(path: Path, optional: Sequence[str], stray_quotes: bool) -> DataTable:
    raw = read_bytes(path)
    if is_spreadsheet(raw, path):
        return read_spreadsheet(path, optional)
    text, guess = decode(raw, str(path))
    return _from_text(text, str(path), (guess,) if guess else (), optional, stray_quotes)


def _from_text(
    text: str, name: str, notes: Sequence[str], optional: Sequence[str], stray_quotes: bool
) -> DataTable:
    mark = find_separator(text)
    rows = split_rows(text, mark, name, stray_quotes=stray_quotes)
    header: tuple[str, ...] = rows[0].cells if rows else ()
    return make_table(name, header, rows[1:], notes, optional=optional, comma=mark == ";")


def _from_memory(source: Any, what: str) -> DataTable:
    if hasattr(source, "columns") and hasattr(source, "to_dict"):
        return from_frame(source, "the table")
    if isinstance(source, Mapping):
        lengths = {len(values) for values in source.values()}
        if len(lengths) > 1:
            raise InputError(
                f"columns of {min(lengths)} to {max(lengths)} cases; expected equal ones"
            )
        return _from_columns(
            [str(name) for name in source], [list(v) for v in source.values()], "the table"
        )
    rows = list(source) if isinstance(source, Iterable) else []
    if not rows:
        empty = " without rows" if isinstance(source, Iterable) else ""
        raise InputError(f"{what} {KINDS}, got {type(source).__name__}{empty}")
    if not all(isinstance(row, Mapping) for row in rows):
        raise InputError(f"{what} {KINDS}; its rows must be mappings of column to value")
    names = list(dict.fromkeys(name for row in rows for name in row))
    return _from_columns(
        [str(name) for name in names], [[row.get(n) for row in rows] for n in names], "the table"
    )


def from_frame(frame: Any, name: str) -> DataTable:
    """Create a table from a pandas DataFrame; see `read_table`.

    Parameters
    ----------
    frame : pandas.DataFrame
    name : str
        Name of the table, for messages.

    Returns
    -------
    DataTable

    Raises
    ------
    InputError
        A column twice.

    Examples
    --------
    >>> import pandas
    >>> from_frame(pandas.DataFrame({"age": [41.5]}), "x").rows
    (('41.5',),)
    """
    header = [str(column) for column in frame.columns]
    return _from_columns(header, [list(frame.iloc[:, i]) for i in range(len(header))], name)


def _from_columns(header: list[str], columns: list[list[Any]], name: str) -> DataTable:
    cells = [[cell_text(value) for value in column] for column in columns]
    rows = [Row(i, row) for i, row in enumerate(zip(*cells, strict=True), 1)]
    if not header:
        return DataTable(name, (), (), ())
    table = make_table(name, header, rows)
    return replace(table, lines=tuple(range(1, len(rows) + 1)))
