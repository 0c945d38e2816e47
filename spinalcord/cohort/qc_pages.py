"""Write the quality control pages of a run from the records of its cases."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .. import __version__
from ..errors import InputError
from ..qc import review_page as page
from ..tasks import DIAGNOSES, TASKS
from .listing import CohortCase, Listing
from .records import picture_path
from .textfile import TextFile

SHOWN_LESIONS = 25
"""Maximum number of lesions shown of each mask; the rest is in ``lesions.tsv``."""

_PAGE = re.compile(r"qc(-\d+)?\.html")


class QcPages:
    """The pages of a run, written one case at a time.

    Parameters
    ----------
    out : Path
        Output folder.
    listing : Listing
        The cohort.
    description : mapping
        Description of the run.
    """

    def __init__(self, out: Path, listing: Listing, description: Mapping[str, Any]) -> None:
        self._out = out
        self._name = listing.name
        self._notice = str(description.get("notice", ""))
        total = len(listing.cases) + len(listing.excluded)
        self._n_pages = max(1, -(-total // page.PER_PAGE))
        self._added = 0
        self._shown = 0
        self._files: list[TextFile] = []

    def __enter__(self) -> QcPages:
        try:
            self._open()
        except BaseException:
            # A context that was never entered is never left.
            self.__exit__(None, None, None)
            raise
        return self

    def add(self, case: CohortCase, record: Mapping[str, Any], *, excluded: str = "") -> None:
        """Add a case.

        Parameters
        ----------
        case : CohortCase
            In the cohort's order.
        record : mapping
            Its record; empty for an unfinished case, which is shown only if it was excluded.
        excluded : str, optional
            Reason for its exclusion from the tables.

        Raises
        ------
        InputError
            The page cannot be written.
        """
        if self._added == page.PER_PAGE * len(self._files):
            self._files[-1].write(page.closing())
            self._open()
        self._added += 1
        if not record and not excluded:
            return
        values = _values(self._out, case, record, excluded)
        self._files[-1].write(page.row(values, first=self._shown == 0))
        self._shown += 1

    def finish(self) -> int:
        """Rename the pages to their final names, and return their number."""
        self._files[-1].write(page.closing())
        for file in self._files:
            file.finish()
        return len(self._files)

    def __exit__(self, *details: object) -> None:
        for file in self._files:
            file.__exit__(*details)

    def _open(self) -> None:
        index = len(self._files)
        file = TextFile(self._out / page.page_name(index))
        file.__enter__()
        self._files.append(file)
        self._shown = 0
        file.write(page.opening(self._name, __version__, self._notice, index, self._n_pages))


def remove_pages(out: Path, n_pages: int) -> None:
    """Remove pages of an earlier run beyond the first `n_pages`, which would not fit the tables.

    Raises
    ------
    InputError
        One cannot be removed.
    """
    current = {page.page_name(index) for index in range(n_pages)}
    for path in out.glob("qc*.html"):
        if _PAGE.fullmatch(path.name) and path.name not in current:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise InputError(f"{path}: cannot be removed: {error.strerror}") from error


def _values(
    out: Path, case: CohortCase, record: Mapping[str, Any], excluded: str
) -> dict[str, Any]:
    """Return the values of a case that a page shows, by column."""
    status = record.get("status", "not run")
    answers: Mapping[str, Any] = record.get("case", {})
    lesions, more = _lesions(record.get("lesions", ()))
    warnings = str(answers.get("warnings") or "")
    return {
        "id": case.case_id,
        "status": status,
        "excluded": excluded,
        "key": str(record.get("key", ""))[:8],
        "answer": answers.get("diagnosis") or "",
        "p": [_rounded(answers.get(f"{task}_probability"), 4) for task in TASKS],
        "labels": [answers.get(f"{task}_label") for task in TASKS],
        "thresholds": [_rounded(answers.get(f"{task}_threshold"), 4) for task in TASKS],
        "four": [_rounded(answers.get(f"{name}_probability"), 4) for name in DIAGNOSES],
        "inside": [_rounded(answers.get(f"{task}_inside_fraction"), 3) for task in TASKS],
        "flat": [_rounded(answers.get(f"{task}_flat_inside_fraction"), 3) for task in TASKS],
        "mask": answers.get("mask"),
        "volume": _rounded(answers.get("lesion_volume_mm3"), 1),
        "count": answers.get("n_lesions"),
        "dice": _rounded(answers.get("dice"), 4),
        "warnings": [_nameless(case, text) for text in warnings.split("; ") if text],
        "reason": _nameless(case, str(record.get("failure", {}).get("reason") or "")),
        "lesions": lesions,
        "more": more,
        "picture": _picture(out, case, record.get("qc")),
    }


def _lesions(rows: Sequence[Mapping[str, Any]]) -> tuple[list[list[Any]], int]:
    """Return the largest lesions of each mask, and the number of others."""
    shown = [row for row in rows if row["label"] <= SHOWN_LESIONS]
    columns = [name for name in page.LESION_COLUMNS if name != "mask"]
    lines = [
        [int(row["mask"] == "found"), *(_rounded(row.get(name), 2) for name in columns)]
        for row in shown
    ]
    return lines, len(rows) - len(shown)


def _picture(
    out: Path, case: CohortCase, layout: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    if layout is None:
        return None
    return {"file": quote(picture_path(out, case).relative_to(out).as_posix()), **layout}


def _nameless(case: CohortCase, text: str) -> str:
    """Remove file names, which may be those of patients."""
    for path, what in (
        (case.path, "the scan"),
        (case.mask, "the mask"),
        (case.t1c, "the T1w scan"),
    ):
        if path is not None:
            text = text.replace(Path(path).name, what)
    return text


def _rounded(value: Any, digits: int) -> float | None:
    return None if value is None else round(float(value), digits)
