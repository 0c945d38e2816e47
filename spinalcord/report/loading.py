"""Load a cohort from the folder of a run with all its tables, or from one table."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..paths import local_path
from ..qc.verdicts import read_exclusions
from .cases import Bool, Cases, read_cases, read_further

_TEST = ("test", "testing")
_NONE = Cases({}, 0)
_KEPT = ("split", "reference_diagnosis")


@dataclass(frozen=True)
class CohortSource:
    """A cohort as it was found.

    Parameters
    ----------
    cases : Cases
    folder : pathlib.Path or None
        Folder of the run; None for a table.
    failures, excluded, lesions : Cases
        The run's other tables; empty for a table.
    description : dict
        How the run was made: ``"Spinalcord"`` in its ``dataset_description.json``.
    """

    cases: Cases
    folder: Path | None = None
    failures: Cases = _NONE
    excluded: Cases = _NONE
    lesions: Cases = _NONE
    description: dict[str, Any] = field(default_factory=dict)


def load_cohort(
    source: Any,
    columns: Mapping[str, str] | None = None,
    words: Mapping[str, Mapping[str, str]] | None = None,
) -> CohortSource:
    """Read a cohort.

    Parameters
    ----------
    source : path, DataFrame, mapping of columns, or rows
        A run's folder, its ``cases.tsv``, or a table of cases.
    columns, words : mapping, optional
        As in `read_cases`.

    Returns
    -------
    CohortSource

    Raises
    ------
    InputError
        As `read_cases`; a folder without ``cases.tsv``; a ``dataset_description.json`` that cannot
        be read.
    """
    folder = _folder(source)
    if folder is None:
        return CohortSource(read_cases(source, columns=columns, words=words))
    if not (folder / "cases.tsv").exists():
        raise InputError(f"{folder}: no cases.tsv; expected the folder of a run")
    return CohortSource(
        read_cases(folder / "cases.tsv", columns=columns, words=words, of_run=True),
        folder,
        read_further(folder / "failures.tsv"),
        read_further(folder / "excluded.tsv"),
        read_further(folder / "lesions.tsv"),
        _describe(folder),
    )


def exclude_cases(source: CohortSource, exclude: Any) -> CohortSource:
    """Exclude cases in addition to those that the run excluded.

    Parameters
    ----------
    source : CohortSource
    exclude : path, mapping or iterable of str, optional
        As for `spinalcord.CohortInputs`.

    Returns
    -------
    CohortSource

    Raises
    ------
    InputError
        The list cannot be read, or names an unknown case.
    """
    reasons = read_exclusions(exclude)
    tables = source.cases, source.failures, source.excluded
    names = ("case_id", "participant_id")
    known = {str(word) for table in tables for name in names for word in table.words(name)}
    unknown = [entry for entry in reasons if entry not in known]
    if unknown:
        raise InputError(f"no case {', '.join(unknown[:10])}, which exclude= names")
    gone: dict[str, list[str]] = {name: [] for name in (*names, *_KEPT, "reason")}
    kept = []
    for table in tables[:2]:
        owners = zip(*(table.words(name) for name in names), strict=True)
        why = [reasons.get(case, reasons.get(patient)) for case, patient in owners]
        stays = np.array([reason is None for reason in why], bool)
        kept.append(table.take(stays))
        left = table.take(~stays)
        for name in (*names, *_KEPT):
            gone[name] += left.words(name).tolist()
        gone["reason"] += [reason for reason in why if reason is not None]
    if reasons and not kept[0].n:
        raise InputError("all cases are excluded")
    columns = {
        name: np.array([*source.excluded.words(name), *words], object)
        for name, words in gone.items()
    }
    excluded = Cases(columns, source.excluded.n + len(gone["reason"]))
    return replace(source, cases=kept[0], failures=kept[1], excluded=excluded)


def choose_split(cases: Cases, split: str | None) -> str:
    """Return the split that is evaluated: the given one, else test, else all.

    Raises
    ------
    InputError
        No case is of the split named.
    """
    known = sorted({*cases.words("split")} - {""})
    if split is None:
        return next((name for name in known if name.lower() in _TEST), "all")
    if split != "all" and split not in known:
        raise InputError(f"no case of split {split!r}; known: {', '.join(known) or 'none'}, all")
    return split


def in_split(cases: Cases, split: str) -> Bool:
    """Return which cases belong to a split; all belong to "all"."""
    words = cases.words("split")
    return np.array([split in ("all", word) for word in words], bool)


def one_per_patient(cases: Cases) -> tuple[Cases, int]:
    """Keep the first case of every participant_id, and count the others."""
    seen: set[str] = set()
    first = []
    for i, patient in enumerate(cases.words("participant_id")):
        if patient == "" or patient not in seen:
            first.append(i)
        seen.add(patient)
    return cases.take(np.array(first, np.int64)), cases.n - len(first)


def _folder(source: Any) -> Path | None:
    if not isinstance(source, (str, os.PathLike)):
        return None
    path = local_path(source)
    if path.is_dir():
        return path
    return path.parent if path.name == "cases.tsv" else None


def _describe(folder: Path) -> dict[str, Any]:
    path = folder / "dataset_description.json"
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as JSON: {error}") from error
    own = content.get("Spinalcord", {}) if isinstance(content, dict) else None
    if not isinstance(own, dict):
        raise InputError(f"{path}: expected a JSON object with an object Spinalcord")
    settings = own.get("settings")
    if isinstance(settings, dict) and "explaining" in settings:  # as before 0.2.0
        settings["explanation"] = settings.pop("explaining")
    return own
