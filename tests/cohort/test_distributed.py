"""A real Dask cluster of processes: equal bits, a worker killed, refusals."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time

import pytest
from cohorts import results, tiny_scans

from spinalcord import Execution, LesionLimits, run_cohort
from spinalcord.cohort.distributed import connect, remote
from spinalcord.cohort.listing import CohortCase
from spinalcord.cohort.processing import RunSettings
from spinalcord.errors import InputError

LOW = {"limits": LesionLimits(threshold=0.8, min_lesion_mm3=10)}
SETTINGS = RunSettings(None, {}, "f32", 1)
CASE = CohortCase("a", "a", "/a.nii")


def test_a_worker_of_another_version_stops_the_run(tmp_path):
    outcome = remote(CASE, SETTINGS, str(tmp_path), 1, True, "0.0.0")
    assert outcome.status == "stop"
    assert "the run was started with 0.0.0" in outcome.reason


def test_a_worker_without_the_folder_stops_the_run(tmp_path):
    from spinalcord import __version__

    outcome = remote(CASE, SETTINGS, str(tmp_path / "absent"), 1, True, __version__)
    assert outcome.status == "stop"
    assert "must lie on a shared file system" in outcome.reason


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install 'spinalcord\[distributed\]'"):
        connect("tcp://127.0.0.1:1")


@pytest.mark.slow
def test_nobody_at_the_address(tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("spinalcord.cohort.distributed.TIMEOUT_S", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(InputError, match="no Dask scheduler answers at tcp"):
        connect(address)
    with pytest.raises(InputError, match="no Dask scheduler answers at nowhere"):
        connect("nowhere://x")


@pytest.mark.slow
def test_a_cluster_gives_the_same_bits_though_a_worker_dies(tmp_path, random_models, cluster):
    scans = tiny_scans(tmp_path / "in", 30)
    (scans / "broken.nii.gz").write_bytes(b"no scan")
    out = tmp_path / "out"
    local = run_cohort(scans, tmp_path / "local", models=random_models, threads=1, **LOW)
    pids = cluster.run(os.getpid)
    victim = next(iter(pids.values()))
    struck = []

    def strike():
        records = out / ".spinalcord" / "cases"
        limit = time.monotonic() + 60
        while len(list(records.rglob("*.json"))) < 4 and time.monotonic() < limit:
            time.sleep(0.005)
        os.kill(victim, signal.SIGKILL)
        struck.append(len(list(records.rglob("*.json"))))

    killer = threading.Thread(target=strike)
    killer.start()
    spread = run_cohort(
        scans, out, models=random_models, execution=Execution(client=cluster), **LOW
    )
    killer.join()
    assert 4 <= struck[0] < 29  # in the midst
    assert victim not in cluster.run(os.getpid).values()
    assert spread.counts == local.counts == {
        "cases": 31, "done": 30, "failed": 1, "missing": 0, "excluded": 0, "kept": 0,
    }  # fmt: skip
    assert sum(row["n_lesions"] for row in spread.read("cases.tsv")) > 0
    assert results(out) == results(tmp_path / "local")
    again = run_cohort(scans, out, models=random_models, execution=Execution(client=cluster), **LOW)
    assert again.counts["kept"] == 30


@pytest.mark.slow
def test_models_are_opened_once_per_worker(tmp_path, random_models, cluster):
    scans = tiny_scans(tmp_path / "in", 6)
    address = cluster.scheduler_info()["address"]
    run_cohort(
        scans, tmp_path / "out", models=random_models, execution=Execution(client=address), **LOW
    )
    opened = cluster.run(_opened)
    assert len(opened) == 2
    assert set(opened.values()) == {4}


def _opened():
    from spinalcord.cohort import processing

    return sum(len(pipeline._networks) for pipeline in processing._pipelines.values())


@pytest.mark.slow
def test_a_case_that_kills_every_worker_fails_alone(tmp_path, random_models, cluster, monkeypatch):
    scans = tiny_scans(tmp_path / "in", 3)
    monkeypatch.setattr("spinalcord.cohort.distributed.remote", deadly)
    done = run_cohort(
        scans, tmp_path / "out", models=random_models, execution=Execution(client=cluster), **LOW
    )
    assert done.counts["done"] == 2
    (failure,) = done.read("failures.tsv")
    assert (failure["case_id"], failure["error"]) == ("c001", "WorkerDied")
    assert "several Dask workers died on this case" in failure["reason"]


def deadly(case, *arguments):
    if case.case_id == "c001":
        os.kill(os.getpid(), signal.SIGKILL)
    return remote(case, *arguments)
