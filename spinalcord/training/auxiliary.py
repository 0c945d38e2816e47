"""Auxiliary targets of a classifier: numeric columns of the cohort's table."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, SpinalcordWarning
from .cache import Entry


def auxiliary_values(
    entries: Sequence[Entry], columns: Sequence[str]
) -> NDArray[np.float32] | None:
    """Return the auxiliary values of the training cases, standardized column by column.

    Parameters
    ----------
    entries : sequence of Entry
        Entries of the training split; the ``truth`` of their cases contains the columns.
    columns : sequence of str

    Returns
    -------
    float32 (entries, columns) or None
        Mean 0 and standard deviation 1 over the known values; NaN where a case has none.  None
        without columns.

    Warns
    -----
    SpinalcordWarning
        Cases without a value in a column, with their number.

    Raises
    ------
    InputError
        A value that is not a number; a column that has fewer than two different values.
    """
    if not columns:
        return None
    values = np.array(
        [[_number(e, column) for column in columns] for e in entries], np.float64
    ).reshape(len(entries), len(columns))
    for column, own in zip(columns, values.T, strict=True):
        known = np.isfinite(own)
        if len(np.unique(own[known])) < 2:
            raise InputError(
                f"auxiliary column {column} has fewer than two different values in the training "
                "cases"
            )
        if not known.all():
            warnings.warn(
                f"{(~known).sum()} of {len(own)} training cases have no value in the auxiliary "
                f"column {column} and are ignored for it",
                SpinalcordWarning,
                stacklevel=2,
            )
        own -= own[known].mean()
        own /= own[known].std()
    return values.astype(np.float32)


def _number(entry: Entry, column: str) -> float:
    """Return a value; NaN if it is missing."""
    text = entry.case.truth.get(column, "")
    if text in ("", "n/a"):
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if math.isinf(value):
        raise InputError(
            f"case {entry.case.case_id}: {column} is {text!r}, expected a finite number"
        )
    return value
