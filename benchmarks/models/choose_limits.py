"""Choose a segmentation model's limits on whole validation scans, and freeze them in its file.

    python benchmarks/models choose_limits WORK --models WORK/models

Chosen together: the threshold, the smallest and the thinnest lesion, the probability that some
voxel of a lesion must have, and the share of it that must lie in the cord.  Of the choices with
which at most a tenth of the validation scans without lesion have one (--most-false), the best has
the largest mean Dice over the scans with lesion as `segment` would outline them; diagnoses weigh
the same.
"""

from __future__ import annotations

import argparse
import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from tqdm import tqdm

import spinalcord as sc
from spinalcord import _core
from spinalcord.analysis.lesions import peaks, thickness_mm
from spinalcord.models.folder import find_models
from spinalcord.models.model_file import read_model, write_model
from spinalcord.scans.preparation import WorkingScan
from spinalcord.training.export import stored_tensors

from .tables import read_table

THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
SMALLEST_MM3 = (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)
THINNEST_MM = (0.0, 1.5, 2.0, 2.5)
PEAKS = (0.0, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995)
IN_CORD = (0.0, 0.25, 0.5)
FREE = "no lesion"
MOST_FALSE = 0.1
LIMITS = ("threshold", "min_lesion_mm3", "min_thickness_mm", "min_peak", "min_in_cord")


def main() -> None:
    """Measure, choose, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--table", default="train.tsv")
    parser.add_argument("--precision", default="f32")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--most-false", type=float, default=MOST_FALSE, metavar="SHARE")
    options = parser.parse_args()
    table = read_table(options.work / options.table)
    rows = [row for row in table if row["split"] == "validation"]
    choices = list(itertools.product(THRESHOLDS, SMALLEST_MM3, THINNEST_MM, PEAKS, IN_CORD))
    dice: dict[str, list[np.ndarray]] = defaultdict(list)
    new = get_context("spawn")
    arguments = (options.models, options.precision, choices)
    with ProcessPoolExecutor(options.jobs, new, initializer=begin, initargs=arguments) as pool:
        shown = tqdm(pool.map(measured, rows), desc="validation", total=len(rows), unit="case")
        for row, own in zip(rows, shown, strict=True):
            dice[row["diagnosis"] or FREE].append(own)
    best = choose(dice, options.most_false)
    print(f"{dict(zip(LIMITS, choices[best], strict=True))}")
    for name, own in sorted(dice.items()):
        print(f"  {name}: {np.mean(own, 0)[best]:.3f} of {len(own)}")
    origin = (
        f"validation, largest mean Dice of {sum(map(len, dice.values()))} whole scans with at most "
        f"{options.most_false:.0%} of {len(dice[FREE])} without lesion having one"
    )
    write_limits(find_models(options.models).models["segmentation"].path, origin, choices[best])


_state: dict[str, Any] = {}


def begin(models: Path, precision: str, choices: list[tuple[float, ...]]) -> None:
    """Open the models once in a process."""
    _state.update(pipeline=sc.Pipeline(models, precision, threads=1), choices=choices)


def measured(row: dict[str, str]) -> np.ndarray:
    """Return the Dice of one case for each choice, by this process's models."""
    return measure(_state["pipeline"], row, _state["choices"])


def choose(dice: Mapping[str, Sequence[np.ndarray]], most_false: float) -> int:
    """Return the number of the best choice.

    Parameters
    ----------
    dice : mapping of str to sequence of arrays
        By diagnosis, one array a scan with its Dice for each choice; in a scan without lesion 1
        where nothing is found, else 0.
    most_false : float
        Largest share of the scans without lesion that may have one.

    Raises
    ------
    SystemExit
        No scan without lesion; no choice that meets the share.
    """
    if not dice.get(FREE):
        raise SystemExit("no validation scan is without lesion: false ones cannot be limited")
    false = 1 - np.mean(dice[FREE], 0)
    ill = np.mean([np.mean(own, 0) for name, own in dice.items() if name != FREE], 0)
    meets = false <= most_false + 1e-9
    if not meets.any():
        least = f"{false.min():.0%}"
        raise SystemExit(f"no choice has fewer than {least} false, {most_false:.0%} asked")
    return int(np.where(meets, ill, -1.0).argmax())


def measure(pipeline: Any, row: dict[str, str], choices: list[tuple[float, ...]]) -> np.ndarray:
    """Return the Dice of one case for each choice of limits."""
    found = pipeline.segment(row["path"], threshold=0.5, keep_outside_cord=True)
    scan = WorkingScan(found.scan)
    truth = scan.working(np.asarray(nibabel.load(row["mask"]).dataobj) > 0)
    drawn = int(truth.sum())
    maps = scan.working(found.probability.array), scan.working(found.cord.array)
    thresholds = {threshold for threshold, *_ in choices}
    lesions = {t: lesions_at(scan, *maps, truth, t) for t in thresholds}
    out = []
    for threshold, smallest, thinnest, least, in_cord in choices:
        voxels, hits, volume, thick, peak, inside = lesions[threshold]
        keep = (volume >= smallest) & (thick >= thinnest) & (peak >= np.float32(least))
        keep &= (inside > 0) & (inside >= in_cord)
        total = int(voxels[keep].sum()) + drawn
        out.append(2 * int(hits[keep].sum()) / total if total else 1.0)
    return np.array(out)


def lesions_at(
    scan: WorkingScan,
    probability: np.ndarray,
    cord: np.ndarray,
    truth: np.ndarray,
    threshold: float,
) -> tuple[np.ndarray, ...]:
    """Return each lesion's voxels, those in the truth, volume, thickness, peak, share in cord.

    All in the working orientation, slices first: thickness goes from slice to slice.
    """
    mask = (probability >= threshold).astype(np.uint8)
    labels, n = _core.label(mask, scan.affine, min_volume_mm3=0.0)
    if n == 0:
        return (np.zeros(0),) * 6
    table = _core.lesion_table(labels, n, scan.array, scan.affine, cord=cord)
    voxels = np.bincount(labels.ravel(), minlength=n + 1)[1:]
    hits = np.bincount(labels[truth], minlength=n + 1)[1:]
    thick = thickness_mm(labels, n, scan.affine)
    peak = peaks(labels, n, probability)
    return voxels, hits, table["volume_mm3"], thick, peak, table["in_cord_fraction"]


def write_limits(path: Path, origin: str, limits: tuple[float, ...]) -> None:
    """Write the file anew with these limits; its weights stay."""
    metadata = dict(read_model(path).metadata)
    metadata["labels"] = {
        **metadata["labels"],
        **dict(zip(LIMITS, limits, strict=True)),
        "threshold_from": origin,
    }
    write_model(path, stored_tensors(path), metadata)
