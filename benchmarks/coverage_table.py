"""The table in docs/statistics.md from the lines that `bench_coverage.py` wrote.

python benchmarks/coverage_table.py benchmarks/results/coverage.jsonl
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MARK = "too small"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one row per figure: the worst coverage and type I error over the truths, by size."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("results", type=Path)
    options = parser.parse_args(arguments)
    lines = [json.loads(line) for line in options.results.read_text().splitlines()]
    print(table([line for line in lines if line.get("bench") == "coverage"]), end="")
    return 0


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
