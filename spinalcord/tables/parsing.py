"""Split text into cells: encoding, line ends, separator and quotes are each detected by one rule.

A cell is quoted if it begins with ``"`` and a later ``"`` precedes a separator or a line end;
within it ``""`` is a quote. Elsewhere in a cell, a quote is an ordinary character. A quoted cell
may contain line ends unless one of its lines would be a whole row: then a quote was left open, and
the rows below it would vanish in the cell.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import InputError

SEPARATORS = {"\t": "tab", ";": "semicolon", ",": "comma"}
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"),
         (codecs.BOM_UTF16_BE, "utf-16-be"))  # fmt: skip
_LOOKED_AT = 50


@dataclass(frozen=True)
class Row:
    """One row of a file.

    Parameters
    ----------
    line : int
        Line where it begins, from 1.
    cells : tuple of str
        Cells without surrounding blanks.
    quoted : bool
        Whether the first cell was quoted.
    """

    line: int
    cells: tuple[str, ...]
    quoted: bool = False


def decode(raw: bytes, name: str) -> tuple[str, str]:
    r"""Decode a text file.

    Parameters
    ----------
    raw : bytes
        UTF-8 or UTF-16, with or without a byte order mark; else cp1252 is tried.
    name : str
        Name of the file, for messages.

    Returns
    -------
    text : str
        With ``\n`` as line ends, whichever the file has.
    guess : str
        Note on a guessed encoding; empty if it is certain.

    Raises
    ------
    InputError
        None of these encodings, or not text.

    Examples
    --------
    >>> decode("sex\r\nm\xe4nnlich".encode("cp1252"), "a.csv")
    ('sex\nmännlich', 'a.csv: not UTF-8; read as cp1252 (Western European Windows), a guess')
    """
    bom, encoding = next(((b, e) for b, e in _BOMS if raw.startswith(b)), (b"", ""))
    guess = ""
    try:
        if encoding:
            text = raw[len(bom) :].decode(encoding)
        elif encoding := _looks_like_utf16(raw[:400]):
            text = raw.decode(encoding)
            guess = f"{name}: no byte order mark; read as {encoding.upper()}, a guess"
        else:
            text, guess = _decode_bytes(raw, name)
    except UnicodeDecodeError as error:
        raise InputError(_no_text(name)) from error
    if "\0" in text:
        raise InputError(_no_text(name))
    return text.replace("\r\n", "\n").replace("\r", "\n"), guess


def _looks_like_utf16(start: bytes) -> str:
    """Name the UTF-16 whose every other byte is 0, as in Latin text; empty if it is none."""
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if max(even, odd) < 0.7 * len(start[1::2]) or min(even, odd):
        return ""
    return "utf-16-be" if even > odd else "utf-16-le"


def _decode_bytes(raw: bytes, name: str) -> tuple[str, str]:
    try:
        return raw.decode("utf-8"), ""
    except UnicodeDecodeError:
        text = raw.decode("cp1252")
        guess = "not UTF-8; read as cp1252 (Western European Windows), a guess"
        return text, f"{name}: {guess}"


def _no_text(name: str) -> str:
    return f"{name}: no text in UTF-8, UTF-16 or cp1252; expected a table (CSV, TSV, xlsx or sav)"


def find_separator(text: str) -> str:
    r"""Find the separator of a table: it occurs the same number of times in each line.

    Parameters
    ----------
    text : str
        As `decode` returns it.

    Returns
    -------
    str
        Tab, semicolon or comma; tab if none of them occurs.

    Examples
    --------
    >>> find_separator("case_id;age\na;30,5\n")
    ';'
    """
    lines = [line for line in text.split("\n", _LOOKED_AT + 1)[:_LOOKED_AT] if line.strip()]
    best, mark = (0.0, 0), "\t"
    for candidate in SEPARATORS:
        widths = [_width(line, candidate) for line in lines]
        if not widths or widths[0] < 2:
            continue
        # R writes no header for the row names.
        fitting = sum(width in (widths[0], widths[0] + 1) for width in widths) / len(widths)
        if (round(fitting, 6), widths[0]) > best:
            best, mark = (round(fitting, 6), widths[0]), candidate
    return mark


def _width(line: str, mark: str) -> int:
    """Count the cells of one line, whose quotes need not close; 0 if another mark follows one."""
    count, rest = 0, line
    while True:
        count += 1
        start = rest.lstrip(" ")
        close = _closing(start, 1, mark) if start.startswith('"') else 0
        if start.startswith('"') and not close and not _is_open(start):
            return 0
        _, found, rest = start[close:].partition(mark)
        if not found:
            return count


def _closing(text: str, at: int, mark: str) -> int:
    """Return the end of a quoted cell, after its closing quote; 0 if there is none."""
    while (at := text.find('"', at)) >= 0:
        if text.startswith('""', at):
            at += 2
            continue
        rest = text[at + 1 :].lstrip(" \t" if mark != "\t" else " ")
        return at + 1 if not rest or rest[0] in (mark, "\n") else 0
    return 0


def split_rows(text: str, mark: str, name: str, *, stray_quotes: bool = False) -> list[Row]:
    r"""Split a table into rows and cells; blank rows are skipped.

    Parameters
    ----------
    text : str
        As `decode` returns it.
    mark : str
        Separator of cells.
    name : str
        Name of the file, for messages.
    stray_quotes : bool, default False
        Whether an unclosed quote is an ordinary character, as in the tables that a run writes.

    Returns
    -------
    list of Row

    Raises
    ------
    InputError
        An unclosed quote, or one that would contain whole rows; file, line and column are named.

    Examples
    --------
    >>> [row.cells for row in split_rows('a,"b, c"\n\n1,5"\n', ",", "x.csv")]
    [('a', 'b, c'), ('1', '5"')]
    """
    lines = text.split("\n")
    if lines and lines[0].lower() in ("sep=,", "sep=;", "sep=\t"):  # a note for Excel
        lines[0] = ""
    rows: list[Row] = []
    width, at = 0, 0
    header: tuple[str, ...] = ()
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        cells, quoted, taken = [cell.strip() for cell in lines[at].split(mark)], False, 1
        if '"' in lines[at]:
            cells, quoted, taken = _split(lines, at, mark, name, width, header, stray_quotes)
        if any(cells):
            rows.append(Row(at + 1, tuple(cells), quoted))
            header = header or tuple(cells)
            width = width or len(cells)
        at += taken
    return rows


def _split(
    lines: Sequence[str], at: int, mark: str, name: str, width: int, header: tuple[str, ...],
    stray_quotes: bool,
) -> tuple[list[str], bool, int]:  # fmt: skip
    """Split one row; return its cells, whether the first was quoted, and the lines it takes."""
    cells: list[str] = []
    first_quoted, taken, rest = False, 1, lines[at]
    while True:
        start = rest.lstrip(" ")
        if not start.startswith('"'):
            cell, found, rest = start.partition(mark)
            cells.append(cell.strip())
        else:
            close, more = _close(lines, at + taken, start, mark, width, len(cells))
            if not close and not stray_quotes:
                raise InputError(_stray(name, at + taken, cells, header, start))
            if not close:
                cell, found, rest = start.partition(mark)
                cells.append(cell.strip())
            else:
                start = "\n".join((start, *lines[at + taken : at + taken + more]))
                taken += more
                cells.append(start[1 : close - 1].replace('""', '"').strip())
                first_quoted = first_quoted or len(cells) == 1
                _, found, rest = start[close:].partition(mark)
        if not found:
            return cells, first_quoted, taken


def _close(
    lines: Sequence[str], following: int, start: str, mark: str, width: int, before: int
) -> tuple[int, int]:
    """Find the end of a quoted cell; return it (0: none) and how many further lines it takes.

    A line within the cell that has all the cells of a row is a row. So is the last one, unless the
    cell is the row's first, whose last line has them all, and the line where it began has not.
    """
    close = _closing(start, 1, mark)
    if close or not _is_open(start):
        return close, 0
    whole = start
    last_may_be_full = before == 0 and start.count(mark) + 1 != width
    for more, line in enumerate(lines[following:], 1):
        is_row = width > 1 and width in (line.count(mark) + 1, _width(line, mark))
        if is_row and not (last_may_be_full and '"' in line):
            return 0, 0
        whole += "\n" + line
        if '"' in line:
            close = _closing(whole, 1, mark)
            if close or not _is_open(whole):
                return close, more
    return 0, 0


def _is_open(text: str) -> bool:
    """Return whether a cell that begins with a quote has not been closed yet."""
    return '"' not in text[1:].replace('""', "")


def _stray(name: str, line: int, before: Sequence[str], header: tuple[str, ...], rest: str) -> str:
    column = len(before)
    known = f"column {header[column]}" if column < len(header) else f"cell {column + 1}"
    shown = rest.split("\n")[0][:30]
    return (
        f"{name}, line {line}, {known}: the quote in {shown} is not closed before the next row; "
        'remove it, or write "" for a quote within a quoted cell'
    )
