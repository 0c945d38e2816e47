"""Read tables from Excel, SPSS and R with openpyxl, pyreadstat and pyreadr (extra `tables`)."""

from __future__ import annotations

import importlib
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError
from .cells import cell_text
from .data_table import DataTable, make_table
from .parsing import Row

_ZIP, _SPSS, _OLE = b"PK\x03\x04", (b"$FL2", b"$FL3"), b"\xd0\xcf\x11\xe0"
_R_ENDINGS = (".rds", ".rdata", ".rda")
_BROKEN = ("#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!")


MAX_UNPACKED_NBYTES = 500_000_000
MAX_CELLS = 5_000_000
"""A cohort of 10,000 cases with 100 columns has a million."""


def is_spreadsheet(raw: bytes, path: Path) -> bool:
    """Return whether a file is a workbook, SPSS or R data: by content; R by its extension.

    Parameters
    ----------
    raw : bytes
        First bytes of the file.
    path : pathlib.Path

    Returns
    -------
    bool

    Examples
    --------
    >>> is_spreadsheet(b"case_id,age", Path("cohort.csv"))
    False
    """
    return raw.startswith((_ZIP, _OLE, *_SPSS)) or path.suffix.lower() in _R_ENDINGS


def read_spreadsheet(path: Path, optional: Sequence[str] = ()) -> DataTable:
    """Read a workbook's first sheet, SPSS data or a data frame of R.

    Parameters
    ----------
    path : pathlib.Path
    optional : sequence of str
        As for `read_table`.

    Returns
    -------
    DataTable
        The first of several sheets is read, as stated in `notes`. SPSS values are replaced by their
        labels.

    Raises
    ------
    InputError
        Damaged, of a kind that is not read (.xls), a formula without a value, or an error.
    ImportError
        Without the extra `tables`.

    Examples
    --------
    >>> import openpyxl
    >>> book = openpyxl.Workbook()
    >>> book.active.append(["case_id", "age", "sex"])
    >>> book.active.append(["a", 41, "F"])
    >>> book.save("cohort.xlsx")
    >>> read_spreadsheet(Path("cohort.xlsx")).columns
    ('case_id', 'age', 'sex')
    """
    with open(path, "rb") as file:
        start = file.read(8)
    if start.startswith(_OLE):
        raise InputError(f"{path}: an old Excel workbook (.xls); save it as .xlsx or CSV")
    if start.startswith(_SPSS):
        return _read_frame(path, "pyreadstat")
    if path.suffix.lower() in _R_ENDINGS:
        return _read_frame(path, "pyreadr")
    return _read_workbook(path, optional)


def _need(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"this needs {module}: install it with `pip install 'spinalcord[tables]'`"
        ) from error


def _read_frame(path: Path, module: str) -> DataTable:
    from .reading import from_frame

    library = _need(module)
    try:
        if module == "pyreadstat":
            frame, _ = library.read_sav(str(path), apply_value_formats=True)
        else:
            found = library.read_r(str(path))
            if len(found) != 1:
                raise InputError(f"{path}: {len(found)} objects; expected one data frame")
            (frame,) = found.values()
    except InputError:
        raise
    except Exception as error:  # errors of the libraries' own types, and others
        raise InputError(f"{path}: cannot be read as a table: {error}") from error
    return from_frame(frame, str(path))


def _read_workbook(path: Path, optional: Sequence[str]) -> DataTable:
    openpyxl = _need("openpyxl")
    try:
        raw = path.read_bytes()  # otherwise openpyxl checks file names
        _check_expansion(path, raw)
        values = openpyxl.load_workbook(io.BytesIO(raw), data_only=True)
        formulas = openpyxl.load_workbook(io.BytesIO(raw))
    except (InputError, MemoryError):
        raise
    except Exception as error:  # those of zip, zlib, XML and openpyxl for damaged parts
        raise InputError(f"{path}: cannot be read as a workbook: {error}") from error
    for sheet in values.worksheets:
        _check_extent(path, sheet)
    filled = [sheet for sheet in values.worksheets if _rows(sheet)]
    if not filled:
        raise InputError(f"{path}: no sheet with a table in it")
    notes = []
    if len(filled) > 1:
        names = ", ".join(sheet.title for sheet in filled)
        notes.append(f"{path}: read the sheet {filled[0].title}, the first of {names}")
    _check_cells(path, filled[0], formulas[filled[0].title])
    (_, header), *rows = _rows(filled[0])
    width = max(len(header), *(len(cells) for _, cells in rows)) if rows else len(header)
    padded = [Row(line, tuple(cells) + ("",) * (width - len(cells))) for line, cells in rows]
    full = [*header, *[""] * (width - len(header))]
    return make_table(str(path), full, padded, notes, optional=optional)


def _check_expansion(path: Path, raw: bytes) -> None:
    """Reject a workbook that would unpack to an excessive size, before unpacking."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > MAX_UNPACKED_NBYTES:
        raise InputError(
            f"{path}: unpacks to {unpacked / 1e6:.0f} MB; expected at most "
            f"{MAX_UNPACKED_NBYTES / 1e6:.0f} MB for a table"
        )


def _check_extent(path: Path, sheet: Any) -> None:
    """Reject a sheet that a single distant cell makes too large to read."""
    rows, columns = getattr(sheet, "max_row", 0), getattr(sheet, "max_column", 0)
    if rows * columns > MAX_CELLS:
        raise InputError(
            f"{path}: the sheet {sheet.title} has {rows} rows and {columns} columns; expected at "
            f"most {MAX_CELLS} cells: delete what lies far from the table"
        )


def _rows(sheet: Any) -> list[tuple[int, list[str]]]:
    """Return the nonempty rows, with their numbers."""
    found = []
    for line, row in enumerate(sheet.iter_rows(values_only=True), 1):
        cells = [_plain(value) for value in row]
        if any(cells):
            found.append((line, cells))
    return found


def _plain(value: Any) -> str:
    if hasattr(value, "isoformat"):
        return str(value.isoformat()).removesuffix("T00:00:00")
    return cell_text(value)


def _check_cells(path: Path, sheet: Any, formulas: Any) -> None:
    """Reject errors, and formulas without stored values, which would be missing."""
    for row in formulas.iter_rows():
        for cell in row:
            value = sheet[cell.coordinate].value
            if value in _BROKEN:
                raise InputError(f"{path}, line {cell.row}, cell {cell.coordinate}: {value}")
            if cell.data_type == "f" and value is None:
                raise InputError(
                    f"{path}, line {cell.row}, cell {cell.coordinate}: a formula without its "
                    "value; open the workbook in Excel and save it, or write the value"
                )
