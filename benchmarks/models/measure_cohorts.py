"""Measure models on the cases that `make_data` made: figures as Markdown, and as a JSON file.

    python benchmarks/models measure_cohorts WORK --models spinalcord/weights --out RESULT.json

Everything goes through `spinalcord.run_cohort` and `spinalcord.Cohort`, as a user's cohort would.
All figures are about synthetic lesions: phantoms, and lesions put into scans of healthy people.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

import spinalcord as sc
from spinalcord import stats
from spinalcord.models.folder import find_models
from spinalcord.tasks import DIAGNOSES

from .tables import read_table, write_figures, write_table
from .weights import sum_of_tensors

COHORTS = {"typical": "typical", "hard": "letter"}
"""The frozen phantom cohorts, and the folders that `make_data` made them in."""
LARGE_MM3 = 50.0
"""Volume from which on a false lesion in a healthy scan is counted."""


def main() -> None:
    """Run what is missing, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--models", type=Path)
    parser.add_argument("--precision", nargs="+", default=["f32", "bf16"])
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    figures: dict[str, Any] = {"spinalcord": sc.__version__, "weights": describe(options.models)}
    for precision in options.precision:
        figures[precision] = evaluate(options.work, options.models, precision)
    write_figures(options.out, figures)
    for precision in options.precision:
        print(f"\n## {precision}\n\n{to_markdown(figures[precision])}")


def describe(models: Path | None) -> dict[str, str]:
    """Return the checksum of each model's weights, by role: publishing changes the rest."""
    found = find_models(models)
    return {role: sum_of_tensors(model.path) for role, model in found.models.items()}


def evaluate(work: Path, models: Path | None, precision: str) -> dict[str, Any]:
    """Run the cohorts of one precision and return their figures.

    In f32, the default, the typical cohort, on which T1c, with the outlines that the network has
    just made, and true outlines are tried too.  In bf16, which is three times as fast, all cohorts.
    The healthy volunteers' scans in both.  Insertions share one host, so they have no figures by
    patient.
    """

    def run(name: str, table: str, masks: str = "compare") -> Any:
        out = work / "runs" / f"{precision}-{name}"
        return sc.run_cohort(
            work / f"{table}.tsv", out, inputs=sc.CohortInputs(masks=masks),
            outputs=sc.RunOutputs(qc=False), execution=sc.Execution(jobs=2),
            models=models, precision=precision, threads=1, progress=True,
        )  # fmt: skip

    def whole(cohort: str) -> tuple[Any, dict[str, Any]]:
        alone = run(cohort, cohort)
        answers = {"outlined": tasks(alone)}
        return alone, {
            "segmentation": segmentation(alone), "tasks": answers, "chain": chain(alone),
        }  # fmt: skip

    alone, typical = whole("typical")
    found = {"typical": typical}
    if precision == "f32":
        outlined = with_outlines(work, "typical", alone.out)
        answers = typical["tasks"]
        answers["outlined, with T1c"] = tasks(run("typical-t1c", outlined, "use"))
        answers["true outlines"] = tasks(run("typical-given", "typical", "use"))
        found["volunteers"] = volunteers(run("volunteers", volunteers_alone(work)))
        return found
    found["hard"] = whole("hard")[1]
    found["healthy"] = healthy(run("healthy", "healthy"))
    found["inserted"] = segmentation(run("inserted", "inserted"))
    return found


def volunteers_alone(work: Path) -> str:
    """Name a table of the healthy volunteers among the scans without lesion."""
    rows = read_table(work / "healthy.tsv")
    drawn = tuple(f"{folder}-" for folder in COHORTS.values())
    write_table(work / "volunteers.tsv", [r for r in rows if not r["case_id"].startswith(drawn)])
    return "volunteers"


def with_outlines(work: Path, cohort: str, out: Path) -> str:
    """Name a table of the cases with their T1c and with the outlines of an earlier run."""
    name = f"{cohort}_t1c_outlined"
    rows = read_table(work / f"{cohort}_t1c.tsv")
    for row in rows:
        (found,) = (out / row["case_id"]).glob("*_desc-lesion_mask.nii.gz")
        row["mask"] = str(found.resolve())
    write_table(work / f"{name}.tsv", rows)
    return name


def segmentation(run: Any) -> dict[str, Any]:
    """Dice by diagnosis (cases without a visible lesion have none), and cases with a hit."""
    rows = run.read("cases.tsv")
    found: dict[str, Any] = {}
    for diagnosis in (*DIAGNOSES, "all"):
        own = [r for r in rows if diagnosis in ("all", r["reference_diagnosis"])]
        dice = np.array([np.nan if r["dice"] in ("", None) else float(r["dice"]) for r in own])
        dice = dice[~np.isnan(dice)]
        hit = int((dice > 0).sum())
        found[diagnosis] = {
            "dice": sentence(stats.mean(dice, name="Dice")), "median": float(np.median(dice)),
            "found": sentence(stats.proportion(hit, len(dice), name="found")),
        }  # fmt: skip
    return found


def tasks(run: Any) -> dict[str, Any]:
    """Accuracy, sensitivity, specificity and AUC of each task, as `Cohort.table2` gives them."""
    cohort = sc.Cohort(run.out)
    wanted = ("accuracy", "sensitivity", "specificity", "AUC", "area")
    table = cohort.table("table2")
    return {
        f"{row['task']}: {row['figure']}": row["sentence"]
        for row in table.rows
        if row["figure"].startswith(wanted)
    }


def chain(run: Any) -> dict[str, int]:
    """Count cases by drawn diagnosis and by the answer of the whole chain."""
    counts: dict[str, int] = {}
    for row in run.read("cases.tsv"):
        key = f"{row['reference_diagnosis']} -> {row['diagnosis'] or 'no lesion'}"
        counts[key] = counts.get(key, 0) + 1
    return dict(sorted(counts.items()))


def healthy(run: Any) -> dict[str, Any]:
    """Lesions where there is none: phantoms by share, volunteers one by one."""
    volumes = volunteers(run)
    found: dict[str, Any] = {}
    for cohort, folder in COHORTS.items():
        drawn = [volumes.pop(name) for name in list(volumes) if name.startswith(f"{folder}-")]
        some = sum(bool(v) for v in drawn)
        large = sum(any(x > LARGE_MM3 for x in v) for v in drawn)
        found[cohort] = {
            "any": sentence(stats.proportion(some, len(drawn), name="any")),
            "above 50 mm3": sentence(stats.proportion(large, len(drawn), name="large")),
        }
    return {**found, "volunteers": volumes}


def volunteers(run: Any) -> dict[str, list[float]]:
    """List the volumes (mm3) of what was found in each case."""
    volumes: dict[str, list[float]] = {row["case_id"]: [] for row in run.read("cases.tsv")}
    for lesion in run.read("lesions.tsv"):
        if lesion["mask"] == "found":
            volumes[lesion["case_id"]].append(round(float(lesion["volume_mm3"]), 1))
    return volumes


def sentence(estimate: Any) -> str:
    """Return an estimate in words."""
    return str(estimate.sentence())


def to_markdown(figures: dict[str, Any], depth: int = 0) -> str:
    """Write nested figures as a list."""
    lines = []
    for key, value in figures.items():
        if isinstance(value, dict):
            lines.append(f"{'  ' * depth}- {key}")
            lines.append(to_markdown(value, depth + 1))
        else:
            lines.append(f"{'  ' * depth}- {key}: {value}")
    return "\n".join(lines)
