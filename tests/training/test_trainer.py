"""spinalcord.training.trainer: from a cohort to a model file; killed and taken up again."""

from __future__ import annotations

import csv
import warnings
from dataclasses import replace

import numpy as np
import pytest

from spinalcord.errors import InputError, ModelError, SpinalcordWarning
from spinalcord.models.folder import verify_model
from spinalcord.models.model_file import read_model
from spinalcord.training.settings import Settings

torch = pytest.importorskip("torch", reason="torch is not installed")
running = pytest.importorskip("spinalcord.training.trainer")
loops = pytest.importorskip("spinalcord.training.loop")
export = pytest.importorskip("spinalcord.training.export")

TINY = Settings(epochs=2, steps=2, batch=2, patch=(32, 32), device="cpu", precision="f32")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(loops, "CHECKPOINT_S", 1e9)
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

    monkeypatch.setattr(loops, "CHECKPOINT_S", 0.0)  # after every step
    update, calls = loops.Loop._update, []

    def until_killed(self, batch):
        if self.step == 4 and not calls:
            calls.append(self.step)
            raise Killed
        update(self, batch)

    monkeypatch.setattr(loops.Loop, "_update", until_killed)
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
