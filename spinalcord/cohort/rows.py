"""Return the rows of a case in the tables: its answers, lesions and slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from .. import _core
from ..analysis.attribution import ExplanationOptions, map_label
from ..analysis.case import CaseResults
from ..analysis.classification import Diagnosis
from ..analysis.explanation import Explanation
from ..scans.preparation import Array, LesionSlices, WorkingScan
from ..stats.segmentation_metrics import score_segmentation
from ..tasks import TASKS


def case_rows(
    scan: WorkingScan,
    found: CaseResults,
    reference: Array | None,
    unannotated: Sequence[int] = (),
) -> dict[str, Any]:
    """Return a case's rows.

    Parameters
    ----------
    scan : WorkingScan
        The scan.
    found : CaseResults
        The results.
    reference : uint8 (slices, rows, columns) array, optional
        In the working orientation.
    unannotated : sequence of int
        Slices without annotation, which are ignored for Dice and distances.

    Returns
    -------
    dict
        ``case``: one row; ``lesions`` and ``slices``: lists of rows. Absent columns have no value.
    """
    segmentation, diagnosis, lesion = found.segmentation, found.diagnosis, found.lesion
    explanations = found.explanations.values()
    cord = None
    if segmentation is not None and segmentation.cord is not None:
        cord = scan.working(segmentation.cord.array)
    lesions = lesion_rows(scan, lesion.mask, "found", cord, reference)
    records = [result.record for result in found.results]
    if diagnosis is not None:  # it repeats the warnings of the segmentation
        records = [diagnosis.record, *(explanation.record for explanation in explanations)]
    row: dict[str, Any] = {
        "found": bool(lesions),
        "diagnosis": None if diagnosis is None else diagnosis.diagnosis,
        "n_lesions": len(lesions),
        "lesion_volume_mm3": _volume(scan, lesion.mask),
        "mask": "given" if segmentation is None else "segmented",
        "t1c": "absent" if lesion.t1c is None else "given",
        "warnings": "; ".join(dict.fromkeys(w for r in records for w in r.warnings)),
        "notice": records[0].notice,
    }
    if segmentation is not None:
        row["n_dropped"] = len(segmentation.dropped)
        row["dropped_volume_mm3"] = sum(one.volume_mm3 for one in segmentation.dropped)
    if diagnosis is not None:
        row |= _answers(diagnosis)
    for explanation in explanations:
        row |= attribution_row(explanation)
    if reference is not None:
        theirs = lesion_rows(scan, reference, "reference", cord, lesion.mask)
        row["reference_n_lesions"] = len(theirs)
        row["reference_volume_mm3"] = _volume(scan, reference)
        row |= _overlap(scan, lesion.mask, reference, unannotated)
        lesions += theirs
    slices = _slices(scan, lesion, diagnosis)
    row["n_slices"] = len(slices)
    return {"case": row, "lesions": lesions, "slices": slices}


def _overlap(
    scan: WorkingScan, mask: Array, reference: Array, unannotated: Sequence[int]
) -> dict[str, float | None]:
    """Compare a mask with the reference; distances are undefined (None) where one is empty."""
    if unannotated:
        mask, reference = mask.copy(), reference.copy()
        mask[list(unannotated)] = reference[list(unannotated)] = 0
    score = score_segmentation(reference, mask, scan.spacing_mm)
    row: dict[str, float | None] = {"dice": score.dice, "hd95_mm": None, "assd_mm": None}
    if not score.reason:
        row |= {"hd95_mm": score.hd95_mm, "assd_mm": score.assd_mm}
    if not unannotated:  # or the reference's volume is that of a part of the lesion
        row["volume_difference_mm3"] = score.volume_difference_mm3
    return row


def _answers(diagnosis: Diagnosis) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, answer in diagnosis.tasks.items():
        row[f"{name}_probability"] = answer.probability
        row[f"{name}_label"] = answer.label
        row[f"{name}_threshold"] = answer.threshold
    return row | {f"{name}_probability": p for name, p in diagnosis.probabilities.items()}


def attribution_row(explanation: Explanation) -> dict[str, Any]:
    """Return the columns of one explanation in the row of a case."""
    row: dict[str, Any] = {}
    if explanation.focus is not None:
        focus = asdict(explanation.focus)
        row = {name: value for name, value in focus.items() if name.endswith("_fraction")}
    if explanation.curves is not None:
        row["deletion_auc"] = explanation.curves.deletion_auc
        row["insertion_auc"] = explanation.curves.insertion_auc
    for other, agreement in explanation.agreement.items():
        label = map_label(*other.split(":"))
        row |= {f"{label}_{name}": value for name, value in agreement.to_dict().items()}
    return {f"{explanation.task}_{name}": value for name, value in row.items()}


def attribution_columns(options: ExplanationOptions) -> list[str]:
    """Return the columns that `attribution_row` fills for every task."""
    names = ["inside_fraction", "ring_fraction", "flat_inside_fraction", "flat_ring_fraction"]
    if options.curves:
        names += ["deletion_auc", "insertion_auc"]
    for other in options.others():
        names += [f"{other.label}_spearman", f"{other.label}_top_iou"]
    return [f"{task}_{name}" for name in names for task in TASKS]


def lesion_rows(
    scan: WorkingScan, mask: Array, name: str, cord: Array | None, other: Array | None
) -> list[dict[str, Any]]:
    """Return the rows of a mask's connected lesions.

    Parameters
    ----------
    scan : WorkingScan
        The scan.
    mask : uint8 (slices, rows, columns) array
        In the working orientation, as are the others.
    name : str
        Value of the column ``mask``.
    cord, other : uint8 (slices, rows, columns) array, optional
        The cord; a mask with which to compute the overlap.

    Returns
    -------
    list of dict
        The largest first.
    """
    labels, n = _core.label(mask, scan.affine)
    if n == 0:
        return []
    table = _core.lesion_table(labels, n, scan.array, scan.affine, cord=cord)
    columns = {key: column.tolist() for key, column in table.items()}
    centroids = columns.pop("centroid_mm")
    for axis, values in zip("xyz", zip(*centroids, strict=True), strict=True):
        columns[f"centroid_{axis}_mm"] = list(values)
    if other is not None:
        covered = np.bincount(labels[other != 0], minlength=n + 1)[1:]
        columns["overlap_fraction"] = (covered / table["n_voxels"]).tolist()
    return [
        {"mask": name, **dict(zip(columns, values, strict=True))}
        for values in zip(*columns.values(), strict=True)
    ]


def _slices(
    scan: WorkingScan, lesion: LesionSlices, diagnosis: Diagnosis | None
) -> list[dict[str, Any]]:
    pixel_mm2 = scan.spacing_mm[1] * scan.spacing_mm[2]
    counts = np.count_nonzero(lesion.mask, axis=(1, 2))
    rows = {
        scan.volume.stored_slice(index): {"lesion_mm2": int(counts[index]) * pixel_mm2}
        for index in np.flatnonzero(counts).tolist()
    }
    for name, answer in (diagnosis.tasks if diagnosis else {}).items():
        for one in answer.slices:
            rows[one.index][name] = one.probability
    return [{"slice": index, **row} for index, row in rows.items()]


def _volume(scan: WorkingScan, mask: Array) -> float:
    return int(np.count_nonzero(mask)) * scan.volume.voxel_mm3
