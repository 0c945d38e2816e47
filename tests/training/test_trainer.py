"""spinalcord.training.trainer: from a cohort to a model file; killed and taken up again."""

from __future__ import annotations

import csv
import warnings
from dataclasses import replace

import numpy as np
import pytest

from spinalcord import _core
from spinalcord.errors import InputError, ModelError, SpinalcordWarning
from spinalcord.models.folder import verify_model
from spinalcord.models.model_file import read_model
from spinalcord.training.settings import Settings, rate_at

torch = pytest.importorskip("torch", reason="torch is not installed")
running = pytest.importorskip("spinalcord.training.trainer")
export = pytest.importorskip("spinalcord.training.export")

TINY = Settings(epochs=2, steps=2, batch=2, patch=(32, 32), device="cpu", precision="f32")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(running, "CHECKPOINT_S", 1e9)
    monkeypatch.setattr("spinalcord.training.problems.VALIDATION_BATCHES", 1)


@pytest.mark.slow
def test_segmentation_from_cohort_to_model(bids, tmp_path, cache):
    out = tmp_path / "seg.safetensors"
    result = running.train_network("segmentation", bids, out, settings=TINY, cache=cache)
    assert result.finished == "epochs"
    assert [row["steps"] for row in result.history] == [2, 4]
    model = read_model(out)
    assert verify_model(out)["role"] == "segmentation"
    assert model.outputs == ("lesion", "cord")
    assert model.metadata["final_norm"] is False
    facts = model.metadata["training"]
    assert facts["cases"]["train"] == {
        "MS": 2, "NMOSD": 2, "astrocytoma": 2, "ependymoma": 2, "none": 1,
    }  # fmt: skip
    assert facts["split"] == "by patient, cohort"
    assert facts["epochs"] == 2
    assert "synthetic noise" in model.notice
    assert "not for clinical use" in model.notice
    rows = list(csv.DictReader(result.files[0].open()))
    assert [float(r["train_loss"]) for r in rows] == [r["train_loss"] for r in result.history]
    work = tmp_path / "seg.training"
    assert {"checkpoint.pt", "curves.csv"} <= {p.name for p in work.iterdir()}


@pytest.mark.slow
def test_a_classifier_from_the_four_class_start(bids, tmp_path, cache):
    start = tmp_path / "start.safetensors"
    four = replace(TINY, epochs=1, steps=1, batch=4)
    made = running.train_network("diagnosis", bids, start, settings=four, cache=cache)
    assert set(made.figures) == {"validation_loss", "accuracy"}
    out = tmp_path / "task.safetensors"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpinalcordWarning)  # two cases may not be separated
        running.train_network(
            "ms_vs_nmosd", bids, out, settings=replace(four, batch=2), init=start, cache=cache
        )
    model = read_model(out)
    assert model.role == "ms_vs_nmosd"
    assert model.metadata["training"]["start"] == "init"
    assert model.metadata["training"]["validation"]["cases"] == 2
    # One small step away from the start.
    stored, from_start = export.stored_tensors(out), export_start(start)
    name = "features.conv0.weight"
    assert 0 < np.abs(stored[name] - from_start[name]).max() < 1e-2


def export_start(path):
    from spinalcord.training.starting import read_tensors

    return {name: value.numpy() for name, value in read_tensors(path).items()}


class Killed(BaseException):
    """Not caught by anything on the way."""


@pytest.mark.slow
def test_killed_and_taken_up_again_is_the_same(bids, tmp_path, cache, monkeypatch):
    settings = replace(TINY, epochs=2, steps=3)
    whole = tmp_path / "whole.safetensors"
    running.train_network("segmentation", bids, whole, settings=settings, cache=cache)

    monkeypatch.setattr(running, "CHECKPOINT_S", 0.0)  # after every step
    update, calls = running._Loop._update, []

    def until_killed(self, batch):
        if self.step == 4 and not calls:
            calls.append(self.step)
            raise Killed
        update(self, batch)

    monkeypatch.setattr(running._Loop, "_update", until_killed)
    out = tmp_path / "killed.safetensors"
    with pytest.raises(Killed):
        running.train_network("segmentation", bids, out, settings=settings, cache=cache)
    assert not out.exists()
    with pytest.raises(InputError, match="earlier training"):
        running.train_network("segmentation", bids, out, settings=settings, cache=cache)
    result = running.train_network(
        "segmentation", bids, out, settings=settings, cache=cache, resume=True
    )
    assert calls == [4]
    assert [row["steps"] for row in result.history] == [3, 6]
    once, twice = export.stored_tensors(whole), export.stored_tensors(out)
    assert list(once) == list(twice)
    for name, values in once.items():
        np.testing.assert_allclose(twice[name], values, rtol=1e-3, atol=1e-4, err_msg=name)


@pytest.mark.slow
def test_a_checkpoint_of_another_training_is_refused(bids, tmp_path, cache):
    out = tmp_path / "seg.safetensors"
    short = replace(TINY, epochs=1, steps=1)
    running.train_network("segmentation", bids, out, settings=short, cache=cache)
    with pytest.raises(InputError, match="other lr, seed"):
        running.train_network(
            "segmentation", bids, out, settings=replace(short, seed=1, lr=1e-3), cache=cache,
            resume=True,
        )  # fmt: skip


@pytest.mark.slow
def test_the_time_may_be_over(bids, tmp_path, cache):
    out = tmp_path / "seg.safetensors"
    endless = replace(TINY, epochs=1000, steps=1, minutes=0.02)
    result = running.train_network("segmentation", bids, out, settings=endless, cache=cache)
    assert result.finished == "minutes"
    assert 1 <= len(result.history) < 1000
    with pytest.raises(InputError, match="allow more minutes"):
        running.train_network(
            "segmentation", bids, tmp_path / "none.safetensors",
            settings=replace(endless, minutes=1e-9), cache=cache,
        )  # fmt: skip


class Flat:
    """A problem that never gains; one weight."""

    n_train, figures = 1, ("x",)

    def __init__(self, loss=1.0):
        self.value = loss

    def build(self):
        return torch.nn.Conv2d(1, 1, 1)

    def draw(self, step):
        return step

    def loss(self, forward, batch, step, device):
        return sum(p.sum() for p in self.net.parameters()) * 0 + self.value

    def validate(self, forward, device):
        return 1.0, {"x": 0.0}


@pytest.mark.slow
def test_the_rate_is_halved_and_training_ends_without_gain(tmp_path):
    settings = replace(TINY, epochs=100, steps=1, patience=2, stop_after=5, lr=0.8)
    problem = Flat()
    loop = running._Loop("segmentation", problem, settings, tmp_path, "x")
    problem.net = loop.network
    assert loop.run(False) == "no gain"
    assert [r["learning_rate"] for r in loop.history] == [0.8, 0.8, 0.8, 0.4, 0.4, 0.2]
    assert loop.best_epoch == 1


@pytest.mark.slow
def test_the_rate_follows_the_cosine_to_its_end(tmp_path):
    settings = replace(TINY, epochs=10, steps=4, schedule="cosine", patience=1, lr=0.8)
    problem = Flat()
    loop = running._Loop("segmentation", problem, settings, tmp_path, "x")
    problem.net = loop.network
    assert loop.run(False) == "epochs"
    rates = [r["learning_rate"] for r in loop.history]
    assert rates == [rate_at((4 * k - 0.5) / 40, 0.8) for k in range(1, 11)]
    assert rates[0] > 0.79
    assert rates[-1] < 0.01


@pytest.mark.slow
def test_a_cosine_ends_with_the_minutes(tmp_path, monkeypatch):
    settings = replace(TINY, epochs=100, steps=4, schedule="cosine", lr=0.8, minutes=1)
    problem = Flat()
    loop = running._Loop("segmentation", problem, settings, tmp_path, "x")
    problem.net = loop.network
    seconds = iter(np.arange(0, 600, 0.5))
    monkeypatch.setattr(running.time, "monotonic", lambda: float(next(seconds)))
    assert loop.run(False) == "minutes"
    assert loop.share == pytest.approx(1, abs=0.05)
    rates = [r["learning_rate"] for r in loop.history]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.02


def test_the_mean_of_the_weights_is_what_is_kept(tmp_path):
    settings = replace(TINY, epochs=1, steps=3, lr=0.1, ema=0.5)
    problem = Flat()
    problem.loss = lambda *rest: problem.net.weight.sum()
    loop = running._Loop("segmentation", problem, settings, tmp_path, "x")
    problem.net = loop.network
    loop.run(False)
    assert torch.equal(loop.best["weight"], loop.mean.state["weight"])
    assert float(loop.best["weight"]) > float(loop.network.weight.detach())


@pytest.mark.slow
def test_whole_scans_decide_what_is_kept(tmp_path, monkeypatch):
    settings = replace(TINY, epochs=4, steps=1, lr=0.1)
    problem = Flat()
    loop = running._Loop("segmentation", problem, settings, tmp_path, "x")
    problem.net = loop.network
    scores = iter([0.2, 0.6, 0.4, 0.5])
    monkeypatch.setattr(running, "JUDGED_SHARE", 1.0)
    loop.judge = lambda: {"score": next(scores), "false_mm3": 3.0}
    assert loop.run(False) == "epochs"
    assert loop.best_epoch == 2
    assert loop.figures == ("x", "scans_score", "scans_false_mm3")
    # Where measuring would take more than its share, it waits for the last epoch.
    monkeypatch.setattr(running, "JUDGED_SHARE", -1.0)
    loop = running._Loop("segmentation", problem, settings, tmp_path, "x")
    problem.net = loop.network
    loop.judge = lambda: {"score": 0.5}
    loop.run(False)
    assert ["scans_score" in row for row in loop.history] == [False, False, False, True]
    assert loop.best_epoch == 4


def test_compiled_is_what_is_called_and_plain_is_what_is_kept(tmp_path, monkeypatch):
    called = []

    def compile_(network):
        def forward(x, logits):
            called.append(logits)
            return network(x)

        return forward

    monkeypatch.setattr(torch, "compile", compile_)
    problem = Flat()
    problem.loss = lambda forward, batch, step, device: forward(torch.ones(1, 1, 2, 2)).sum()
    settings = replace(TINY, epochs=1, steps=3, compile=True)
    loop = running._Loop("segmentation", problem, settings, tmp_path, "x")
    assert loop.run(False) == "epochs"
    assert called == [True] * 3
    assert set(loop.best) == {"weight", "bias"}
    assert not torch.equal(loop.best["bias"], torch.zeros(1))


def test_a_loss_that_is_not_finite_stops(tmp_path):
    problem = Flat(float("nan"))
    loop = running._Loop("segmentation", problem, TINY, tmp_path, "x")
    problem.net = loop.network
    with pytest.raises(InputError, match="the loss is nan at step 0"):
        loop.run(False)


def test_what_does_not_fit_is_refused(bids, tmp_path, cache):
    with pytest.raises(InputError, match=r"ends in \.safetensors"):
        running.train_network("segmentation", bids, tmp_path / "m.pt")
    out = tmp_path / "m.safetensors"
    with pytest.raises(InputError, match="a backbone is for a classifier"):
        running.train_network("segmentation", bids, out, backbone="b.pth")
    narrow = replace(TINY, window=(64, 32))
    with pytest.raises(InputError, match="window is for classifiers"):
        running.train_network("segmentation", bids, out, settings=narrow)
    with pytest.raises(InputError, match="'dream'"):
        running.train_network("dream", bids, out)
    with pytest.raises(ModelError, match="no weights could be read"):
        running.train_network(
            "segmentation", bids, out, settings=TINY, init=tmp_path / "no.safetensors", cache=cache
        )


def test_devices(monkeypatch):
    assert running.choose_device(TINY) == (torch.device("cpu"), False)
    _, bf16 = running.choose_device(replace(TINY, precision="auto"))
    assert bf16 == ("bf16" in _core.cpu()["precisions"])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="no CUDA device"):
        running.choose_device(replace(TINY, device="cuda"))
