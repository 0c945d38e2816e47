"""Compare subgroups after adjustment for the other factors.

Logistic regression of correctness on all factors at once. Firth's penalty keeps the estimates
finite where every answer in a subgroup is right and plain logistic regression diverges.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._moved import RenamedKeys
from ..errors import InputError
from . import firth
from .diagnostic import binary
from .distributions import chi2_p
from .estimate import Comparison, Estimate, check_level, undefined

Float: TypeAlias = NDArray[np.float64]
Part: TypeAlias = tuple[str, list[Float], list[str]]
_METHOD = "Firth's logistic regression, penalised likelihood ratio"
_PER_PARAMETER = 5  # answers of the rarer kind required per parameter


@dataclass(frozen=True)
class AdjustedFactor:
    """One factor among others.

    Parameters
    ----------
    factor : str
    reference : str
        The level that the others are compared with: the most frequent one.
    odds_ratios : dict of str to Estimate
        By level: odds of a right answer over those in the reference, other factors held
        constant; of `adjusted_interactions` the ratio of two odds ratios.
    test : Comparison
        Test of the factor as a whole; `effect` is the odds ratio furthest from 1.

    Examples
    --------
    >>> right = [1] * 18 + [0] * 6 + [1] * 9 + [0] * 9
    >>> site, sex = ["A"] * 24 + ["B"] * 18, ["F", "M", "M"] * 14
    >>> site_effect, _ = adjusted_factors(right, {"site": site, "sex": sex})
    >>> site_effect.reference, list(site_effect.odds_ratios), round(site_effect.test.p, 2)
    ('A', ['B'], 0.11)
    """

    factor: str
    reference: str
    odds_ratios: Mapping[str, Estimate]
    test: Comparison


def adjusted_factors(
    right: ArrayLike,
    factors: Mapping[str, ArrayLike],
    *,
    level: float = 0.95,
    unit: str = "patients",
) -> list[AdjustedFactor]:
    """Test every factor adjusted for the others.

    Parameters
    ----------
    right : (n,) bool, or 0 and 1
        Whether the answer is right.
    factors : mapping of str to (n,) array
        Words, such as ``{"site": ["A", "B", ...]}``; or numbers, whose odds ratio is that of one
        unit more. A case without a value (None, NaN, empty) in any factor is ignored.
    level : float, default 0.95
    unit : str

    Returns
    -------
    list of AdjustedFactor
        One per factor. Intervals and p-values from the profile of the penalised likelihood [1]_
        [2]_. Not defined where fewer than 5 answers of the rarer kind come on a parameter: such a
        model would only look adjusted.

    Raises
    ------
    InputError
        Lengths that differ; no factor; a level outside (0, 1).

    References
    ----------
    .. [1] Firth, Biometrika 80:27 (1993).
    .. [2] Heinze and Schemper, Stat Med 21:2409 (2002).

    Examples
    --------
    >>> right = [1] * 18 + [0] * 6 + [1] * 9 + [0] * 9
    >>> site, sex = ["A"] * 24 + ["B"] * 18, ["F", "M", "M"] * 14
    >>> found, _ = adjusted_factors(right, {"site": site, "sex": sex})
    >>> found.odds_ratios["B"].sentence()
    '0.36 [95 % CI: 0.10, 1.24]'
    """
    check_level(level)
    answers = binary(right, "right")
    columns = {name: np.asarray(values, object) for name, values in factors.items()}
    if not columns or any(c.shape != answers.shape for c in columns.values()):
        raise InputError(
            f"{len(columns)} factors for {answers.size} cases; expected one value a case"
        )
    known = known_cases(columns.values())
    y = answers[known].astype(np.float64)
    parts = {name: design_columns(c[known]) for name, c in columns.items()}
    varying = {name: part for name, part in parts.items() if part[1]}
    options: dict[str, Any] = {"n": int(y.size), "unit": unit}
    options["details"] = RenamedKeys(
        {"excluded": int((~known).sum()), "adjusted_for": tuple(varying)}, left_out="excluded"
    )
    x = np.column_stack([np.ones(y.size), *(c for _, p, _ in varying.values() for c in p)])
    return factor_effects(
        x, y, parts, figure="odds ratio", first=1, what="answers", level=level, options=options
    )


def known_cases(columns: Iterable[NDArray[np.object_]]) -> NDArray[np.bool_]:
    """Say in which cases no factor is missing (None, NaN, empty)."""
    rows = zip(*columns, strict=True)
    return np.array([not any(_missing(value) for value in row) for row in rows], bool)


def factor_effects(
    x: Float,
    y: Float,
    parts: Mapping[str, Part],
    *,
    figure: str,
    first: int,
    what: str,
    level: float,
    options: dict[str, Any],
) -> list[AdjustedFactor]:
    """Fit one model, and test each factor's coefficients in it.

    Parameters
    ----------
    x : (n, p) float64
        Design, a column of ones first.
    y : (n,) float64
        0 and 1.
    parts : mapping of str to Part
        From `design_columns`, by factor; their coefficients follow each other in `x`.
    figure : str
        What the exponential of such a coefficient is, such as ``"odds ratio"``.
    first : int
        Column of the first of them.
    what : str
        What `y` counts, for the reason where there are too few.
    level : float
    options : dict
        Further fields of every `Estimate`.

    Returns
    -------
    list of AdjustedFactor
    """
    rare, count = int(min(y.sum(), y.size - y.sum())), x.shape[1] - 1
    reason = ""
    if rare < _PER_PARAMETER * count:
        reason = (
            f"too few {what} of the rarer kind ({rare}) for {count} parameters; it takes "
            f"{_PER_PARAMETER} each"
        )
    fit = None if reason else firth.fit(x, y)
    if fit is None and not reason:
        reason = "the regression does not converge"
    found = []
    for name, part in parts.items():
        own = range(first, first + len(part[1]))
        first += len(part[1])
        found.append(_factor(name, figure, part, own, x, y, fit, reason, level, options))
    return found


def _missing(value: Any) -> bool:
    return value is None or value == "" or value != value


def design_columns(values: NDArray[np.object_]) -> Part:
    """Return a factor's reference level, design columns and their names."""
    if all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
        numbers = values.astype(np.float64)
        return "", ([numbers] if np.ptp(numbers) > 0 else []) if numbers.size else [], ["per unit"]
    words = np.array([str(v) for v in values])
    names, counts = np.unique(words, return_counts=True)
    if names.size < 2:
        return str(names[0]) if names.size else "", [], []
    reference = str(names[counts.argmax()])
    others = [str(name) for name in names if name != reference]
    return reference, [(words == name).astype(np.float64) for name in others], others


def _factor(
    name: str,
    figure: str,
    part: Part,
    own: range,
    x: Float,
    y: Float,
    fit: tuple[Float, float] | None,
    reason: str,
    level: float,
    options: dict[str, Any],
) -> AdjustedFactor:
    nan, (reference, _, labels) = math.nan, part
    if not len(own):
        reason = "the same in all cases"
    if reason or fit is None:
        effect = undefined(f"{figure}, {name}", reason, level, **options)
        test = Comparison(name, nan, nan, nan, "none", effect, reason)
        return AdjustedFactor(name, reference, dict.fromkeys(labels, effect), test)
    beta, top = fit
    ratios = {}
    for label, j in zip(labels, own, strict=True):
        ends = (firth.profile_limit(x, y, j, beta, top, level, side) for side in (-1, 1))
        low, high = (math.exp(end) for end in ends)
        said = f"{figure}, {name} {label}" + (f" against {reference}" if reference else "")
        ratios[label] = Estimate(
            said, math.exp(beta[j]), low, high, level, "profile, Firth", **options
        )
    # The penalty stays that of the whole model: the others are fixed at 0, not removed.
    null = firth.fit(x, y, fixed=np.array(own))
    furthest = max(ratios.values(), key=lambda e: abs(math.log(e.estimate)))
    if null is None:
        why = "the regression without this factor does not converge"
        return AdjustedFactor(
            name, reference, ratios, Comparison(name, nan, nan, nan, "none", furthest, why)
        )
    statistic, df = max(2 * (top - null[1]), 0.0), len(own)
    test = Comparison(name, statistic, df, chi2_p(statistic, df), _METHOD, furthest)
    return AdjustedFactor(name, reference, ratios, test)
