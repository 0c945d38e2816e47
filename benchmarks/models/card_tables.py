"""Write the tables of the model card from the figures of `measure_cohorts`.

    python benchmarks/models card_tables benchmarks/results/models-2.json docs/models-made.md

What lies between the two marks in the page is replaced; a test holds the page to the figures.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spinalcord.tasks import DIAGNOSES, TASKS

from .markdown import brief, markdown_table, number, replace_part
from .tables import read_figures

BEGIN, END = "<!-- card tables -->", "<!-- end of card tables -->"
MASKS = ("outlined", "outlined, with T1c", "true outlines")
DICE_AIMS = {"astrocytoma": "0.85", "ependymoma": "0.85", "MS": "0.70", "NMOSD": "0.70"}
AUC_AIMS = dict(zip(TASKS, ("0.98", "0.90", "0.90"), strict=True))
FIGURES = ("AUC", "accuracy", "sensitivity", "specificity")


def main() -> None:
    """Replace the tables in a page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("figures", type=Path)
    parser.add_argument("page", type=Path)
    options = parser.parse_args()
    made = make_card(read_figures(options.figures))
    replace_part(options.page, BEGIN, END, made)


def make_card(figures: Mapping[str, Any]) -> str:
    """Return the tables as Markdown."""
    makers = (aims_table, dice_table, task_table, free_table, peak_table)
    return "\n".join(make(figures) for make in makers)


def aims_table(figures: Mapping[str, Any]) -> str:
    """What was aimed for beside what was reached, on typical phantoms in f32."""
    f32 = figures["f32"]
    typical = f32["typical"]
    dice = {name: number(row["dice"]) for name, row in typical["segmentation"].items()}
    rows = [[f"Dice, {name}", aim, dice[name]] for name, aim in DICE_AIMS.items()]
    for task, aim in AUC_AIMS.items():
        alone, t1c, true = (number(typical["tasks"][masks][f"{task}: AUC"]) for masks in MASKS)
        reached = f"{alone}; with T1c {t1c}, with true outlines {true}"
        rows.append([f"AUC, `{task}`", aim, reached])
    for name, volumes in f32["volunteers"].items():
        largest = f"{max(volumes):.0f} mm³" if volumes else "none"
        rows.append([f"largest lesion in healthy `{name}`", "at most 50 mm³", largest])
    return markdown_table(["typical phantoms, f32", "aim", "reached"], rows)


def dice_table(figures: Mapping[str, Any]) -> str:
    """Dice by diagnosis, and how many lesions were hit at all."""
    head = [
        "mean Dice of", "typical, f32", "typical, bf16", "hard, bf16",
        "put into a scan never seen, bf16", "any found: typical, f32", "hard", "put in",
    ]  # fmt: skip
    f32, bf16 = figures["f32"], figures["bf16"]
    rows = []
    for name in (*DIAGNOSES, "all"):
        typical = f32["typical"]["segmentation"][name]
        half, hard = (bf16[c]["segmentation"][name] for c in ("typical", "hard"))
        put = bf16["inserted"][name]
        rows.append([
            name, brief(typical["dice"]), number(half["dice"]), brief(hard["dice"]),
            brief(put["dice"]), *(number(x["found"]) for x in (typical, hard, put)),
        ])  # fmt: skip
    return markdown_table(head, rows)


def task_table(figures: Mapping[str, Any]) -> str:
    """Each task by cohort and by what the classifiers were given."""
    head = [
        "task", "figure", "typical, f32", "typical, bf16", "typical, with T1c, f32",
        "typical, true outlines, f32", "hard, bf16",
    ]  # fmt: skip
    f32 = figures["f32"]["typical"]["tasks"]
    half, hard = (figures["bf16"][c]["tasks"]["outlined"] for c in ("typical", "hard"))
    rows = []
    for task in TASKS:
        for figure in FIGURES:
            name = f"{task}: {figure}"
            alone, t1c, true = (brief(f32[masks][name]) for masks in MASKS)
            row = [
                f"`{task}`",
                figure,
                alone,
                number(half[name]),
                t1c,
                true,
                brief(hard[name]),
            ]
            rows.append(row)
    return markdown_table(head, rows)


def free_table(figures: Mapping[str, Any]) -> str:
    """False lesions."""
    healthy = figures["bf16"]["healthy"]
    rows = []
    for cohort in ("typical", "hard"):
        for what in ("any", "above 50 mm3"):
            title = f"60 {cohort} phantoms without lesion, bf16: {what.replace('mm3', 'mm³')}"
            rows.append([title, brief(healthy[cohort][what])])
    for precision, found in (("f32", figures["f32"]), ("bf16", healthy)):
        for name, volumes in found["volunteers"].items():
            sizes = ", ".join(f"{v:.0f} mm³" for v in volumes) or "none"
            rows.append([f"healthy volunteer `{name}`, {precision}", sizes])
    return markdown_table(["false lesions", "found"], rows)


def peak_table(figures: Mapping[str, Any]) -> str:
    """Effect of excluding uncertain lesions."""
    head = [
        f"`min_peak`, typical phantoms, {figures['min_peak']['precision']}",
        *(f"Dice, {name}" for name in DIAGNOSES), "any found", "false lesion where there is none",
    ]  # fmt: skip
    rows = []
    for peak, found in figures["min_peak"]["typical"].items():
        ill = [found[name] for name in DIAGNOSES]
        hit, cases = (sum(row[key] for row in ill) for key in ("found", "cases"))
        free = found["no lesion"]
        rows.append([
            peak, *(f"{row['dice']:.2f}" for row in ill), f"{hit} of {cases}",
            f"{free['false']} of {free['cases']}",
        ])  # fmt: skip
    return markdown_table(head, rows)
