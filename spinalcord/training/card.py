"""Write the model card: Markdown, with figures on cases that were not used for training."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..cohort.run_tables import read_results
from ..scans.writing import write_bytes
from ..stats.estimate import Estimate
from ..stats.means import mean
from ..stats.proportions import proportion
from ..stats.roc import auc
from ..tasks import TASKS
from ..wording import counted
from .plan import TrainingPlan
from .settings import SEGMENTATION, classes_of

NAME = "model-card.md"

BLANKS = (
    ("Intended use", "for which question, in whose hands, on which scanners and sequences"),
    ("Not to be used for", "which patients, scans or decisions"),
    ("Patients", "how they were recruited, over which years, and who is missing"),
    ("Reference standard", "who drew the outlines and made the diagnoses, blinded to what"),
    ("Limits", "where it fails, as far as is known; which groups were too small to tell"),
    ("External validation", "on whose scans, with which result; or that there is none"),
    ("Contact and licence", "of the weights"),
)  # fmt: skip


def write_card(
    out: Path,
    predictions: Path,
    plan: TrainingPlan,
    init: str,
    notice: str,
    chosen: Mapping[str, Any],
) -> Path:
    """Write the model card.

    Parameters
    ----------
    out : Path
        Folder of the models.
    predictions : Path
        Run folder of the validation cases.
    plan : TrainingPlan
    init : str
        Initial weights of the trainings.
    notice : str
        Notice that every result repeats.
    chosen : mapping
        Limits of a lesion and thresholds of the tasks.

    Returns
    -------
    Path
        ``model-card.md``.  Sections that were filled in by hand are kept from an earlier card.

    Raises
    ------
    InputError
        The tables of the run cannot be read; a place that cannot be written.
    """
    rows = _one_per_patient(read_results(predictions / "cases.tsv"))
    counts = json.loads((predictions / "dataset_description.json").read_text(encoding="utf-8"))
    failed = counts["Spinalcord"]["counts"]["failed"]
    path = out / NAME
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    text = "\n".join(_lines(rows, failed, plan, init, notice, chosen, predictions.name, before))
    return write_bytes(path, (text + "\n").encode())


def figures(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Estimate]]:
    """Estimate the performance of the predictions, with 95 % intervals.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of ``cases.tsv``, one per patient.

    Yields
    ------
    name : str
    estimate : Estimate
    """
    ill = [row for row in rows if row.get("reference_n_lesions")]
    groups = sorted({str(row["reference_diagnosis"] or "other") for row in ill})
    for name in (None, *groups):
        own = [r["dice"] for r in ill if name in (None, str(r["reference_diagnosis"] or "other"))]
        if own:
            title = "Dice score" if name is None else f"Dice score, {name}"
            yield title, mean(own, method="bootstrap-t", bounds=(0, 1), name=title)
    if ill:
        title = "lesion found where there is one"
        yield title, proportion(sum(bool(r["found"]) for r in ill), len(ill), name=title)
    free = [row for row in rows if row.get("reference_n_lesions") == 0]
    if free:
        title = "lesion found where there is none"
        yield title, proportion(sum(bool(r["found"]) for r in free), len(free), name=title)
    for task in TASKS:
        yield from _of_task(rows, task)


def _of_task(rows: Sequence[Mapping[str, Any]], task: str) -> Iterator[tuple[str, Estimate]]:
    negative, positive = classes_of(task)
    own = [
        (row["reference_diagnosis"] in positive, row[f"{task}_probability"], row)
        for row in rows
        if row.get("reference_diagnosis") in (*negative, *positive)
        and row.get(f"{task}_probability") is not None
    ]
    truth = np.array([one[0] for one in own], bool)
    if not truth.any() or truth.all():
        return
    scores = np.array([one[1] for one in own], np.float64)
    yield f"{task}: AUC", auc(truth, scores, name=f"{task}: AUC")
    called = np.array([row[f"{task}_label"] == TASKS[task].positive for _, _, row in own])
    for name, among, right in (
        ("sensitivity", truth, called), ("specificity", ~truth, ~called),
    ):  # fmt: skip
        title = f"{task}: {name} for {TASKS[task].positive}"
        yield title, proportion(int((among & right).sum()), int(among.sum()), name=title)


def _lines(
    rows: Sequence[Mapping[str, Any]], failed: int, plan: TrainingPlan, init: str, notice: str,
    chosen: Mapping[str, Any], source: str, before: str,
) -> Iterator[str]:  # fmt: skip
    facts = plan.facts
    yield from ("# Model card", "", f"Notice: {notice}.", "")
    yield from ("## Cohort and split", "")
    cases, patients = counted(facts["cases"], "case"), counted(facts["patients"], "patient")
    yield f"- {cases} of {patients}: {facts['diagnoses']}"
    yield f"- {facts['splits']}, by patient; the split test, where there is one, was not read"
    yield f"- networks: {', '.join(plan.targets)}; start: {init} weights"
    for target, why in plan.not_trained.items():
        yield f"- not trained: {target}: {why}"
    missing = f"; {counted(failed, 'case')} failed" if failed else ""
    yield from ("", "## Figures", "")
    of = counted(len(rows), "patient")
    yield f"Of the predictions in `{source}`: {of}, each by models that were not"
    yield f"trained on them{missing} (95 % intervals). Limits and thresholds were chosen on the"
    yield "same patients, so the figures are slightly optimistic; those of a task cover patients in"
    yield "whom a lesion was found. Evaluate on a cohort that none of these models has seen."
    yield from ("", "| | | n |", "|---|---|---|")
    for name, estimate in figures(rows):
        yield f"| {name} | {_text(estimate)} | {estimate.n} |"
    yield from ("", "## Chosen on these patients", "", "| | |", "|---|---|")
    for name, value in chosen.items():
        yield f"| {name} | {value:.4g} |" if isinstance(value, float) else f"| {name} | {value} |"
    yield from ("", "## Settings", "", "| | | why |", "|---|---|---|")
    for made in plan.decisions:
        yield f"| {made.what} | {made.value} | {made.why} |"
    seed, lr = (getattr(plan.settings[SEGMENTATION], name) for name in ("seed", "lr"))
    yield f"| seed, learning rate of the segmentation | {seed}, {lr:g} | |"
    yield f"| spinalcord | {__version__} | {facts['device']} |"
    yield from ("", "Everything else is in the model files (`training`).", "")
    yield from ("## To be filled in by whoever trained it", "")
    for title, what in BLANKS:
        yield from (f"### {title}", "", _filled(before, title) or f"*To be filled in: {what}.*", "")


def _filled(before: str, title: str) -> str:
    """Return the text under a heading of an earlier card; None if it was not filled in."""
    _, found, rest = before.partition(f"### {title}\n")
    own = rest.partition("\n#")[0].strip() if found else ""
    return "" if own.startswith("*To be filled in") else own


def _text(estimate: Estimate) -> str:
    shown = f"{estimate.estimate:.3f}"
    if estimate.low is None or not np.isfinite(estimate.low):
        return f"{shown} (no interval)"
    return f"{shown} ({estimate.low:.3f} to {estimate.high:.3f})"


def _one_per_patient(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    first: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        first.setdefault(str(row["participant_id"]), row)
    return list(first.values())
