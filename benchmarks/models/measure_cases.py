"""Measure segmentation models on the same whole scans, case by case, through the core.

    python benchmarks/models measure_cases WORK --models OLD NEW --names "version 2" "version 3.1" \
        --out RESULT.json

Reads typical.tsv, healthy.tsv and inserted.tsv of `make_data`, lumbar_held.tsv of `lumbar_cases`,
chains.tsv and, as mixed.tsv, the validating rows of diagnosis.tsv of `make_lesions` in WORK; a
table that does not exist is skipped, with a message.
Each case goes through `Pipeline.segment` and `Pipeline.classify` with the limits of the model files
and, with the true outline, through `classify` again.  Results are stored
in WORK/compared under the checksum of all weights and limits, and are not measured again; outlines
under that of the segmentation, so that other classifiers are measured on the same ones.
--answers writes only what the classifiers said, for versions that share a segmentation.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from tqdm import tqdm

import spinalcord as sc
from spinalcord import _core
from spinalcord.models.folder import find_models
from spinalcord.scans.preparation import WorkingScan
from spinalcord.scans.writing import save_volume
from spinalcord.stats.segmentation_metrics import dice_score
from spinalcord.tasks import TASKS

from .tables import read_table, write_figures
from .weights import sum_of_tensors

TABLES = ("typical", "healthy", "inserted", "lumbar_held", "chains", "mixed")
LAYOUT = 2
"""Of a stored case, so that others are measured again."""
OUTLINER = "segmentation"
"""Role of the model whose outlines the others are measured on."""
ANSWERS = ("table", "case", "diagnosis", "answers", "true_answers")

_open: dict[str, Any] = {}


def main() -> None:
    """Measure what is missing, and write all cases of all models."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--models", type=Path, nargs="+", required=True)
    parser.add_argument("--names", nargs="+", required=True)
    parser.add_argument("--precision", default="f32")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--answers", action="store_true")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    if len(options.names) != len(options.models):
        parser.error(f"{len(options.models)} models, but {len(options.names)} names")
    rows = [row for table in TABLES for row in read_named(options.work, table)]
    made: dict[str, Any] = {"spinalcord": sc.__version__, "precision": options.precision}
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        for name, folder in zip(options.names, options.models, strict=True):
            roles = find_models(folder).models
            marks = fingerprint(roles), fingerprint({OUTLINER: roles[OUTLINER]})
            tasks = [(row, folder, options.precision, marks, options.work) for row in rows]
            shown = tqdm(pool.map(measured, tasks), desc=name, total=len(tasks), unit="case")
            cases = [{k: c[k] for k in (ANSWERS if options.answers else c)} for c in shown]
            made[name] = {
                "weights": {role: sum_of_tensors(m.path) for role, m in roles.items()},
                "labels": dict(roles["segmentation"].metadata["labels"]),
                "thresholds": {task: roles[task].threshold for task in TASKS},
                "cases": cases,
            }
    write_figures(options.out, made)


def read_named(work: Path, table: str) -> list[dict[str, str]]:
    """Read a table, with its name in each row."""
    path = work / f"{table}.tsv"
    if not path.exists():
        print(f"{path} does not exist: skipped")
        return []
    return [{**row, "table": table} for row in read_table(path)]


def fingerprint(roles: Mapping[str, Any]) -> str:
    """Return a checksum of all that a folder's results depend on.

    A classifier's threshold is no part of it: what is stored are probabilities.
    """
    parts = []
    for role, model in sorted(roles.items()):
        free = ("threshold", "threshold_from") if role in TASKS else ()
        labels = {k: v for k, v in model.metadata["labels"].items() if k not in free}
        parts.append((role, sum_of_tensors(model.path), labels, model.metadata["preprocessing"]))
    text = json.dumps([LAYOUT, parts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def measured(task: tuple[dict[str, str], Path, str, tuple[str, str], Path]) -> dict[str, Any]:
    """Return a case's figures, measured now or before."""
    row, folder, precision, marks, work = task
    name = f"{row['table']}-{row['case_id']}"
    stored, outlines = (work / "compared" / f"{mark}-{precision}" for mark in marks)
    path = stored / f"{name}.json"
    if path.exists():
        return json.loads(path.read_text())
    key = f"{folder}-{precision}"
    if key not in _open:
        _open[key] = sc.Pipeline(folder, precision, threads=1)
    for made in (stored, outlines):
        made.mkdir(parents=True, exist_ok=True)
    figures = measure(_open[key], row, outlines / name)
    path.write_text(json.dumps(figures))
    return figures


def measure(pipeline: Any, row: Mapping[str, str], kept: Path) -> dict[str, Any]:
    """Outline and classify one case, and compare it with what was drawn.

    Parameters
    ----------
    pipeline : Pipeline
    row : mapping
        Of a table of cases, with the table's name.
    kept : Path
        Name, without suffix, of the files that keep the outline and its figures; if they exist,
        the case is only classified.

    Returns
    -------
    dict
        Table, case, diagnosis; "lesions", the volume (mm3) of each found; "answers", the
        probabilities of `TASKS` where something was found; "true_answers", the same with the true
        outline; "dice", None for a patient whose true outline is empty; "found", whether any of
        the true lesion was; "false_cord_mm3", cord in slices without, where the cord is known;
        "plaques", of each connected true lesion of MS its volume, how it stands out and whether it
        was found.
    """
    notes, outline = kept.with_name(f"{kept.name}.json"), kept.with_name(f"{kept.name}.nii.gz")
    scan = sc.read(row["path"])
    if not notes.exists():
        found = pipeline.segment(scan)
        save_volume(found.mask, outline)
        notes.write_text(json.dumps(judge(found, row)))
    figures: dict[str, Any] = json.loads(notes.read_text())
    lesion = str(outline) if figures["lesions"] else ""
    return {
        "table": row["table"], "case": row["case_id"], "diagnosis": row["diagnosis"],
        "answers": answers(pipeline, scan, lesion),
        "true_answers": answers(pipeline, scan, row["mask"] if row["diagnosis"] else ""),
        **figures,
    }  # fmt: skip


def judge(found: Any, row: Mapping[str, str]) -> dict[str, Any]:
    """Compare an outline with what was drawn."""
    scan = WorkingScan(found.scan)
    mask = scan.working(found.mask.array) > 0
    truth = truth_of(row, scan)
    figures: dict[str, Any] = {
        "lesions": [round(lesion.volume_mm3, 1) for lesion in found.lesions],
        "dice": dice_score(mask, truth) if truth.any() or not row["diagnosis"] else None,
        "found": bool((mask & truth).any()),
    }
    if row["cord"] and found.cord is not None:
        known = scan.mask(row["cord"]) > 0
        cord = scan.working(found.cord.array) > 0
        voxel_mm3 = float(np.prod(scan.spacing_mm))
        empty = ~known.any((1, 2))
        figures["false_cord_mm3"] = float(cord[empty].sum()) * voxel_mm3
        figures["dice_cord"] = dice_score(cord, known)
        if row["diagnosis"] == "MS" and truth.any():
            figures["plaques"] = plaques(scan, truth, known, mask)
    return figures


def truth_of(row: Mapping[str, str], scan: WorkingScan) -> np.ndarray:
    """Return the true lesion in the working orientation; none where no mask is listed."""
    if not row["mask"]:
        return np.zeros(scan.array.shape, bool)
    return scan.working(np.asarray(nibabel.load(row["mask"]).dataobj) > 0)


def answers(pipeline: Any, scan: sc.Volume, mask: str) -> list[float]:
    """Return the probabilities of the positive answers, as `TASKS`; none with an empty outline.

    A patient may have an empty one: `make_case` draws no outline around what nobody could see.
    """
    if not mask:
        return []
    diagnosis = pipeline.classify(scan, mask=mask)
    return [diagnosis.tasks[task].probability for task in TASKS] if diagnosis.found else []


def plaques(
    scan: WorkingScan, truth: np.ndarray, cord: np.ndarray, mask: np.ndarray
) -> list[dict[str, float | bool]]:
    """List the connected true lesions.

    Each stands out by (its mean - the mean of cord without lesion) over the standard deviation of
    that cord, all in the slices that the lesion lies in.
    """
    labels, n = _core.label(truth.astype(np.uint8), scan.affine)
    voxel_mm3 = float(np.prod(scan.spacing_mm))
    made: list[dict[str, float | bool]] = []
    for number in range(1, n + 1):
        own = labels == number
        slices = own.any((1, 2))
        around = scan.array[slices][(cord & ~truth)[slices]]
        if len(around) < 2:
            continue
        z = (scan.array[own].mean() - around.mean()) / around.std()
        made.append({
            "mm3": float(own.sum()) * voxel_mm3, "z": float(z), "found": bool((mask & own).any()),
        })  # fmt: skip
    return made
