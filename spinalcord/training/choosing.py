"""Choose the lesion limits on whole validation scans, and store them in the model files.

Chosen together: the threshold, the smallest and the thinnest lesion, the probability that some
voxel of a lesion must have, and the share of it that must lie in the cord. Of the choices that find
a lesion in at most a tenth of the scans without one, the best has the largest mean Dice over the
scans with lesion, segmented as by `segment`; all diagnoses have the same weight.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from ..analysis.lesions import peaks, thickness_mm
from ..analysis.pipeline import Pipeline
from ..errors import InputError
from ..models.model_file import read_model, stored_tensors, write_model
from ..scans.labels import Label
from ..scans.preparation import WorkingScan

THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
SMALLEST_MM3 = (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)
THINNEST_MM = (0.0, 1.5, 2.0, 2.5)
PEAKS = (0.0, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995)
IN_CORD = (0.0, 0.25, 0.5)

LIMITS = ("threshold", "min_lesion_mm3", "min_thickness_mm", "min_peak", "min_in_cord")
"""The limits that are chosen, in the order of the numbers of a choice."""

MOST_FALSE = 0.1
"""Largest allowed fraction of scans without lesion in which one is found."""

FREE = "without lesion"

Choice = tuple[float, ...]
Array = NDArray[Any]


def all_choices(*, cord: bool = True) -> list[Choice]:
    """Return all combinations of limits that are tried.

    Parameters
    ----------
    cord : bool, default True
        Whether the network segments the cord; if not, the share in the cord is not varied.

    Returns
    -------
    list of tuple of float

    Examples
    --------
    >>> len(all_choices()), len(all_choices(cord=False))
    (7776, 2592)
    """
    inside = IN_CORD if cord else IN_CORD[:1]
    return list(itertools.product(THRESHOLDS, SMALLEST_MM3, THINNEST_MM, PEAKS, inside))


def choose_limits(dice: Mapping[str, Sequence[Array]], most_false: float | None) -> int:
    """Return the index of the best choice.

    Parameters
    ----------
    dice : mapping of str to sequence of arrays
        By diagnosis, one array per scan with the Dice score of each choice; for a scan without
        lesion, 1 if nothing is found, else 0.
    most_false : float or None
        Largest allowed fraction of scans without lesion in which one is found; None: no limit.

    Returns
    -------
    int

    Raises
    ------
    InputError
        No scan; a limit without a scan without lesion, or that no choice meets.

    Examples
    --------
    >>> few, many = np.array([0.6, 0.4]), np.array([0.9, 0.3])
    >>> choose_limits({"MS": [few], "NMOSD": [many], FREE: [np.array([0.0, 1.0])]}, 0.1)
    1
    """
    ill = [np.mean(own, 0) for name, own in dice.items() if name != FREE]
    free = dice.get(FREE)
    if most_false is None:
        if not ill:
            raise InputError("no validation scan has a lesion: limits cannot be chosen")
        return int(np.mean(ill, 0).argmax())
    if not free:
        raise InputError(
            "there is no validation scan without lesion: false lesions cannot be limited"
        )
    false = 1 - np.mean(free, 0)
    meets = false <= most_false + 1e-9
    if not meets.any():
        least = f"{false.min():.0%}"
        raise InputError(f"no choice has fewer than {least} false, {most_false:.0%} asked")
    score = np.mean(ill, 0) if ill else np.zeros(len(false))
    return int(np.where(meets, score, -1.0).argmax())


def least_false(dice: Mapping[str, Sequence[Array]]) -> float | None:
    """Return the smallest share of false lesions of any choice; None without healthy scans.

    Parameters
    ----------
    dice : mapping
        As for `choose_limits`.
    """
    return float((1 - np.mean(dice[FREE], 0)).min()) if dice.get(FREE) else None


def measure_choices(
    pipeline: Pipeline,
    scan: str | os.PathLike[str],
    mask: str | os.PathLike[str],
    choices: Sequence[Choice],
    *,
    series: str | None = None,
    lesion_label: Label = None,
) -> tuple[Array, bool]:
    """Measure the Dice of one scan for each choice of limits.

    Parameters
    ----------
    pipeline : Pipeline
        Pipeline that segments the scan once.
    scan, mask : path
        Paths of the scan and of its reference mask.
    choices : sequence of tuple of float
        Each with the numbers of `LIMITS`.
    series, lesion_label
        As for `spinalcord.classify`.

    Returns
    -------
    dice : float64 (choices,) array
        Dice score of the mask that `segment` would return, on the annotated slices; 1 if both masks
        are empty.
    ill : bool
        Whether the reference mask contains any lesion.

    Raises
    ------
    InputError, ModelError, BackendError
        As for `Pipeline.segment`; a mask on another grid.
    """
    found = pipeline.segment(scan, threshold=0.5, keep_outside_cord=True, series=series)
    working = WorkingScan(found.scan)
    annotation = working.annotation(mask, lesion_label)
    truth = working.working(annotation.lesion.array) > 0
    seen = np.ones(len(truth), bool)
    seen[list(annotation.unannotated)] = False
    drawn = int(truth[seen].sum())
    cord = None if found.cord is None else working.working(found.cord.array)
    probability = working.working(found.probability.array)
    thresholds = {threshold for threshold, *_ in choices}
    lesions = {t: _lesions_at(working, probability, cord, truth, seen, t) for t in thresholds}
    out = []
    for threshold, smallest, thinnest, least, in_cord in choices:
        voxels, hits, volume, thick, peak, inside = lesions[threshold]
        keep = (volume >= smallest) & (thick >= thinnest) & (peak >= np.float32(least))
        keep &= (inside > 0) & (inside >= in_cord)
        total = int(voxels[keep].sum()) + drawn
        out.append(2 * int(hits[keep].sum()) / total if total else 1.0)
    return np.array(out), drawn > 0


def _lesions_at(
    scan: WorkingScan, probability: Array, cord: Array | None, truth: Array, seen: Array,
    threshold: float,
) -> tuple[Array, ...]:  # fmt: skip
    """Measure each lesion: voxels, those in the reference, volume, thickness, peak, share in cord.

    All in the working orientation, slices first: thickness goes from slice to slice.  Voxels are
    counted on the slices in `seen`; the rest is that of the whole lesion.
    """
    mask = (probability >= threshold).astype(np.uint8)
    labels, n = _core.label(mask, scan.affine, min_volume_mm3=0.0)
    if n == 0:
        return (np.zeros(0),) * 6
    table = _core.lesion_table(labels, n, scan.array, scan.affine, cord=cord)
    voxels = np.bincount(labels[seen].ravel(), minlength=n + 1)[1:]
    hits = np.bincount(labels[seen][truth[seen]], minlength=n + 1)[1:]
    thick = thickness_mm(labels, n, scan.affine)
    peak = peaks(labels, n, probability)
    inside = np.ones(n) if cord is None else table["in_cord_fraction"]
    return voxels, hits, table["volume_mm3"], thick, peak, inside


def freeze(
    path: str | os.PathLike[str],
    labels: Mapping[str, Any],
    out: str | os.PathLike[str] | None = None,
    **settings: Any,
) -> Path:
    """Rewrite a model file with other labels and settings; its weights stay the same bit for bit.

    Parameters
    ----------
    path : path
        A model file whose weights are stored as `write_model` stores them.
    labels : mapping
        Entries of ``labels`` to change, such as the threshold and its origin.
    out : path, optional
        Output file; `path` itself if not given.
    **settings
        Other keys of the metadata, such as ``name``.

    Returns
    -------
    Path

    Raises
    ------
    ModelError
        A damaged file; settings that a model file cannot have.
    """
    metadata = dict(read_model(path).metadata)
    metadata |= settings | {"labels": {**metadata["labels"], **labels}}
    return write_model(path if out is None else out, stored_tensors(path), metadata)
