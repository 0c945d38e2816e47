"""Every table by its name."""

from __future__ import annotations

import json
import sys
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
    cohort = Cohort(table, factors=("site",), describe=("site",), margin=0.05)
    cohort.lesions = cohorts.lesions(n)
    return cohort


@pytest.mark.slow
@pytest.mark.parametrize("n", [12, 40, 240])
def test_everything_printed_is_simulated(n, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    sys.modules.pop("coverage_printed", None)
    import coverage_printed

    lines = (BENCHMARKS / "results" / "coverage.jsonl").read_text().splitlines()
    sizes = {}
    for line in map(json.loads, lines):
        sizes.setdefault(line["figure"], set()).add(line["size"])
    cohort, found = everything(n), set(coverage_printed.DRAWN)
    for name in TABLES:
        for row in cohort_table(cohort, name).rows:
            found |= set(coverage_printed.find(row))
    every = {"2 + 2", "5 + 5", "10 + 10", "20 + 20", "40 + 33", "78 + 79"}
    for figure in found:
        # Table 1's tests stand under the name of the one that was made, by size.
        known = sizes.get(figure, set())
        assert known == every or (figure.startswith("table 1") and known), figure
    assert len(found) > 30


def test_names_are_those_of_the_tables():
    cohort = Cohort(cohorts.explained(cohorts.drawn(40)))
    for name in TABLES:
        if name != "scans":
            assert cohort_table(cohort, name).name == name


def test_another_name():
    with pytest.raises(InputError, match="no table 'x'"):
        cohort_table(Cohort(cohorts.drawn(20)), "x")
