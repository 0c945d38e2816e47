"""A report as one self-contained HTML page, and as Markdown.

The page holds no script and loads nothing; all text from tables is escaped; figures are images
with a text for those who cannot see them.
"""

from __future__ import annotations

import base64
from html import escape

from .contents import Contents, Section
from .table import Table, keep_together, mark

_ROWS = 100  # of a table on the page; the files have all
_OPEN = 30  # a longer table is folded

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem 1.2rem 4rem; max-width: 68rem; color: #1a1a1a;
  background: #fff; font: 16px/1.5 system-ui, "Segoe UI", "DejaVu Sans", Arial, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: .8rem 0; }
h2 { font-size: 1.3rem; margin: 2.4rem 0 .6rem; padding-top: .6rem; border-top: 2px solid #0072B2; }
a { color: #005a8d; }
a:focus-visible, summary:focus-visible { outline: 3px solid #E69F00; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; background: #fff; padding: .4rem; }
.notice { border-left: 6px solid #D55E00; background: #fdf3ec; padding: .6rem 1rem; }
.notice p { margin: .2rem 0; }
nav ul { columns: 3 12rem; padding-left: 1.2rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 .3rem; font-size: .86rem;
  font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .3rem 0; font-size: 1rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0;
  overflow-wrap: break-word; }
thead th { border-bottom: 1.5px solid #1a1a1a; }
tbody tr + tr > * { border-top: 1px solid #ddd; }
tbody th { font-weight: 500; }
.long { overflow-wrap: anywhere; min-width: 12rem; }
.notes { color: #444; font-size: .84rem; margin: .2rem 0 1.2rem; padding-left: 1.2rem; }
figure { margin: 1.2rem 0; }
figure img { max-width: 100%; height: auto; display: block; }
figcaption { color: #333; font-size: .88rem; }
summary { cursor: pointer; font-weight: 600; padding: .4rem 0; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, .skip { display: none; }
  figure, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
}
"""


def to_html(contents: Contents) -> str:
    """Return the page.

    Parameters
    ----------
    contents : Contents

    Returns
    -------
    str
        A whole HTML document.
    """
    title = escape(contents.title)
    notices = "".join(f"<p>{escape(text)}</p>" for text in contents.notices)
    summary = "".join(f"<li>{keep_together(escape(text))}</li>" for text in contents.summary)
    links = "".join(
        f'<li><a href="#{_anchor(s.title)}">{escape(s.title)}</a></li>' for s in contents.sections
    )
    body = "".join(_section(section) for section in contents.sections)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{_STYLE}</style></head><body>"
        '<a class="skip" href="#main">To the results</a>'
        f'<header><h1>{title}</h1><div class="notice" role="note">{notices}</div></header>'
        f'<nav aria-label="Contents"><ul>{links}</ul></nav><main id="main">'
        + (f'<section><h2 id="summary">Main results</h2><ul>{summary}</ul></section>')
        + f"{body}{_missing(contents)}</main>"
        f"<footer><p>Made by spinalcord {escape(contents.facts.get('version', ''))}. The folder "
        "<code>report</code> beside this page holds every table as CSV, every figure as SVG, and "
        "all of it as Markdown and JSON.</p></footer></body></html>\n"
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
            lines += [f"**{mark(plate.title)}.** {mark(plate.caption)}", ""]
        lines += [table.first(_ROWS).to_markdown() for table in section.tables]
    if contents.missing:
        lines += ["", "## Not made", ""]
        lines += [f"- {mark(what)}: {mark(why)}" for what, why in contents.missing.items()]
    return "\n".join(lines).rstrip() + "\n"


def _section(section: Section) -> str:
    figures = "".join(
        f'<figure><img alt="{escape(plate.alternative)}" '
        f'src="data:image/svg+xml;base64,{base64.b64encode(svg).decode("ascii")}">'
        f"<figcaption><b>{escape(plate.title)}.</b> {escape(plate.caption)}</figcaption></figure>"
        for plate, svg in section.plates
    )
    tables = "".join(_table(table) for table in section.tables)
    name = _anchor(section.title)
    return (
        f'<section aria-labelledby="{name}"><h2 id="{name}">{escape(section.title)}</h2>'
        f"{figures}{tables}</section>"
    )


def _table(table: Table) -> str:
    html = table.first(_ROWS).to_html()
    if len(table.rows) <= _OPEN:
        return html
    rows = f"{escape(table.title)}: {len(table.rows)} rows"
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


def _anchor(title: str) -> str:
    return "part-" + "".join(c if c.isalnum() else "-" for c in title.lower())
