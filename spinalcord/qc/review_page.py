"""The quality control page: a single HTML file with style, script and data.

It loads only the pictures of the cases from the folder ``qc`` beside it, each when its case is
viewed. The only identifier it shows is the case_id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib import resources
from string import Template
from typing import Any

from ..tasks import DIAGNOSES, TASKS

PER_PAGE = 20_000
"""Cases of a page; a larger cohort has several."""

COLUMNS = (
    "id", "status", "excluded", "key", "answer", "p", "labels", "thresholds", "four", "inside",
    "flat", "mask", "volume", "count", "dice", "warnings", "reason", "lesions", "more", "picture",
)  # fmt: skip

LESION_COLUMNS = {
    "mask": "mask", "label": "label", "volume_mm3": "mm³", "length_mm": "length mm",
    "width_mm": "width mm", "depth_mm": "depth mm", "max_diameter_mm": "diameter mm",
    "in_cord_fraction": "in the cord", "overlap_fraction": "overlap",
}  # fmt: skip

FUNCTIONS = ("verdicts.js", "cases.js")
"""Scripts without a page, which tests run by themselves, in the order in which they are inlined."""

PARTS = ("page_list.js", "page_case.js", "page_events.js")
"""Scripts of the page, likewise; they share one scope, and the last one starts the page."""

_MARK = "$data"


def page_name(index: int) -> str:
    """Name a page by its number from 0: ``qc.html``, ``qc-2.html``."""
    return "qc.html" if index == 0 else f"qc-{index + 1}.html"


def opening(name: str, version: str, notice: str, page: int, n_pages: int) -> str:
    """Return a page's text up to its first case.

    Parameters
    ----------
    name : str
        Name of the cohort.
    version : str
        Version of the package.
    notice : str
        Notices of the models.
    page, n_pages : int
        Index of the page, from 0, and number of pages.

    Returns
    -------
    str
    """
    about = {
        "name": name,
        "version": version,
        "notice": notice,
        "page": page,
        "pages": [page_name(index) for index in range(n_pages)],
        "tasks": [
            {"name": task.name, "negative": task.negative, "positive": task.positive}
            for task in TASKS.values()
        ],
        "diagnoses": list(DIAGNOSES),
        "lesion_columns": list(LESION_COLUMNS.values()),
    }
    part = f", part {page + 1} of {n_pages}" if n_pages > 1 else ""
    title = escape(f"Quality control: {name}{part}")
    before = Template(_template()[0]).substitute(title=title, style=_text("page.css"))
    return f'{before}{{"about":{_json(about)},"columns":{_json(COLUMNS)},"rows":[\n'


def row(values: Mapping[str, Any], *, first: bool) -> str:
    """Return the text of a case.

    Parameters
    ----------
    values : mapping
        Values of the columns `COLUMNS`.
    first : bool
        Whether it is the first row of the page.

    Returns
    -------
    str
    """
    return ("" if first else ",\n") + _json([values[column] for column in COLUMNS])


def closing() -> str:
    """Return a page's text after its last case."""
    return "\n]}" + Template(_template()[1]).substitute(script=script())


def script() -> str:
    """Return the page's script: `FUNCTIONS`, then `PARTS` in a scope of their own."""
    functions, parts = ("".join(map(_text, names)) for names in (FUNCTIONS, PARTS))
    return f'"use strict";\n{functions}(() => {{\nconst Q = spinalcordQc;\n{parts}}})();\n'


def _json(value: Mapping[str, Any] | Sequence[Any]) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # Nothing in it may end the enclosing element or open a comment.
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


@cache
def _template() -> tuple[str, str]:
    before, _, after = _text("page.html").partition(_MARK)
    return before, after


@cache
def _text(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
