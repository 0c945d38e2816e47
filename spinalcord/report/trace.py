"""Where every figure of a report comes from: source, thresholds, seeds, and how many patients."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..scans.writing import file_sha256
from ..stats.estimate import percent_text
from ..tasks import TASKS
from .cases import ask
from .table import Table, task_words

if TYPE_CHECKING:
    from .cohort import Cohort

_FILES = ("cases.tsv", "failures.tsv", "excluded.tsv", "lesions.tsv", "dataset_description.json")
SEED, REPLICATES = 0, 2000  # of every bootstrap in a report, but those that say otherwise


def trace_table(cohort: Cohort, tables: Mapping[str, Table], version: str) -> Table:
    """Say what a reader needs to get the same figures again.

    Parameters
    ----------
    cohort : Cohort
    tables : mapping of str to Table
        Those of the report, by name.
    version : str
        Of this package.

    Returns
    -------
    Table
        Source files with their SHA-256, thresholds in force with where they came from, seed and
        replicates, and for every table the least and the most patients behind a figure.
    """
    rows = [{"what": "spinalcord", "value": version, "origin": "this report"}]
    rows += _sources(cohort) + _thresholds(cohort)
    rows += [
        {"what": "split", "value": cohort.split, "origin": f"{cohort.cases.n} patients"},
        {"what": "level", "value": f"{percent_text(cohort.level)} %", "origin": "of all intervals"},
        {
            "what": "bootstrap",
            "value": f"seed {SEED}, {REPLICATES} replicates",
            "origin": "patients are drawn, within the classes for areas under the curve; smooth "
            "calibration curves: 200 replicates, the calibration index: 500 draws of outcomes",
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
    """Say of how many patients a figure is.

    Parameters
    ----------
    cohort : Cohort
    name : str
        Of the figure, as in `PLATES`.

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
    given = _given_threshold(cohort.settings.get("settings"))
    rows = []
    for task in TASKS:
        if not ask(cohort.cases, task).answered.any():
            continue
        used = sorted({*cohort.cases.words(f"{task}_threshold")} - {""})
        model = models.get(task, {})
        if not used:
            value = "0.5" if cohort.cases.has(f"{task}_probability") else "not known"
            origin = "no column of thresholds: the labels as given, else one half"
        else:
            value = ", ".join(used[:5]) + (" ..." if len(used) > 5 else "")
            origin = given or str(model.get("threshold_from") or "")
            if not origin and model:
                origin = f"the model file {model.get('name')} {model.get('version')}"
            origin = origin or f"the cohort's column {task}_threshold; where it came from is not"
            origin += " known" if origin.endswith("is not") else ""
        rows.append({"what": f"threshold, {task_words(task)}", "value": value, "origin": origin})
    return rows


def _given_threshold(settings: Any) -> str:
    """Say so where the run was given a threshold for classification."""
    value = settings.get("classification_threshold") if isinstance(settings, dict) else None
    return "" if value is None else "given for the run"


def _counted(table: Table) -> str:
    sizes = [row.get("n") for row in table.rows]
    known = [int(n) for n in sizes if isinstance(n, int) and not isinstance(n, bool) and n]
    if not known:
        return ""
    low, high = min(known), max(known)
    return str(low) if low == high else f"{low} to {high}, by figure"
