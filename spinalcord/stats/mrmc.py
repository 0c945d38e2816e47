"""Multi-reader multi-case studies: compare modalities by the performance of readers.

Obuchowski and Rockette's analysis with Hillis' degrees of freedom. Both readers and cases are
random samples, so conclusions generalise to similar readers and similar cases.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .distributions import f_p, t_quantile
from .estimate import Comparison, Estimate, check_level
from .roc import delong_covariance

_METHOD = "Obuchowski-Rockette, Hillis"


@dataclass(frozen=True)
class Mrmc:
    """Result of a multi-reader, multi-case study.

    Parameters
    ----------
    modalities : tuple of str
    areas : tuple of tuples of float
        AUC of every reader, by modality.
    comparison : Comparison
        F test that all modalities are equal; `df` is its denominator's, `effect` the first of
        `differences`.
    differences : tuple of Estimate
        Difference of every pair of modalities, first less second, averaged over readers.
    components : dict of str to float
        MS(T), MS(T:R), and the means of the AUCs' variances and covariances: Var, Cov1 (same
        reader), Cov2 (same modality), Cov3 (neither).

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.repeat([0, 1], 30)
    >>> skill = np.array([[1.0, 1.2, 0.9], [1.6, 1.5, 1.7]])
    >>> noise = np.random.default_rng(0).normal(size=(2, 3, 60))
    >>> result = compare_modalities(truth, noise + skill[..., None] * truth)
    >>> result.modalities, len(result.areas), len(result.differences)
    (('1', '2'), 2, 1)
    >>> round(result.comparison.p, 2)
    0.36
    """

    modalities: tuple[str, ...]
    areas: tuple[tuple[float, ...], ...]
    comparison: Comparison
    differences: tuple[Estimate, ...]
    components: dict[str, float]


def compare_modalities(
    truth: ArrayLike,
    scores: ArrayLike,
    *,
    modalities: Sequence[str] | None = None,
    level: float = 0.95,
    unit: str = "patients",
) -> Mrmc:
    """Compare modalities that several readers used on the same cases.

    Parameters
    ----------
    truth : (n,) bool, or 0 and 1
    scores : (modalities, readers, n) float
        Every reader rated every case with every modality; at least two of each.
    modalities : sequence of str, optional
        Their names; "1", "2" and so on if not given.
    level : float, default 0.95
    unit : str

    Returns
    -------
    Mrmc
        AUCs are empirical, their covariances DeLong's.

    Raises
    ------
    InputError
        Another shape; as `auc`; an empty class; names that do not fit; a level outside (0, 1).
    ImportError
        Without SciPy.

    References
    ----------
    .. [1] Obuchowski and Rockette, Commun Stat Simul Comput 24:285 (1995).
    .. [2] Hillis, Stat Med 26:596 (2007), on the degrees of freedom.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.repeat([0, 1], 30)
    >>> skill = np.array([[1.0, 1.2, 0.9], [1.6, 1.5, 1.7]])
    >>> noise = np.random.default_rng(0).normal(size=(2, 3, 60))
    >>> result = compare_modalities(truth, noise + skill[..., None] * truth)
    >>> result.differences[0].sentence()
    '-0.08 [95 % CI: -0.37, 0.21]'
    """
    check_level(level)
    s = np.asarray(scores, np.float64)
    if s.ndim != 3 or s.shape[0] < 2 or s.shape[1] < 2:
        raise InputError(
            f"scores have shape {s.shape}; expected (modalities, readers, cases), two or more of "
            "the first two"
        )
    t, r, n = s.shape
    names = tuple(str(i + 1) for i in range(t)) if modalities is None else tuple(modalities)
    if len(names) != t:
        raise InputError(f"{len(names)} names for {t} modalities")
    flat, covariance = delong_covariance(truth, s.reshape(t * r, n))
    covariances = mean_covariances(covariance.reshape(t, r, t, r))
    return analyse_readings(
        flat.reshape(t, r), covariances, names, level=level, options={"n": n, "unit": unit}
    )


def analyse_readings(
    areas: NDArray[np.float64],
    covariances: dict[str, float],
    modalities: tuple[str, ...],
    *,
    level: float,
    options: dict[str, Any],
) -> Mrmc:
    """Do the analysis from the readers' AUCs and the means of their covariances.

    Parameters
    ----------
    areas : (modalities, readers) float64
    covariances : dict of str to float
        As `mean_covariances` returns them.
    modalities : tuple of str
    level : float
    options : dict
        Further fields of the estimates.

    Returns
    -------
    Mrmc
        Without p-value and intervals where the readers do not vary.
    """
    t, r = areas.shape
    means, mean = areas.mean(1), areas.mean()
    rest = areas - means[:, None] - areas.mean(0)[None, :] + mean
    ms_t = float(r * ((means - mean) ** 2).sum() / (t - 1))
    ms_tr = float((rest**2).sum() / ((t - 1) * (r - 1)))
    error = ms_tr + max(r * (covariances["Cov2"] - covariances["Cov3"]), 0.0)
    half = statistic = df = p = math.nan
    reason = "" if ms_tr > 1e-15 else "the readers do not vary"
    if not reason:
        df = error**2 / (ms_tr**2 / ((t - 1) * (r - 1)))
        half = t_quantile(level, df) * math.sqrt(2 / r * error)
        statistic = ms_t / error
        p = f_p(statistic, t - 1, df)
    differences = []
    for i in range(t):
        for j in range(i + 1, t):
            d = float(means[i] - means[j])
            name = f"AUC, {modalities[i]} less {modalities[j]}"
            differences.append(
                Estimate(name, d, d - half, d + half, level, _METHOD, reason=reason, **options)
            )
    test = Comparison("modalities", statistic, df, p, _METHOD, differences[0], reason)
    return Mrmc(
        modalities,
        tuple(tuple(float(x) for x in row) for row in areas),
        test,
        tuple(differences),
        {"MS(T)": ms_t, "MS(T:R)": ms_tr, **covariances},
    )


def mean_covariances(covariance: NDArray[np.float64]) -> dict[str, float]:
    """Average covariances of AUCs by what the two have in common.

    Parameters
    ----------
    covariance : (modalities, readers, modalities, readers) float64

    Returns
    -------
    dict of str to float
        Var, Cov1 (same reader), Cov2 (same modality), Cov3 (neither).
    """
    t, r = covariance.shape[:2]
    same_modality = np.eye(t, dtype=bool)[:, None, :, None] & np.ones((1, r, 1, r), bool)
    same_reader = np.eye(r, dtype=bool)[None, :, None, :] & np.ones((t, 1, t, 1), bool)
    kinds = {
        "Var": same_modality & same_reader,
        "Cov1": ~same_modality & same_reader,
        "Cov2": same_modality & ~same_reader,
        "Cov3": ~same_modality & ~same_reader,
    }
    return {name: float(covariance[kind].mean()) for name, kind in kinds.items()}
