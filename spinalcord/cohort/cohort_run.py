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
        Notices of the models, to be repeated with every result.
    redone : mapping of str to int
        Number of cases of an earlier run that were recomputed, by reason.
    without_dicom : mapping of str to int, optional
        Number of cases without DICOM objects, by reason; None if the run was not to write them.

    Examples
    --------
    >>> import spinalcord as sc
    >>> from spinalcord.scans.writing import save_volume
    >>> phantom = sc.phantom.make_case("MS", 5, region="cervical", kind="2d")
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
    without_dicom: Mapping[str, int] | None = None

    @property
    def table(self) -> Any:
        """One row per case: a DataFrame if pandas is installed, else a list of dicts."""
        return self._frame("cases.tsv")

    @property
    def lesions(self) -> Any:
        """One row per lesion, likewise."""
        return self._frame("lesions.tsv")

    @property
    def slices(self) -> Any:
        """One row per slice with lesion, likewise."""
        return self._frame("slices.tsv")

    @property
    def failures(self) -> Any:
        """One row per failed case, likewise."""
        return self._frame("failures.tsv")

    def read(self, name: str) -> list[dict[str, Any]]:
        """Return the rows of one of the five tables, such as ``"cases.tsv"``, as dicts."""
        return read_results(self.out / name)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        values = {
            "out": str(self.out),
            "counts": dict(self.counts),
            "redone": dict(self.redone),
            "notice": self.notice,
        }
        if self.without_dicom is not None:
            values["without_dicom"] = dict(self.without_dicom)
        return values

    def _frame(self, name: str) -> Any:
        rows = self.read(name)
        try:
            import pandas
        except ImportError:
            return rows
        with open(self.out / name, encoding="utf-8") as file:
            columns = file.readline().rstrip("\n").split("\t")
        return pandas.DataFrame(rows, columns=columns)
