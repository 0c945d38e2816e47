"""Lesion volumes, of the model against the reference masks: Bland-Altman and ICC."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..stats import bland_altman, icc
from .cases import Cases
from .table import ESTIMATE, Table, estimate_row


def volumes(cases: Cases, *, level: float = 0.95, notes: Sequence[str] = ()) -> Table:
    """Compare the lesion volumes of the model with those of the reference.

    Parameters
    ----------
    cases, level, notes
        As in `table2`.

    Returns
    -------
    Table
        Bias and limits of agreement in mL, and the intraclass correlation (absolute agreement).

    Raises
    ------
    InputError
        Fewer than three cases with a volume and its difference from the reference.
    ImportError
        Without SciPy.
    """
    model = cases.numbers("lesion_volume_mm3") / 1e3
    gap = cases.numbers("volume_difference_mm3") / 1e3
    known = ~(np.isnan(model) | np.isnan(gap))
    if known.sum() < 3:
        raise InputError(
            f"{int(known.sum())} cases have lesion_volume_mm3 and volume_difference_mm3; volumes "
            "need 3"
        )
    first, second = model[known], model[known] - gap[known]
    found = bland_altman(first, second, level=level)
    both = icc(np.stack([first, second], 1), fixed_raters=True, level=level)
    rows = [estimate_row(e) for e in (found.bias, found.lower, found.upper, both)]
    return Table(
        "volumes",
        "Lesion volumes, mL: the model less the reference",
        ESTIMATE,
        tuple(rows),
        ("figure", "sentence", "method"),
        (
            *notes,
            f"n = {int(known.sum())}; {int((~known).sum())} cases without both volumes",
            "ICC: of this model and this reference, not of others like them",
        ),
    )
