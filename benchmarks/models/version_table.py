"""Write the table of versions of the model card from the figures of `measure_cases`.

    python benchmarks/models version_table benchmarks/results/models-3.json \\
        benchmarks/results/models-2.json docs/models.md

Figures of version 2 that `measure_cases` lacks are those of `measure_cohorts`, for the same frozen
cases and precision.  Replaces what lies between the two marks in the page; a test compares the page
with the figures.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spinalcord import stats
from spinalcord.stats.estimate import FEW
from spinalcord.tasks import DIAGNOSES, TASKS
from spinalcord.training.settings import classes_of

from .markdown import brief, markdown_table, number, replace_part
from .tables import read_figures

BEGIN, END = "<!-- version table -->", "<!-- end of version table -->"
AIMS = {
    "real": "none", "false": "at most 10 %", "cord": "at most 60 mm³",
    "plaques": "80 % of clear ones", "put in": "at least 38 of 40",
}  # fmt: skip
DICE_AIMS = {"astrocytoma": ".82", "ependymoma": ".85", "MS": ".50", "NMOSD": ".76"}
PUT_AIMS = {"astrocytoma": ".80", "ependymoma": ".80", "MS": ".55", "NMOSD": ".78"}
AUC_AIMS = dict(zip(TASKS, (".97", ".87", ".95"), strict=True))
CHAIN_AIMS = dict(zip(TASKS, (".90", ".80", ".95"), strict=True))
LARGE_MM3 = 50.0
CLEAR_Z = 2.0

CHOSEN_ON = "mixed"
"""Table on which thresholds were chosen, so that what they get right there says nothing."""

MISSING = "not measured"

Cases = Sequence[Mapping[str, Any]]


def main() -> None:
    """Replace the table in a page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("figures", type=Path)
    parser.add_argument("before", type=Path)
    parser.add_argument("page", type=Path)
    options = parser.parse_args()
    made = make_table(read_figures(options.figures), read_figures(options.before))
    replace_part(options.page, BEGIN, END, made)


def make_table(figures: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """Return the versions side by side as Markdown, without what has no aim and no figure."""
    known = published(before[figures["precision"]])
    names = [name for name, own in figures.items() if isinstance(own, dict) and "cases" in own]
    aims: dict[str, str] = {}
    reached: dict[str, dict[str, str]] = {}
    for name in names:
        told = describe(figures[name]["cases"], figures[name].get("thresholds"))
        aims |= {title: aim for title, aim, _ in told}
        reached[name] = {title: own for title, _, own in told if own != MISSING}
    reached["version 2"] = known | reached.get("version 2", {})
    head = [f"measured through the core, {figures['precision']}", "aim of version 3", *names]
    rows = [
        [title, aim, *(reached[name].get(title, MISSING) for name in names)]
        for title, aim in aims.items()
        if aim or any(title in told for told in reached.values())
    ]
    return markdown_table(head, rows)


def published(figures: Mapping[str, Any]) -> dict[str, str]:
    """Return what `measure_cohorts` measured of one version, by the titles of `describe`."""
    typical, put = figures["typical"], figures.get("inserted")
    rows = {f"Dice, typical {d}": brief(typical["segmentation"][d]["dice"]) for d in DIAGNOSES}
    if put is not None:  # not in every precision
        rows |= {f"Dice, {d} put in": brief(put[d]["dice"]) for d in DIAGNOSES}
        rows["lesions put into a scan never seen: found"] = brief(put["all"]["found"])
    for task in TASKS:
        rows[f"AUC, `{task}`, its outlines"] = brief(typical["tasks"]["outlined"][f"{task}: AUC"])
    return rows


def describe(
    cases: Cases, thresholds: Mapping[str, float] | None = None
) -> list[tuple[str, str, str]]:
    """Return what is measured, its aim, and what one version reached.

    Without the `thresholds` of the tasks, what depends on them is not measured.
    """
    typical = [c for c in cases if c["table"] == "typical"]
    free = [c for c in cases if c["table"] == "healthy" and is_phantom(c)]
    put = [c for c in cases if c["table"] == "inserted"]
    real = [c for c in cases if c["table"] in ("healthy", "lumbar_held") and not is_phantom(c)]
    rows = [real_scans(real)] if real else []
    rows += [false_lesions(free), false_cord(free)]
    for name in DIAGNOSES:
        own = dice_of(typical, name)
        rows.append((f"Dice, typical {name}", DICE_AIMS[name], mean_of(own)))
    rows.append(clear_plaques(typical))
    for task in TASKS:
        rows.append((f"AUC, `{task}`, its outlines", AUC_AIMS[task], auc_of(typical, task)))
    for task in TASKS:
        reached = auc_of(typical, task, "true_answers")
        rows.append((f"AUC, `{task}`, true outlines", "", reached))
    for task in TASKS:
        reached = accuracy_of(typical, task, thresholds)
        rows.append((f"accuracy, `{task}`, its outlines", "", reached))
    for table, what, aims in (
        ("chains", "lesions drawn by a rule held out", CHAIN_AIMS),
        ("mixed", "mixed phantoms kept from training", {}),
    ):
        own_cases = [c for c in cases if c["table"] == table]
        for task in TASKS:
            title = f"AUC, `{task}`, {what}"
            rows.append((f"{title}, its outlines", aims.get(task, ""), auc_of(own_cases, task)))
            reached = auc_of(own_cases, task, "true_answers")
            rows.append((f"{title}, true outlines", "", reached))
            if table != CHOSEN_ON:
                title = f"accuracy, `{task}`, {what}, its outlines"
                rows.append((title, "", accuracy_of(own_cases, task, thresholds)))
    hit = stats.proportion(sum(c["found"] for c in put), len(put), name="found") if put else None
    rows.append(("lesions put into a scan never seen: found", AIMS["put in"], said(hit)))
    for name in DIAGNOSES:
        own = dice_of(put, name)
        rows.append((f"Dice, {name} put in", PUT_AIMS[name], mean_of(own)))
    return rows


def is_phantom(case: Mapping[str, Any]) -> bool:
    """Say whether a case without lesion was drawn; of real scans no mask of the cord counts."""
    return str(case["case"]).startswith(("typical-", "letter"))


def real_scans(real: Cases) -> tuple[str, str, str]:
    """Lesions above 50 mm3 in held-out scans of real people without lesion."""
    large = {c["case"]: sum(v for v in c["lesions"] if v > LARGE_MM3) for c in real}
    found = [f"`{name}` {volume:.0f} mm³" for name, volume in large.items() if volume]
    title = f"of {len(real)} real scans without lesion, those with one above 50 mm³"
    return title, AIMS["real"], ", ".join(found) or "none"


def false_lesions(free: Cases) -> tuple[str, str, str]:
    """Share of the phantoms without lesion that get one."""
    some = sum(bool(c["lesions"]) for c in free)
    estimate = stats.proportion(some, len(free), name="false") if free else None
    return "typical phantoms without lesion that get one", AIMS["false"], said(estimate)


def false_cord(free: Cases) -> tuple[str, str, str]:
    """Cord in slices that hold none, per phantom without lesion."""
    values = [c["false_cord_mm3"] for c in free if "false_cord_mm3" in c]
    reached = f"{np.mean(values):.0f} mm³" if values else MISSING
    return "cord in slices without, mean of phantoms without lesion", AIMS["cord"], reached


def clear_plaques(typical: Cases) -> tuple[str, str, str]:
    """Share found of the MS plaques that stand out clearly."""
    plaques = [p for c in typical if c["diagnosis"] == "MS" for p in c.get("plaques", ())]
    clear = [p["found"] for p in plaques if p["z"] > CLEAR_Z]
    estimate = stats.proportion(sum(clear), len(clear), name="found") if clear else None
    title = f"MS plaques found that stand out by more than {CLEAR_Z:g} SD of the cord"
    return title, AIMS["plaques"], said(estimate)


def answers_of(cases: Cases, task: str, answers: str) -> tuple[np.ndarray, np.ndarray]:
    """Return what patients of a task have, and the probabilities of its positive answer.

    Patients without an answer, for whom nothing was outlined, are left out.
    """
    negative, positive = classes_of(task)
    asked = [c for c in cases if c["diagnosis"] in (*negative, *positive)]
    own = [c for c in asked if c.get(answers)]
    truth = np.array([c["diagnosis"] in positive for c in own], bool)
    return truth, np.array([c[answers][list(TASKS).index(task)] for c in own], np.float64)


def auc_of(cases: Cases, task: str, answers: str = "answers") -> str:
    """Return a task's AUC on the network's outlines or the true ones, and of how many patients.

    An interval is given from `FEW` patients in each class on.
    """
    truth, scores = answers_of(cases, task, answers)
    if not truth.any() or truth.all():
        return MISSING
    estimate = stats.auc(truth, scores)
    told = number if estimate.smallest < FEW else brief
    return f"{told(estimate.sentence())} of {len(truth)}"


def accuracy_of(cases: Cases, task: str, thresholds: Mapping[str, float] | None) -> str:
    """Return what a threshold gets right, with the network's outlines."""
    truth, scores = answers_of(cases, task, "answers")
    if thresholds is None or not truth.any() or truth.all():
        return MISSING
    right = (scores >= thresholds[task]) == truth
    share = said(stats.proportion(int(right.sum()), len(right), name="accuracy"))
    sensitivity, specificity = 100 * right[truth].mean(), 100 * right[~truth].mean()
    return f"{share}; sensitivity {sensitivity:.0f} %, specificity {specificity:.0f} %"


def dice_of(cases: Cases, diagnosis: str) -> list[float]:
    """Return the Dice of the segmented patients of a diagnosis that have a true outline."""
    own = [c.get("dice") for c in cases if c["diagnosis"] == diagnosis]
    return [dice for dice in own if dice is not None]


def mean_of(values: Sequence[float]) -> str:
    """Return a mean with its interval."""
    return said(stats.mean(np.array(values), name="Dice")) if len(values) > 1 else MISSING


def said(estimate: Any) -> str:
    """Return an estimate in words, or that there is none."""
    return MISSING if estimate is None else brief(str(estimate.sentence()))
