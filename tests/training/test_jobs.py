"""spinalcord.training.jobs: trainings in turn, in processes, or on Dask."""

from __future__ import annotations

from pathlib import Path

import pytest

from spinalcord.errors import InputError
from spinalcord.training.settings import Settings

torch = pytest.importorskip("torch", reason="torch is not installed")
jobs = pytest.importorskip("spinalcord.training.jobs")


def job(folder, name):
    about = jobs.About("c", "n", {"split": "drawn"})
    return jobs.Job("segmentation", (), folder / name / "s.safetensors", about, Settings(), None,
                    None, folder / "cache", name, None)  # fmt: skip


@pytest.fixture
def trained(monkeypatch):
    done = []

    def stand_in(target, cases, out, about, **options):
        assert options["resume"]
        done.append(Path(out).parent.name)
        Path(out).write_bytes(b"model")

    monkeypatch.setattr(jobs, "train_cases", stand_in)
    return done


def test_what_is_done_stays(tmp_path, trained):
    said = []
    both = [job(tmp_path, "a"), job(tmp_path, "b")]
    jobs.train_jobs(both[:1], say=said.append)
    jobs.train_jobs(both, say=said.append)
    assert trained == ["a", "b"]
    assert said == ["a: trained", "a: done before", "b: trained"]


def test_gpus_take_turns(tmp_path, trained, monkeypatch):
    used, threads = [], []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", used.append)
    monkeypatch.setattr(torch, "set_num_threads", threads.append)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    for place in range(3):
        jobs.train_job(job(tmp_path, f"{place}"), place, 2)
    assert used == [0, 1, 0]
    assert threads == [2, 2, 2]


def test_what_cannot_be(tmp_path):
    with pytest.raises(InputError, match="jobs is 0"):
        jobs.train_jobs([], processes=0)
    with pytest.raises(InputError, match="jobs is for this machine"):
        jobs.train_jobs([], processes=2, client=object())
