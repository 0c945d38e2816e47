"""Test whether scores discriminate equally well in all subgroups, adjusted for other factors.

Logistic regression of the class on the scores, all factors, and the interactions of the scores with
each factor. An interaction is the ratio of the scores' odds ratios between subgroups; the other
terms adjust for the effects of site, scanner or age on the scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._moved import RenamedKeys
from ..errors import InputError
from .adjusted import AdjustedFactor, Float, design_columns, factor_effects, known_cases
from .diagnostic import binary
from .estimate import check_level
from .group_tests import mean_ranks

FIGURE = "ratio of odds ratios"


def adjusted_interactions(
    truth: ArrayLike,
    scores: ArrayLike,
    factors: Mapping[str, ArrayLike],
    *,
    level: float = 0.95,
    unit: str = "patients",
) -> list[AdjustedFactor]:
    """Test for every factor whether the scores separate the classes as well at all its levels.

    Parameters
    ----------
    truth : (n,) bool, or 0 and 1
    scores : (n,) float
        Higher scores indicate the positive class. Only their order counts, as for the AUC: they
        enter as normal scores of their ranks, so that infinite ones are allowed.
    factors : mapping of str to (n,) array
        As in `adjusted_factors`.
    level : float, default 0.95
    unit : str

    Returns
    -------
    list of AdjustedFactor
        One per factor, from a model with the products of the scores with all factors at once [1]_.
        `odds_ratios` hold, by level, the odds ratio of one standard deviation of score over that
        in the reference: 1 where the scores do as well, below 1 where they do worse. Firth's
        penalty, intervals and tests from its profile, as `adjusted_factors`. Not defined where
        fewer than 5 cases of the rarer class come on a parameter.

    Raises
    ------
    InputError
        Lengths that differ; NaN among the scores; no factor; a level outside (0, 1).

    References
    ----------
    .. [1] Pepe, The Statistical Evaluation of Medical Tests (2003), ch. 6; Heinze and Schemper,
       Stat Med 21:2409 (2002).

    Examples
    --------
    Scores that separate the classes at site A, and not at site B:

    >>> rng = np.random.default_rng(0)
    >>> truth, site = np.repeat([1, 0], 60), np.tile(["A", "B"], 60)
    >>> scores = rng.normal(size=120) + 2 * truth * (site == "A")
    >>> [found] = adjusted_interactions(truth, scores, {"site": site})
    >>> found.test.effect.sentence()
    '0.12 [95 % CI: 0.03, 0.42]'
    """
    check_level(level)
    labels, s = binary(truth, "truth"), np.asarray(scores, np.float64)
    columns = {name: np.asarray(values, object) for name, values in factors.items()}
    if s.shape != labels.shape or np.isnan(s).any():
        raise InputError(f"{labels.size} labels and scores of shape {s.shape}; expected no NaN")
    if not columns or any(c.shape != labels.shape for c in columns.values()):
        raise InputError(
            f"{len(columns)} factors for {labels.size} cases; expected one value a case"
        )
    known = known_cases(columns.values())
    y, z = labels[known].astype(np.float64), normal_scores(s[known])
    parts = {name: design_columns(c[known]) for name, c in columns.items()}
    mains = [column for _, part, _ in parts.values() for column in part]
    x = np.column_stack([np.ones(y.size), z, *mains, *(z * column for column in mains)])
    options: dict[str, Any] = {"n": int(y.size), "unit": unit}
    varying = tuple(name for name, part in parts.items() if part[1])
    options["details"] = RenamedKeys(
        {"excluded": int((~known).sum()), "adjusted_for": varying}, left_out="excluded"
    )
    return factor_effects(
        x, y, parts, figure=FIGURE, first=2 + len(mains), what=unit, level=level, options=options
    )


def normal_scores(values: Float) -> Float:
    """Return the normal quantile of each value's mid-rank over n + 1 (van der Waerden)."""
    shares = mean_ranks(values)[0] / (values.size + 1)
    return np.array([NormalDist().inv_cdf(float(share)) for share in shares])
