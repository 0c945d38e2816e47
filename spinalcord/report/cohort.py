"""A cohort with its results, and the tables that a paper takes from it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..stats.estimate import check_level
from ..wording import counted
from . import contrast
from .adjusting import own_factors
from .cases import Cases
from .catalogue import cohort_table
from .flow import Step, patient_flow
from .frames import Frames
from .loading import choose_split, exclude_cases, in_split, load_cohort, one_per_patient
from .table import Table
from .writer import write_report


class Cohort(Frames):
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
    words : mapping of str to mapping of str to str, optional
        Further words for sex and diagnosis, or a coding, such as ``{"sex": {"1": "M", "2": "F"}}``.
    exclude : path, mapping or iterable of str, optional
        Cases to exclude in addition to those that the run excluded, such as the verdicts that its
        page for quality control exports; as for `spinalcord.CohortInputs`.

    factors : sequence of str, optional
        Columns of the cohort to take as subgroups besides age, sex, difficulty and T1c, such as
        ``("site", "scanner", "field_strength")``.
    describe : sequence of str, optional
        Columns to describe by diagnosis beside age, sex and lesions, such as ``("edss",)``.
    margin : float, optional
        By how much the model's accuracy may lie below the readers' and still count as not
        inferior, such as 0.05. It must have been fixed before the data were seen.
    t1c_run : path, Cohort or table, optional
        The same patients, run (and read) with contrast-enhanced T1w scans; `with_t1c` and the
        report compare both.

    Attributes
    ----------
    cases : Cases
        Those evaluated, one per patient.
    all_scans : Cases
        All scans of the split: `cases` and the further scans of the same patients.
    split : str
        Name of the split; "all" for all cases.
    notes : tuple of str
        Notes under every table: the split, and the notices of the models.
    lesions, failures, excluded : Cases
        The run's other tables: lesions of all cases, failures of the split, all excluded cases.
    settings : dict
        How the run was made, from its ``dataset_description.json``; empty for a table.

    Raises
    ------
    InputError
        A file that is no table, or none at all; an unknown split; a level or margin outside
        (0, 1); an unknown case in the exclusions, or all cases excluded; a factor without a column.

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
        words: Mapping[str, Mapping[str, str]] | None = None,
        exclude: Any = None,
        factors: Sequence[str] = (),
        describe: Sequence[str] = (),
        margin: float | None = None,
        t1c_run: Any = None,
    ) -> None:
        self.level = check_level(level)
        if margin is not None and not 0 < margin < 1:
            raise InputError(f"the margin is {margin}; expected a share between 0 and 1")
        self.factors, self.described, self.margin = tuple(factors), tuple(describe), margin
        self.source = source
        if t1c_run is not None and not isinstance(t1c_run, Cohort):
            t1c_run = Cohort(t1c_run, split="all", level=level, columns=columns, words=words)
        self.t1c_run: Cohort | None = t1c_run
        run = exclude_cases(load_cohort(source, columns, words), exclude)
        every = run.cases
        self.folder, self.settings = run.folder, run.description
        self.excluded, self.lesions = run.excluded, run.lesions
        self.split = choose_split(every, split)
        mine = in_split(every, self.split)
        self.all_scans = every.take(mine)
        self.cases, self.n_repeated = one_per_patient(self.all_scans)
        own_factors(self.cases, self.factors)  # reject a wrong name at once
        self.failures = run.failures.take(in_split(run.failures, self.split))
        self.n_all = max(
            every.n + run.failures.n + run.excluded.n,
            int(self.settings.get("counts", {}).get("cases", 0)),
        )
        self.n_failed = run.failures.n
        self.n_elsewhere = every.n - int(mine.sum())
        self.notes = tuple(self._notes(every))

    def __repr__(self) -> str:
        return f"Cohort({counted(self.cases.n, 'patient')}, split={self.split!r})"

    @cached_property
    def notice(self) -> str:
        """Notices of the models, each once."""
        own = {str(word) for word in self.cases.words("notice")}
        return "; ".join(sorted((own | {str(self.settings.get("notice") or "")}) - {""}))

    @cached_property
    def lost(self) -> Cases:
        """Patients of the split who failed and have no other scan that was done."""
        done = {*self.cases.words("participant_id")}
        owners = self.failures.words("participant_id")
        unseen = np.array([owner not in done for owner in owners], bool)
        return one_per_patient(self.failures.take(unseen))[0]

    @cached_property
    def doubts(self) -> tuple[str, ...]:
        """Guesses, unknown words and impossible values in the tables, with the number of cases."""
        return (*self.cases.notes, *self.cases.unusable())

    @property
    def flow(self) -> tuple[Step, ...]:
        """Flow of the cases: numbers included and excluded."""
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
            A column with invalid values.
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
        """Measure the benefit of contrast-enhanced T1w scans.

        Parameters
        ----------
        other : Cohort, optional
            The same patients, run with T1c; paired by case_id. If not given, `t1c_run`; without
            that, the patients who have a T1c scan are compared with those who have none.

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
        return contrast.t1c_paired(self.cases, other.cases, **options).frame()

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

    def activations(self) -> Any:
        """Shares of the attribution in the lesion and around it, for right and wrong answers.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            Without pandas.
        InputError
            No case has such a share.
        """
        return self.table("activations").frame()

    def calibration(self) -> Any:
        """Brier score, slope and intercept of calibration of each task.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            Without pandas.
        InputError
            No case has a reference and a probability.
        """
        return self.table("calibration").frame()

    def errors(self) -> Any:
        """Patients whose diagnosis is wrong, the surest answers first.

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
        return self.table("errors").frame()

    def report(
        self,
        out: str | os.PathLike[str] | None = None,
        *,
        title: str = "",
        docx: bool = False,
        latex: bool = False,
    ) -> list[Path]:
        """Write everything: one HTML page, and Markdown, CSV, JSON and SVG.

        Parameters
        ----------
        out : path, optional
            A folder, made if absent; the run's own if not given.
        title : str, optional
            Title of the page.
        docx, latex : bool
            Write a Word document and a LaTeX one as well, into the folder ``report``.

        Returns
        -------
        list of pathlib.Path
            ``report.html`` first, then what is in the folder ``report`` beside it.

        Raises
        ------
        ImportError
            Without matplotlib, or SciPy; without python-docx, for `docx`.
        InputError
            No folder named, for a cohort from a table; a file that cannot be written.
        """
        if out is None and self.folder is None:
            raise InputError("a cohort from a table has no folder of its own: name one")
        return write_report(
            self, Path(out or self.folder or "."), title=title, docx=docx, latex=latex
        )

    def table(self, name: str) -> Table:
        """Return one table, without pandas.

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
        return cohort_table(self, name)

    def _notes(self, every: Cases) -> list[str]:
        n, known = self.cases.n, {*every.words("split")} - {""}
        if self.split == "all":
            which = f"all {counted(n, 'patient')}"
            if len(known) > 1:
                which += f", of the splits {', '.join(sorted(known))} together"
            elif self.settings.get("predicted"):  # out of fold
                which += f"; predicted: {self.settings['predicted']}"
            elif not known:
                which += "; the cohort names no split, so whether the models saw them is not known"
        else:
            which = f"the {counted(n, 'patient')} of the split {self.split}"
        notes = [f"evaluated: {which}"]
        if self.n_repeated:
            notes.append(
                f"{self.n_repeated} further scans of the same patients are excluded: the first "
                "counts"
            )
        notes += self.doubts
        return notes + ([f"models: {self.notice}"] if self.notice else [])
