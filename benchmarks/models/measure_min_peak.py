"""Measure what `min_peak` does to the models that ship, on a phantom cohort that `make_data` made.

    python benchmarks/models measure_min_peak WORK/typical --into benchmarks/results/models-2.json

RESULT.json is that of `measure_cohorts` for the same weights; `card_tables` makes a table of the
figures that this step adds.  All other limits are those of the model file.  Measured on the cases
of split test, with and without lesion.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import spinalcord as sc
from spinalcord.training.choosing import LIMITS, PEAKS, measure_choices

from .make_data import phantom_rows
from .tables import read_figures, write_figures
from .weights import sum_of_tensors


def main() -> None:
    """Segment each case once, and apply each limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cohort", type=Path)
    parser.add_argument("--models", type=Path)
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("--into", type=Path, required=True, metavar="RESULT.json")
    options = parser.parse_args()
    pipeline = sc.Pipeline(options.models, options.precision)
    model = pipeline.network("segmentation").model
    figures = read_figures(options.into)
    if figures["weights"]["segmentation"] != sum_of_tensors(model.path):
        parser.error(f"{options.into} holds figures of other weights than {model.path}")
    own = [float(model.metadata["labels"].get(name, 0.0)) for name in LIMITS]
    at = LIMITS.index("min_peak")
    choices = [(*own[:at], peak, *own[at + 1 :]) for peak in PEAKS]
    dice: dict[str, list[np.ndarray]] = defaultdict(list)
    rows = [row for row in phantom_rows(options.cohort) if row["split"] == "test"]
    for row in tqdm(rows, unit="case"):
        own_dice, _ = measure_choices(pipeline, row["path"], row["mask"], choices)
        dice[row["diagnosis"] or "no lesion"].append(own_dice)
    figures["min_peak"] = {
        "precision": options.precision,
        "limits": dict(zip(LIMITS, own, strict=True)),
        "typical": {str(peak): summary(dice, i) for i, peak in enumerate(PEAKS)},
    }
    write_figures(options.into, figures)


def summary(dice: dict[str, list[np.ndarray]], i: int) -> dict[str, Any]:
    """Count by diagnosis; a case without lesion has a Dice of 1 where nothing was found, else 0."""
    found: dict[str, Any] = {}
    for name, own in sorted(dice.items()):
        values = np.array([choices[i] for choices in own])
        if name == "no lesion":
            found[name] = {"cases": len(values), "false": int((values == 0).sum())}
        else:
            hit = int((values > 0).sum())
            found[name] = {"cases": len(values), "found": hit, "dice": round(values.mean(), 3)}
    return found
