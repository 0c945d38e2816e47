"""Every table by its name."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report.catalogue import TABLES, cohort_table

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def everything(n):
    """A cohort that has what any table needs."""
    rng = np.random.default_rng(1)
    table = cohorts.explained(cohorts.drawn(n))
    for name in ("hd95_mm", "assd_mm"):
        table[name] = [float(x) for x in rng.gamma(2, 2, n)]
    for name in ("surface_dice", "iou"):
        table[name] = [float(x) for x in rng.beta(5, 2, n)]
    # The first patient's lesion is missed; two patients have a second scan.
    table["dice"][0], table["hd95_mm"][0], table["assd_mm"][0] = 0.0, "n/a", "n/a"
    table["participant_id"][-2:] = table["participant_id"][:2]
    table["reader_3"] = table["reader_1"][::-1]
    table["site"] = (["A", "B", "C"] * n)[:n]
    # The same patients with T1c: the readers have changed places.
    second = {**table, "reader_1": table["reader_3"], "reader_3": table["reader_1"]}
    cohort = Cohort(table, factors=("site",), describe=("site",), margin=0.05, t1c_run=second)
    cohort.lesions = cohorts.lesions(n)
    return cohort


@pytest.fixture(scope="module")
def benchmark():
    """The modules of the coverage benchmark, which lie outside the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        names = ("coverage_printed", "coverage_scenarios", "coverage_further")
        yield [importlib.import_module(name) for name in names]


@pytest.fixture(scope="module")
def simulated(benchmark):
    """Names of all figures that the benchmark simulates, from a cohort or two of each kind."""
    _, first, further = benchmark
    found = set()
    for scenario in (*first.SCENARIOS, *further.FURTHER):
        for size in ((10, 10), (40, 33)):
            found |= set(scenario.draw(np.random.default_rng(0), size, scenario.truths[0]))
    # Few of a sex are compared exactly, many by chi-squared; 73 and 20 patients show one of them.
    return found | {"table 1: female (chi-squared)", "table 1: female (Fisher-Freeman-Halton)"}


@pytest.mark.slow
@pytest.mark.parametrize("n", [12, 240])
def test_everything_printed_is_simulated(n, benchmark, simulated):
    printed, *_ = benchmark
    cohort, found = everything(n), set(printed.DRAWN)
    for name in TABLES:
        for row in cohort_table(cohort, name).rows:
            found |= set(printed.find(row))
    assert found <= simulated
    assert len(found) > 25


def test_names_are_those_of_the_tables():
    cohort = Cohort(cohorts.explained(cohorts.drawn(40)))
    for name in TABLES:
        if name != "scans":
            assert cohort_table(cohort, name).name == name


def test_another_name():
    with pytest.raises(InputError, match="no table 'x'"):
        cohort_table(Cohort(cohorts.drawn(20)), "x")
