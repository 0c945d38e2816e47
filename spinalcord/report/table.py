"""A table of results: rows for programs, sentences for people, and the notes that belong to it."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from ..extras import require
from ..stats import Comparison, Estimate
from ..stats.estimate import decimal, p_text
from ..tasks import TASKS

ESTIMATE = (
    "figure", "k", "n", "estimate", "low", "high", "level", "method", "reason", "sentence",
)  # fmt: skip
COMPARISON = (*ESTIMATE, "p", "p_holm", "test")
_SHORTEST, _WORD, _LONGEST = 6, 16, 90  # characters that columns, words and cells count for
_WORDS = {
    "p_holm": "p (Holm)",
    "p_bh": "p (BH)",
    "lr_positive": "positive likelihood ratio",
    "lr_negative": "negative likelihood ratio",
    "sentence": "result",
    "ppv": "positive predictive value",
    "npv": "negative predictive value",
    "f1": "F1",
    "mcc": "Matthews' correlation",
}


@dataclass(frozen=True)
class Table:
    """Rows with the same columns.

    Parameters
    ----------
    name : str
        Names its file, such as ``"table2"``.
    title : str
        Its contents, in one line.
    columns : tuple of str
        Columns of every row, in order.
    rows : tuple of mappings
        Plain values; NaN where not defined.
    shown : tuple of str
        Columns that a page shows; the files have all.
    notes : tuple of str
        Notes: split, excluded counts, notices.

    Examples
    --------
    >>> rows = ({"case_id": "a", "mm3": 12.5},)
    >>> table = Table("sizes", "Lesion sizes", ("case_id", "mm3"), rows, shown=("case_id", "mm3"))
    >>> print(table.to_csv())
    case_id,mm3
    a,12.5
    >>> table.to_dict()["title"]
    'Lesion sizes'
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    shown: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def frame(self) -> Any:
        """Return a pandas DataFrame; `attrs` holds title and notes.

        Raises
        ------
        MissingExtraError
            Without pandas.
        """
        pandas = require("pandas", "report", "a DataFrame")
        frame = pandas.DataFrame(list(self.rows), columns=list(self.columns))
        for column in {"k", "n"} & {*self.columns}:
            frame[column] = frame[column].astype("Int64")  # whole numbers, or missing
        frame.attrs = {"title": self.title, "notes": list(self.notes)}
        return frame

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, with None for what is not defined."""
        rows = [{c: _plain(row.get(c)) for c in self.columns} for row in self.rows]
        return {"title": self.title, "notes": list(self.notes), "rows": rows}

    def to_csv(self) -> str:
        """Return comma-separated text with a header; empty cells for what is not defined."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        for row in self.rows:
            cells = (_plain(row.get(column)) for column in self.columns)
            writer.writerow(["" if cell is None else cell for cell in cells])
        return text.getvalue()

    def first(self, n: int) -> Table:
        """Return the table with its first n rows, and a note if that leaves some out."""
        if len(self.rows) <= n:
            return self
        note = f"the first {n} of {len(self.rows)} rows; {self.name}.csv contains all"
        return replace(self, rows=self.rows[:n], notes=(*self.notes, note))

    def to_markdown(self) -> str:
        """Return title, table and notes as Markdown."""
        head = [heading(column) for column in self.shown]
        lines = [f"### {mark(self.title)}", "", _row(head), _row(["---"] * len(head))]
        lines += [_row([mark(text(row.get(c), c)) for c in self.shown]) for row in self.rows]
        lines += [""] + [f"- {mark(note)}" for note in self.notes]
        return "\n".join(lines).rstrip() + "\n"

    def to_html(self) -> str:
        """Return an HTML table with caption, header cells and notes; everything is escaped."""
        head = "".join(f'<th scope="col">{escape(heading(c))}</th>' for c in self.shown)
        body = []
        for row in self.rows:
            cells = [keep_together(escape(text(row.get(c), c))) for c in self.shown]
            first = f'<th scope="row">{cells[0]}</th>'
            body.append(f"<tr>{first}{''.join(map(_cell, cells[1:]))}</tr>")
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return (
            f'<div class="table"><table id="{escape(self.name)}">'
            f"<caption>{escape(self.title)}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
            + (f'<ul class="notes">{notes}</ul>' if notes else "")
        )


def estimate_row(estimate: Estimate, **keys: Any) -> dict[str, Any]:
    """Return the row of an estimate, after the columns `keys`."""
    e = estimate
    return {
        **keys,
        "figure": _figure(e.name),
        "k": e.k,
        "n": e.n,
        "estimate": e.estimate,
        "low": e.low,
        "high": e.high,
        "level": e.level,
        "method": e.method,
        "reason": e.reason,
        "sentence": e.sentence(),
    }


def comparison_row(comparison: Comparison, p_holm: float, **keys: Any) -> dict[str, Any]:
    """Return the row of a comparison: its effect, then p-value, adjusted p-value and test."""
    row = estimate_row(comparison.effect, **keys)
    reason, test = comparison.reason, comparison.method
    if reason and not row["reason"]:
        row["reason"] = reason
    if math.isnan(comparison.p):
        if reason and reason not in row["sentence"]:
            row["sentence"] += f"; no p-value: {reason}"
    elif reason:
        test += f"; too small to say: {reason}"
    return {**row, "p": comparison.p, "p_holm": p_holm, "test": test}


def column_shares(table: Table, line: int, margin: int = 0) -> list[float]:
    """Share a line between the columns that are shown, as browsers do.

    Every column is as wide as its longest word, so that none is cut; what is left of the line goes
    to those whose cells would need several lines.

    Parameters
    ----------
    table : Table
    line : int
        Characters that fit on a line.
    margin : int, default 0
        Characters that a column's margins take.

    Returns
    -------
    list of float
        Their sum is 1.
    """
    words, cells = [], []
    for column in table.shown:
        texts = [heading(column), *(text(row.get(column), column) for row in table.rows)]
        # A percent sign stays with its number.
        word = max(len(w) for cell in texts for w in cell.replace(" %", "\u00a0%").split(" "))
        words.append(margin + min(_WORD, max(_SHORTEST, word)))
        cells.append(max(words[-1], margin + min(_LONGEST, max(map(len, texts)))))
    wanted = sum(cells) - sum(words)
    part = min(1.0, max(0.0, line - sum(words)) / wanted) if wanted else 0.0
    widths = [word + part * (cell - word) for word, cell in zip(words, cells, strict=True)]
    return [width / sum(widths) for width in widths]


def text(value: Any, column: str = "") -> str:
    """Print one cell for people.

    Parameters
    ----------
    value : object
        NaN and None become a dash.
    column : str
        p-values print as such, tasks in words, other numbers with three places.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if column in ("p", "p_holm", "p_bh"):
            return p_text(value).removeprefix("p ").removeprefix("= ")
        return str(int(value)) if value.is_integer() and column != "age" else decimal(value, 3)
    if column == "task" and value in TASKS:
        return task_words(value)
    return str(value)


def task_words(name: str) -> str:
    """Return a task in words, such as "MS or NMOSD"."""
    return f"{TASKS[name].negative} or {TASKS[name].positive}"


def keep_together(html: str) -> str:
    """Keep on one line what belongs together, such as 95 %, < .001 or bootstrap-t, in HTML."""
    kept = html.replace(" %", "&nbsp;%").replace("&lt; .", "&lt;&nbsp;.")
    return kept.replace("bootstrap-t", "bootstrap&#8209;t")


def mark(words: str) -> str:
    """Escape what Markdown, or HTML within it, would take for markup."""
    for character in "\\`*_[]|":
        words = words.replace(character, f"\\{character}")
    words = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return " ".join(words.split())


def _cell(html: str) -> str:
    # A checksum may break anywhere, or its table would be wider than the page; a text would be
    # squeezed beside it.
    if max(map(len, html.split()), default=0) > 40:
        return f'<td class="long">{html}</td>'
    return f'<td class="text">{html}</td>' if len(html) > 80 else f"<td>{html}</td>"


def _figure(name: str) -> str:
    """Spell out "ppv, MS"."""
    first, *rest = name.split(", ", 1)
    return ", ".join([_WORDS.get(first, first.replace("_", " ")), *rest])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def heading(column: str) -> str:
    """Return a column in words, such as "p (Holm)"."""
    return _WORDS.get(column, column.replace("_", " "))


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else decimal(value, 0)
    return value
