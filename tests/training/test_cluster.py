"""``spinalcord train --folds`` on a real Dask cluster of processes: equal models, dying workers."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest
from safetensors.numpy import load_file

from spinalcord import __version__
from spinalcord.cli import main
from spinalcord.errors import InputError
from spinalcord.training.patients import list_cases
from spinalcord.training.settings import Settings

torch = pytest.importorskip("torch", reason="torch is not installed")
jobs = pytest.importorskip("spinalcord.training.jobs")

TINY = ["--steps", "2", "--epochs", "2", "--batch", "4", "--patch", "32", "--aspect", "2",
        "--device", "cpu", "--precision", "f32", "--no-tensorboard", "--init", "none",
        "--folds", "2", "--no-outlines", "--quiet"]  # fmt: skip


@pytest.fixture(scope="module")
def cohort(unsplit, tmp_path_factory):
    """The cohort without diagnoses, of which the segmentation alone is trained."""
    lines = (unsplit / "participants.tsv").read_text().splitlines()
    mask = "derivatives/truth/{0}/anat/{0}_label-{1}_mask.nii.gz"
    rows = ["case_id,path,mask,cord"]
    for name in (line.split("\t")[0] for line in lines[1:]):
        files = f"{name}/anat/{name}_T2w.nii.gz", mask.format(name, "lesion")
        rows.append(",".join([name, *(f"{unsplit}/{f}" for f in files),
                              f"{unsplit}/{mask.format(name, 'cord')}"]))  # fmt: skip
    path = tmp_path_factory.mktemp("table") / "cohort.csv"
    path.write_text("\n".join(rows))
    return path


@pytest.fixture(autouse=True)
def one_thread():
    """Compute here as the workers do: sums depend on the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def train(cohort, out, *further):
    return main(["train", "all", "--data", str(cohort), "--out", str(out), *TINY, *further])


def tensors(out):
    """The weights of every model file in a folder, as bytes."""
    found = {path.name: load_file(path) for path in sorted(out.glob("*.safetensors"))}
    assert len(found) == 2
    return {n: {k: v.tobytes() for k, v in each.items()} for n, each in found.items()}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::spinalcord.errors.SpinalcordWarning")
def test_a_cluster_trains_the_same_models_though_its_workers_die(
    cohort, tmp_path, cluster, capsys
):  # fmt: skip
    assert train(cohort, tmp_path / "here") == 0
    address = cluster.scheduler_info()["address"]
    first = tmp_path / "there" / "work" / "fold-1" / "segmentation"
    victims, struck = set(cluster.run(os.getpid).values()), []

    def strike():
        checkpoint = first / "segmentation.training" / "checkpoint.pt"
        limit = time.monotonic() + 60
        while not checkpoint.is_file() and time.monotonic() < limit:
            time.sleep(0.002)
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        struck.append(not (first / "segmentation.safetensors").exists())

    killer = threading.Thread(target=strike)
    killer.start()
    assert train(cohort, tmp_path / "there", "--scheduler", address) == 0
    killer.join()
    assert struck == [True]  # in the midst
    assert not victims & set(cluster.run(os.getpid).values())
    assert tensors(tmp_path / "there") == tensors(tmp_path / "here")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::spinalcord.errors.SpinalcordWarning")
def test_a_cluster_trains_the_same_classifier(bids, tmp_path, cluster):
    settings = Settings(steps=2, epochs=1, batch=4, window=(32, 32), device="cpu",
                        precision="f32", tensorboard=False)  # fmt: skip
    cases = tuple(list_cases(bids, "ms_vs_nmosd")[0])
    about = jobs.About("c", "n", {"split": "given"})
    paths = [tmp_path / place / "ms_vs_nmosd.safetensors" for place in ("here", "there")]
    for path, client in zip(paths, (None, cluster), strict=True):
        path.parent.mkdir()
        one = jobs.Job("ms_vs_nmosd", cases, path, about, settings, None, None,
                       path.parent / "cache", "ms_vs_nmosd", None)  # fmt: skip
        jobs.train_jobs([one], client=client)
    here, there = ({k: v.tobytes() for k, v in load_file(path).items()} for path in paths)
    assert len(here) > 100  # every tensor of the network
    assert there == here


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::spinalcord.errors.SpinalcordWarning")
def test_a_training_that_kills_every_worker_is_said_and_resumed(
    cohort, tmp_path, cluster, monkeypatch, capsys
):
    address = cluster.scheduler_info()["address"]
    monkeypatch.setattr(jobs, "train_remotely", deadly)
    assert train(cohort, tmp_path / "out", "--scheduler", address) == 4
    said = capsys.readouterr().err
    assert "segmentation, fold-2: several Dask workers died on this training" in said
    assert "Repeat the command to resume" in said
    monkeypatch.undo()
    assert train(cohort, tmp_path / "out", "--scheduler", address) == 0
    assert len(tensors(tmp_path / "out")) == 2


def deadly(job, version):
    if "fold-2" in job.name:
        os.kill(os.getpid(), signal.SIGKILL)
    jobs.train_remotely(job, version)


def job(folder, name="a"):
    about = jobs.About("c", "n", {"split": "drawn"})
    return jobs.Job("segmentation", (), folder / name / "s.safetensors", about, Settings(), None,
                    None, folder / "cache", name, None)  # fmt: skip


def silent(job, version):
    """Train nothing, as a worker on another file system would."""


@pytest.mark.slow
def test_what_a_worker_refuses_is_raised_here(tmp_path, cluster, monkeypatch):
    with pytest.raises(InputError, match="a, on a Dask worker: no training case has a lesion"):
        jobs.train_jobs([job(tmp_path)], client=cluster)
    with pytest.raises(InputError, match="must lie on a shared file system"):
        jobs.train_jobs([job(tmp_path / "absent")], client=cluster)
    monkeypatch.setattr(jobs, "__version__", "0.0.0")
    with pytest.raises(InputError, match=f"this worker has spinalcord {__version__}"):
        jobs.train_jobs([job(tmp_path)], client=cluster)
    monkeypatch.setattr(jobs, "train_remotely", silent)
    with pytest.raises(InputError, match="a Dask worker has written it elsewhere"):
        jobs.train_jobs([job(tmp_path)], client=cluster)


@pytest.mark.slow
def test_a_cluster_that_goes_away_is_said(tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as own, distributed.Client(own, set_as_default=False) as client:  # fmt: skip
        futures = [client.submit(time.sleep, 1, pure=False)]
        client.cancel(futures)
        with pytest.raises(
            InputError, match="the Dask cluster is no longer available; repeat the command"
        ):
            jobs._await(job(tmp_path), futures[0])
