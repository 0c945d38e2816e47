"""How well lesions were outlined: overlap per patient, lesions found, and masks given by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from ..stats import mean, pooled, proportion
from .cases import Cases, Words
from .demographics import diagnosis_groups
from .table import ESTIMATE, Table, estimate_row

# Columns of any table that are measured once per patient, and what they are called.
_SCORES = {
    "dice": "Dice score",
    "iou": "intersection over union",
    "surface_dice": "surface Dice score",
    "hd95_mm": "95th percentile distance, mm",
    "assd_mm": "mean surface distance, mm",
    "volume_difference_mm3": "volume difference, mm³",
}


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
        Means have bootstrap intervals, patients being drawn. Only masks of the network are scored;
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
            estimate = mean(values, level=level, name=_SCORES[column])
            rows.append(estimate_row(estimate, group=group))
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
        ("group", "figure", "sentence", "method"),
        (*notes, "a lesion is found where at least one voxel of it is"),
    )


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
