"""Measure the int8 scales of a model on the scans of a cohort."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import InputError, SpinalcordError, SpinalcordWarning
from ..models.int8 import SHARE, measure_ranges, write_ranges
from ..models.model_file import Model
from ..models.network import Array, Network
from ..run_options import CALIBRATION_CASES, CALIBRATION_SLICES, CohortInputs
from ..scans.preparation import LesionSlices, WorkingScan
from .listing import CohortCase, list_cohort


def quantize_model(
    path: str | os.PathLike[str],
    data: Any,
    *,
    cases: int = CALIBRATION_CASES,
    slices: int = CALIBRATION_SLICES,
    seed: int = 0,
    threads: int | None = None,
) -> dict[str, Any]:
    """Measure and store the scales that a model needs for ``precision="int8"``.

    Random slices of random cases are passed through the network in f32. The range of each map is
    stored beside the model file, in ``int8-scales.json``; the file itself is not changed. Cases
    that cannot be read and, for a classifier, cases without lesion are excluded with a warning and
    replaced.

    Parameters
    ----------
    path : path-like
        A model file.
    data : path, DataFrame or sequence of mappings
        The cohort, as for `spinalcord.run_cohort`: representative scans, other than those on which
        the model is evaluated. A classifier needs masks of the lesions.
    cases : int, default 24
        Number of cases drawn.
    slices : int, default 3
        Number of slices per case; for a classifier, of those with lesion.
    seed : int, default 0
        Seed of the draw.
    threads : int, optional
        As for `Network.open`.

    Returns
    -------
    dict
        ``file`` with the scales; ``model``; the numbers of ``cases``, ``slices`` and ``ranges``;
        ``failed``, the excluded cases.

    Raises
    ------
    InputError
        No usable slice in any case; a number below 1; a folder that cannot be written to; as for
        `run_cohort`.
    ModelError
        A model file that is missing or damaged, or scales beside it that are.

    Examples
    --------
    >>> import spinalcord as sc
    >>> quantize_model(sc.Pipeline().network("segmentation").model.path, [], cases=0)
    Traceback (most recent call last):
        ...
    spinalcord.errors.InputError: cases and slices are whole numbers of at least 1, got 0 and 3
    """
    if cases < 1 or slices < 1:
        raise InputError(
            f"cases and slices are whole numbers of at least 1, got {cases} and {slices}"
        )
    network = Network.open(path, "f32", threads)
    model = network.model
    inputs = CohortInputs(masks="ignore" if _is_segmentation(model) else "use")
    listing = list_cohort(data, inputs)
    rng = np.random.default_rng(seed)
    images: list[Array] = []
    used = 0
    failed: list[str] = []
    for i in rng.permutation(len(listing.cases)):
        case = listing.cases[i]
        try:
            images += _draw(case, model, slices, rng)
            used += 1
        except SpinalcordError as error:
            failed.append(case.case_id)
            warnings.warn(f"{case.case_id} is excluded: {error}", SpinalcordWarning, stacklevel=2)
        if used == cases:
            break
    if not images:
        raise InputError(f"none of {len(failed)} cases has a slice to calibrate {model.path} with")
    about = {"cases": used, "slices": len(images), "share": SHARE}
    ranges = measure_ranges(network, images)
    stored = write_ranges(model, ranges, {"calibration": about | {"seed": seed}})
    return {
        "file": str(stored),
        "model": str(model.path),
        **about,
        "ranges": len(ranges),
        "failed": failed,
    }


def _is_segmentation(model: Model) -> bool:
    return model.role == "segmentation"


def _draw(case: CohortCase, model: Model, n: int, rng: np.random.Generator) -> Iterator[Array]:
    """Return up to n prepared slices of a case."""
    images = _prepared(case, model)
    picked = np.sort(rng.permutation(len(images))[:n])
    return iter([np.ascontiguousarray(images[i : i + 1]) for i in picked])


def _prepared(case: CohortCase, model: Model) -> Array:
    scan = WorkingScan(case.path)
    if _is_segmentation(model):
        return scan.segmentation_images(model)[0]
    if case.mask is None:
        raise InputError("a classifier is calibrated on slices with lesion, and there is no mask")
    contrast = None if case.t1c is None else scan.coregistered(case.t1c, "t1c")
    lesion = LesionSlices(scan, scan.mask(case.mask), contrast)
    if not lesion.found:
        raise InputError(f"{case.mask} has no lesion")
    return lesion.images(model)[0]
