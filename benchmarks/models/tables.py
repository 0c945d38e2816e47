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
    """Write a JSON file of figures."""
    text = json.dumps(figures, indent=1, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8")
