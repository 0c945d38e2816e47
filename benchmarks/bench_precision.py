"""Compare lesions and answers of a precision with those of float32, case by case.

    python benchmarks/bench_precision.py WORK/typical.tsv WORK/healthy.tsv --precision int8 \
        --out benchmarks/results/mine.jsonl

The tables are those of `benchmarks/models make_data`. Each case goes through `Pipeline.segment` and
where that finds a lesion `Pipeline.classify`, in both precisions. AUC is that of the cases with
a lesion in both whose true diagnosis the task is about. With --true-outlines only the classifiers
are compared, on the masks of the tables. With --store, cases are appended to that file as they are
measured, and are not measured again in the same precision with the same kind of outlines; a store
is for one set of models.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bench_networks import add_out, write_lines
from models.tables import read_table
from tqdm import tqdm

import spinalcord as sc
from spinalcord import stats
from spinalcord.stats.segmentation_metrics import dice_score
from spinalcord.tasks import TASKS
from spinalcord.training.settings import classes_of

LEAST = 0.98


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is missing, print the figures, and write them as one line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", type=Path, nargs="+")
    parser.add_argument("--precision", default="int8", choices=["bf16", "int8"])
    parser.add_argument("--models", type=Path)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--true-outlines", action="store_true")
    parser.add_argument("--store", type=Path)
    add_out(parser)
    options = parser.parse_args(arguments)
    pipelines = [
        sc.Pipeline(options.models, precision, threads=options.threads)
        for precision in ("f32", options.precision)
    ]
    # Answers on true outlines are no answers on those of the network.
    kind = {"precision": options.precision, "true_outlines": options.true_outlines}
    known: dict[str, dict[str, Any]] = {}
    if options.store is not None and options.store.exists():
        lines = options.store.read_text(encoding="utf-8").splitlines()
        of_this_run = [line for line in map(json.loads, lines) if kind.items() <= line.items()]
        known = {line["case"]: line for line in of_this_run}
    cases = []
    rows = [row for path in options.tables for row in read_table(path)]
    measure, sum_up = compare, summarize
    if options.true_outlines:
        rows = [row for row in rows if row["diagnosis"]]
        measure, sum_up = compare_classifiers, summarize_answers
    for row in tqdm(rows, unit="case", disable=None):
        case = known.get(row["case_id"])
        if case is None:
            case = kind | measure(row, pipelines)
            write_lines([case], options.store)
        cases.append(case)
    figures = {"precision": options.precision, "version": sc.__version__, **sum_up(cases)}
    print(json.dumps(figures, indent=1))
    write_lines([figures], options.out)
    return 0


def compare(row: dict[str, str], pipelines: Sequence[sc.Pipeline]) -> dict[str, Any]:
    """Return the figures of one case: pairs are of float32 and of the other precision."""
    found, answers = [], []
    for pipeline in pipelines:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = pipeline.segment(row["path"])
        found.append(result)
        answers.append(probabilities(pipeline, result.scan, result.mask))
    a, b = found
    return {
        "case": row["case_id"],
        "diagnosis": row["diagnosis"],
        "found": [a.found, b.found],
        "dice": dice_score(a.mask.array > 0, b.mask.array > 0),
        "dice_cord": dice_score(a.cord.array > 0, b.cord.array > 0),
        "answers": answers,
    }


def compare_classifiers(row: dict[str, str], pipelines: Sequence[sc.Pipeline]) -> dict[str, Any]:
    """Return the answers for one case with its true outline."""
    answers = [probabilities(pipeline, row["path"], row["mask"]) for pipeline in pipelines]
    return {"case": row["case_id"], "diagnosis": row["diagnosis"], "answers": answers}


def probabilities(pipeline: sc.Pipeline, scan: Any, mask: Any) -> dict[str, float]:
    """Return the probability of each task; none with an empty mask."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tasks = pipeline.classify(scan, mask=mask).tasks
    return {name: answer.probability for name, answer in tasks.items()}


def summarize(cases: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what the README states."""
    pairs = [case for case in cases if all(case["found"])]
    dice = np.array([case["dice"] for case in pairs])
    return {
        "found": np.sum([case["found"] for case in cases], axis=0).tolist(),
        "found_in_one": [case["case"] for case in cases if len(set(case["found"])) == 2],
        "dice": quantiles(dice),
        f"dice_below_{LEAST}": {c["case"]: round(c["dice"], 3) for c in pairs if c["dice"] < LEAST},
        "dice_cord": quantiles(np.array([case["dice_cord"] for case in cases])),
        **summarize_answers(pairs),
        "cases": len(cases),
    }


def summarize_answers(cases: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what the README states of the classifiers, of the cases with answers in both."""
    pairs = [case for case in cases if all(case["answers"])]
    changes = [
        (abs(a[task] - b[task]), (a[task] >= 0.5) != (b[task] >= 0.5))
        for case in pairs
        for a, b in [case["answers"]]
        for task in TASKS
    ]
    return {
        "cases": len(pairs),
        "auc": {task: areas(pairs, task) for task in TASKS},
        "largest_change": round(max(change for change, _ in changes), 4),
        "answers_changed": sum(int(changed) for _, changed in changes),
    }


def quantiles(values: np.ndarray) -> dict[str, float]:
    """Return the mean, the median, the 5th percentile and the least."""
    return {
        "mean": round(float(values.mean()), 4),
        "median": round(float(np.median(values)), 4),
        "p5": round(float(np.percentile(values, 5)), 4),
        "least": round(float(values.min()), 4),
    }


def areas(cases: Sequence[dict[str, Any]], task: str) -> list[float]:
    """Return the AUC of a task in float32 and in the other precision."""
    negative, positive = classes_of(task)
    own = [case for case in cases if case["diagnosis"] in (*negative, *positive)]
    labels = [case["diagnosis"] in positive for case in own]
    return [
        round(float(stats.auc(labels, [c["answers"][i][task] for c in own]).estimate), 4)
        for i in (0, 1)
    ]


if __name__ == "__main__":
    sys.exit(main())
