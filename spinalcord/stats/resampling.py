"""Bootstrap samples and bootstrap confidence intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from ..errors import InputError


@dataclass(frozen=True)
class Sample:
    """Cases with their scores, and the units that are drawn with all their cases.

    Parameters
    ----------
    labels : (n,) bool
    scores : (models, n) float64
    unit : (n,) int64
        The unit of each case; units of one stratum are neighbours.
    strata : (s,) int64
        Units of each stratum.
    drawn : str
        The scheme in words.
    """

    labels: NDArray[np.bool_]
    scores: NDArray[np.float64]
    unit: NDArray[np.int64]
    strata: NDArray[np.int64]
    drawn: str

    @classmethod
    def of(
        cls, labels: NDArray[np.bool_], scores: NDArray[np.float64], groups: ArrayLike | None
    ) -> Sample:
        """Lay out units and strata.

        Parameters
        ----------
        labels : (n,) bool
        scores : (models, n) float64
        groups : (n,) array or None
            The patient of each case; None where every case is its own.

        Returns
        -------
        Sample
            Drawn within the classes, unless a patient has cases of both.

        Raises
        ------
        InputError
            Another number of groups than of cases.
        """
        what = "cases within classes"
        index = np.arange(labels.size)
        if groups is not None:
            names = np.asarray(groups)
            if names.shape != labels.shape:
                raise InputError(f"groups of shape {names.shape} for {labels.size} cases")
            index = np.unique(names, return_inverse=True)[1]
            what = "patients within classes"
        n_units = int(index.max()) + 1
        n_cases = np.bincount(index, minlength=n_units)
        n_positive = np.bincount(index, weights=labels, minlength=n_units)
        kind = (n_positive > 0).astype(np.int64)
        if ((n_positive > 0) & (n_positive < n_cases)).any():
            kind[:] = 0
            what = "patients"
        place = np.empty(n_units, np.int64)
        place[np.argsort(kind, kind="stable")] = np.arange(n_units)
        strata = np.bincount(kind)
        return cls(labels, scores, place[index], strata[strata > 0].astype(np.int64), what)


def resample_auc(
    sample: Sample, *, replicates: int, seed: int, threads: int | None = None
) -> NDArray[np.float64]:
    """Draw the AUCs of `replicates` samples.

    Parameters
    ----------
    sample : Sample
    replicates : int
        At least 100.
    seed : int
        0 to 2**64 - 1.
    threads : int, optional
        Those that the process may use if not given. The result does not depend on it.

    Returns
    -------
    (replicates, models) float64
        NaN where a sample lacks a class.

    Raises
    ------
    InputError
        Values out of range.
    """
    check_drawing(replicates, seed)
    return _core.auc_bootstrap(
        np.ascontiguousarray(sample.scores),
        sample.labels.astype(np.uint8),
        sample.unit,
        sample.strata,
        replicates=replicates,
        seed=seed,
        threads=_core.cpu()["threads"] if threads is None else threads,
    )


def resample_ratio(
    numerator: ArrayLike, denominator: ArrayLike, *, replicates: int, seed: int
) -> NDArray[np.float64]:
    """Draw the ratio of two sums over units, such as a mean or a pooled proportion.

    Parameters
    ----------
    numerator, denominator : (n,) float
        One value per unit; ones in the denominator for a mean.
    replicates, seed : int
        As in `resample_auc`.

    Returns
    -------
    (replicates,) float64
        NaN where the denominator of a sample is 0.

    Raises
    ------
    InputError
        No unit; lengths that differ; NaN or infinity; settings out of range.
    """
    check_drawing(replicates, seed)
    return _core.ratio_bootstrap(
        np.array(numerator, np.float64),
        np.array(denominator, np.float64),
        replicates=replicates,
        seed=seed,
        threads=_core.cpu()["threads"],
    )


def check_drawing(replicates: int, seed: int) -> None:
    """Check the settings of a bootstrap.

    Raises
    ------
    InputError
        Fewer than 100 replicates; a seed outside 0 to 2**64 - 1.
    """
    if replicates < 100:
        raise InputError(f"{replicates} replicates; expected at least 100")
    if not 0 <= seed < 2**64:
        raise InputError(f"the seed is {seed}; expected 0 to 2**64 - 1")


def percentile_limits(drawn: NDArray[np.float64], level: float) -> tuple[float, float]:
    """Percentile interval; samples without a value are ignored."""
    ends = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(ends[0]), float(ends[1])


def studentized_limits(
    values: NDArray[np.float64], *, level: float, replicates: int, seed: int
) -> tuple[float, float] | None:
    """Bootstrap-t interval of a mean.

    Parameters
    ----------
    values : (n,) float64
    level : float
    replicates, seed : int
        As in `resample_auc`.

    Returns
    -------
    low, high : float
        None where more than one sample in twenty has no spread, so that its t is not defined.

    References
    ----------
    .. [1] Efron and Tibshirani, An Introduction to the Bootstrap (1993), 12.5.
    """
    n, centre = values.size, float(values.mean())
    scale = float(values.std(ddof=1))
    apart, ones = (values - centre) / scale, np.ones(n)
    # Replicate r depends only on the seed and r, so both calls see the same samples.
    first, second = (
        resample_ratio(x, ones, replicates=replicates, seed=seed) for x in (apart, apart**2)
    )
    spread = np.sqrt(np.maximum(second - first**2, 0.0) / (n - 1))
    varies = spread > 1e-7
    if varies.mean() < 0.95:
        return None
    t = first[varies] / spread[varies]
    below, above = np.quantile(t, [(1 - level) / 2, (1 + level) / 2])
    error = scale / math.sqrt(n)
    return centre - float(above) * error, centre - float(below) * error


def bca_limits(
    sample: Sample, drawn: NDArray[np.float64], value: float, level: float
) -> tuple[float, float]:
    """Bias-corrected and accelerated interval of one model's AUC.

    Parameters
    ----------
    sample : Sample
        With one model.
    drawn : (replicates,) float64
    value : float
        The AUC of the sample itself.
    level : float

    Returns
    -------
    low, high : float
        Where all replicates lie on one side of `value` (an AUC of 1), the correction is not
        defined and these are the percentiles.
    """
    drawn = drawn[~np.isnan(drawn)]
    # Ties with the estimate count half: an AUC takes few distinct values.
    below = float((drawn < value).mean() + (drawn == value).mean() / 2)
    if not 0 < below < 1:
        return percentile_limits(drawn, level)
    normal = NormalDist()
    bias, acceleration = normal.inv_cdf(below), _acceleration(sample)
    ends = []
    for tail in ((1 - level) / 2, (1 + level) / 2):
        z = bias + normal.inv_cdf(tail)
        ends.append(normal.cdf(bias + z / (1 - acceleration * z)))
    low, high = np.quantile(drawn, ends)
    return float(low), float(high)


def _acceleration(sample: Sample) -> float:
    """Return the acceleration from the jackknife over units; strata by Davison and Hinkley 5.27."""
    influence = _influence(sample)
    cubes, squares, first = 0.0, 0.0, 0
    for size in sample.strata:
        own = influence[first : first + size]
        own = own - own.mean()
        cubes += float((own**3).sum()) / float(size) ** 3
        squares += float((own**2).sum()) / float(size) ** 2
        first += int(size)
    return cubes / (6 * squares**1.5) if squares > 0 else 0.0


def _influence(sample: Sample) -> NDArray[np.float64]:
    """Return the empirical influence of each unit on the AUC, up to a constant per stratum.

    The AUC is a ratio of sums over cases: its derivative with respect to a unit's weight is the
    sum of the unit's placements minus the AUC, each class weighted by its share.
    """
    labels = sample.labels
    placements = _core.placements(np.ascontiguousarray(sample.scores), labels.astype(np.uint8))[0]
    apart = placements - placements[labels].mean()
    n_units = int(sample.strata.sum())
    share = np.where(labels, 1 / labels.sum(), 1 / (~labels).sum())
    total = np.bincount(sample.unit, weights=apart * share, minlength=n_units)
    sizes = np.repeat(sample.strata, sample.strata).astype(np.float64)
    return np.asarray(total * sizes, np.float64)
