"""Accuracy of the segmentation: overlap per patient, detected lesions, and given masks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from ..stats import mean, median, pooled, proportion
from .cases import Cases, Words
from .demographics import diagnosis_groups
from .table import ESTIMATE, Table, estimate_row

_INF = math.inf
# Columns of any table that are measured once per patient, what they are called, and their range.
_SCORES = {
    "dice": ("Dice score", (0.0, 1.0)),
    "iou": ("intersection over union", (0.0, 1.0)),
    "surface_dice": ("surface Dice score", (0.0, 1.0)),
    "hd95_mm": ("95th percentile distance, mm", (0.0, _INF)),
    "assd_mm": ("mean surface distance, mm", (0.0, _INF)),
    "volume_difference_mm3": ("volume difference, mm³", (-_INF, _INF)),
}
_DISTANCES = ("hd95_mm", "assd_mm")
_MEDIAN = "median, missed counted as largest"


def segmentation(
    cases: Cases, lesions: Cases, *, level: float = 0.95, notes: Sequence[str] = ()
) -> Table:
    """Dice scores and the like, by diagnosis; lesions found of those in the reference masks.

    Parameters
    ----------
    cases : Cases
    lesions : Cases
        A run's ``lesions.tsv``; may be empty.
    level, notes
        As in `table2`.

    Returns
    -------
    Table
        Means have bootstrap intervals, patients being drawn. A distance is not defined where a mask
        is empty: its mean says of how many patients it is, and a median beside it counts a lesion
        that was missed, or invented, as the largest distance. Only masks of the network are scored;
        of how many patients the mask was given is a row of its own.

    Raises
    ------
    InputError
        No case has a score.
    """
    used = [column for column in _SCORES if cases.has(column)]
    if not used:
        raise InputError("no case has a Dice score: the run had no reference masks to compare with")
    rows: list[dict[str, Any]] = []
    groups = diagnosis_groups(cases)
    scores = {column: cases.numbers(column) for column in used}
    scored = ~np.all([np.isnan(values) for values in scores.values()], axis=0)
    for group, own in groups.items():
        for column in used:
            # Patients without a reference mask are no undefined scores.
            values = scores[column][own & scored]
            name, bounds = _SCORES[column]
            estimate = mean(values, method="bootstrap-t", bounds=bounds, level=level, name=name)
            rows.append(estimate_row(estimate, group=group))
            if column in _DISTANCES:
                worst = _counting_misses(values, scores.get("dice"), own & scored)
                middle = median(worst, level=level, name=f"{name}: {_MEDIAN}")
                rows.append(estimate_row(middle, group=group))
    found, total = lesion_counts(cases, lesions, "reference")
    right, claimed = lesion_counts(cases, lesions, "found")
    if total.sum():
        for group, own in groups.items():
            for name, k, n in (
                ("lesion-wise sensitivity", found, total),
                ("lesion-wise precision", right, claimed),
            ):
                estimate = pooled(k[own], n[own], level=level, name=name, what="lesions")
                rows.append(estimate_row(estimate, group=group))
    if cases.has("mask"):
        given = cases.words("mask") == "given"
        for group, own in groups.items():
            share = proportion(
                int(given[own].sum()), int(own.sum()), level=level, name="mask given, not segmented"
            )
            rows.append(estimate_row(share, group=group))
    return Table(
        "segmentation",
        "Segmentation against the reference masks",
        ("group", *ESTIMATE),
        tuple(rows),
        ("group", "figure", "n", "sentence", "method"),
        (*notes, *_remarks(used, scores, scored)),
    )


def _counting_misses(values: Any, dice: Any, own: Any) -> Any:
    """Replace distances that are not defined by infinity, unless both masks are empty."""
    if dice is None:
        return values
    # Where one mask is empty the Dice score is 0, where both are it is 1.
    return np.where(np.isnan(values) & (dice[own] == 0), math.inf, values)


def _remarks(used: Sequence[str], scores: Mapping[str, Any], scored: Any) -> list[str]:
    remarks = ["a lesion is found where at least one voxel of it is"]
    for column in used:
        if column in _DISTANCES:
            n, missing = int(scored.sum()), int(np.isnan(scores[column][scored]).sum())
            remarks.append(
                f"{_SCORES[column][0]}: the mean is of {n - missing} of {n} patients; it is not "
                f"defined where one mask or both are empty ({missing} of {n})"
            )
    if any(column in _DISTANCES for column in used):
        remarks.append(
            f"{_MEDIAN}: where one mask alone is empty, the distance counts as larger than any "
            "other, so that a missed lesion never improves it"
        )
    return remarks


def lesion_counts(cases: Cases, lesions: Cases, mask: str) -> tuple[Any, Any]:
    """Count lesions of each case that the other mask meets, of those that could be.

    Parameters
    ----------
    cases, lesions : Cases
    mask : {"reference", "found"}

    Returns
    -------
    met, total : (n,) int64
        Lesions whose overlap is not known are not counted.
    """
    place = {case: i for i, case in enumerate(cases.words("case_id"))}
    met, total = np.zeros(cases.n, np.int64), np.zeros(cases.n, np.int64)
    if not lesions.n:
        return met, total
    overlap = lesions.numbers("overlap_fraction")
    kinds, owners = lesions.words("mask"), lesions.words("case_id")
    for i in np.flatnonzero((kinds == mask) & ~np.isnan(overlap)):
        case = place.get(owners[i])
        if case is not None:
            total[case] += 1
            met[case] += overlap[i] > 0
    return met, total


def reference_lesions(cases: Cases, lesions: Cases) -> tuple[Any, Any, Words]:
    """Return volume (mm³) of every reference lesion, whether it was found, and its patient."""
    known = {*cases.words("case_id")}
    if not lesions.n:
        return np.empty(0), np.empty(0, bool), np.empty(0, object)
    overlap, volume = lesions.numbers("overlap_fraction"), lesions.numbers("volume_mm3")
    owners = lesions.words("case_id")
    mine = np.array([owner in known for owner in owners], bool)
    keep = mine & (lesions.words("mask") == "reference") & ~np.isnan(overlap) & ~np.isnan(volume)
    return volume[keep], overlap[keep] > 0, owners[keep]
