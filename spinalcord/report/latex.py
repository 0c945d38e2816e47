"""A report's text and tables as a LaTeX document."""

from __future__ import annotations

import re

from .contents import Contents
from .table import Table, column_shares, heading, text

_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "±": r"$\pm$", "–": "--", "×": r"$\times$",
    "\0": r"\allowbreak{}", "\u00a0": "~", "−": "$-$", "≥": r"$\geq$", "≤": r"$\leq$",
}  # fmt: skip
_WIDTH = 0.98  # of the line, for all columns
_LINE = 105  # characters of 10 pt
_ROWS = 100

_HEAD = r"""\documentclass[10pt]{article}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\usepackage[a4paper,landscape,margin=18mm]{geometry}
\usepackage{booktabs,longtable,array,ragged2e,caption}
\begin{document}
"""


def to_latex(contents: Contents) -> str:
    """Return the report's text and tables as a LaTeX document.

    Parameters
    ----------
    contents : Contents

    Returns
    -------
    str
        It needs booktabs, longtable, array, ragged2e and caption, which TeX distributions have.
        Figures are the SVG files beside it.
    """
    parts = [_HEAD, rf"\section*{{{escape_latex(contents.title)}}}", ""]
    parts += [rf"\textit{{{escape_latex(note)}}}\par" for note in contents.notices]
    if contents.summary:
        parts += [r"\subsection*{Main results}", r"\begin{itemize}"]
        parts += [rf"\item {escape_latex(line)}" for line in contents.summary]
        parts += [r"\end{itemize}"]
    if contents.methods:
        parts += [r"\subsection*{Statistical methods}", escape_latex(contents.methods)]
        parts += [r"\begin{enumerate}"]
        parts += [rf"\item {escape_latex(line)}" for line in contents.references]
        parts += [r"\end{enumerate}"]
    for section in contents.sections:
        if section.tables:
            parts += ["", rf"\subsection*{{{escape_latex(section.title)}}}"]
            parts += [table_to_latex(table.first(_ROWS)) for table in section.tables]
    if contents.missing:
        parts += ["", r"\subsection*{Not made, and why}", r"\begin{itemize}"]
        parts += [rf"\item {escape_latex(f'{a}: {b}')}" for a, b in contents.missing.items()]
        parts += [r"\end{itemize}"]
    return "\n".join([*parts, r"\end{document}", ""])


def table_to_latex(table: Table) -> str:
    r"""Return one table as a `longtable` with its notes under it.

    Parameters
    ----------
    table : Table

    Returns
    -------
    str

    Examples
    --------
    >>> table = Table("a", "A & B", ("task", "p"), ({"task": "x", "p": 0.04},), ("task", "p"))
    >>> print(table_to_latex(table).splitlines()[1])
    \caption*{A \& B}\\
    """
    room = _WIDTH - 0.025 * (len(table.shown) - 1)
    widths = [room * share for share in column_shares(table, _LINE)]
    column = "".join(rf">{{\RaggedRight\arraybackslash}}p{{{w:.3f}\linewidth}}" for w in widths)
    head = " & ".join(escape_latex(heading(c)) for c in table.shown)
    lines = [rf"\begin{{longtable}}{{{column}}}", rf"\caption*{{{escape_latex(table.title)}}}\\"]
    lines += [r"\toprule", rf"{head} \\", r"\midrule", r"\endhead"]
    for row in table.rows:
        cells = (escape_latex(text(row.get(c), c)) for c in table.shown)
        lines.append(rf"{' & '.join(cells)} \\")
    lines += [r"\bottomrule", r"\end{longtable}"]
    if table.notes:
        notes = "; ".join(escape_latex(note) for note in table.notes)
        lines.append(rf"{{\footnotesize {notes}.\par}}")
    return "\n".join(lines)


def escape_latex(words: str) -> str:
    r"""Escape what LaTeX would take for markup, and keep a percent sign with its number.

    Examples
    --------
    >>> escape_latex("96 % of 5_000 & p < .001")
    '96~\\% of 5\\_000 \\& p \\textless{} .001'
    """
    broken = " ".join(map(_breakable, words.split(" ")))
    escaped = "".join(_SPECIAL.get(character, character) for character in broken)
    return escaped.replace(r" \%", r"~\%")


def _breakable(word: str) -> str:
    """Mark where a column may break a long word: a checksum anywhere, a name after its joints."""
    if len(word) > 40:
        return re.sub("(.{8})", "\\1\0", word)
    return re.sub("([_-])", "\\1\0", word) if len(word) > 16 else word
