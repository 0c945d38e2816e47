"""The stored simulation of intervals and tests is whole, names its revisions, and none fails."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
SIZES = ["2 + 2", "5 + 5", "10 + 10", "40 + 33", "78 + 79"]


@pytest.fixture(scope="module")
def modules():
    """The benchmark's table, and its list of what a report prints."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield [importlib.import_module(name) for name in ("coverage_table", "coverage_printed")]


@pytest.fixture(scope="module")
def stored():
    text = (BENCHMARKS / "results" / "coverage.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def rows(modules, stored):
    return modules[0].unpack(stored)


def test_every_run_names_its_revision_and_every_figure_is_of_one_run(stored):
    assert "machine" in stored[0]
    for run in (entry["machine"]["revision"] for entry in stored if "machine" in entry):
        assert len(run) == 12
        assert int(run, 16) > 0
    figures = [(entry["figure"], entry["scenario"]) for entry in stored if "figure" in entry]
    assert len(set(figures)) == len(figures) > 50


def test_an_update_replaces_whole_scenarios(modules):
    run, other = {"machine": 1, "columns": ["a"]}, {"machine": 2, "columns": ["b"]}
    a, b, c = ({"scenario": name, "rows": []} for name in "abc")
    assert modules[0].without([run, a, b, other, c], ["c"]) == [run, a, b]
    assert modules[0].without([run, a, b, other, c], ["a"]) == [run, b, other, c]
    assert modules[0].without([run, a, b, other, c], ["a", "b"]) == [other, c]
    assert modules[0].without([], ["a"]) == []


def test_every_printed_figure_is_there_at_every_size(rows, modules):
    printed = modules[1]
    wanted = {row for *_, row in (*printed.INTERVALS, *printed.TESTS)} | {*printed.DRAWN}
    sizes = {name: [] for name in wanted}
    for row in rows:
        if row["figure"] in wanted and row["size"] not in sizes[row["figure"]]:
            sizes[row["figure"]].append(row["size"])
    # Which of two tests compares the sexes depends on how many there are of the rarer one.
    female = [sizes.pop(f"table 1: female ({test})") for test in
              ("Fisher-Freeman-Halton", "chi-squared")]  # fmt: skip
    assert sorted({*female[0], *female[1]}) == sorted(SIZES)
    assert {name: found for name, found in sizes.items() if found != SIZES} == {}


def test_nothing_fails_that_is_not_marked(rows, modules):
    assert [(row["figure"], row["size"]) for row in rows if modules[0].fails(row)] == []


def test_every_row_has_enough_cohorts_and_most_large_ones_an_answer(rows):
    assert min(row["replicates"] for row in rows if "table 1" not in row["figure"]) >= 1000
    large = [row for row in rows if row["size"] == "78 + 79"]
    answered = [row for row in large if not row["too_small_to_say"]]
    assert len(answered) > 0.9 * len(large)
    for row in answered:
        assert row["coverage"] is not None or row["type_1_error"] is not None


@pytest.mark.parametrize(("coverage", "error", "bad"), [
    (0.919, None, True), (0.921, None, False), (None, 0.081, True), (0.95, 0.079, False),
])  # fmt: skip
def test_the_rule(modules, coverage, error, bad):
    row = {"coverage": coverage, "type_1_error": error, "too_small_to_say": False}
    assert modules[0].fails(row) is bad
    assert not modules[0].fails({**row, "too_small_to_say": True})
