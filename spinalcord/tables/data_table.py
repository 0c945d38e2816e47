"""A table of text in named columns, with notes on what was guessed or ignored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ..errors import InputError
from .cells import cell_text, with_points
from .parsing import Row

READERS = "reader_"
"""Prefix of the columns of readers' diagnoses."""


@dataclass(frozen=True)
class DataTable:
    """Rows of text under named columns.

    Parameters
    ----------
    name : str
        Name of the file, for messages.
    columns : tuple of str
        Names, unique without regard to case.
    rows : tuple of tuple of str
        Cells, as many as columns; empty if a value is missing.
    lines : tuple of int
        Line of the file where each row begins, from 1; number of the row without a file.
    notes : tuple of str
        What was guessed or ignored, one sentence each.

    Examples
    --------
    >>> table = DataTable("x.csv", ("case_id", "Sex"), (("a", "w"),), (2,))
    >>> table.renamed(("sex",)).dicts()
    [{'case_id': 'a', 'sex': 'w'}]
    >>> table.where(0, "Sex")
    'x.csv, line 2, column Sex'
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    notes: tuple[str, ...] = ()

    def column(self, name: str) -> tuple[str, ...]:
        """Return the cells of a column; all empty if there is no such column."""
        if name not in self.columns:
            return ("",) * len(self.rows)
        at = self.columns.index(name)
        return tuple(row[at] for row in self.rows)

    def dicts(self) -> list[dict[str, str]]:
        """Return each row as a mapping of column to cell."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def where(self, row: int, column: str | None = None) -> str:
        """Return the position of a row or cell for a message."""
        place = f"{self.name}, line {self.lines[row]}"
        return place if column is None else f"{place}, column {column}"

    def need(self, *names: str, hint: str = "") -> None:
        """Check that a table has some columns.

        Raises
        ------
        InputError
            One is missing; the existing ones are named.
        """
        missing = [name for name in names if name not in self.columns]
        if missing:
            raise InputError(
                f"{self.name}: no column {' and '.join(missing)} among "
                f"{', '.join(self.columns[:20]) or 'none'}{hint}"
            )

    def renamed(
        self, known: Iterable[str] = (), mapping: Mapping[str, str] | None = None
    ) -> DataTable:
        """Rename columns to the names that the package uses.

        Parameters
        ----------
        known : iterable of str
            Names that are found in any case: Age is age.
        mapping : mapping of str to str, optional
            Name of a column in the table by its new name; in any case.

        Returns
        -------
        DataTable

        Raises
        ------
        InputError
            A column of `mapping` is not there, or is named twice.
        """
        folded = {column.casefold(): column for column in self.columns}
        names = {column: column for column in self.columns}
        for name in known:
            if name.casefold() in folded:
                names[folded[name.casefold()]] = name
        for column in self.columns:
            if column.casefold().startswith(READERS):
                names[column] = READERS + column[len(READERS) :]
        notes = list(self.notes)
        own: dict[str, str] = {}
        for here, there in (mapping or {}).items():
            column = folded.get(there.casefold(), "")
            if not column:
                raise InputError(f"{self.name}: no column {there!r} to be read as {here}")
            if column in own:
                raise InputError(f"{self.name}: {there} is to be read as {own[column]} and {here}")
            own[column] = here
        for column in self.columns:
            if column not in own and names[column] in own.values():
                notes.append(
                    f"{self.name}: column {column} is ignored: another is mapped to this name"
                )
                names[column] = ""
        names |= own
        keep = [i for i, column in enumerate(self.columns) if names[column]]
        return replace(
            self,
            columns=tuple(names[self.columns[i]] for i in keep),
            rows=tuple(tuple(row[i] for i in keep) for row in self.rows),
            notes=tuple(notes),
        )


def make_table(
    name: str,
    header: Sequence[str],
    rows: Sequence[Row],
    notes: Sequence[str] = (),
    *,
    optional: Sequence[str] = (),
    comma: bool = False,
) -> DataTable:
    """Create a table from a header and rows of cells.

    Parameters
    ----------
    name : str
        Name of the file, for messages.
    header : sequence of str
    rows : sequence of Row
    notes : sequence of str
        Notes so far.
    optional : sequence of str
        Columns whose cells may be omitted at the end of a row.
    comma : bool, default False
        Whether commas in numbers are known to be decimal.

    Returns
    -------
    DataTable

    Raises
    ------
    InputError
        No header; a column twice; a row with more or fewer cells than the header.

    Examples
    --------
    >>> make_table("x.csv", ["a", "b"], [Row(2, ("1,5", "n/a"))], comma=True).rows
    (('1.5', ''),)
    """
    header, notes = [column.strip() for column in header], list(notes)
    if rows and _has_row_names(header, rows):
        header = ["", *header]
        if not all(row.quoted for row in rows):
            notes.append(f"{name}: the first cell of each row is ignored: R's row names")
    while header and not header[-1] and all(not any(r.cells[len(header) - 1 :]) for r in rows):
        header.pop()  # only separators at the end of every line
    if not any(header):
        raise InputError(f"{name}: no header; expected a first line with the columns' names")
    _refuse_repeated(name, header)
    least = len(header)
    while least and header[least - 1] in optional:
        least -= 1
    cells = [_fitted(name, header, row, least) for row in rows]
    columns = [with_points([row[i] for row in cells], comma=comma) for i in range(len(header))]
    nameless = [i for i, column in enumerate(header) if not column]
    for i in nameless:
        if not _is_index(columns[i]) and any(columns[i]):
            given = sum(map(bool, columns[i]))
            notes.append(f"{name}: column {i + 1} has no name and is ignored ({given} values)")
    keep = [i for i in range(len(header)) if i not in nameless]
    return DataTable(
        name,
        tuple(header[i] for i in keep),
        tuple(zip(*(columns[i] for i in keep), strict=True)),
        tuple(row.line for row in rows),
        tuple(notes),
    )


def _refuse_repeated(name: str, header: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for column in filter(None, header):
        other = seen.get(column.casefold())
        if other is not None:
            twice = f"{column} twice" if other == column else f"both {other} and {column}"
            raise InputError(
                f"{name}, line 1: a column twice: the header has {twice}, and names are the same "
                "whatever their case"
            )
        seen[column.casefold()] = column


def _fitted(name: str, header: Sequence[str], row: Row, least: int) -> list[str]:
    n = len(header)
    if len(row.cells) > n and any(row.cells[n:]):
        raise InputError(
            f"{name}, line {row.line}, cell {n + 1}: the row has more values than the header has "
            f"columns: {len(row.cells)} cells; expected {n}"
        )
    if len(row.cells) < least:
        raise InputError(
            f"{name}, line {row.line}, column {header[len(row.cells)]}: the row ends before it: "
            f"{len(row.cells)} cells; expected {n}"
        )
    cells = [cell_text(cell) for cell in row.cells[:n]]
    return cells + [""] * (n - len(cells))


def _has_row_names(header: Sequence[str], rows: Sequence[Row]) -> bool:
    """Return whether each row begins with a row name, for which R's write.table has no column."""
    if any(len(row.cells) != len(header) + 1 for row in rows) or not any(r.cells[-1] for r in rows):
        return False
    return _is_index([row.cells[0] for row in rows]) or all(row.quoted for row in rows)


def _is_index(cells: Sequence[str]) -> bool:
    """Return whether cells are an index of the rows, as written by pandas and R."""
    if not cells or not all(cell.isascii() and cell.isdigit() for cell in cells):
        return False
    counted = [int(cell) for cell in cells]
    return all(a < b for a, b in pairwise(counted))
