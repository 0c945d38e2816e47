"""A cohort with its results, and the tables that a paper takes from it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..stats.estimate import check_level
from . import demographics, diagnoses, factors, readers, segmentations, tables
from .cases import Cases, read_cases, read_table
from .flow import Step, patient_flow
from .table import Table

_TEST = ("test", "testing")


class Cohort:
    """The cases of a study: what is true, what was answered, and tables made of both.

    Parameters
    ----------
    source : path, DataFrame, mapping of columns, or rows
        The folder of a run, or a table with the columns of its ``cases.tsv``: case_id and, as far
        as there are any, participant_id, split, age, sex, reference_diagnosis, diagnosis,
        ``<task>_probability``, ``<task>_label``, ``<task>_threshold``, reader_*, difficult, t1c,
        dice and others. The patient is the unit: of several scans of a participant_id the first
        counts.
    split : str, optional
        Which cases are evaluated; "all" for all. If not given, the split called test, if there is
        one, else all.
    level : float, default 0.95
        Coverage of all intervals.
    columns : mapping of str to str, optional
        The table's own name of a column, by the name it has here, such as
        ``{"reference_diagnosis": "histology"}``.

    Attributes
    ----------
    cases : Cases
        Those evaluated, one per patient.
    split : str
        Which they are; "all" for all.
    notes : tuple of str
        What belongs under every table: the split, and the notices of the models.
    lesions, failures, excluded : Cases
        The run's other tables: lesions of all cases, failures of the split, all that were left out.
    settings : dict
        How the run was made, from its ``dataset_description.json``; empty for a table.

    Raises
    ------
    InputError
        A file that is no table, or none at all; an unknown split; a level outside (0, 1).

    Examples
    --------
    >>> from spinalcord import Cohort
    >>> cohort = Cohort(
    ...     {
    ...         "case_id": ["a", "b"],
    ...         "reference_diagnosis": ["MS", "NMOSD"],
    ...         "ms_vs_nmosd_probability": [0.2, 0.4],
    ...     }
    ... )
    >>> cohort.split
    'all'
    """

    def __init__(
        self,
        source: Any,
        *,
        split: str | None = None,
        level: float = 0.95,
        columns: Mapping[str, str] | None = None,
    ) -> None:
        self.level = check_level(level)
        self.folder = _folder(source)
        every, run = _read(self.folder, source, columns)
        self.settings: dict[str, Any] = run.description
        self.excluded, self.lesions = run.excluded, run.lesions
        self.split = _choose_split(every, split)
        mine = _in_split(every, self.split)
        self.cases, self.n_repeated = _one_per_patient(every.take(mine))
        self.failures = run.failures.take(_in_split(run.failures, self.split))
        self.n_all = max(
            every.n + run.failures.n + run.excluded.n,
            int(self.settings.get("counts", {}).get("cases", 0)),
        )
        self.n_failed = run.failures.n
        self.n_elsewhere = every.n - int(mine.sum())
        self.notes = tuple(self._notes(every))

    def __repr__(self) -> str:
        return f"Cohort({self.cases.n} patients, split={self.split!r})"

    @cached_property
    def notice(self) -> str:
        """What the models' makers want repeated, each notice once."""
        own = {str(word) for word in self.cases.words("notice")}
        return "; ".join(sorted((own | {str(self.settings.get("notice") or "")}) - {""}))

    @cached_property
    def lost(self) -> Cases:
        """Patients of the split who failed and have no other scan that was done."""
        done = {*self.cases.words("participant_id")}
        owners = self.failures.words("participant_id")
        unseen = np.array([owner not in done for owner in owners], bool)
        return _one_per_patient(self.failures.take(unseen))[0]

    @property
    def flow(self) -> tuple[Step, ...]:
        """How many cases came in, and where they went."""
        return patient_flow(self)

    # ---- Tables ---------------------------------------------------------------------------

    def table1(self) -> Any:
        """Describe the patients by diagnosis.

        Returns
        -------
        pandas.DataFrame
            As all tables: counts (k of n), estimate, interval, method, reason where something is
            not defined, and the whole as a sentence; ``attrs["notes"]`` belong under it.

        Raises
        ------
        ImportError
            Without pandas, or SciPy (for intervals of means).
        InputError
            A column with something else than it should hold.
        """
        return self.table("table1").frame()

    def table2(self) -> Any:
        """Classification performance per task, and in difficult cases where they are known.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            Without pandas.
        InputError
            No case with a reference diagnosis and an answer.
        """
        return self.table("table2").frame()

    def readers(self) -> Any:
        """Compare the model with each reader.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            Without pandas.
        InputError
            No readers; or as `table2`.
        """
        return self.table("readers").frame()

    def agreement(self) -> Any:
        """Agreement of reference, model and readers in the four diagnoses (kappa).

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            Without pandas.
        InputError
            Fewer than two of them gave diagnoses.
        """
        return self.table("agreement").frame()

    def difficult(self) -> Any:
        """Compare difficult cases with the others.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            Without pandas.
        InputError
            Which cases are difficult is not known; or as `table2`.
        """
        return self.table("difficult").frame()

    def subgroups(self) -> Any:
        """Figures by age, sex, difficulty and T1c, with tests of interaction.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            Without pandas.
        InputError
            No factor has two subgroups; or as `table2`.
        """
        return self.table("subgroups").frame()

    def with_t1c(self, other: Cohort | None = None) -> Any:
        """Say what contrast-enhanced T1w scans add.

        Parameters
        ----------
        other : Cohort, optional
            The same patients, run with T1c; paired by case_id. If not given, the patients of this
            cohort who have a T1c scan are compared with those who have none.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            Without pandas.
        InputError
            No patient in both; or all or none of this cohort have a T1c scan; or as `table2`.
        """
        if other is None:
            return self.table("with_t1c").frame()
        options: dict[str, Any] = {"level": self.level, "notes": self.notes}
        return tables.t1c_paired(self.cases, other.cases, **options).frame()

    def four_class(self) -> Any:
        """The four diagnoses: accuracy and kappa of the chain, sensitivity and PPV of each.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            Without pandas.
        InputError
            No case has both a reference and an answer.
        """
        return self.table("four_class").frame()

    def segmentation(self) -> Any:
        """Overlap with the reference masks by diagnosis, and lesions found.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            Without pandas.
        InputError
            No case has a score.
        """
        return self.table("segmentation").frame()

    def table(self, name: str) -> Table:
        """Make one table that needs no pandas.

        Parameters
        ----------
        name : str
            One of `TABLES`.

        Returns
        -------
        Table

        Raises
        ------
        InputError
            Another name; or as the method of that name.
        """
        options: dict[str, Any] = {"level": self.level, "notes": self.notes}
        if name == "table2":
            return tables.table2(self.cases, lost=self.lost, **options)
        if name == "segmentation":
            return segmentations.segmentation(self.cases, self.lesions, **options)
        if name not in _SIMPLE:
            raise InputError(f"no table {name!r}; expected one of {', '.join(TABLES)}")
        return _SIMPLE[name](self.cases, **options)

    def _notes(self, every: Cases) -> list[str]:
        n, known = self.cases.n, {*every.words("split")} - {""}
        if self.split == "all":
            which = f"all {n} patients"
            if len(known) > 1:
                which += f", of the splits {', '.join(sorted(known))} together"
            elif not known:
                which += "; the cohort names no split, so whether the models saw them is not known"
        else:
            which = f"the {n} patients of the split {self.split}"
        notes = [f"evaluated: {which}"]
        if self.n_repeated:
            notes.append(
                f"{self.n_repeated} further scans of the same patients are left out: the first "
                "counts"
            )
        return notes + ([f"models: {self.notice}"] if self.notice else [])


_SIMPLE: Mapping[str, Callable[..., Table]] = {
    "table1": demographics.table1,
    "readers": readers.readers,
    "agreement": readers.agreement,
    "difficult": tables.difficult,
    "subgroups": factors.subgroups,
    "with_t1c": tables.t1c_groups,
    "four_class": diagnoses.four_class,
}
TABLES = (
    "table1", "table2", "difficult", "readers", "agreement", "subgroups", "with_t1c",
    "four_class", "segmentation",
)  # fmt: skip


class _Run:
    """What a run's folder holds besides its cases."""

    def __init__(self, folder: Path | None) -> None:
        self.description: dict[str, Any] = {} if folder is None else _describe(folder)
        nothing = Cases({}, 0)
        if folder is None:
            self.failures = self.excluded = self.lesions = nothing
        else:
            self.failures = read_table(folder / "failures.tsv")
            self.excluded = read_table(folder / "excluded.tsv")
            self.lesions = read_table(folder / "lesions.tsv")


def _folder(source: Any) -> Path | None:
    if not isinstance(source, (str, os.PathLike)):
        return None
    path = Path(source)
    if path.is_dir():
        return path
    return path.parent if path.name == "cases.tsv" else None


def _read(
    folder: Path | None, source: Any, columns: Mapping[str, str] | None
) -> tuple[Cases, _Run]:
    if folder is None:
        return read_cases(source, columns=columns), _Run(None)
    if not (folder / "cases.tsv").exists():
        raise InputError(f"{folder}: no cases.tsv; expected the folder of a run")
    return read_cases(folder / "cases.tsv", columns=columns), _Run(folder)


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
    return own


def _choose_split(cases: Cases, split: str | None) -> str:
    known = sorted({*cases.words("split")} - {""})
    if split is None:
        return next((name for name in known if name.lower() in _TEST), "all")
    if split != "all" and split not in known:
        raise InputError(f"no case of split {split!r}; known: {', '.join(known) or 'none'}, all")
    return split


def _in_split(cases: Cases, split: str) -> Any:
    if split == "all":
        return np.ones(cases.n, bool)
    return cases.words("split") == split


def _one_per_patient(cases: Cases) -> tuple[Cases, int]:
    seen: set[str] = set()
    first = []
    for i, patient in enumerate(cases.words("participant_id")):
        if patient == "" or patient not in seen:
            first.append(i)
        seen.add(patient)
    return cases.take(np.array(first, np.int64)), cases.n - len(first)
