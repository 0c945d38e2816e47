"""Whole runs: results, resuming, refusals, interruptions; kills: test_run_kills.py."""

from __future__ import annotations

import json
import os
import sys

import numpy as np
import pytest
from cohorts import (
    FEW,
    LOW,
    quietly,
    results,
    save_mask,
    save_scan,
    table,
    tiny_scans,
    touch,
)
from stand_ins import make_folder

from spinalcord import Cohort, CohortRun, _core, run_cohort
from spinalcord.cli import main
from spinalcord.cohort import running, workers
from spinalcord.cohort.processing import Outcome, process_case
from spinalcord.errors import InputError, ModelError, SpinalcordWarning
from spinalcord.run_options import CohortInputs, Execution, RunOutputs


@pytest.fixture
def cohort(tmp_path):
    """BIDS: two with lesion and a reference, one without, and a broken one."""
    bids = tmp_path / "bids"
    for name, lesion in (("01", True), ("02", True), ("03", False)):
        truth = save_scan(bids / f"sub-{name}/anat/sub-{name}_T2w.nii.gz", lesion)
        if lesion:
            stem = f"derivatives/labels/sub-{name}/anat/sub-{name}_desc-lesion_mask.nii.gz"
            save_mask(truth, bids / stem)
    touch(bids, "sub-04/anat/sub-04_T2w.nii.gz", content=b"broken")
    (bids / "participants.tsv").write_text(
        "participant_id\tdiagnosis\tage\tsex\tsplit\treader_1\n"
        "sub-01\tMS\t33\tF\ttest\tMS\nsub-02\tNMOSD\t44\tM\ttest\tMS\n"
        "sub-03\tn/a\t55\tF\ttest\tn/a\nsub-04\tMS\t66\tM\ttest\tMS\n"
    )
    return bids


def test_what_a_dead_worker_had_written_is_not_from_an_earlier_run(
    cohort, tmp_path, model_folder, monkeypatch
):
    def twice(cases, settings, out, jobs, resume):
        for case in cases:
            process_case(case, settings, out, resume=resume)
            yield case, process_case(case, settings, out, resume=resume)

    monkeypatch.setattr(running, "run_local", twice)
    first = quietly(cohort, tmp_path / "out", models=model_folder)
    assert (first.counts["done"], first.counts["kept"]) == (3, 0)
    again = quietly(cohort, tmp_path / "out", models=model_folder)
    assert (again.counts["done"], again.counts["kept"]) == (3, 3)


def test_a_cohort_from_scans_to_tables(cohort, tmp_path, model_folder):
    with pytest.warns(SpinalcordWarning, match="1 of 4 cases failed"):
        done = run_cohort(cohort, tmp_path / "out", models=model_folder)
    assert isinstance(done, CohortRun)
    counts = {"cases": 4, "done": 3, "failed": 1, "missing": 0, "excluded": 0, "kept": 0}
    assert done.to_dict()["counts"] == counts
    assert "for tests of segmentation" in done.notice
    rows = done.read("cases.tsv")
    assert [row["case_id"] for row in rows] == ["sub-01", "sub-02", "sub-03"]
    assert [row["reference_diagnosis"] for row in rows] == ["MS", "NMOSD", None]
    assert [row["age"] for row in rows] == [33.0, 44.0, 55.0]
    assert [row["dice"] for row in rows] == [1.0, 1.0, None]
    assert rows[0]["tumor_vs_demyelination_probability"] > 0.7
    assert rows[0]["diagnosis"] == "NMOSD"
    (failure,) = done.read("failures.tsv")
    assert (failure["case_id"], failure["stage"]) == ("sub-04", "read")
    assert str(tmp_path) not in (tmp_path / "out" / "failures.tsv").read_text(encoding="utf-8")
    assert len(done.read("lesions.tsv")) > 4
    assert (tmp_path / "out/sub-01/anat/sub-01_desc-lesion_mask.nii.gz").exists()
    described = json.loads((tmp_path / "out/dataset_description.json").read_text(encoding="utf-8"))[
        "Spinalcord"
    ]
    assert described["settings"]["masks"] == "compare"
    assert len(described["models"]) == 4


def test_difficult_cases_reach_the_report_unasked(cohort, tmp_path, model_folder):
    (cohort / "participants.tsv").write_text(
        "participant_id\tdiagnosis\tsplit\tdifficult\tname\n"
        "sub-01\tMS\ttest\ttrue\tA B\nsub-02\tNMOSD\ttest\tfalse\tC D\n"
        "sub-03\tn/a\ttest\tn/a\tE F\nsub-04\tMS\ttest\tfalse\tG H\n"
    )
    done = quietly(cohort, tmp_path / "out", models=model_folder)
    rows = done.read("cases.tsv")
    assert [row["difficult"] for row in rows] == ["true", "false", None]
    assert "name" not in rows[0]
    report = Cohort(tmp_path / "out")
    assert list(report.cases.flags("difficult")) == [True, False, None]
    found = report.table("difficult")
    assert "difficult: as the cohort's column says" in found.notes
    # Both are taken for NMOSD, of which one is right.
    shares = {row["cases"]: (row["k"], row["n"]) for row in found.rows
              if (row["task"], row["figure"]) == ("ms_vs_nmosd", "accuracy")}  # fmt: skip
    assert (shares["difficult"], shares["other"]) == ((0, 1), (1, 1))


@pytest.mark.slow
def test_how_answers_are_explained_is_the_run_s(cohort, tmp_path, model_folder):
    out = tmp_path / "out"
    how = {"ring_mm": 10, "curves": True, "compare": ["hirescam"]}
    run = quietly(cohort, out, models=model_folder, **how)
    rows = run.read("cases.tsv")
    found = [row for row in rows if row["found"]]
    assert len(found) == 3
    for row in found:
        assert 0 < row["tumor_vs_demyelination_inside_fraction"] < 1
        assert 0 < row["tumor_vs_demyelination_ring_fraction"] < 1
        assert 0 < row["tumor_vs_demyelination_deletion_auc"] < 1
        assert row["tumor_vs_demyelination_hirescam_top_iou"] == 1
    described = json.loads((out / "dataset_description.json").read_text(encoding="utf-8"))
    explanation = described["Spinalcord"]["settings"]["explanation"]
    assert explanation["ring_mm"] == 10
    assert explanation["compare"] == ["hirescam:last"]
    assert quietly(cohort, out, models=model_folder, **how).counts["kept"] == 3
    again = quietly(cohort, out, models=model_folder, ring_mm=3)
    assert again.counts["kept"] == 0  # other settings, other results
    assert "tumor_vs_demyelination_deletion_auc" not in again.read("cases.tsv")[0]


def test_tables_come_as_dataframes_where_there_is_pandas(cohort, tmp_path, model_folder):
    pandas = pytest.importorskip("pandas")
    done = quietly(
        cohort, tmp_path / "out", models=model_folder, inputs=CohortInputs(exclude=["sub-04"])
    )
    assert isinstance(done.table, pandas.DataFrame)
    assert done.table["found"].tolist()[:2] == [True, True]
    assert done.failures.empty
    assert "reason" in done.failures.columns
    assert len(done.lesions) > 0
    assert len(done.slices) > 0


def test_without_pandas_tables_are_lists(cohort, tmp_path, model_folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    done = quietly(cohort, tmp_path / "out", models=model_folder)
    assert [row["case_id"] for row in done.failures] == ["sub-04"]


@pytest.mark.slow
def test_again_does_only_what_is_missing_or_changed(cohort, tmp_path, model_folder, monkeypatch):
    out = tmp_path / "out"
    quietly(cohort, out, models=model_folder)
    before = results(out)
    done = []
    real = workers.process_case

    def noted(case, *arguments, **options):
        done.append(case.case_id)
        return real(case, *arguments, **options)

    monkeypatch.setattr(workers, "process_case", noted)
    assert quietly(cohort, out, models=model_folder).counts["kept"] == 3
    assert done == ["sub-04"]  # a failure is tried again
    assert results(out) == before
    save_scan(cohort / "sub-04/anat/sub-04_T2w.nii.gz")
    save_scan(cohort / "sub-02/anat/sub-02_T2w.nii.gz", lesion=False)
    done.clear()
    assert quietly(cohort, out, models=model_folder).counts["failed"] == 0
    assert done == ["sub-02", "sub-04"]
    done.clear()
    (cohort / "participants.tsv").write_text("participant_id\tage\nsub-01\t99\n")
    again = quietly(cohort, out, models=model_folder)
    assert (done, again.read("cases.tsv")[0]["age"]) == ([], 99.0)
    quietly(cohort, out, models=model_folder, execution=Execution(resume=False))
    assert len(done) == 4
    done.clear()
    quietly(cohort, out, models=model_folder, threshold=0.4)
    assert len(done) == 4


def test_excluded_cases_are_not_done_and_listed(cohort, tmp_path, model_folder):
    out = tmp_path / "out"
    excluded = CohortInputs(exclude={"sub-04": "broken file"})
    done = quietly(cohort, out, models=model_folder, inputs=excluded)
    assert done.counts == {
        "cases": 4, "done": 3, "failed": 0, "missing": 0, "excluded": 1, "kept": 0,
    }  # fmt: skip
    assert table(out / "excluded.tsv")[0]["reason"] == "broken file"


def test_verdicts_of_the_page_leave_cases_out(cohort, tmp_path, model_folder):
    out, verdicts = tmp_path / "out", tmp_path / "verdicts.tsv"
    quietly(cohort, out, models=model_folder)
    page = (out / "qc.html").read_text(encoding="utf-8")
    for case in ("sub-01", "sub-02", "sub-03", "sub-04"):
        assert page.count(f'\n["{case}",') == 1
    verdicts.write_text(
        "case_id\tverdict\tnote\nsub-01\tpass\tn/a\nsub-02\tartefact\tmoved # much\n"
        "sub-04\tfail\tn/a\nsub-99\tpass\tof another cohort\n"
    )
    done = quietly(cohort, out, models=model_folder, inputs=CohortInputs(exclude=verdicts))
    assert (done.counts["kept"], done.counts["excluded"]) == (2, 2)
    assert [row["case_id"] for row in done.read("cases.tsv")] == ["sub-01", "sub-03"]
    assert {row["case_id"]: row["reason"] for row in done.read("excluded.tsv")} == {
        "sub-02": "quality control: artefact: moved # much",
        "sub-04": "quality control: fail",
    }
    # They can be looked at again all the same, and come back at no cost.
    page = (out / "qc.html").read_text(encoding="utf-8")
    assert '\n["sub-02","done","quality control: artefact: moved # much"' in page
    again = quietly(cohort, out, models=model_folder)
    assert (again.counts["kept"], again.counts["excluded"]) == (3, 0)
    verdicts.write_text("case_id\tverdict\tnote\nsub-99\tfail\tx\n")
    with pytest.raises(InputError, match="has no case sub-99"):
        quietly(cohort, out, models=model_folder, inputs=CohortInputs(exclude=verdicts))


def test_uncertain_lesions_are_left_out_of_a_run(
    cohort, tmp_path, model_folder, stand_in, monkeypatch
):
    sure = stand_in.__call__
    monkeypatch.setattr(stand_in, "__call__", lambda self, x: np.minimum(sure(self, x), 0.95))
    out = tmp_path / "out"
    first = quietly(cohort, out, models=model_folder)
    assert all(row["found"] for row in first.read("cases.tsv"))
    again = quietly(cohort, out, models=model_folder, min_peak=0.96)
    assert again.counts["kept"] == 0
    assert not any(row["found"] for row in again.read("cases.tsv"))
    described = json.loads((out / "dataset_description.json").read_text(encoding="utf-8"))
    assert described["Spinalcord"]["settings"]["min_peak"] == 0.96


def test_without_quality_control_there_is_no_page(cohort, tmp_path, model_folder):
    out = tmp_path / "out"
    quietly(cohort, out, models=model_folder)
    assert (out / "qc.html").exists()
    assert (
        quietly(cohort, out, models=model_folder, outputs=RunOutputs(qc=False)).counts["kept"] == 3
    )
    assert not (out / "qc.html").exists()
    assert quietly(cohort, out, models=model_folder).counts["kept"] == 3
    assert (out / "qc.html").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"execution": Execution(jobs=3)},
            "3 jobs of 1 threads need 3 CPUs, and this process may use 2",
        ),
        ({"execution": Execution(jobs=2), "threads": 2}, "2 jobs of 2 threads need 4 CPUs"),
        ({"threads": 0}, "threads is a whole number"),
        ({"precision": "f8"}, "precision is"),
    ],
)
def test_options_that_are_refused(cohort, tmp_path, model_folder, options, message):
    with pytest.raises(InputError, match=message):
        run_cohort(cohort, tmp_path / "out", models=model_folder, **options)
    assert not (tmp_path / "out" / "cases.tsv").exists()


def test_models_and_folders_that_are_refused(cohort, tmp_path, model_folder):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="expected a folder for the results"):
        run_cohort(cohort, tmp_path / "file", models=model_folder)
    (model_folder / "ms_vs_nmosd.safetensors").unlink()
    with pytest.raises(ModelError, match="no model for ms_vs_nmosd"):
        run_cohort(cohort, tmp_path / "out", models=model_folder)
    with pytest.raises(InputError, match="No such file"):
        run_cohort(tmp_path / "absent", tmp_path / "out", models=make_folder(model_folder))


def test_two_runs_into_one_folder_are_refused(cohort, tmp_path, model_folder, monkeypatch):
    out = tmp_path / "out"

    def nested(case, *_, **__):
        with pytest.raises(InputError, match="written by another run"):
            run_cohort(cohort, out, models=model_folder)
        return Outcome("failed", "X", "y")

    monkeypatch.setattr(workers, "process_case", nested)
    quietly(cohort, out, models=model_folder)


def test_interrupting_keeps_what_is_done(cohort, tmp_path, model_folder, monkeypatch):
    real = workers.process_case
    out = tmp_path / "out"

    def interrupted(case, *arguments, **options):
        if case.case_id == "sub-03":
            raise KeyboardInterrupt
        return real(case, *arguments, **options)

    monkeypatch.setattr(workers, "process_case", interrupted)
    arguments = ["run", str(cohort), str(out), "--models", str(model_folder), "--quiet"]
    assert main(arguments) == 130
    assert [row["case_id"] for row in table(out / "cases.tsv")] == ["sub-01", "sub-02"]
    described = json.loads((out / "dataset_description.json").read_text(encoding="utf-8"))
    assert described["Spinalcord"]["counts"]["missing"] == 2
    monkeypatch.setattr(workers, "process_case", real)
    assert main(arguments) == 1  # one case is broken
    assert len(table(out / "cases.tsv")) == 3


def test_a_full_disk_ends_with_a_message_and_loses_nothing(
    cohort, tmp_path, model_folder, monkeypatch
):
    out = tmp_path / "out"
    real = workers.process_case
    full = {"now": False}
    fsync = os.fsync

    def fill(handle):
        if full["now"]:
            raise OSError(28, "No space left on device")
        fsync(handle)

    def later(case, *arguments, **options):
        full["now"] = case.case_id == "sub-02"
        return real(case, *arguments, **options)

    monkeypatch.setattr("os.fsync", fill)
    monkeypatch.setattr(workers, "process_case", later)
    with pytest.raises(InputError, match=r"No space left on device. The run has stopped; what"):
        run_cohort(cohort, out, models=model_folder)
    assert list(out.rglob("*.part")) == []
    full["now"] = False
    monkeypatch.setattr(workers, "process_case", real)
    assert quietly(cohort, out, models=model_folder).counts["kept"] == 1


@pytest.mark.slow
def test_the_command_prints_counts_and_failures(cohort, tmp_path, model_folder, capsys):
    arguments = ["run", str(cohort), str(tmp_path / "out"), "--models", str(model_folder)]
    assert main(arguments) == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out)["counts"]["failed"] == 1
    assert "failed: sub-04: sub-04_T2w.nii.gz" in shown.err
    assert main([*arguments, "--exclude", "sub-04", "--masks", "ignore", "--quiet"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["counts"]["done"] == 3
    assert shown.err == ""
    assert main([*arguments, "--exclude", "nobody"]) == 4


@pytest.mark.slow
def test_processes_give_the_same_bits(tmp_path, random_models, monkeypatch):
    scans = tiny_scans(tmp_path / "in", 4)
    cpu = _core.cpu()
    monkeypatch.setattr(_core, "cpu", lambda: cpu | {"threads": 2})
    one = run_cohort(scans, tmp_path / "one", models=random_models, threads=1, **LOW)
    jobs = {"execution": Execution(jobs=2)}
    two = run_cohort(scans, tmp_path / "two", models=random_models, threads=1, **jobs, **LOW)
    assert one.counts == two.counts
    assert one.counts["done"] == 4
    assert sum(row["n_lesions"] for row in one.read("cases.tsv")) > 0
    assert results(tmp_path / "one") == results(tmp_path / "two")


def test_the_bar_tells_rate_and_failures(cohort, tmp_path, model_folder, monkeypatch):
    shown = []

    class Bar:
        def __init__(self, **options):
            shown.append(options)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def update(self):
            shown.append("case")

        def set_postfix(self, **values):
            shown.append(values)

    monkeypatch.setattr("tqdm.tqdm", Bar)
    quietly(cohort, tmp_path / "out", models=model_folder, progress=True)
    assert [o["desc"] for o in shown if isinstance(o, dict) and "desc" in o] == ["check", "run"]
    assert {"failed": 1, "refresh": False} in shown
    assert shown.count("case") == 8


def test_threads_are_shared_among_jobs(stand_in):
    assert running._share(Execution(), None, "f32") == 2
    assert running._share(Execution(jobs=2), None, "f32") == 1
    assert running._share(Execution(client=object()), None, "f32") == 1


def test_a_refusal_for_want_of_cpus_names_the_variable_that_limits_them(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    rows = [{"case_id": "a", "path": "/nowhere/a.nii.gz"}]
    with pytest.raises(InputError, match=r"may use 1 \(OMP_NUM_THREADS=1 counts"):
        run_cohort(rows, tmp_path, execution=Execution(jobs=2), threads=1)


@pytest.mark.slow
def test_a_file_name_that_is_not_utf_8_ends_no_run(tmp_path, random_models):
    folder = tmp_path / "scans"
    folder.mkdir()
    save_scan(folder / "a.nii.gz")
    os.rename(folder / "a.nii.gz", os.fsencode(folder) + b"/M\xfcller.nii.gz")
    (folder / "b.nii.gz").write_bytes(b"no scan")
    os.rename(folder / "b.nii.gz", os.fsencode(folder) + b"/\xe9.nii.gz")
    for kept in (0, 1):  # and can be repeated
        with pytest.warns(SpinalcordWarning, match="1 of 2 cases failed"):
            run = run_cohort(folder, tmp_path / "out", models=random_models, threads=1, **FEW)
        assert (run.counts["done"], run.counts["failed"]) == (1, 1)
        assert run.counts["kept"] == kept
