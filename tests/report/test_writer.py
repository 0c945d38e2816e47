"""Files of a report: all there, the same each time, never half of one."""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import pytest
from cohorts import save_mask, save_scan, touch
from report import cohorts

from spinalcord import Cohort, run_cohort
from spinalcord.errors import InputError, SpinalcordWarning
from spinalcord.report import TABLES
from spinalcord.report.writer import write_report
from spinalcord.scans import writing

pytest.importorskip("matplotlib", reason="reports need matplotlib, of the extra report")
pytest.importorskip("scipy", reason="reports need SciPy, of the extra report")


@pytest.mark.slow
def test_every_file_is_there_and_the_same_again(tmp_path):
    cohort = Cohort(cohorts.drawn(40))
    first = cohort.report(tmp_path / "a")
    assert first[0] == tmp_path / "a" / "report.html"
    names = {path.name for path in first}
    # No explanation was drawn, so no table tells of any.
    tables = {f"{name}.csv" for name in TABLES if name not in ("activations", "scans")}
    assert tables | {"report.md", "report.json", "roc.svg"} <= names
    for path, again in zip(first, cohort.report(tmp_path / "b"), strict=True):
        assert path.read_bytes() == again.read_bytes(), path.name
    content = json.loads((tmp_path / "a" / "report" / "report.json").read_text(encoding="utf-8"))
    assert content["split"] == "test"
    assert "synthetic" in content["notice"]
    rows = content["tables"]["table2"]["rows"]
    with open(tmp_path / "a" / "report" / "table2.csv", newline="") as file:
        from_csv = list(csv.DictReader(file))
    assert [row["sentence"] for row in rows] == [row["sentence"] for row in from_csv]


@pytest.mark.slow
def test_what_an_earlier_report_had_goes_and_other_files_stay(tmp_path):
    Cohort(cohorts.drawn(40)).report(tmp_path)
    note = tmp_path / "report" / "notes.txt"
    note.write_text("mine")
    assert (tmp_path / "report" / "roc.svg").exists()
    Cohort(cohorts.of_letter()).report(tmp_path)
    assert not (tmp_path / "report" / "roc.svg").exists()
    assert not (tmp_path / "report" / "readers.csv").exists()
    assert note.read_text(encoding="utf-8") == "mine"


@pytest.mark.slow
def test_a_full_disk_leaves_the_old_page(tmp_path, monkeypatch):
    cohort = Cohort(cohorts.drawn(40))
    page = cohort.report(tmp_path)[0]
    before = page.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.os, "fsync", full)
    with pytest.raises(InputError, match="No space left on device"):
        cohort.report(tmp_path, title="Another")
    assert page.read_bytes() == before
    assert not list(tmp_path.rglob("*.part"))


def test_out_must_be_a_folder(tmp_path):
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(InputError, match="expected a folder for the report"):
        write_report(Cohort(cohorts.drawn(8)), path)


@pytest.mark.slow
def test_a_real_run_is_read_as_it_was_written(tmp_path, model_folder):
    bids = tmp_path / "bids"
    for name, lesion in (("01", True), ("02", False)):
        truth = save_scan(bids / f"sub-{name}/anat/sub-{name}_T2w.nii.gz", lesion)
        if lesion:
            stem = f"sub-{name}/anat/sub-{name}_desc-lesion_mask.nii.gz"
            save_mask(truth, bids / "derivatives/labels" / stem)
    touch(bids, "sub-03/anat/sub-03_T2w.nii.gz", content=b"broken")
    (bids / "participants.tsv").write_text(
        "participant_id\tdiagnosis\tage\tsex\tsplit\treader_1\n"
        "sub-01\tNMOSD\t33\tF\ttest\tMS\nsub-02\tMS\t44\tM\ttest\tMS\n"
        "sub-03\tMS\t66\tM\ttest\tMS\n"
    )
    with pytest.warns(SpinalcordWarning, match="1 of 3 cases failed"):
        run_cohort(bids, tmp_path / "out", models=model_folder)
    cohort = Cohort(tmp_path / "out")
    assert dict(cohort.flow[0].left) == {"failed": 1}
    answers = [word == "true" for word in cohort.cases.words("found")]
    assert answers[0]
    assert [step.n for step in cohort.flow] == [3, 2, 2, sum(answers), sum(answers)]
    (strict,) = [
        row
        for row in cohort.table("table2").rows
        if row["task"] == "ms_vs_nmosd" and "no answer" in row["figure"]
    ]
    assert (strict["k"], strict["n"]) == (1, 3)
    dice = [row for row in cohort.table("segmentation").rows if row["figure"] == "Dice score"]
    assert dice[0]["estimate"] == 1
    assert dice[0]["n"] == 1
    html = cohort.report()[0].read_text(encoding="utf-8")
    for text in ("for tests of segmentation", "sub-03", "not for clinical use", "CLAIM 2024"):
        assert text in html
    assert str(tmp_path) not in html


@pytest.mark.slow
def test_ten_thousand_patients_take_bounded_memory_and_space(tmp_path):
    """Peak memory and size of what is written grow far less than the number of patients."""
    program = (
        "import resource, sys\n"
        "from spinalcord import Cohort\n"
        "files = Cohort(sys.argv[1]).report()\n"
        "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(peak, files[0].stat().st_size, sum(f.stat().st_size for f in files))\n"
    )
    found = []
    for n in (2_000, 10_000):
        run = cohorts.write_run(tmp_path / str(n), cohorts.drawn(n))
        command = [sys.executable, "-c", program, str(run)]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found.append([int(word) for word in shown.split()])
    (peak, page, everything), (more, larger, all_of_it) = found
    assert more - peak < 100 * 1024  # KiB
    assert larger < page + 500_000
    assert all_of_it < everything + 3_000_000


def test_a_missing_extra_is_said_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "docx", None)
    with pytest.raises(ImportError, match=r"spinalcord\[docx\]"):
        write_report(Cohort(cohorts.drawn(20)), tmp_path / "out", docx=True)
    assert not (tmp_path / "out").exists()
