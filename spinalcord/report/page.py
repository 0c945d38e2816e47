"""A report as one self-contained HTML page, and as Markdown.

The page contains no script and loads nothing; all text from tables is escaped; figures are images
with a text for those who cannot see them.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape

from ..pictures.document import document, titled
from ..wording import counted
from .contents import Contents, Section
from .table import Table, keep_together, mark

_ROWS = 100  # of a table on the page; the files have all
_OPEN = 30  # a longer table is folded
_METHODS = "Statistical methods"


def report_html(contents: Contents) -> str:
    """Return the page.

    Parameters
    ----------
    contents : Contents

    Returns
    -------
    str
        A whole HTML document.
    """
    summary = "".join(f"<li>{keep_together(escape(text))}</li>" for text in contents.summary)
    body = "".join(_section(section, contents.counts) for section in contents.sections)
    return document(
        contents.title,
        contents.notices,
        f'<section><h2 id="summary">Main results</h2><ul>{summary}</ul></section>'
        f"{body}{_methods(contents)}{_missing(contents)}",
        sections=[
            *(section.title for section in contents.sections),
            *([_METHODS] if contents.methods else []),
        ],
        footer=f"<p>Made by spinalcord {escape(contents.facts.get('version', ''))}. The folder "
        "<code>report</code> beside this page contains every table as CSV, every figure as SVG, "
        "and all of it as Markdown and JSON.</p>",
    )


def to_markdown(contents: Contents) -> str:
    """Return the report as Markdown, with figures as links to their files.

    Parameters
    ----------
    contents : Contents

    Returns
    -------
    str
    """
    lines = [f"# {mark(contents.title)}", ""]
    lines += [f"> {mark(text)}\n>" for text in contents.notices]
    lines += ["", "## Main results", ""]
    lines += [f"- {mark(text)}" for text in contents.summary]
    for section in contents.sections:
        lines += ["", f"## {mark(section.title)}", ""]
        for plate, _ in section.plates:
            lines += [f"![{mark(plate.alternative)}]({plate.name}.svg)", ""]
            lines += [
                f"**{mark(plate.title)}.** {mark(plate.caption)}"
                f" {mark(_n(contents.counts, plate.name))}",
                "",
            ]
        lines += [table.first(_ROWS).to_markdown() for table in section.tables]
    if contents.methods:
        lines += ["", f"## {_METHODS}", "", mark(contents.methods), ""]
        lines += [f"{i}. {mark(text)}" for i, text in enumerate(contents.references, 1)]
    if contents.missing:
        lines += ["", "## Not made", ""]
        lines += [f"- {mark(what)}: {mark(why)}" for what, why in contents.missing.items()]
    return "\n".join(lines).rstrip() + "\n"


def _methods(contents: Contents) -> str:
    if not contents.methods:
        return ""
    items = "".join(f"<li>{escape(text)}</li>" for text in contents.references)
    paragraph = keep_together(escape(contents.methods))
    return titled(_METHODS, f'<p>{paragraph}</p><ol class="notes">{items}</ol>')


def _section(section: Section, counts: Mapping[str, str]) -> str:
    figures = "".join(
        f'<figure><img alt="{escape(plate.alternative)}" '
        f'src="data:image/svg+xml;base64,{base64.b64encode(svg).decode("ascii")}">'
        f"<figcaption><b>{escape(plate.title)}.</b> {escape(plate.caption)}"
        f"{escape(_n(counts, plate.name))}</figcaption></figure>"
        for plate, svg in section.plates
    )
    tables = "".join(_table(table) for table in section.tables)
    return titled(section.title, figures + tables)


def _n(counts: Mapping[str, str], name: str) -> str:
    said = counts.get(name, "")
    return f" {said}." if said else ""


def _table(table: Table) -> str:
    html = table.first(_ROWS).to_html()
    if len(table.rows) <= _OPEN:
        return html
    rows = f"{escape(table.title)}: {counted(len(table.rows), 'row')}"
    return f"<details><summary>{rows}</summary>{html}</details>"


def _missing(contents: Contents) -> str:
    if not contents.missing:
        return ""
    items = "".join(
        f"<li>{escape(what)}: {escape(why)}</li>" for what, why in contents.missing.items()
    )
    return (
        '<section aria-labelledby="not-made"><h2 id="not-made">Not made, and why</h2>'
        f"<ul>{items}</ul></section>"
    )
