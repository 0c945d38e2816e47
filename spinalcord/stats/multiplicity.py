"""Adjust many p-values at once: the false discovery rate."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..errors import InputError


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Adjust p-values to control the false discovery rate (Benjamini and Hochberg).

    Parameters
    ----------
    p : sequence of float
        In [0, 1]; NaN stays NaN and is not counted.

    Returns
    -------
    list of float
        In the order given. Of the results below q, at most a share q is expected to be false
        where the tests are independent or positively dependent; `holm` instead bounds the chance
        of a single false one.

    Raises
    ------
    InputError
        Values outside [0, 1].

    References
    ----------
    .. [1] Benjamini and Hochberg, J R Stat Soc B 57:289 (1995).

    Examples
    --------
    >>> [round(q, 4) for q in benjamini_hochberg([0.01, 0.02, 0.03, 0.5])]
    [0.04, 0.04, 0.04, 0.5]
    """
    if any(value < 0 or value > 1 for value in p):
        raise InputError(f"p-values {list(p)}; expected numbers from 0 to 1")
    ranked = sorted(
        ((value, i) for i, value in enumerate(p) if not math.isnan(value)), reverse=True
    )
    adjusted, smallest = [math.nan] * len(p), 1.0
    for place, (value, i) in enumerate(ranked):
        smallest = min(smallest, value * (len(ranked) / (len(ranked) - place)))
        adjusted[i] = smallest
    return adjusted
