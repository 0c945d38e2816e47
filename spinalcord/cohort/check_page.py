"""Write the page and the table of a check of a cohort."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from .. import __version__
from ..pictures.document import document, titled
from ..scans.writing import write_text
from ..wording import counted
from .checking import COLUMNS, CheckedCase, CohortCheck

PAGE, TABLE = "check.html", "check.tsv"

_SHOWN = (
    "case_id", "split", "reference_diagnosis", "spacing_mm", "orientation", "contrast", "mask",
    "lesion_mm3", "slices_with_lesion", "slices_unannotated", "oedema_mm3", "cyst_mm3",
)  # fmt: skip
_STYLE = (
    ".bad { color: #a33a00; font-weight: 600; } "
    ".cases { display: flex; flex-wrap: wrap; gap: 1.2rem 2rem; } "
    "article { max-width: min(100%, max(22rem, 50% - 1rem)); break-inside: avoid; } "
    "article > * { margin: 0.3rem 0; }"
)


def write_check(check: CohortCheck, out: Path) -> list[Path]:
    """Write the page and the table of a check.

    Parameters
    ----------
    check : CohortCheck
    out : Path
        Folder, made if absent.

    Returns
    -------
    list of Path
        ``check.html`` and ``check.tsv``.

    Raises
    ------
    InputError
        They cannot be written.
    """
    lines = ["\t".join(COLUMNS)]
    lines += ["\t".join(_text(each.row[c]) for c in COLUMNS) for each in check.cases]
    return [
        write_text(out / PAGE, make_page(check)),
        write_text(out / TABLE, "\n".join(lines) + "\n"),
    ]


def make_page(check: CohortCheck) -> str:
    """Return the page: problems, counts, a table, and a mosaic of every case.

    Parameters
    ----------
    check : CohortCheck

    Returns
    -------
    str
        HTML document without external resources, paths and file names.
    """
    wrong = [each for each in check.cases if each.problems]
    n = len(check.problems) + sum(len(each.problems) for each in wrong)
    if n:
        verdict = f"{counted(n, 'problem')} must be fixed before training."
    else:
        verdict = "Nothing has to be fixed."
    parts = {
        "To be fixed": _problems(check, wrong),
        "Counts": "".join(_count(name, counts) for name, counts in check.counts().items()),
        "Cases": _table(check.cases),
        "Every case": f'<div class="cases">{"".join(_case(each) for each in check.cases)}</div>',
    }
    if check.notes:
        parts["Notes"] = _list(check.notes)
    return document(
        f"Check of {check.name}",
        [f"{counted(len(check.cases), 'case')}. {verdict}"],
        "".join(titled(title, body) for title, body in parts.items()),
        sections=parts,
        footer=f"<p>spinalcord {escape(__version__)}. Research software: not for clinical use.</p>",
        style=_STYLE,
    )


def _problems(check: CohortCheck, wrong: Iterable[CheckedCase]) -> str:
    told = [*check.problems]
    told += [f"{each.case.case_id}: {text}" for each in wrong for text in each.problems]
    return _list(told) if told else "<p>Nothing.</p>"


def _list(texts: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>"


def _count(name: str, counts: Mapping[str, int]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(what)}</th><td>{n}</td></tr>'
        for what, n in sorted(counts.items())
    )
    return (
        f'<div class="table"><table><caption>{escape(name.capitalize())}</caption><thead><tr>'
        f'<th scope="col">{escape(name)}</th><th scope="col">cases</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _table(cases: Iterable[CheckedCase]) -> str:
    head = "".join(f'<th scope="col">{escape(_heading(c))}</th>' for c in _SHOWN)
    rows = "".join(
        f"<tr{' class=bad' if each.problems else ''}>"
        + "".join(f"<td>{escape(_text(each.row[c]))}</td>" for c in _SHOWN)
        + "</tr>"
        for each in cases
    )
    return (
        f'<div class="table"><table><caption>All cases</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _heading(column: str) -> str:
    return column.replace("_", " ").replace("mm3", "mm³")


def _case(each: CheckedCase) -> str:
    about = [each.case.diagnosis or "no diagnosis", f"mask {each.row['mask']}"]
    bad = "".join(f'<p class="bad">{escape(text)}</p>' for text in each.problems)
    said = "".join(f"<p>{escape(text)}</p>" for text in each.remarks)
    return (
        f"<article><h3>{escape(each.case.case_id)}</h3><p>{escape(', '.join(about))}</p>"
        f"{bad}{said}{each.mosaic}</article>"
    )


def _text(value: Any) -> str:
    text = " ".join(str(value).split())
    return text or "n/a"
