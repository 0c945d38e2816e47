"""Read and write the results of `bench_coverage.py`, and make the table in docs/statistics.md.

python benchmarks/coverage_table.py benchmarks/results/coverage.jsonl
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MARK = "too small"
LEAST_COVERAGE, MOST_REJECTED = 0.92, 0.08
FIGURE = "figure", "scenario"
"""Keys that all rows of a stored figure share."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one row per figure: the worst coverage and type I error over the truths, by size."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("results", type=Path)
    options = parser.parse_args(arguments)
    stored = [json.loads(line) for line in options.results.read_text("utf-8").splitlines()]
    print(table(unpack(stored)), end="")
    return 0


def pack(lines: Sequence[dict[str, Any]], machine: dict[str, Any]) -> list[dict[str, Any]]:
    """Store a run: first the machine and the names of the columns, then a line for each figure."""
    columns = [key for key in lines[0] if key not in FIGURE] if lines else []
    stored: list[dict[str, Any]] = [{"bench": "coverage", "machine": machine, "columns": columns}]
    figures: dict[tuple[Any, ...], list[list[Any]]] = {}
    for line in lines:
        key = tuple(line[name] for name in FIGURE)
        figures.setdefault(key, []).append([line[column] for column in columns])
    for key, rows in figures.items():
        stored.append({**dict(zip(FIGURE, key, strict=True)), "rows": rows})
    return stored


def unpack(stored: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines of all runs of a file."""
    lines: list[dict[str, Any]] = []
    columns: list[str] = []
    for entry in stored:
        columns = entry.get("columns", columns)
        own = {name: entry[name] for name in FIGURE if name in entry}
        for row in entry.get("rows", ()):
            lines.append({**own, **dict(zip(columns, row, strict=True))})
    return lines


def without(stored: Sequence[dict[str, Any]], scenarios: Sequence[str]) -> list[dict[str, Any]]:
    """Return the entries of a file but for some scenarios, and but for runs of nothing else."""
    kept: list[dict[str, Any]] = []
    for entry in stored:
        if "machine" in entry and kept and "machine" in kept[-1]:
            kept.pop()
        if entry.get("scenario") not in scenarios:
            kept.append(entry)
    if kept and "machine" in kept[-1]:
        kept.pop()
    return kept


def table(lines: Sequence[dict[str, Any]]) -> str:
    """Lay out lines of results as Markdown."""
    sizes = list(dict.fromkeys(line["size"] for line in lines))
    figures = dict.fromkeys(line["figure"] for line in lines)
    rows = [f"| figure | {' | '.join(sizes)} |", "|---" * (1 + len(sizes)) + "|"]
    for figure in figures:
        own = [line for line in lines if line["figure"] == figure]
        cells = [_cell([line for line in own if line["size"] == size]) for size in sizes]
        rows.append(f"| {figure} | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def fails(line: Mapping[str, Any], slack: float = 0.0) -> bool:
    """Whether a figure that is not marked covers or rejects as it should not.

    Parameters
    ----------
    line : dict
        As `Tally.line`.
    slack : float
        Allowed beyond the limits.
    """
    if line["too_small_to_say"]:
        return False
    coverage, error = line["coverage"], line["type_1_error"]
    return (coverage is not None and coverage < LEAST_COVERAGE - slack) or (
        error is not None and error > MOST_REJECTED + slack
    )


def _cell(lines: Sequence[dict[str, Any]]) -> str:
    """Lowest coverage, then highest type I error, of the truths where the figure is not marked."""
    if not lines:
        return ""  # not simulated at this size
    sure = [line for line in lines if not line["too_small_to_say"]]
    if not sure:
        return MARK
    coverage = [line["coverage"] for line in sure if line["coverage"] is not None]
    errors = [line["type_1_error"] for line in sure if line["type_1_error"] is not None]
    words = f"{min(coverage):.3f}" if coverage else "no interval"
    return f"{words}, {max(errors):.3f}" if errors else words


if __name__ == "__main__":
    sys.exit(main())
