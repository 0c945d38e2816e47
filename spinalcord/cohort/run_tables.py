"""Write the tables of a run from its records, one row at a time, and read them with types."""

from __future__ import annotations

import contextlib
import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..analysis.attribution import ExplanationOptions
from ..errors import InputError
from ..scans.writing import write_json, write_text
from ..tables import read_table
from ..tasks import DIAGNOSES, TASKS
from .listing import CohortCase, Listing
from .qc_pages import QcPages, remove_pages
from .records import read_record
from .rows import attribution_columns
from .textfile import TextFile, clear_parts

_TASK_COLUMNS = [f"{t}_{part}" for t in TASKS for part in ("probability", "label", "threshold")]
_SECONDS = [f"seconds_{s}" for s in ("read", "segment", "classify", "explain", "write", "total")]
WHO = ["case_id", "participant_id", "split"]

_ANSWERS = [
    "found", "diagnosis", *_TASK_COLUMNS, *(f"{name}_probability" for name in DIAGNOSES),
    "n_lesions", "lesion_volume_mm3", "n_dropped", "dropped_volume_mm3", "n_slices", "mask", "t1c",
    "reference_n_lesions", "reference_volume_mm3", "dice", "hd95_mm", "assd_mm",
    "volume_difference_mm3",
]  # fmt: skip
_HOW = [
    *_SECONDS, "warnings", "notice",
    "scan_sha256", "mask_sha256", "t1c_sha256", "segmentation_sha256",
    *(f"{task}_sha256" for task in TASKS), "precision", "version",
]  # fmt: skip

LESIONS = [
    "case_id", "mask", "label", "volume_mm3", "length_mm", "width_mm", "depth_mm",
    "max_diameter_mm", "centroid_x_mm", "centroid_y_mm", "centroid_z_mm", "n_voxels", "mean", "sd",
    "in_cord_fraction", "max_axial_damage_ratio", "overlap_fraction",
]  # fmt: skip

SLICES = ["case_id", "slice", "lesion_mm2", *TASKS]
FAILURES = [*WHO, "reference_diagnosis", "scan", "stage", "error", "reason", "seconds"]
EXCLUDED = [*WHO, "reference_diagnosis", "reason"]

_NOT_BIDS = ("/*.tsv", "qc*", "report*", "*_diagnosis.json", "*_task-*", "*.dcm")
"""Files of a run for which BIDS has no names."""

_WHOLE = {
    "n_lesions", "n_dropped", "n_slices", "reference_n_lesions", "label", "n_voxels", "slice",
}  # fmt: skip
_NUMBERS = {
    "age", "dice", "mean", "sd", "seconds", "in_cord_fraction", "max_axial_damage_ratio", *TASKS,
}  # fmt: skip
_ENDINGS = (
    "_probability",
    "_threshold",
    "_mm",
    "_mm2",
    "_mm3",
    "_fraction",
    "_auc",
    "_spearman",
    "_iou",
)


def write_tables(
    out: Path,
    listing: Listing,
    description: Mapping[str, Any],
    *,
    options: ExplanationOptions | None = None,
    qc: bool = False,
) -> tuple[dict[str, int], dict[str, int]]:
    """Write all tables from the records, and the page for quality control.

    One case at a time is in memory.

    Parameters
    ----------
    out : Path
        Output folder.
    listing : Listing
        The cohort, which determines the order of rows and their reference data.
    description : mapping
        ``Spinalcord`` of dataset_description.json, without its counts.
    options : ExplanationOptions, optional
        Options of the explanations, on which some columns depend; Grad-CAM if not given.
    qc : bool, default False
        Whether to write the page; if not, that of an earlier run is removed.

    Returns
    -------
    counts : dict
        cases, done, failed, missing, excluded.
    without_dicom : dict
        Number of cases that lack DICOM objects, by reason.

    Raises
    ------
    InputError
        A table cannot be written.
    """
    known = ["age", "sex", "reference_diagnosis", *listing.columns]
    columns = {
        "cases.tsv": [
            *WHO,
            *known,
            *_ANSWERS,
            *attribution_columns(options or ExplanationOptions()),
            *_HOW,
        ],
        "lesions.tsv": LESIONS,
        "slices.tsv": SLICES,
        "failures.tsv": FAILURES,
        "excluded.tsv": EXCLUDED,
    }
    counts = dict.fromkeys(("cases", "done", "failed", "missing", "excluded"), 0)
    without_dicom: Counter[str] = Counter()
    with contextlib.ExitStack() as stack:
        tables = {n: stack.enter_context(_Table(out / n, c)) for n, c in columns.items()}
        pages = stack.enter_context(QcPages(out, listing, description)) if qc else None
        for case in listing.cases:
            record = read_record(out, case) or {}
            counts[_add(tables, case, record)] += 1
            if record.get("dicom_missing"):
                without_dicom[record["dicom_missing"]] += 1
            if pages is not None:
                pages.add(case, record)
        for case, reason in listing.excluded:
            tables["excluded.tsv"].add(_who(case) | {"reason": reason})
            if pages is not None:
                pages.add(case, read_record(out, case) or {}, excluded=reason)
        for table in tables.values():
            table.finish()
        n_pages = 0 if pages is None else pages.finish()
    remove_pages(out, n_pages)
    description_path = out / "dataset_description.json"
    with contextlib.suppress(OSError):
        clear_parts(description_path)
    write_text(out / ".bidsignore", "\n".join(_NOT_BIDS) + "\n")
    counts["excluded"] = len(listing.excluded)
    counts["cases"] = len(listing.cases) + len(listing.excluded)
    write_json(
        description_path,
        {
            "Name": f"spinalcord results of {listing.name}",
            "BIDSVersion": "1.9.0",
            "DatasetType": "derivative",
            "GeneratedBy": [
                {"Name": "spinalcord", "Version": description["versions"]["spinalcord"]}
            ],
            "Spinalcord": {**description, "counts": counts},
        },
    )
    return counts, dict(without_dicom)


def read_results(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    r"""Read a table of results with typed values: numbers, booleans and None.

    Parameters
    ----------
    path : path
        One of the five tables of a run.

    Returns
    -------
    list of dict
        One a row.

    Raises
    ------
    InputError
        It cannot be read.

    Examples
    --------
    >>> from pathlib import Path
    >>> n = Path("cases.tsv").write_text("case_id\tfound\tdiagnosis\na\ttrue\tMS\n")
    >>> read_results("cases.tsv")
    [{'case_id': 'a', 'found': True, 'diagnosis': 'MS'}]
    """
    table = read_table(path, stray_quotes=True)
    try:
        return [{c: _typed(c, value) for c, value in row.items()} for row in table.dicts()]
    except ValueError as error:
        raise InputError(f"{path}: cannot be read as a table of results: {error}") from error


def _add(tables: Mapping[str, _Table], case: CohortCase, record: Mapping[str, Any]) -> str:
    """Add the rows of a case; return its status."""
    status = record.get("status")
    if status == "done":
        tables["cases.tsv"].add(_who(case) | record["case"])
        for name in ("lesions", "slices"):
            for row in record[name]:
                tables[f"{name}.tsv"].add({"case_id": case.case_id, **row})
        return "done"
    if status == "failed":
        failure = record["failure"]
        tables["failures.tsv"].add(_who(case) | {"scan": Path(case.path).name, **failure})
        return "failed"
    return "missing"


def _who(case: CohortCase) -> dict[str, Any]:
    return {**case.truth, "case_id": case.case_id, "participant_id": case.participant_id}


class _Table(TextFile):
    """A table that appears once it is complete."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        super().__init__(path)
        self._columns = columns

    def __enter__(self) -> _Table:
        super().__enter__()
        self._line(self._columns)
        return self

    def add(self, row: Mapping[str, Any]) -> None:
        self._line([_text(row.get(column)) for column in self._columns])

    def _line(self, values: Iterable[str]) -> None:
        self.write("\t".join(values) + "\n")


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "n/a"
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(str(value).split()) or "n/a"


def _typed(column: str, text: str) -> Any:
    if text == "":
        return None
    if column == "found":
        return text == "true"
    if column in _WHOLE:
        return int(text)
    if column in _NUMBERS or column.endswith(_ENDINGS) or column.startswith("seconds_"):
        try:
            return float(text)
        except ValueError:
            return text  # an age such as "89+"
    return text
