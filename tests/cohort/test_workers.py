"""Processes on this machine: equal results, and what happens when one dies."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cohorts import tiny_scans

from spinalcord import Execution, run_cohort
from spinalcord.cohort import workers
from spinalcord.cohort.listing import list_cohort
from spinalcord.cohort.processing import RunSettings
from spinalcord.cohort.records import read_record
from spinalcord.cohort.workers import run_local
from spinalcord.errors import SpinalcordWarning
from spinalcord.models.folder import ROLES, find_models
from spinalcord.threads import thread_limits


@pytest.fixture
def settings(random_models):
    hashes = {role: find_models(random_models).model(role).sha256 for role in ROLES}
    return RunSettings(str(random_models), hashes, "f32", 1)


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.mark.slow
def test_cases_end_each_once_and_workers_go(tmp_path, settings, out, monkeypatch):
    started = []
    real = workers._Worker.__init__

    def noted(self, *arguments):
        real(self, *arguments)
        started.append(self.process)

    monkeypatch.setattr(workers._Worker, "__init__", noted)
    cases = list_cohort(tiny_scans(tmp_path / "in", 3)).cases
    ended = list(run_local(iter(cases), settings, out, 2, True))
    assert sorted(case.case_id for case, _ in ended) == ["c000", "c001", "c002"]
    assert {outcome.status for _, outcome in ended} == {"done"}
    assert len(started) == 2
    assert all(process.poll() is not None for process in started)


@pytest.mark.slow
def test_a_worker_has_the_threads_of_its_case_and_no_more(tmp_path, settings, out, monkeypatch):
    told = []
    real = workers.subprocess.Popen

    def noted(*arguments, env, **options):
        told.append({name: env[name] for name in thread_limits(1)})
        return real(*arguments, env=env, **options)

    monkeypatch.setattr(workers.subprocess, "Popen", noted)
    cases = list_cohort(tiny_scans(tmp_path / "in", 1)).cases
    assert len(list(run_local(cases, settings, out, 2, True))) == 1
    assert told == [thread_limits(1)]


def test_no_case_needs_no_worker(settings, out):
    assert list(run_local(iter(()), settings, out, 2, True)) == []


@pytest.mark.slow
def test_stopping_early_ends_the_workers(tmp_path, settings, out):
    cases = list_cohort(tiny_scans(tmp_path / "in", 4)).cases
    before = set(children_of(os.getpid()))  # such as multiprocessing's resource tracker
    running = run_local(iter(cases), settings, out, 2, True)
    next(running)
    children = set(children_of(os.getpid())) - before
    assert children
    running.close()
    assert children.isdisjoint(children_of(os.getpid()))


@pytest.mark.slow
@pytest.mark.parametrize("deaths", [1, 2])
def test_a_worker_that_dies_is_replaced(tmp_path, settings, out, monkeypatch, deaths):
    """Its case is done again; one that kills two workers has failed."""
    cases = list_cohort(tiny_scans(tmp_path / "in", 3)).cases
    given = workers._Worker.give
    killed = []

    def deadly(self, case, count=0):
        given(self, case, count)
        if case.case_id == "c001" and len(killed) < deaths:
            killed.append(self.process.pid)
            os.kill(self.process.pid, signal.SIGKILL)

    monkeypatch.setattr(workers._Worker, "give", deadly)
    ended = {case.case_id: outcome for case, outcome in run_local(cases, settings, out, 2, True)}
    assert len(killed) == deaths
    assert ended["c000"].status == ended["c002"].status == "done"
    assert ended["c001"].status == ("done" if deaths == 1 else "failed")
    record = read_record(out, cases[1])
    if deaths == 2:
        assert "died 2 times on this case (signal 9)" in record["failure"]["reason"]
    else:
        assert record["status"] == "done"


@pytest.mark.slow
def test_workers_go_with_their_parent(tmp_path, settings, out):
    cases = list_cohort(tiny_scans(tmp_path / "in", 2)).cases
    child = os.fork()
    if child == 0:
        try:
            next(run_local(iter(cases), settings, out, 2, True))
            time.sleep(60)
        finally:
            os._exit(1)
    deadline = time.monotonic() + 30
    while not (found := children_of(child)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert found
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while any(is_alive(pid) for pid in found) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(is_alive(pid) for pid in found)


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
        return [int(child) for child in file.read().split()]


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
def test_workers_start_whatever_the_caller_has_in_sys_path(tmp_path, monkeypatch):
    extra = [Path("/nonexistent"), b"/nonexistent", None, np.str_("/nonexistent")]
    monkeypatch.setattr(sys, "path", [*sys.path, *extra])
    rows = [{"case_id": f"c{i}", "path": f"/nowhere/c{i}.nii.gz"} for i in range(2)]
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with pytest.warns(SpinalcordWarning, match="2 of 2 cases failed"):
        run = run_cohort(rows, tmp_path, execution=Execution(jobs=2), threads=1)
    assert [row["error"] for row in run.read("failures.tsv")] == ["InputError"] * 2
