"""Convert cells of a table: missing values and numbers."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Sequence
from typing import Any

from ..errors import InputError

MISSING = frozenset(
    ("", "n/a", "na", "nan", "none", "null", "nat", "<na>", "#n/a", ".", "-", "–", "—")
)  # fmt: skip
"""Words for missing values in tables, in lower case."""

_COMMA = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?")
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_AGE = re.compile(r"(\d{1,3})([DWMY])")
_PER_YEAR = {"D": 365.25, "W": 365.25 / 7, "M": 12.0, "Y": 1.0}


def cell_text(value: Any) -> str:
    """Return a value as text; empty if it is missing.

    Parameters
    ----------
    value : object
        A text, number, truth value, None, NaN, ``pandas.NA`` or ``pandas.NaT``.

    Returns
    -------
    str

    Examples
    --------
    >>> [cell_text(value) for value in (" x ", 41.0, float("nan"), None, "N/A", ".")]
    ['x', '41', '', '', '', '']
    """
    # pandas converts integers beside missing values to floats.
    if isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral):
        number = float(value)
        value = int(number) if number.is_integer() else str(value)
    text = "" if value is None else str(value).strip()
    return "" if text.casefold() in MISSING else text


def number_text(text: str, *, comma: bool = False) -> str | None:
    """Return a number with a decimal point; None if it is not a number.

    Parameters
    ----------
    text : str
    comma : bool, default False
        Whether commas are known to be decimal. If not, ``1,234`` is ambiguous: it may be 1.234 or
        1234.

    Returns
    -------
    str or None

    Examples
    --------
    >>> number_text("0,75"), number_text("1,234"), number_text("1,234", comma=True)
    ('0.75', None, '1.234')
    """
    if _COMMA.fullmatch(text):
        if _GROUPED.fullmatch(text) and not comma:
            return None
        text = text.replace(",", ".")
    try:
        value = float(text)
    except ValueError:
        return None
    # Python reads 1_000 as well, which no table means.
    return None if "_" in text or math.isnan(value) else text


def to_number(text: str, where: str) -> float:
    """Return the number in a cell; NaN if it is missing.

    Parameters
    ----------
    text : str
        Result of `cell_text`.
    where : str
        Name of the cell in messages.

    Returns
    -------
    float

    Raises
    ------
    InputError
        Not a number, or one whose comma may separate thousands.

    Examples
    --------
    >>> to_number("30,5", "age")
    30.5
    """
    if text == "":
        return math.nan
    plain = number_text(text)
    if plain is not None:
        return float(plain)
    if _GROUPED.fullmatch(text):
        raise InputError(
            f"{where}: {text!r} may be {text.replace(',', '.')} or {text.replace(',', '')}; "
            "write a decimal point, or separate the table by semicolons"
        )
    raise InputError(f"{where}: {text!r} is not a number")


def age_text(text: str) -> str:
    """Return an age in years; what is no age as in a DICOM header is unchanged.

    Such an age (value representation AS [1]_) is a number followed by D, W, M or Y for days, weeks,
    months or years.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    References
    ----------
    .. [1] DICOM PS3.5, section 6.2.

    Examples
    --------
    >>> age_text("034Y"), age_text("018M"), age_text("34,5")
    ('34', '1.5', '34,5')
    """
    found = _AGE.fullmatch(text)
    return f"{int(found[1]) / _PER_YEAR[found[2]]:.4g}" if found else text


def with_points(cells: Sequence[str], *, comma: bool) -> tuple[str, ...]:
    """Replace the decimal commas of a column of numbers by points; return other columns unchanged.

    Parameters
    ----------
    cells : sequence of str
    comma : bool
        Whether the table's commas are known to be decimal: it is separated by semicolons.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> with_points(["1,234", "5,5"], comma=False), with_points(["T2, T1", "5,5"], comma=False)
    (('1.234', '5.5'), ('T2, T1', '5,5'))
    """
    given = [cell for cell in cells if cell]
    if not any("," in cell for cell in given):
        return tuple(cells)
    # One comma that cannot separate thousands decides for the whole column.
    comma = comma or any(_COMMA.fullmatch(cell) and not _GROUPED.fullmatch(cell) for cell in given)
    plain = {cell: number_text(cell, comma=comma) for cell in given}
    if None in plain.values():
        return tuple(cells)
    return tuple(plain.get(cell) or "" for cell in cells)
