"""Masks against the reference: Dice scores of every patient, and which lesions are found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import InputError
from ...pictures.style import BLACK, BLUE, DIAGNOSIS_COLOURS, GREY, MANY, spread, style, take_axes
from ...stats import mean, pooled
from ...stats.estimate import decimal
from ..demographics import diagnosis_groups
from ..segmentations import reference_lesions

if TYPE_CHECKING:
    from ..cohort import Cohort

_PER_BIN = 12  # lesions


def draw_dice(cohort: Cohort, *, ax: Any = None) -> Any:
    """Draw the Dice score of every patient by diagnosis, with mean and interval.

    Parameters
    ----------
    cohort : Cohort
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        Without matplotlib.
    InputError
        No case has a Dice score.
    """
    if not cohort.cases.has("dice"):
        raise InputError("no case has a Dice score")
    scores = cohort.cases.numbers("dice")
    known = ~np.isnan(scores)
    groups = {n: scores[own & known] for n, own in diagnosis_groups(cohort.cases).items()}
    groups = {name: values for name, values in groups.items() if values.size}
    if len(groups) > 1:
        del groups["all"]
    ax = take_axes(ax)
    with style():
        for i, (name, values) in enumerate(groups.items()):
            ranked = np.sort(values)
            ax.scatter(
                i + 0.55 * spread(values.size), ranked, s=10, alpha=0.6, linewidth=0,
                color=DIAGNOSIS_COLOURS.get(name, GREY), rasterized=values.size > MANY,
            )  # fmt: skip
            e = mean(values, method="bootstrap-t", bounds=(0, 1), level=cohort.level)
            gaps = [[e.estimate - e.low], [e.high - e.estimate]]
            ax.errorbar(i + 0.4, e.estimate, gaps, fmt="_", color=BLACK, capsize=3, markersize=9)
            ax.text(i + 0.4, -0.08, decimal(e.estimate, 2), ha="center", va="center", fontsize=8)
        labels = [f"{name}\nn = {values.size}" for name, values in groups.items()]
        ax.set_xticks(range(len(groups)), labels)
        ax.set(ylim=(-0.14, 1.03), xlim=(-0.5, len(groups) - 0.3), ylabel="Dice score")
        ax.set_title("every patient; mean with interval")
    return ax


def draw_recall(cohort: Cohort, *, ax: Any = None) -> Any:
    """Draw the share of lesions found against their volume.

    Parameters
    ----------
    cohort : Cohort
        From a run with reference masks.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        Without matplotlib.
    InputError
        No lesion of a reference mask was compared.
    """
    volume, found, owner = reference_lesions(cohort.cases, cohort.lesions)
    if not volume.size:
        raise InputError("no lesions of reference masks: expected a run with masks to compare")
    ax = take_axes(ax)
    bins = max(1, min(8, volume.size // _PER_BIN))
    index = np.minimum(
        np.argsort(np.argsort(volume, kind="stable")) * bins // volume.size, bins - 1
    )
    x, estimates = [], []
    for i in range(bins):
        own = index == i
        patients, place = np.unique(owner[own].astype(str), return_inverse=True)
        k = np.bincount(place, weights=found[own], minlength=patients.size).astype(np.int64)
        n = np.bincount(place, minlength=patients.size)
        x.append(float(np.exp(np.log(np.maximum(volume[own], 1e-9)).mean())))
        estimates.append(pooled(k, n, level=cohort.level, what="lesions"))
    y, below, above = (
        np.array([getattr(e, end) for e in estimates]) for end in ("estimate", "low", "high")
    )
    with style():
        for value, level in ((True, 1.06), (False, -0.06)):
            own = volume[found == value]
            ax.scatter(
                own, level + 0.05 * spread(own.size), s=6, alpha=0.5, color=GREY, linewidth=0,
                rasterized=own.size > MANY,
            )  # fmt: skip
        gaps = np.nan_to_num([y - below, above - y])
        ax.errorbar(x, y, gaps, color=BLUE, marker="o", capsize=3, linewidth=1.2)
        ax.set_xscale("log")
        # At least a decade: the numbers of a shorter axis differ in digits that nobody reads.
        low, high = float(volume.min()), float(volume.max())
        if low > 0 and high < 10 * low:
            centre = (low * high) ** 0.5
            ax.set_xlim(centre / 10**0.5, centre * 10**0.5)
        ax.set(ylim=(-0.12, 1.12), xlabel="volume of the lesion, mm³", ylabel="share found")
        ax.set_title(f"{int(found.sum())} of {volume.size} lesions found; dots: every lesion")
    return ax
