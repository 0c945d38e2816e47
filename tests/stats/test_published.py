"""The letter's fixture: its percentages, its audit, its label."""

from __future__ import annotations

import json
import sys

import pytest

from spinalcord.errors import InputError
from spinalcord.stats import letter
from spinalcord.tasks import DIAGNOSES, TASKS

# Results of the letter, in the order of `rows`; None where the text prints nothing.
PRINTED = {
    "tumor_vs_demyelination": (96, 97, 94, None, None, 97, 95, 95, 94),
    "astrocytoma_vs_ependymoma": (82, 76, 91, None, None, 72, 83, 86, 82),
    "ms_vs_nmosd": (79, 80, 79, None, None, 67, 82, 87, 71),
}


def finding(topic, contains):
    return next(f for f in letter().audit() if f.topic == topic and contains in f.text)


def test_table2_has_the_published_percentages():
    for task in letter().tasks:
        rows = [row for row in letter().rows() if row["task"] == task.name]
        got = [row["percent"] for row in rows]
        want = PRINTED[task.name]
        assert [p for p, w in zip(got, want, strict=True) if w is not None] == [
            w for w in want if w is not None
        ]
        for row in rows:
            assert row["sentence"].startswith(f"{row['percent']} % ({row['k']} of {row['n']}) [")


def test_counts_are_the_letter_s():
    counts = {t.name: (t.counts.n, t.counts.n_correct, t.readers_correct) for t in letter().tasks}
    assert counts == {
        "tumor_vs_demyelination": (157, 150, 152),
        "astrocytoma_vs_ependymoma": (79, 65, 57),
        "ms_vs_nmosd": (78, 62, 52),
    }
    assert sum(letter().test.values()) == 157
    assert sum(letter().development.values()) == 490
    assert tuple(letter().test) == tuple(letter().dice) == DIAGNOSES
    assert letter().corrected == {"tumor": (7, 79), "demyelination": (23, 78)}


def test_names_are_the_package_s():
    assert [t.name for t in letter().tasks] == list(TASKS)
    assert [t.counts.positive for t in letter().tasks] == [t.positive for t in TASKS.values()]


def test_classes_are_as_many_as_the_cohort_s():
    test, (first, tumor, demyelination) = letter().test, letter().tasks
    assert first.counts.n_positive == test["MS"] + test["NMOSD"]
    assert (tumor.counts.n_positive, tumor.counts.n_negative) == (
        test["ependymoma"],
        test["astrocytoma"],
    )
    assert (demyelination.counts.n_positive, demyelination.counts.n_negative) == (
        test["NMOSD"],
        test["MS"],
    )


def test_everything_says_where_it_comes_from():
    assert "constructed from published counts" in letter().notice
    assert all(row["notice"] == letter().notice for row in letter().rows())


def test_few_cases_are_said():
    hard = [r for r in letter().rows() if r["cases"] == "difficult" and r["n"] < 10]
    assert [r["n"] for r in hard] == [7, 7]
    assert all(r["sentence"].endswith("fewer than 10 patients") for r in hard)


def test_audit_percentages():
    f = finding("percentages", "")
    assert f.text.startswith("21 of 21 ")
    assert f.figures["wrong"] == []


def test_audit_difficult_range():
    f = finding("difficult cases", "abstract")
    assert "the abstract says 79 % to 95 %, the text 82 % to 95 %" in f.text
    assert "79 % cannot be a share of 40, 18 or 22 cases" in f.text


def test_audit_difficult_cases_were_not_harder():
    found = [f for f in letter().audit() if "(Fisher)" in f.text]
    assert len(found) == 3
    assert all(f.figures["p"] == pytest.approx(1.0) for f in found)
    assert all("% CI" in f.text for f in found)


def test_audit_readers():
    model2, model3 = finding("readers", "astrocytoma"), finding("readers", "nmosd")
    assert model2.figures["p"] == pytest.approx([0.0078, 0.243], abs=5e-4)
    assert model3.figures["p"] == pytest.approx([0.0020, 0.164], abs=5e-4)
    for f in (model2, model3):
        assert "depends on the unpublished overlap" in f.text
    assert "no overlap of errors would show" in finding("readers", "tumor_vs").text


def test_audit_areas():
    ratios = {
        f.text.split(":")[0]: f.figures["width_ratio"] for f in letter().audit() if f.topic == "AUC"
    }
    assert ratios["astrocytoma_vs_ependymoma"] == pytest.approx(1.3, abs=0.05)
    assert ratios["ms_vs_nmosd"] == pytest.approx(1.3, abs=0.06)


def test_audit_cut_off():
    points = [f.figures["points"] for f in letter().audit() if f.topic == "threshold"]
    assert points == pytest.approx([1.5, 3.9, 4.4], abs=0.6)


def test_audit_four_classes():
    assert "76.4 % to 80.9 %" in finding("four classes", "").text


def test_audit_is_json():
    assert json.dumps([f.to_dict() for f in letter().audit()], allow_nan=False)


def test_table2_as_a_frame():
    pytest.importorskip("pandas")
    frame = letter().table2(level=0.9)
    assert frame.shape == (27, 11)
    assert "[90 % CI" in frame.sentence[0]


def test_table2_without_pandas_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"spinalcord\[report\].*rows\(\)"):
        letter().table2()


def test_settings_are_checked():
    with pytest.raises(InputError, match="method"):
        letter().rows(method="wald")
    with pytest.raises(InputError, match="level"):
        letter().tasks[0].estimates(level=3)
