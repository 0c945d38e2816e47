"""Tables of cases and JSON files of figures, read and written in one way."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

COLUMNS = (
    "case_id", "path", "mask", "cord", "t1c", "diagnosis", "participant_id", "group", "split",
)  # fmt: skip
"""Columns of a table of cases; what `spinalcord train --data` reads.

Each insertion into a person's scan is a patient of its own, and `group` is that person.
"""


def read_table(path: Path) -> list[dict[str, str]]:
    """Read a table: tab-separated, or comma-separated if its name ends in ``.csv``."""
    separator = "," if path.suffix == ".csv" else "\t"
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=separator))


def write_table(
    path: Path, rows: Iterable[Mapping[str, Any]], columns: Sequence[str] = COLUMNS
) -> None:
    """Write a tab-separated table; every row has these columns and no others."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)


def read_figures(path: Path) -> dict[str, Any]:
    """Read a JSON file of figures."""
    figures: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return figures


def write_figures(path: Path, figures: Mapping[str, Any]) -> None:
    """Write a JSON file of figures: a line for each record of a list, numbers of five decimals."""
    path.write_text(f"{_laid_out(_rounded(figures))}\n", encoding="utf-8")


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(own) for key, own in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(own) for own in value]
    return round(value, 5) if isinstance(value, float) else value


def _laid_out(value: Any, indent: int = 0) -> str:
    """Lay out dicts of dicts and lists of dicts over lines, all else on one."""
    inner = " " * (indent + 1)
    nested = isinstance(value, Mapping) and any(isinstance(v, (dict, list)) for v in value.values())
    if nested and indent < 3:
        own = (f"{inner}{json.dumps(k)}: {_laid_out(v, indent + 1)}" for k, v in value.items())
        return "{\n" + ",\n".join(own) + "\n" + " " * indent + "}"
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        rows = (inner + json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in value)
        return "[\n" + ",\n".join(rows) + "\n" + " " * indent + "]"
    return json.dumps(value, ensure_ascii=False)
