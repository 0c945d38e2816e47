"""The table of versions: every figure follows from the cases that `measure_cases` lists."""

from __future__ import annotations

import json

import numpy as np
import pytest
from model_steps import FOLDER, step

from spinalcord import stats

pytest.importorskip("torch", reason="torch is not installed")


@pytest.fixture
def versions():
    return step("version_table")


def case(table, name, diagnosis="", **figures):
    return {"table": table, "case": name, "diagnosis": diagnosis, "lesions": [], "answers": [],
            "dice": 1.0, "found": False, **figures}  # fmt: skip


CASES = [
    case("healthy", "typical-sub-1", lesions=[80.0], false_cord_mm3=30.0),
    case("healthy", "typical-sub-2", false_cord_mm3=10.0),
    case("healthy", "errsm_18"),
    case("healthy", "lumbar", lesions=[700.0, 300.0, 20.0]),
    case("lumbar_held", "spider005", lesions=[40.0]),
    case("typical", "a", "MS", dice=0.2, answers=[0.5, 0.5, 0.1],
         plaques=[{"z": 6.0, "found": True}, {"z": 7.0, "found": False}, {"z": 1.0, "found": 0}]),
    case("typical", "b", "MS", dice=0.4, answers=[0.5, 0.5, 0.6]),
    case("typical", "c", "MS", dice=0.0),
    case("typical", "d", "NMOSD", dice=0.8, answers=[0.5, 0.5, 0.5]),
    case("inserted", "e", "MS", dice=0.5, found=True),
    case("inserted", "f", "MS", dice=0.0),
]  # fmt: skip


def test_each_figure(versions):
    told = {title: reached for title, _, reached in versions.describe(CASES)}
    assert told["of 3 real scans without lesion, those with one above 50 mm³"] == (
        "`lumbar` 1000 mm³"
    )
    assert told["typical phantoms without lesion that get one"].startswith("50 % (1 of 2)")
    assert told["cord in slices without, mean of phantoms without lesion"] == "20 mm³"
    assert told["Dice, typical MS"].startswith("0.20 [")
    assert told["Dice, typical NMOSD"] == "not measured"  # one case has no interval
    clear = "MS plaques found that stand out by more than 2 SD of the cord"
    assert told[clear].startswith("50 % (1 of 2)")
    # Where nothing was found there is no answer; of MS .1 and .6 against .5, one is in order.
    assert told["AUC, `ms_vs_nmosd`, its outlines"] == "0.50 of 3"
    assert told["AUC, `tumor_vs_demyelination`, its outlines"] == "not measured"
    assert told["lesions put into a scan never seen: found"].startswith("50 % (1 of 2)")


def test_what_thresholds_get_right(versions):
    thresholds = dict.fromkeys(versions.TASKS, 0.3)
    told = {title: reached for title, _, reached in versions.describe(CASES, thresholds)}
    # MS .1 is below the threshold and .6 is not, nor is NMOSD .5; one MS has no answer.
    title = "accuracy, `ms_vs_nmosd`, its outlines"
    assert told[title].startswith("67 % (2 of 3) [")
    assert told[title].endswith("; sensitivity 100 %, specificity 50 %")
    assert told["accuracy, `tumor_vs_demyelination`, its outlines"] == "not measured"
    without = {title: reached for title, _, reached in versions.describe(CASES)}
    assert without[title] == "not measured"
    assert not any("accuracy" in title and "mixed" in title for title in told)


def test_an_auc_of_ten_patients_in_each_class_has_its_interval(versions):
    def told(n):
        cases = [
            case("typical", f"{d}{i}", d, answers=[0.5, 0.5, 0.2 + 0.05 * i + 0.2 * (d == "NMOSD")])
            for d in ("MS", "NMOSD") for i in range(n)
        ]  # fmt: skip
        return versions.auc_of(cases, "ms_vs_nmosd")

    truth = np.arange(20) >= 10
    scores = np.tile(np.arange(10) * 0.05, 2) + 0.2 * truth
    own = stats.auc(truth, scores)
    assert 0.5 < own.low < own.estimate < own.high < 1
    assert told(10) == f"{own.estimate:.2f} [{own.low:.2f}, {own.high:.2f}] of 20"
    assert "[" not in told(9)


def test_versions_stand_side_by_side(versions):
    figures = {"precision": "f32", "version 2": {"cases": CASES}, "new": {"cases": CASES[1:]}}
    before = {"f32": {
        "typical": {
            "segmentation": {d: {"dice": "0.7 [95 % CI: 0.6, 0.8]"} for d in versions.DIAGNOSES},
            "tasks": {"outlined": {f"{task}: AUC": "0.9" for task in versions.TASKS}},
        },
        "inserted": {d: {"dice": "0.1", "found": "0.2"} for d in (*versions.DIAGNOSES, "all")},
    }}  # fmt: skip
    lines = versions.make_table(figures, before).splitlines()
    assert lines[0] == "| measured through the core, f32 | aim of version 3 | version 2 | new |"
    # What one program has not measured comes from the other's figures of version 2.
    assert "| Dice, typical NMOSD | .76 | 0.7 [0.6, 0.8] | not measured |" in lines
    assert not any("mixed phantoms" in line for line in lines)  # no aim, and not measured
    assert any("lesions drawn by a rule held out, its outlines" in line for line in lines)
    assert "| 50 % (1 of 2)" in lines[3]
    assert "| 0 % (0 of 1)" in lines[3]


def test_the_page_has_the_measured_table(versions):
    root = FOLDER.parents[1]
    page = (root / "docs" / "models.md").read_text(encoding="utf-8")
    made = page.split(versions.BEGIN)[1].split(versions.END)[0]
    later, before = (
        json.loads((root / "benchmarks" / "results" / f"models-{n}.json").read_text("utf-8"))
        for n in (3, 2)
    )
    assert made.strip() == versions.make_table(later, before).strip()
