"""Write the tables of the model card from evaluate.py's figures.

    python benchmarks/models/card.py benchmarks/results/models-2.json docs/models.md

What lies between the two marks in the page is replaced; a test holds the page to the figures.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spinalcord.tasks import DIAGNOSES, TASKS
from spinalcord.training.export import stored_tensors

BEGIN, END = "<!-- figures of card.py -->", "<!-- end of figures -->"
NAMES = {"typical": "typical", "hard": "hard"}
MASKS = ("outlined", "outlined, with T1c", "true outlines")
FIGURES = ("AUC", "accuracy", "sensitivity", "specificity")


def main() -> None:
    """Replace the tables in a page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("figures", type=Path)
    parser.add_argument("page", type=Path)
    options = parser.parse_args()
    page = options.page.read_text(encoding="utf-8")
    head, rest = page.split(BEGIN)
    tail = rest.split(END)[1]
    made = make_card(json.loads(options.figures.read_text(encoding="utf-8")))
    options.page.write_text(f"{head}{BEGIN}\n{made}{END}{tail}", encoding="utf-8")


def make_card(figures: Mapping[str, Any]) -> str:
    """Return the tables as Markdown: f32, the default, and bf16 beside it."""
    parts = [dice_table(figures), task_table(figures), free_table(figures)]
    return "\n".join(parts)


def dice_table(figures: Mapping[str, Any]) -> str:
    """Dice by diagnosis, in both precisions, and how many lesions were hit at all."""
    head = [
        "mean Dice of", "typical", "hard", "put into a scan never seen", "typical, bf16",
        "hard, bf16", "any found: typical", "hard", "put in",
    ]  # fmt: skip
    rows = []
    for name in (*DIAGNOSES, "all"):
        f32, bf16 = ([figures[p][c]["segmentation"][name] for c in NAMES] for p in ("f32", "bf16"))
        put = figures["f32"]["inserted"][name]
        rows.append([
            name, *(short(x["dice"]) for x in (*f32, put)), *(mean(x["dice"]) for x in bf16),
            *(mean(x["found"]) for x in (*f32, put)),
        ])  # fmt: skip
    return table(head, rows)


def task_table(figures: Mapping[str, Any]) -> str:
    """Each task by cohort and by what the classifiers were given."""
    head = [
        "task", "cohort", "figure", "the network's outlines", "in bf16", "with T1c",
        "true outlines",
    ]  # fmt: skip
    rows = []
    for task in TASKS:
        for cohort in NAMES:
            for figure in FIGURES:
                name = f"{task}: {figure}"
                f32, bf16 = (figures[p][cohort]["tasks"] for p in ("f32", "bf16"))
                alone, t1c, true = (short(f32[masks][name]) for masks in MASKS)
                half = mean(bf16["outlined"][name])
                rows.append([f"`{task}`", cohort, figure, alone, half, t1c, true])
    return table(head, rows)


def free_table(figures: Mapping[str, Any]) -> str:
    """False lesions."""
    head = ["false lesions", "f32", "bf16"]
    both = [figures[p]["healthy"] for p in ("f32", "bf16")]
    rows = []
    for cohort in NAMES:
        for what in ("any", "above 50 mm3"):
            cells = [short(healthy[cohort][what]) for healthy in both]
            rows.append([f"60 {cohort} phantoms without lesion: {what}", *cells])
    for name in both[0]["real scans"]:
        sizes = [", ".join(f"{v:.0f} mm³" for v in h["real scans"][name]) or "none" for h in both]
        rows.append([f"healthy volunteer `{name}`", *sizes])
    return table(head, rows)


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def short(sentence: str) -> str:
    """Leave the words out of an interval."""
    return sentence.replace("95 % CI: ", "")


def mean(sentence: str) -> str:
    """Return an estimate without its interval."""
    return short(sentence).split(" [")[0]


def sum_of_tensors(path: Path) -> str:
    """Return a checksum of a model's weights, whatever its settings say."""
    total = hashlib.sha256()
    for name, values in sorted(stored_tensors(path).items()):
        total.update(name.encode() + str(values.shape).encode() + values.tobytes())
    return total.hexdigest()


if __name__ == "__main__":
    main()
