"""Estimates by subgroup, and tests of whether subgroups differ (interaction)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .auc_comparison import JOINT, DifferenceMethod, compare_aucs_unpaired
from .comparison import holm
from .diagnostic import binary
from .distributions import chi2_p, fisher_p
from .estimate import Comparison, Estimate, adjusted, check_level, undefined
from .group_tests import exact_table_p
from .proportions import proportion, proportion_difference
from .roc import auc, delong_se

Figure: TypeAlias = Literal["accuracy", "sensitivity", "specificity", "auc"]


@dataclass(frozen=True)
class Subgroups:
    """One figure in the subgroups that a factor makes.

    Parameters
    ----------
    factor : str
        Such as ``"sex"``.
    figure : str
    estimates : dict of str to Estimate
        By subgroup, in sorted order.
    interaction : Comparison
        Whether the subgroups differ; `effect` is the largest difference between two of them.
    p_adjusted : float
        The interaction's p-value after Holm's adjustment for the number of factors.
    n_missing : int
        Cases that belong to no subgroup.

    Examples
    --------
    >>> truth, answer = [0, 1] * 20, [0, 1, 0, 1, 0, 0, 0, 1] * 5
    >>> sex = ["F"] * 22 + ["M"] * 16 + [""] * 2
    >>> (found,) = by_subgroup(truth, answer, {"sex": sex})
    >>> list(found.estimates), found.n_missing
    (['F', 'M'], 2)
    """

    factor: str
    figure: str
    estimates: Mapping[str, Estimate]
    interaction: Comparison
    p_adjusted: float
    n_missing: int


def by_subgroup(
    truth: ArrayLike,
    answer: ArrayLike,
    factors: Mapping[str, ArrayLike],
    *,
    figure: Figure = "accuracy",
    level: float = 0.95,
    unit: str = "patients",
) -> list[Subgroups]:
    """Compute a figure by subgroup, for several factors.

    Parameters
    ----------
    truth : (n,) bool, or 0 and 1
    answer : (n,)
        Predicted labels, 0 and 1; for ``"auc"`` scores.
    factors : mapping of str to (n,) array
        The subgroup of every case, such as ``{"sex": ["F", "M", ...]}``. None, NaN and the empty
        string are missing.
    figure : {"accuracy", "sensitivity", "specificity", "auc"}
    level : float, default 0.95
    unit : str

    Returns
    -------
    list of Subgroups
        One per factor. Interaction of proportions: Fisher's exact test of two subgroups; of more
        chi-squared, or its exact counterpart (Fisher-Freeman-Halton) where an expected count is
        below 5. Of AUCs: `compare_aucs_unpaired` of two; of more, chi-squared of the deviations
        from their weighted mean, unless a subgroup is too small for it. The effect of more than
        two subgroups is chosen among several, and its interval is adjusted for their number
        (Bonferroni). Not defined with fewer than two subgroups that have a figure.

    Raises
    ------
    InputError
        Lengths that differ; labels other than 0 and 1; NaN scores; another figure; a level outside
        (0, 1).

    Examples
    --------
    >>> truth = [0, 1] * 20
    >>> answer = [0, 1, 0, 1, 0, 0, 0, 1] * 5
    >>> sex = ["F"] * 22 + ["M"] * 18
    >>> (found,) = by_subgroup(truth, answer, {"sex": sex})
    >>> found.estimates["F"].sentence()
    '86 % (19 of 22) [95 % CI: 67 %, 97 %]'
    >>> round(found.interaction.p, 2)
    1.0
    """
    labels = binary(truth, "truth")
    if figure not in ("accuracy", "sensitivity", "specificity", "auc"):
        raise InputError(
            f"figure is {figure!r}; expected accuracy, sensitivity, specificity or auc"
        )
    values = np.asarray(answer, np.float64) if figure == "auc" else binary(answer, "answer")
    if values.shape != labels.shape:
        raise InputError(f"{labels.size} labels and answers of shape {values.shape}")
    found = []
    for factor, membership in factors.items():
        names = _names(membership, labels.size, factor)
        keep = names != ""
        cases = {str(name): names == name for name in np.unique(names[keep])}
        options: dict[str, Any] = {"level": level, "unit": unit}
        if figure == "auc":
            parts = {name: (labels[own], values[own]) for name, own in cases.items()}
            estimates, test = _by_auc(parts, options)
        else:
            estimates, test = _by_share(_counts(labels, values, cases, figure), figure, options)
        missing = int((~keep).sum())
        found.append(Subgroups(factor, figure, estimates, test, math.nan, missing))
    adjusted = holm([s.interaction.p for s in found])
    return [replace(s, p_adjusted=p) for s, p in zip(found, adjusted, strict=True)]


def _names(membership: ArrayLike, n: int, factor: str) -> NDArray[np.str_]:
    raw = np.asarray(membership, object)
    if raw.shape != (n,):
        raise InputError(f"factor {factor} has shape {raw.shape} for {n} cases")
    # Only NaN differs from itself.
    return np.array(["" if v is None or v != v else str(v) for v in raw], np.str_)


def _counts(
    labels: NDArray[np.bool_], called: NDArray[Any], cases: Mapping[str, NDArray[Any]], figure: str
) -> dict[str, tuple[int, int]]:
    of = {"accuracy": np.ones_like(labels), "sensitivity": labels, "specificity": ~labels}[figure]
    right = called == labels
    return {
        name: (int((right & of & own).sum()), int((of & own).sum())) for name, own in cases.items()
    }


def _by_share(
    counts: Mapping[str, tuple[int, int]], figure: str, options: dict[str, Any]
) -> tuple[dict[str, Estimate], Comparison]:
    estimates = {name: proportion(k, n, name=figure, **options) for name, (k, n) in counts.items()}
    defined = {name: kn for name, kn in counts.items() if kn[1]}
    if len(defined) < 2:
        return estimates, _no_test(figure, options)
    best, worst = _extremes({name: estimates[name] for name in defined})
    pairs = len(defined) * (len(defined) - 1) // 2
    effect = proportion_difference(
        *defined[best], *defined[worst], name=f"{figure}, {best} less {worst}",
        **_raised(options, pairs),
    )  # fmt: skip
    effect = adjusted(effect, options["level"], pairs)
    if len(defined) == 2:
        (k1, n1), (k2, n2) = defined.values()
        p = fisher_p(k1, n1 - k1, k2, n2 - k2)
        return estimates, Comparison("interaction", math.nan, math.nan, p, "Fisher", effect)
    k, n = np.array([*defined.values()], np.float64).T
    share = k.sum() / n.sum()
    if 0 < share < 1 and (n * min(share, 1 - share)).min() < 5:
        p, how = exact_table_p(np.stack([k, n - k]).astype(np.int64))
        return estimates, Comparison("interaction", math.nan, math.nan, p, how, effect)
    spread = n * share * (1 - share)
    statistic = float(((k - n * share) ** 2 / spread).sum()) if 0 < share < 1 else 0.0
    df = len(defined) - 1
    p = chi2_p(statistic, df)
    return estimates, Comparison("interaction", statistic, df, p, "chi-squared", effect)


def _by_auc(
    parts: Mapping[str, tuple[NDArray[np.bool_], NDArray[Any]]], options: dict[str, Any]
) -> tuple[dict[str, Estimate], Comparison]:
    estimates = {name: auc(*part, **options) for name, part in parts.items()}
    defined = {name: e for name, e in estimates.items() if e.defined}
    if len(defined) < 2:
        return estimates, _no_test("AUC", options)
    best, worst = _extremes(defined)
    name = f"AUC, {best} less {worst}"
    pairs = len(defined) * (len(defined) - 1) // 2
    # The normal approximation fails sooner in the far tails, where adjusted levels lie.
    method: DifferenceMethod = "default" if pairs == 1 else "square-and-add"
    pair = compare_aucs_unpaired(
        parts[best], parts[worst], method=method, name=name, **_raised(options, pairs)
    )
    if len(defined) == 2:
        return estimates, replace(pair, name="interaction")
    effect = adjusted(pair.effect, options["level"], pairs)
    errors = np.array([delong_se(*parts[name]) for name in defined])
    areas = np.array([e.estimate for e in defined.values()])
    reason = _too_few(defined, errors)
    if reason:
        nan = math.nan
        return estimates, Comparison("interaction", nan, nan, nan, "none", effect, reason)
    weight = errors**-2
    statistic = float((weight * (areas - (weight * areas).sum() / weight.sum()) ** 2).sum())
    df = len(defined) - 1
    p = chi2_p(statistic, df)
    return estimates, Comparison("interaction", statistic, df, p, "chi-squared", effect)


def _too_few(areas: Mapping[str, Estimate], errors: NDArray[np.float64]) -> str:
    """Return why the chi-squared test of several areas cannot be made; empty if it can."""
    if (errors < 1e-12).any():
        return "the area of a subgroup has no variance"
    for e in areas.values():
        smallest = e.smallest or 0
        if smallest < JOINT:
            return f"a subgroup has fewer than {JOINT} cases in a class"
        if min(e.estimate, 1 - e.estimate) * smallest < 1:
            return "the area of a subgroup is too close to 0 or 1"
    return ""


def _raised(options: Mapping[str, Any], pairs: int) -> dict[str, Any]:
    """Return the confidence level of one of several differences (Bonferroni)."""
    return {**options, "level": 1 - (1 - check_level(options["level"])) / pairs}


def _extremes(estimates: Mapping[str, Estimate]) -> tuple[str, str]:
    ranked = sorted(estimates, key=lambda name: estimates[name].estimate)
    return ranked[-1], ranked[0]


def _no_test(figure: str, options: dict[str, Any]) -> Comparison:
    reason = "fewer than two subgroups have a figure"
    effect = undefined(f"difference in {figure}", reason, **options)
    return Comparison("interaction", math.nan, math.nan, math.nan, "none", effect, reason)
