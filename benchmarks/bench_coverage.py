"""How often printed intervals hold the truth, and printed tests reject a true hypothesis.

Simulates cohorts of 2 + 2, 5 + 5, 10 + 10, 20 + 20, 40 + 33 and 78 + 79 cases (positive and
negative) with known true values, and asks the package for every interval and test that a report
prints. One JSON line a figure, with a row for each size and truth; the table goes to stdout as
Markdown.

    python benchmarks/bench_coverage.py --out benchmarks/results/coverage.jsonl

An interval or test counts as marked where the package says itself that the sample is too small:
it gives a reason instead of the interval or beside it, or says "fewer than 10". Coverage and type I
error are those of what is not marked.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from bench_networks import add_out, describe_machine, write_lines
from coverage_further import FURTHER
from coverage_scenarios import SCENARIOS, Scenario
from coverage_table import pack

from spinalcord.stats import Comparison, Estimate

SIZES = ((2, 2), (5, 5), (10, 10), (20, 20), (40, 33), (78, 79))
LEAST_COVERAGE, MOST_REJECTED = 0.92, 0.08


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
            "share_without_interval": _share(self.replicates - self.intervals, self.replicates),
            "share_marked": _share(marked, self.replicates),
            "too_small_to_say": unsure,
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate; print the table; 1 where a figure that is not marked fails."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--replicates", type=int, default=2000)
    names = "|".join(scenario.name for scenario in (*SCENARIOS, *FURTHER))
    parser.add_argument("--scenarios", default=names, help="their names, separated by |")
    add_out(parser)
    options = parser.parse_args(arguments)
    machine, lines = describe_machine(), []  # the load before the work
    print("| figure | size | truth | coverage | type I error | marked |")
    print("|---|---|---|---|---|---|")
    for scenario in (*SCENARIOS, *FURTHER):
        if scenario.name in options.scenarios.split("|"):
            for line in simulate(scenario, options.replicates):
                lines.append(line)
                print(as_row(line), flush=True)
    write_lines(pack(lines, machine), options.out)
    wrong = [line for line in lines if fails(line)]
    for line in wrong:
        print("fails:", json.dumps(line))
    return int(bool(wrong))


def simulate(scenario: Scenario, replicates: int) -> Iterator[dict[str, object]]:
    """Yield a line for each size, truth and figure of a scenario."""
    for size in SIZES:
        for truth in scenario.truths:
            # The seed depends on the row alone: one can be repeated without the others.
            key = f"{scenario.name} {size} {truth}".encode()
            rng = np.random.default_rng(zlib.crc32(key))
            tallies: dict[str, Tally] = {}
            start = time.perf_counter()
            for _ in range(max(200, int(replicates * scenario.share))):
                for name, (found, true) in scenario.draw(rng, size, truth).items():
                    tallies.setdefault(name, Tally()).add(found, true)
            seconds = time.perf_counter() - start
            for name, tally in tallies.items():
                yield {
                    "figure": name,
                    "scenario": scenario.name,
                    "size": f"{size[0]} + {size[1]}",
                    "truth": str(truth),
                    **tally.line(),
                    "seconds": round(seconds, 1),
                }


def fails(line: dict[str, object]) -> bool:
    """Whether a figure that is not marked covers or rejects as it should not.

    Three standard errors are allowed for the number of replicates.
    """
    if line["too_small_to_say"]:
        return False
    n = float(line["replicates"])
    slack = 3 * math.sqrt(0.08 * 0.92 / n) if n < 1000 else 0.0
    coverage, error = line["coverage"], line["type_1_error"]
    return (coverage is not None and coverage < LEAST_COVERAGE - slack) or (
        error is not None and error > MOST_REJECTED + slack
    )


def as_row(line: dict[str, object]) -> str:
    """One line of the Markdown table."""
    marked = "too small to say" if line["too_small_to_say"] else ""
    cells = [line["figure"], line["size"], line["truth"], _shown(line["coverage"])]
    return "| " + " | ".join(map(str, [*cells, _shown(line["type_1_error"]), marked])) + " |"


def _shown(share: object) -> str:
    return "" if share is None else f"{share:.3f}"


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


if __name__ == "__main__":
    sys.exit(main())
