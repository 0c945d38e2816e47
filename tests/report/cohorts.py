"""Cohorts for the tests of reports: drawn with a seed, or from the letter's counts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spinalcord.report.cases import Cases
from spinalcord.stats import letter
from spinalcord.tasks import DIAGNOSES, TASKS, chain_diagnosis


def drawn(n: int = 80, seed: int = 0, **columns: Any) -> dict[str, list[Any]]:
    """A cohort of n patients in the columns of cases.tsv, with two readers."""
    rng = np.random.default_rng(seed)
    truth = [DIAGNOSES[i % 4] for i in range(n)]
    table: dict[str, list[Any]] = {
        "case_id": [f"sub-{i:05d}" for i in range(n)],
        "participant_id": [f"sub-{i:05d}" for i in range(n)],
        "split": ["test"] * n,
        "age": [round(float(a), 1) for a in rng.uniform(6, 80, n)],
        "sex": ["F" if x else "M" for x in rng.integers(0, 2, n)],
        "reference_diagnosis": truth,
        "found": ["true"] * n,
        "t1c": ["given" if x else "absent" for x in rng.integers(0, 2, n)],
        "mask": ["segmented"] * n,
        "n_lesions": [int(x) for x in rng.integers(1, 4, n)],
        "lesion_volume_mm3": [float(x) for x in rng.gamma(2, 400, n)],
        "dice": [float(x) for x in rng.beta(6, 3, n)],
    }
    labels = []
    for name, task in TASKS.items():
        positive = np.array([t in (task.positive, "MS", "NMOSD") for t in truth])
        if name != "tumor_vs_demyelination":
            positive = np.array([t == task.positive for t in truth])
        p = 1 / (1 + np.exp(-(2.2 * positive - 1.1 + rng.normal(0, 1.2, n))))
        table[f"{name}_probability"] = [float(x) for x in p]
        table[f"{name}_label"] = [task.positive if x >= 0.5 else task.negative for x in p]
        table[f"{name}_threshold"] = [0.5] * n
        labels.append(table[f"{name}_label"])
    table["diagnosis"] = [
        chain_diagnosis(dict(zip(TASKS, given, strict=True))) for given in zip(*labels, strict=True)
    ]
    for reader in ("reader_1", "reader_2"):
        wrong = rng.random(n) < 0.25
        other = rng.integers(0, 4, n)
        table[reader] = [
            DIAGNOSES[o] if w else t for t, w, o in zip(truth, wrong, other, strict=True)
        ]
    table["volume_difference_mm3"] = [float(x) for x in rng.normal(-20, 80, n)]
    table["notice"] = ["trained on synthetic phantoms; not for clinical use"] * n
    return table | columns


def explained(table: dict[str, list[Any]], seed: int = 0) -> dict[str, list[Any]]:
    """The same with where the evidence lies, for the tasks on the way to each diagnosis."""
    rng = np.random.default_rng(seed)
    found = dict(table)
    for task in TASKS.values():
        first = task.name == "tumor_vs_demyelination"
        on_the_way = [first or d in (task.negative, task.positive) for d in table["diagnosis"]]
        for name, low in (("inside", 0.2), ("ring", 0.3), ("flat_inside", 0), ("flat_ring", 0.1)):
            shares = rng.uniform(low, low + 0.1, len(on_the_way))
            column = [float(s) if on else "n/a" for s, on in zip(shares, on_the_way, strict=True)]
            found[f"{task.name}_{name}_fraction"] = column
    return found


def of_letter() -> dict[str, list[Any]]:
    """Patients whose answers add up to the letter's counts, difficult cases and readers apart.

    Which patient got which answers to different tasks was not published: the order here is one of
    many that the counts allow.
    """
    published = letter()
    truth = [name for name, n in published.test.items() for _ in range(n)]
    table: dict[str, list[Any]] = {
        "case_id": [f"case-{i}" for i in range(len(truth))],
        "reference_diagnosis": truth,
    }
    for task in published.tasks:
        words = TASKS[task.name]
        group = {"MS": "demyelination", "NMOSD": "demyelination"}
        kind = [group.get(t, "tumor") if "tumor" in task.name else t for t in truth]
        left = {words.positive: task.counts.tp, words.negative: task.counts.tn}
        labels = []
        for t in kind:
            if t not in left:
                labels.append("")
                continue
            right = left[t] > 0
            left[t] -= right
            other = words.negative if t == words.positive else words.positive
            labels.append(t if right else other)
        table[f"{task.name}_label"] = labels
    return table


def lesions(n: int) -> Cases:
    """Three reference lesions for each of n patients, the larger ones found."""
    volume = np.arange(1, 3 * n + 1)
    columns = {
        "case_id": [f"sub-{i % n:05d}" for i in range(3 * n)],
        "mask": ["reference"] * (3 * n),
        "volume_mm3": [str(v) for v in volume],
        "overlap_fraction": ["0.5" if v > n else "0.0" for v in volume],
    }
    return Cases({name: np.array(v, object) for name, v in columns.items()}, 3 * n)


def write_run(
    folder: Path,
    table: Mapping[str, Sequence[Any]],
    *,
    description: Mapping[str, Any] | None = None,
    **files: Mapping[str, Sequence[Any]],
) -> Path:
    """A run's folder, as docs/cohort.md describes it."""

    def tsv(columns: Mapping[str, Sequence[Any]]) -> str:
        rows = [list(columns), *zip(*columns.values(), strict=True)]
        return "".join("\t".join(map(str, row)) + "\n" for row in rows)

    folder.mkdir(exist_ok=True)
    (folder / "cases.tsv").write_text(tsv(table))
    for name, columns in files.items():
        (folder / f"{name}.tsv").write_text(tsv(columns))
    own = {"notice": "random weights", "counts": {"cases": 50}, **(description or {})}
    content = {"Name": "x", "Spinalcord": own}
    (folder / "dataset_description.json").write_text(json.dumps(content))
    return folder
