"""Measure the benefit of starting a training from the shipped weights, on folds of phantoms.

    python benchmarks/bench_init.py WORK --out benchmarks/results/init.jsonl

The lesions are drawn by the rule that the weights have not been trained on (``style="chains"``), in
phantoms of another seed.  Each fold trains the segmentation, the four-class start and one task as
`spinalcord train all --folds` does, once from the shipped weights and once from random ones, with
the same cases, settings and seeds.  Classifiers learn from true outlines.  Finished trainings in
WORK are kept, so that an interrupted measurement can be resumed.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

import spinalcord
from spinalcord.models.model_file import read_model
from spinalcord.phantom.dataset import make_cohort
from spinalcord.training.initial import NONE, SHIPPED, choose_initial
from spinalcord.training.patients import list_cases
from spinalcord.training.plan import choose_settings, look_at
from spinalcord.training.rounds import Round, cases_for, make_rounds
from spinalcord.training.settings import SEGMENTATION, START, Settings
from spinalcord.training.trainer import About, train_cases

TASK = "tumor_vs_demyelination"
TARGETS = (SEGMENTATION, START, TASK)


def main() -> None:
    """Train both ways on each fold, append the figures to the file, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path, help="folder for the cohort and the trainings")
    parser.add_argument("--cases", type=int, default=36, help="with lesions (default: 36)")
    parser.add_argument("--lesion-free", type=int, default=9, help="default: 9")
    parser.add_argument("--folds", type=int, default=3, help="default: 3")
    parser.add_argument("--fold", type=int, help="measure this fold only (default: all)")
    parser.add_argument("--epochs", type=int, default=4, help="default: 4")
    parser.add_argument("--steps", type=int, default=25, help="per epoch (default: 25)")
    parser.add_argument("--seed", type=int, default=4242, help="default: 4242")
    parser.add_argument("--out", type=Path, help="JSON lines are appended")
    options = parser.parse_args()
    cohort = draw_cohort(options)
    cases, _ = list_cases(cohort, SEGMENTATION)
    rounds = make_rounds(cases, options.folds, 0)
    n_train = max(len(each.cases) for each in rounds)
    given = {"epochs": options.epochs, "steps": options.steps, "device": "cpu"}
    settings, _ = choose_settings(look_at(cases), n_train, given, folds=True)
    rows = []
    for each in rounds if options.fold is None else [rounds[options.fold - 1]]:
        for start in (SHIPPED, NONE):
            row = measure_fold(each, start, settings, options.work)
            row |= {"cases": len(cases), "steps": options.epochs * options.steps}
            rows.append(row | {"seed": options.seed, "spinalcord": spinalcord.__version__})
            print(f"{each.name}, {start}: {row}", flush=True)
            if options.out:
                with open(options.out, "a", encoding="utf-8") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
    print_table(rows)


def draw_cohort(options: argparse.Namespace) -> Path:
    """Draw the patients, without the cohort's own split: folds are of all of them."""
    folder = options.work / "cohort"
    if not (folder / "participants.tsv").is_file():
        make_cohort(
            options.cases, options.seed, folder, lesion_free=options.lesion_free,
            lesion_free_in="all", style="chains", progress=False,
        )  # fmt: skip
    path = folder / "participants.tsv"
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    kept = [name for name in rows[0] if name != "split"]
    with open(path, "w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, kept, delimiter="\t", extrasaction="ignore")
        table.writeheader()
        table.writerows(rows)
    return folder


def measure_fold(
    fold: Round, start: str, settings: dict[str, Settings], work: Path
) -> dict[str, Any]:
    """Train the networks of a fold, and return what they reach where they validate."""
    initial = choose_initial(start, settings, lambda _: None)
    own = work / start / fold.name
    paths = {target: own / f"{target}.safetensors" for target in TARGETS}
    found: dict[str, Any] = {"fold": fold.name, "init": start}
    for target in TARGETS:
        if not paths[target].is_file():
            init, backbone = initial.of(target, paths[START])
            own.mkdir(parents=True, exist_ok=True)
            train_cases(
                target, fold.cases if target == SEGMENTATION else cases_for(fold.cases, target),
                paths[target], About("drawn patients", "", {"split": fold.name}),
                settings=settings[target], init=init, backbone=backbone, resume=True,
                cache=work / "cache",
            )  # fmt: skip
        with open(own / f"{target}.training" / "curves.csv", encoding="utf-8") as file:
            curve = list(csv.DictReader(file))
        kept = [name for name in curve[-1] if name.startswith(("dice", "auc", "accuracy"))]
        found[target] = {name: [_number(row[name]) for row in curve] for name in kept}
    facts = read_model(paths[SEGMENTATION]).metadata["training"]["last"]
    found["scans"] = {k: v for k, v in facts.items() if k.startswith("scans_")}
    return found


def print_table(rows: list[dict[str, Any]]) -> None:
    """Print each figure at the end, by fold and on average, with both starts beside each other."""
    print("| figure | shipped weights, by fold | mean | random weights, by fold | mean |")
    print("|---" * 5 + "|")
    names = [(t, n) for t in (*TARGETS, "scans") for n in rows[0][t]]
    for target, name in names:
        cells = []
        for start in (SHIPPED, NONE):
            mine = [row[target].get(name) for row in rows if row["init"] == start]
            values = [v[-1] if isinstance(v, list) else v for v in mine]
            known = [v for v in values if v is not None and np.isfinite(v)]
            cells += [
                ", ".join("n/a" if v is None else f"{v:.2f}" for v in values),
                f"{np.mean(known):.2f}" if known else "n/a",
            ]
        print(f"| {target}: {name} | {' | '.join(cells)} |")


def _number(text: str) -> float | None:
    return float(text) if text else None


if __name__ == "__main__":
    main()
