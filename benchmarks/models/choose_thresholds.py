"""Choose the thresholds of classifiers on validation cases, and freeze them in their files.

    python benchmarks/models choose_thresholds RESULT.json --name "version 3.2" \\
        --models WORK/models --tasks astrocytoma_vs_ependymoma

RESULT.json is what `measure_cases` said of these weights.  Youden's threshold on the table `mixed`,
which no training saw, with the outlines of the segmentation that ships: those are what users get,
and a threshold that was chosen with the outlines of another segmentation need not suit them.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spinalcord.models.folder import find_models
from spinalcord.tasks import TASKS
from spinalcord.training.choosing import freeze
from spinalcord.training.export import youden

from .tables import read_figures
from .version_table import CHOSEN_ON, answers_of
from .weights import sum_of_tensors


def main() -> None:
    """Choose, say, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("figures", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, required=True)
    options = parser.parse_args()
    measured = read_figures(options.figures)[options.name]
    models = find_models(options.models).models
    for task in options.tasks:
        path = models[task].path
        if sum_of_tensors(path) != measured["weights"][task]:
            raise SystemExit(f"{path}: {options.figures} has the figures of other weights")
        labels = choose(measured["cases"], task)
        print(f"{task}: {models[task].metadata['labels']['threshold']} -> {labels}")
        freeze(path, labels)


def choose(cases: Sequence[Mapping[str, Any]], task: str) -> dict[str, Any]:
    """Return the threshold of a task, and its origin, as a model file has them.

    Raises
    ------
    SystemExit
        No threshold separates the cases.
    """
    own = [case for case in cases if case["table"] == CHOSEN_ON]
    truth, scores = answers_of(own, task, "answers")
    threshold, origin = youden(truth, scores, "validation")
    if threshold is None:
        raise SystemExit(f"{task}: {origin}")
    return {"threshold": threshold, "threshold_from": origin}
