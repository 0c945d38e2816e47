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
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import spinalcord as sc
from spinalcord.errors import InputError
from spinalcord.models.folder import find_models
from spinalcord.training.choosing import (
    FREE,
    LIMITS,
    MOST_FALSE,
    Choice,
    all_choices,
    choose_limits,
    freeze,
    measure_choices,
)

from .tables import read_table


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
    choices = all_choices()
    dice: dict[str, list[np.ndarray]] = defaultdict(list)
    new = get_context("spawn")
    arguments = (options.models, options.precision, choices)
    with ProcessPoolExecutor(options.jobs, new, initializer=begin, initargs=arguments) as pool:
        shown = tqdm(pool.map(measured, rows), desc="validation", total=len(rows), unit="case")
        for row, own in zip(rows, shown, strict=True):
            dice[row["diagnosis"] or FREE].append(own)
    try:
        best = choose_limits(dice, options.most_false)
    except InputError as error:
        raise SystemExit(str(error)) from error
    print(f"{dict(zip(LIMITS, choices[best], strict=True))}")
    for name, own in sorted(dice.items()):
        print(f"  {name}: {np.mean(own, 0)[best]:.3f} of {len(own)}")
    origin = (
        f"validation, largest mean Dice of {sum(map(len, dice.values()))} whole scans with at most "
        f"{options.most_false:.0%} of {len(dice[FREE])} without lesion having one"
    )
    labels = dict(zip(LIMITS, choices[best], strict=True)) | {"threshold_from": origin}
    freeze(find_models(options.models).models["segmentation"].path, labels)


_state: dict[str, Any] = {}


def begin(models: Path, precision: str, choices: Sequence[Choice]) -> None:
    """Open the models once in a process."""
    _state.update(pipeline=sc.Pipeline(models, precision, threads=1), choices=choices)


def measured(row: dict[str, str]) -> np.ndarray:
    """Return the Dice of one case for each choice, by this process's models."""
    dice, _ = measure_choices(_state["pipeline"], row["path"], row["mask"], _state["choices"])
    return dice
