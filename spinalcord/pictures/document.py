"""The frame of every page that the package writes: one self-contained HTML document.

It contains no script and loads nothing, which its content security policy states as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

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
tbody th { font-weight: 500; min-width: 7rem; }
.long { overflow-wrap: anywhere; min-width: 12rem; }
.text { min-width: 14rem; }
.notes { color: #444; font-size: .84rem; margin: .2rem 0 1.2rem; padding-left: 1.2rem; }
figure { margin: 1.2rem 0; }
figure img { max-width: 100%; height: auto; display: block; }
figcaption { color: #333; font-size: .88rem; }
summary { cursor: pointer; font-weight: 600; padding: .4rem 0; }
@media print {
  /* Tables and headings are sized by the root: a page holds as much as a printed paper's. */
  :root { font-size: 9pt; }
  body { max-width: none; padding: 0; font-size: 9pt; }
  nav, .skip { display: none; }
  figure, tr { break-inside: avoid; }
  h2, caption, summary, thead { break-after: avoid; }
  tbody tr:first-child { break-before: avoid; }
  /* Paper unfolds nothing: what is folded on the screen is printed open. */
  details::details-content { content-visibility: visible; block-size: auto; }
  summary { list-style: none; }
  .table { overflow: visible; }
}
"""


def document(
    title: str,
    notices: Iterable[str],
    main: str,
    *,
    sections: Iterable[str] = (),
    footer: str,
    style: str = "",
    reload_s: int | None = None,
) -> str:
    """Return a whole page.

    Parameters
    ----------
    title : str
        In words; escaped here, as are `notices` and `sections`.
    notices : iterable of str
        Notice at the top of the page.
    main : str
        HTML of the sections.
    sections : iterable of str
        Titles of those sections, made by `titled`, that the contents at the top name.
    footer : str
        HTML.
    style : str, optional
        CSS beyond that of all pages.
    reload_s : int, optional
        Seconds after which a browser reads the page anew.

    Returns
    -------
    str
    """
    again = "" if reload_s is None else f'<meta http-equiv="refresh" content="{reload_s}">'
    remarks = "".join(f"<p>{escape(text)}</p>" for text in notices)
    links = "".join(f'<li><a href="#{_anchor(name)}">{escape(name)}</a></li>' for name in sections)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"{again}"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{_STYLE}{style}</style></head><body>"
        '<a class="skip" href="#main">To the results</a>'
        f'<header><h1>{escape(title)}</h1><div class="notice" role="note">{remarks}</div></header>'
        f'<nav aria-label="Contents"><ul>{links}</ul></nav><main id="main">{main}</main>'
        f"<footer>{footer}</footer></body></html>\n"
    )


def titled(title: str, body: str) -> str:
    """Return a section of a page under its title.

    Parameters
    ----------
    title : str
        In words; escaped here.
    body : str
        HTML.

    Returns
    -------
    str
    """
    name = _anchor(title)
    return f'<section aria-labelledby="{name}"><h2 id="{name}">{escape(title)}</h2>{body}</section>'


def _anchor(title: str) -> str:
    return "part-" + "".join(c if c.isalnum() else "-" for c in title.lower())
