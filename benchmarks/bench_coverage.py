"""Simulate how often printed intervals cover the truth, and printed tests reject a true hypothesis.

Simulates cohorts of 2 + 2, 5 + 5, 10 + 10, 40 + 33 and 78 + 79 cases (positive and
negative) with known true values, and asks the package for every interval and test that a report
prints. One JSON line a figure, with a row for each size and truth; the table goes to stdout as
Markdown.

    python benchmarks/bench_coverage.py --out benchmarks/results/coverage.jsonl --part rows.jsonl

The revision of the working copy, which must be clean, is stored with the rows. `--part` keeps the
finished rows: the same command resumes an interrupted run. `--update`
replaces only the rows of the named scenarios, for example after a change that concerns them:

    python benchmarks/bench_coverage.py --scenarios "smooth curve" --update --out FILE

A row that lies within two standard errors of a limit is simulated with five times as many cohorts.

An interval or test counts as marked where the package says itself that the sample is too small:
it gives a reason instead of the interval or beside it, or says "fewer than 10". Coverage and type I
error are those of what is not marked.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bench_networks import add_out, describe_machine, write_lines
from coverage_further import FURTHER
from coverage_scenarios import SCENARIOS, Scenario
from coverage_table import fails, pack, without

from spinalcord.stats import Comparison, Estimate

SIZES = ((2, 2), (5, 5), (10, 10), (40, 33), (78, 79))


@dataclass
class Tally:
    """What became of one figure in all simulated cohorts of one kind."""

    replicates: int = 0
    intervals: int = 0
    sure: int = 0  # intervals that are not marked
    covered: int = 0
    covered_marked: int = 0
    null: bool = False
    tests: int = 0
    sure_tests: int = 0
    rejected: int = 0

    def add(self, found: Estimate | Comparison, truth: float) -> None:
        """Count one result."""
        self.replicates += 1
        effect = found
        if isinstance(found, Comparison):
            effect = found.effect
            self._test(found, truth)
        if effect.bounded:
            holds = effect.low - 1e-12 <= truth <= effect.high + 1e-12
            self.intervals += 1
            if effect.reliable:
                self.sure += 1
                self.covered += holds
            else:
                self.covered_marked += holds

    def _test(self, found: Comparison, truth: float) -> None:
        self.null = self.null or truth == 0
        if truth != 0 or math.isnan(found.p):
            return
        self.tests += 1
        if found.reliable:
            self.sure_tests += 1
            self.rejected += found.p < 0.05

    def line(self) -> dict[str, object]:
        """Return the shares; None where there is nothing to share."""
        marked = self.intervals - self.sure
        unsure = self.sure + self.sure_tests < 0.5 * self.replicates
        return {
            "replicates": self.replicates,
            "coverage": _share(self.covered, self.sure),
            "coverage_marked": _share(self.covered_marked, marked),
            "type_1_error": _share(self.rejected, self.sure_tests) if self.null else None,
            "share_marked": _share(marked + self.replicates - self.intervals, self.replicates),
            "too_small_to_say": unsure,
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate; print the table; 1 where a figure that is not marked fails."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--part", type=Path, help="rows that are done, of the same revision")
    names = "|".join(scenario.name for scenario in (*SCENARIOS, *FURTHER))
    parser.add_argument("--scenarios", default=names, help="their names, separated by |")
    parser.add_argument(
        "--update", action="store_true", help="keep the rows of other scenarios in the file"
    )
    add_out(parser)
    options = parser.parse_args(arguments)
    if options.update and not options.out:
        parser.error("--update needs --out, the file whose rows are replaced")
    scenarios = options.scenarios.split("|")
    machine = {**describe_machine(), "revision": clean_revision()}
    done = Part(options.part, machine["revision"])
    lines = []
    print("| figure | size | truth | coverage | type I error | marked |")
    print("|---|---|---|---|---|---|")
    for scenario in (*SCENARIOS, *FURTHER):
        if scenario.name in scenarios:
            for line in simulate(scenario, options.replicates, done):
                lines.append(line)
                print(as_row(line), flush=True)
    kept: list[dict[str, object]] = []
    if options.out and options.update and options.out.exists():
        earlier = [json.loads(text) for text in options.out.read_text("utf-8").splitlines()]
        kept = without(earlier, scenarios)
    if options.out:
        options.out.unlink(missing_ok=True)
    write_lines([*kept, *pack(lines, machine)], options.out)
    wrong = [line for line in lines if fails(line)]
    for line in wrong:
        print("fails:", json.dumps(line))
    return int(bool(wrong))


class Part:
    """Rows that are done, in a file, by scenario, size and truth."""

    def __init__(self, path: Path | None, revision: str) -> None:
        self.path, self.revision = path, revision
        self.rows: dict[str, list[dict[str, object]]] = {}
        if path is not None and path.exists():
            for text in path.read_text("utf-8").splitlines():
                kept = json.loads(text)
                if kept["revision"] == revision:
                    self.rows[kept["key"]] = kept["rows"]

    def add(self, key: str, rows: list[dict[str, object]]) -> list[dict[str, object]]:
        """Keep the rows of one key."""
        write_lines([{"revision": self.revision, "key": key, "rows": rows}], self.path)
        return rows


def clean_revision() -> str:
    """Return the commit that is checked out; exit where files differ from it."""
    here = Path(__file__).parent

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=here, check=True, capture_output=True, text=True
        ).stdout.strip()

    if git("status", "--porcelain", "--untracked-files=no"):
        sys.exit("files differ from the commit: commit them first, so that a row names its code")
    return git("rev-parse", "--short=12", "HEAD")


def simulate(scenario: Scenario, replicates: int, done: Part) -> Iterator[dict[str, object]]:
    """Yield a line for each size, truth and figure of a scenario."""
    for size in SIZES:
        for truth in scenario.truths:
            # The seed depends on the row alone: one can be repeated without the others.
            key = f"{scenario.name} {size} {truth}"
            rows = done.rows.get(key)
            if rows is None:
                asked = max(1000, int(replicates * scenario.share))
                rows = done.add(key, _rows(scenario, size, truth, asked))
            yield from rows


def _rows(
    scenario: Scenario, size: tuple[int, int], truth: object, replicates: int
) -> list[dict[str, object]]:
    rng = np.random.default_rng(zlib.crc32(f"{scenario.name} {size} {truth}".encode()))
    tallies: dict[str, Tally] = {}
    for more in (replicates, 4 * replicates):
        if tallies and not any(_near(tally.line()) for tally in tallies.values()):
            break
        for _ in range(more):
            for name, (found, true) in scenario.draw(rng, size, truth).items():
                tallies.setdefault(name, Tally()).add(found, true)
    return [
        {
            "figure": name,
            "scenario": scenario.name,
            "size": f"{size[0]} + {size[1]}",
            "truth": str(truth),
            **tally.line(),
        }
        for name, tally in tallies.items()
    ]


def _near(line: dict[str, object]) -> bool:
    """Whether a share is within two standard errors of its limit, or beyond it."""
    slack = 2 * math.sqrt(0.08 * 0.92 / float(str(line["replicates"])))
    return not line["too_small_to_say"] and fails(line, -slack)


def as_row(line: dict[str, object]) -> str:
    """One line of the Markdown table."""
    marked = "too small to say" if line["too_small_to_say"] else ""
    cells = [line["figure"], line["size"], line["truth"], _shown(line["coverage"])]
    return "| " + " | ".join(map(str, [*cells, _shown(line["type_1_error"]), marked])) + " |"


def _shown(share: object) -> str:
    return "" if share is None else f"{share:.3f}"


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


if __name__ == "__main__":
    sys.exit(main())
