"""Find the reason why a run recomputes a case of an earlier run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .listing import CohortCase
from .processing import RunSettings, files_are_there, input_paths
from .records import read_record

FAILED = "failed before"


def redo_reason(case: CohortCase, settings: RunSettings, out: Path) -> str:
    """Return the reason why a case is recomputed.

    Parameters
    ----------
    case : CohortCase
        A case without a record that is valid by the stamps of its files.
    settings : RunSettings
        Those of this run.
    out : Path
        Output folder.

    Returns
    -------
    str
        Empty if no earlier run has recorded the case.
    """
    record = read_record(out, case)
    if record is None:
        return ""
    if record.get("status") != "done":
        return FAILED
    changed = _changes(record.get("parts"), settings.parts())
    if changed:
        return "; ".join(changed)
    if settings.qc and "qc" not in record:
        return "no picture for quality control"
    if settings.dicom and "dicom_missing" not in record:
        return "no DICOM objects"
    if not files_are_there(out, record):
        return "result files are missing or changed"
    if record["inputs"].keys() != input_paths(case).keys():
        return "mask or contrast-enhanced scan added or removed"
    return "input files changed (kept where only their times have)"


def _changes(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> list[str]:
    """Describe the changes in what results depend on."""
    if old is None:
        return ["made by another version"]
    changes = []
    if old["version"] != new["version"]:
        changes.append(f"version was {old['version']}, is {new['version']}")
    roles = sorted({*old["models"], *new["models"]})
    others = [role for role in roles if old["models"].get(role) != new["models"].get(role)]
    if others:
        changes.append(f"other model for {', '.join(others)}")
    before, now = old["settings"], new["settings"]
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            changes.append(f"{name} was {_said(before.get(name))}, is {_said(now.get(name))}")
    return changes


def _said(value: Any) -> str:
    return "the default" if value is None else str(value)
