"""The results of a run, read from its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .run_tables import read_results


@dataclass(frozen=True)
class CohortRun:
    """The results of a run, read from its folder on demand.

    Attributes
    ----------
    out : Path
        Output folder.
    counts : mapping of str to int
        cases, done, failed, missing, excluded; and of those done, kept: from an earlier run.
    notice : str
        What the models' makers want repeated with every result.
    redone : mapping of str to int
        How many cases that an earlier run had finished or tried were computed again, by reason.

    Examples
    --------
    >>> import spinalcord as sc
    >>> from spinalcord.scans.writing import save_volume
    >>> phantom = sc.phantom.make_case("MS", 3, region="cervical", kind="2d")
    >>> path = save_volume(phantom.t2, "t2.nii.gz")
    >>> run = sc.run_cohort([{"case_id": "sub-01", "path": "t2.nii.gz"}], "out")
    >>> run.read("cases.tsv")[0]["found"]
    True
    >>> len(run.read("lesions.tsv")) > 0, run.read("failures.tsv")
    (True, [])
    """

    out: Path
    counts: Mapping[str, int]
    notice: str
    redone: Mapping[str, int] = field(default_factory=dict)

    @property
    def table(self) -> Any:
        """One row a case: a DataFrame where pandas is installed, else a list of dicts."""
        return self._frame("cases.tsv")

    @property
    def lesions(self) -> Any:
        """One row a lesion, likewise."""
        return self._frame("lesions.tsv")

    @property
    def slices(self) -> Any:
        """One row a slice with lesion, likewise."""
        return self._frame("slices.tsv")

    @property
    def failures(self) -> Any:
        """One row a case that failed, likewise."""
        return self._frame("failures.tsv")

    def read(self, name: str) -> list[dict[str, Any]]:
        """Return the rows of one of the five tables, such as ``"cases.tsv"``, as dicts."""
        return read_results(self.out / name)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "out": str(self.out),
            "counts": dict(self.counts),
            "redone": dict(self.redone),
            "notice": self.notice,
        }

    def _frame(self, name: str) -> Any:
        rows = self.read(name)
        try:
            import pandas
        except ImportError:
            return rows
        with open(self.out / name, encoding="utf-8") as file:
            columns = file.readline().rstrip("\n").split("\t")
        return pandas.DataFrame(rows, columns=columns)
