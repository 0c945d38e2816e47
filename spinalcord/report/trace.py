"""Trace the figures of a report: source, thresholds, seeds, and numbers of patients."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..scans.writing import file_sha256
from ..stats.estimate import percent_text
from ..tasks import TASKS
from ..wording import counted
from .cases import ask
from .table import Table, task_words

if TYPE_CHECKING:
    from .cohort import Cohort

_FILES = ("cases.tsv", "failures.tsv", "excluded.tsv", "lesions.tsv", "dataset_description.json")
SEED, REPLICATES = 0, 2000  # of every bootstrap in a report, but those that say otherwise


def trace_table(cohort: Cohort, tables: Mapping[str, Table], version: str) -> Table:
    """Return what is needed to reproduce the figures.

    Parameters
    ----------
    cohort : Cohort
    tables : mapping of str to Table
        Those of the report, by name.
    version : str
        Version of this package.

    Returns
    -------
    Table
        Source files with their SHA-256, thresholds in force with where they came from, seed and
        replicates, and for every table the least and the most patients behind a figure.
    """
    rows = [{"what": "spinalcord", "value": version, "origin": "this report"}]
    rows += _sources(cohort) + _thresholds(cohort)
    rows += [
        {"what": "split", "value": cohort.split, "origin": counted(cohort.cases.n, "patient")},
        {"what": "level", "value": f"{percent_text(cohort.level)} %", "origin": "of all intervals"},
        {
            "what": "bootstrap",
            "value": f"seed {SEED}, {REPLICATES} replicates",
            "origin": "patients are drawn, within the classes for areas under the curve; ROC "
            "bands: 500 replicates, smooth calibration curves: 200, the calibration index: 500 "
            "draws of outcomes",
        },
    ]
    rows += [
        {"what": f"n of {table.title}", "value": said, "origin": f"{name}.csv"}
        for name, table in tables.items()
        if (said := _counted(table))
    ]
    columns = ("what", "value", "origin")
    return Table("trace", "Traceability", columns, tuple(rows), columns)


def plate_n(cohort: Cohort, name: str) -> str:
    """Return the number of patients in a figure.

    Parameters
    ----------
    cohort : Cohort
    name : str
        Name of the figure, as in `PLATES`.

    Returns
    -------
    str
        Such as ``"n = 40 (tumor or demyelination), 20 (MS or NMOSD)"``; empty where the figure
        itself counts, as the flow of patients does.
    """
    cases = cohort.cases
    if name in ("flow", "recall"):
        return ""
    if name == "dice":
        values = cases.numbers("dice")
        return f"n = {int((values == values).sum())}"
    if name == "agreement":
        return f"n = {cases.n} at most; of each pair those whom both answered"
    scored = name in ("roc", "reliability", "calibration_curve", "decision_curve")
    parts = []
    for task in TASKS:
        question = ask(cases, task)
        n = int((question.scored if scored else question.answered).sum())
        if n:
            parts.append(f"{n} ({task_words(task)})")
    return f"n = {', '.join(parts)}" if parts else ""


def _sources(cohort: Cohort) -> list[dict[str, str]]:
    if cohort.folder is not None:
        paths = [cohort.folder / name for name in _FILES]
    elif isinstance(cohort.source, (str, os.PathLike)):
        paths = [Path(cohort.source)]
    else:
        kind = type(cohort.source).__name__
        return [{"what": "source", "value": f"a {kind} in memory", "origin": "no file"}]
    return [
        {
            "what": f"source {path.name}",
            "value": f"sha256 {file_sha256(path)}",
            "origin": f"{path.stat().st_size} bytes",
        }
        for path in paths
        if path.is_file()
    ]


def _thresholds(cohort: Cohort) -> list[dict[str, str]]:
    models = {
        str(model.get("role")): model
        for model in cohort.settings.get("models") or ()
        if isinstance(model, dict)
    }
    rows = _lesion_threshold(cohort.settings.get("settings"), models.get("segmentation"))
    for task in TASKS:
        if not ask(cohort.cases, task).answered.any():
            continue
        used = sorted({*cohort.cases.words(f"{task}_threshold")} - {""})
        if used:
            value = ", ".join(used[:5]) + (" ..." if len(used) > 5 else "")
            numbers = cohort.cases.numbers(f"{task}_threshold")
            origin = _origin(models.get(task), numbers[~np.isnan(numbers)]) or (
                f"given in the cohort's column {task}_threshold, which does not say how it was "
                "chosen"
            )
        elif cohort.cases.has(f"{task}_label"):
            value, origin = "not known", "the labels were given without a threshold"
        else:
            value, origin = "0.5", "one half: the cohort has no column of thresholds"
        rows.append({"what": f"threshold, {task_words(task)}", "value": value, "origin": origin})
    return rows


def _lesion_threshold(settings: Any, model: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """Return the lesion threshold; empty if the run does not state it."""
    given = settings.get("threshold") if isinstance(settings, Mapping) else None
    if given is not None:
        value, origin = str(given), "given for the run"
    elif model:
        value = str(model.get("threshold") or "the model's own")
        origin = _origin(model, [])
    else:
        return []
    return [{"what": "threshold, lesion", "value": value, "origin": origin}]


def _origin(model: Mapping[str, Any] | None, used: Iterable[float]) -> str:
    """Return the origin of a model's threshold; empty if it is not that of the model."""
    own = (model or {}).get("threshold")
    if not model or (own is not None and any(value != float(own) for value in used)):
        return ""
    file = f"the model file {model.get('name')} {model.get('version')}"
    chosen = model.get("threshold_from")
    return f"{file}: chosen on {chosen}" if chosen else file


def _counted(table: Table) -> str:
    sizes = [row.get("n") for row in table.rows]
    known = [int(n) for n in sizes if isinstance(n, int) and not isinstance(n, bool) and n]
    if not known:
        return ""
    low, high = min(known), max(known)
    return str(low) if low == high else f"{low} to {high}, by figure"
