"""Draw how the models that ship were trained: one panel for masks, one for answers.

python benchmarks/models plot_curves WORK curves.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from PIL import Image

from spinalcord.tasks import TASKS

from .tables import read_table

SEGMENTATION = ("first/segmentation", "second/segmentation", "models/segmentation")
"""One after the other; the validation cases of the later two hold scans without lesion, too."""


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("picture", type=Path)
    options = parser.parse_args()
    figure, (masks, answers) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    before = 0
    for stage in SEGMENTATION:
        rows = read_curves(options.work, stage)
        steps = [before + row["steps"] for row in rows]
        for name, colour in (("dice_lesion", "C3"), ("dice_cord", "C0")):
            label = name.replace("_", " ") if stage == SEGMENTATION[0] else None
            masks.plot(steps, [row[name] for row in rows], colour, label=label)
        before = steps[-1]
        masks.axvline(before, color="0.8", zorder=0)
    masks.set(title="segmentation, patches of validation scans", xlabel="steps of 8 patches",
              ylabel="Dice", ylim=(0.4, 1))  # fmt: skip
    start = read_curves(options.work, "start")
    steps = [row["steps"] for row in start]
    answers.plot(steps, [row["accuracy"] for row in start], "C7", label="four diagnoses: accuracy")
    for task in TASKS:
        rows = read_curves(options.work, f"models/{task}")
        later = [steps[-1] + row["steps"] for row in rows]
        answers.plot(later, [row["auc"] for row in rows], marker="o", label=f"{task}: AUC")
    answers.set(title="classifiers, validation patients", xlabel="steps of 16 windows",
                ylim=(0.4, 1))  # fmt: skip
    for axes in (masks, answers):
        axes.legend(fontsize=8, loc="lower right")
    figure.savefig(options.picture, dpi=110)
    # A palette takes a third of the space: the picture is part of the repository.
    Image.open(options.picture).convert("RGB").quantize(256).save(options.picture, optimize=True)


def read_curves(work: Path, name: str) -> list[dict[str, float]]:
    """Read a training's curves."""
    rows = read_table(work / f"{name}.training" / "curves.csv")
    return [{column: float(value) for column, value in row.items()} for row in rows]
