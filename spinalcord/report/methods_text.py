"""Write the paragraph "Statistical methods" from the methods that a report has used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..stats.estimate import percent_text
from .references import BH, HOLM, METHODS
from .table import Table


def methods_paragraph(
    tables: Mapping[str, Table], *, level: float, version: str
) -> tuple[str, tuple[str, ...]]:
    """Write the paragraph, and its references.

    Parameters
    ----------
    tables : mapping of str to Table
        Those of the report; only what they used is named.
    level : float
        Confidence level of the intervals.
    version : str
        Version of this package.

    Returns
    -------
    paragraph : str
        With numbers of references in brackets.
    references : tuple of str
        In the order of their numbers.

    Examples
    --------
    >>> from spinalcord.report import Table
    >>> columns = ("figure", "method", "p_holm")
    >>> row = {"figure": "accuracy", "method": "Wilson", "p_holm": float("nan")}
    >>> table = Table("a", "A", columns, (row,), columns)
    >>> text, references = methods_paragraph({"a": table}, level=0.95, version="1.0")
    >>> text.split(". ")[1]
    "Proportions are given with Wilson's interval [1]"
    """
    used = _used(tables)
    references: list[str] = []

    def cite(cited: Sequence[str]) -> str:
        for text in cited:
            if text not in references:
                references.append(text)
        return f" [{', '.join(str(references.index(text) + 1) for text in cited)}]"

    sentences = ["The patient is the unit of analysis"]
    for method in METHODS:
        if any(_matches(method.found, name) for name in used):
            words = method.said[0].upper() + method.said[1:]
            sentences.append(words + cite(method.cites))
    columns = {column for table in tables.values() for column in table.columns}
    if _any(tables, "p_holm"):
        sentences.append("P values of one table were adjusted by Holm's method" + cite((HOLM,)))
    if "p_bh" in columns and _any(tables, "p_bh"):
        sentences.append(
            "Those of the regression were adjusted by Benjamini and Hochberg's" + cite((BH,))
        )
    sentences.append(
        f"Tests are two-sided unless stated; intervals have a level of {percent_text(level)} %"
    )
    sentences.append(f"All was computed with spinalcord {version}")
    return ". ".join(sentences) + ".", tuple(references)


_FIGURES = ("net benefit", "ratio of odds ratios")  # known by what they are, not by their interval


def _used(tables: Mapping[str, Table]) -> set[str]:
    names: set[str] = set()
    for table in tables.values():
        for row in table.rows:
            names |= {str(row.get(column) or "") for column in ("method", "test")}
            figure = str(row.get("figure") or "")
            names |= {word for word in _FIGURES if figure.startswith(word)}
    return names - {"", "none"}


def _matches(found: str, name: str) -> bool:
    if found == "Newcombe":
        return name == "Newcombe"
    if found == "Wilson":
        return name in ("Wilson", "Wilson, exact near the end")
    if found in ("Fisher", "Gwet"):
        return name == found
    return found in name


def _any(tables: Mapping[str, Table], column: str) -> bool:
    values = [row.get(column) for table in tables.values() for row in table.rows]
    return any(isinstance(value, float) and value == value for value in values)
