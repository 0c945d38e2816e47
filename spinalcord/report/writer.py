"""Write the files of a report, each atomically and the page last."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..extras import require
from ..scans.writing import write_bytes, write_json, write_text
from .catalogue import TABLES
from .contents import gather
from .gallery import PLATES
from .latex import to_latex
from .page import report_html, to_markdown
from .word import to_docx

if TYPE_CHECKING:
    from .cohort import Cohort

_OTHERS = ("failures", "models", "settings", "trace", "claim", "stard")


def write_report(
    cohort: Cohort, out: Path, *, title: str = "", docx: bool = False, latex: bool = False
) -> list[Path]:
    """Write ``report.html``, and the folder ``report`` beside it.

    Parameters
    ----------
    cohort : Cohort
    out : pathlib.Path
        A folder, made if absent.
    title : str, optional
    docx, latex : bool
        Write ``report/report.docx`` and ``report/report.tex`` as well.

    Returns
    -------
    list of pathlib.Path
        ``report.html``; ``report/report.md``, ``report/report.json``, and ``report/*.csv`` and
        ``*.svg`` by the names of tables and figures.

    Raises
    ------
    ImportError
        Without matplotlib, or SciPy; without python-docx, for `docx`.
    InputError
        `out` is a file; a file that cannot be written.

    Notes
    -----
    The same cohort gives the same bytes. Tables and figures of an earlier report that this one
    does not have are removed.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: expected a folder for the report")
    if docx:
        require("docx", "docx", "a Word document")  # said before the work, not after it
    contents = gather(cohort, title=title)
    folder = out / "report"
    figures = {plate.name: svg for part in contents.sections for plate, svg in part.plates}
    files = [write_text(folder / "report.md", to_markdown(contents))]
    facts = {
        "title": contents.title,
        "notices": contents.notices,
        "summary": contents.summary,
        **contents.facts,
        "methods": contents.methods,
        "references": contents.references,
        "counts": dict(contents.counts),
        "tables": {name: table.to_dict() for name, table in contents.tables.items()},
        "missing": dict(contents.missing),
    }
    files.append(write_json(folder / "report.json", facts))
    for name, table in contents.tables.items():
        files.append(write_text(folder / f"{name}.csv", table.to_csv()))
    for name, svg in figures.items():
        files.append(write_bytes(folder / f"{name}.svg", svg))
    if latex:
        files.append(write_bytes(folder / "report.tex", to_latex(contents).encode()))
    if docx:
        pictures = {
            plate.name: plate.to_png(cohort)
            for part in contents.sections
            for plate, _ in part.plates
        }
        files.append(write_bytes(folder / "report.docx", to_docx(contents, pictures)))
    page = write_text(out / "report.html", report_html(contents))
    _remove_others(folder, files)
    return [page, *files]


def _remove_others(folder: Path, files: list[Path]) -> None:
    """Remove an earlier report's tables and figures: beside this one they would mislead."""
    own = {f"{name}.csv" for name in (*TABLES, *_OTHERS)}
    own |= {f"{plate.name}.svg" for plate in PLATES} | {"report.docx", "report.tex"}
    for path in folder.iterdir():
        if path.name in own and path not in files:
            path.unlink(missing_ok=True)
