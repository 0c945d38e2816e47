"""spinalcord.training.loop: rates, ends, what is kept, and devices."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

from spinalcord import _core
from spinalcord.errors import InputError, SpinalcordWarning
from spinalcord.training.settings import Settings, rate_at

torch = pytest.importorskip("torch", reason="torch is not installed")
loops = pytest.importorskip("spinalcord.training.loop")
problems = pytest.importorskip("spinalcord.training.problems")

TINY = Settings(epochs=2, steps=2, batch=2, patch=(32, 32), device="cpu", precision="f32")


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(loops, "CHECKPOINT_S", 1e9)


class Flat:
    """A problem that never gains; one weight."""

    n_train, figures, matters = 1, ("x",), "x"

    def __init__(self, loss=1.0):
        self.value = loss

    def build(self):
        return torch.nn.Conv2d(1, 1, 1)

    def advance(self, network, share):
        pass

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
    loop = loops.Loop("segmentation", problem, settings, tmp_path, "x")
    problem.net = loop.network
    assert loop.run(False) == "no gain"
    assert [r["learning_rate"] for r in loop.history] == [0.8, 0.8, 0.8, 0.4, 0.4, 0.2]
    assert loop.best_epoch == 1


@pytest.mark.slow
def test_the_rate_follows_the_cosine_to_its_end(tmp_path):
    settings = replace(TINY, epochs=10, steps=4, schedule="cosine", patience=1, lr=0.8)
    problem = Flat()
    loop = loops.Loop("segmentation", problem, settings, tmp_path, "x")
    problem.net = loop.network
    assert loop.run(False) == "epochs"
    rates = [r["learning_rate"] for r in loop.history]
    assert rates == [rate_at((4 * k - 0.5) / 40, 0.8) for k in range(1, 11)]
    assert rates[0] > 0.79
    assert rates[-1] < 0.01


@pytest.mark.slow
def test_a_cosine_is_resumed(tmp_path):
    settings = replace(TINY, epochs=3, steps=2, schedule="cosine", lr=0.8)
    problem = Flat()
    loop = loops.Loop("segmentation", problem, settings, tmp_path, "x")
    problem.net = loop.network
    loop.run(False)
    again = loops.Loop("segmentation", problem, settings, tmp_path, "x")
    again.restore()
    assert (again.epoch, again.step) == (3, 6)
    other = loops.Loop("segmentation", problem, replace(settings, epochs=4), tmp_path, "x")
    with pytest.raises(InputError, match="with other epochs"):
        other.restore()


@pytest.fixture
def minute(tmp_path, monkeypatch):
    """A cosine of one minute, by a clock that goes on by half a second; and others like it."""
    problem = Flat()
    seconds = iter(np.arange(0, 600, 0.5))
    monkeypatch.setattr(loops.time, "monotonic", lambda: float(next(seconds)))

    def another(**other):
        settings = replace(TINY, epochs=100, steps=4, schedule="cosine", lr=0.8, **other)
        return loops.Loop("segmentation", problem, settings, tmp_path, "x")

    loop = another(minutes=1)
    problem.net = loop.network
    return loop, another


@pytest.mark.slow
def test_a_cosine_ends_with_the_minutes(minute):
    loop, _ = minute
    assert loop.run(False) == "minutes"
    assert loop.share == pytest.approx(1, abs=0.05)
    rates = [r["learning_rate"] for r in loop.history]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.02


@pytest.mark.slow
def test_a_cosine_that_has_ended_says_so_when_it_is_resumed(minute):
    loop, another = minute
    loop.run(False)
    again = another(minutes=60)
    with pytest.warns(SpinalcordWarning, match=r"has ended.*learning rate of .* with --init"):
        again.restore()
    loop.share = 0.9
    loop.save()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again.restore()


@pytest.mark.slow
def test_the_mean_of_the_weights_is_what_is_kept(tmp_path):
    settings = replace(TINY, epochs=1, steps=3, lr=0.1, ema=0.5)
    problem = Flat()
    problem.loss = lambda *rest: problem.net.weight.sum()
    loop = loops.Loop("segmentation", problem, settings, tmp_path, "x")
    problem.net = loop.network
    loop.run(False)
    assert torch.equal(loop.best["weight"], loop.mean.state["weight"])
    assert float(loop.best["weight"]) > float(loop.network.weight.detach())


@pytest.mark.slow
def test_whole_scans_decide_what_is_kept(tmp_path, monkeypatch):
    settings = replace(TINY, epochs=4, steps=1, lr=0.1)
    problem = Flat()
    loop = loops.Loop("segmentation", problem, settings, tmp_path, "x")
    problem.net = loop.network
    scores = iter([0.2, 0.6, 0.4, 0.5])
    monkeypatch.setattr(loops, "JUDGED_SHARE", 1.0)
    loop.judge = lambda: {"score": next(scores), "false_mm3": 3.0}
    assert loop.run(False) == "epochs"
    assert loop.best_epoch == 2
    assert loop.figures == ("x", "scans_score", "scans_false_mm3")
    # Where measuring would take more than its share, it waits for the last epoch.
    monkeypatch.setattr(loops, "JUDGED_SHARE", -1.0)
    loop = loops.Loop("segmentation", problem, settings, tmp_path, "x")
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
    loop = loops.Loop("segmentation", problem, settings, tmp_path, "x")
    assert loop.run(False) == "epochs"
    assert called == [True] * 3
    assert set(loop.best) == {"weight", "bias"}
    assert not torch.equal(loop.best["bias"], torch.zeros(1))


def test_a_loss_that_is_not_finite_stops(tmp_path):
    problem = Flat(float("nan"))
    loop = loops.Loop("segmentation", problem, TINY, tmp_path, "x")
    problem.net = loop.network
    with pytest.raises(InputError, match="the loss is nan at step 0"):
        loop.run(False)


@pytest.mark.slow
def test_the_last_weights_may_be_kept(tmp_path):
    """Whatever the validation says: what it is measured on has then chosen nothing."""
    settings = replace(TINY, epochs=3, steps=1, keep="last")
    problem = Flat()
    loop = loops.Loop("segmentation", problem, settings, tmp_path, "x")
    problem.net = loop.network
    loop.judge = lambda: {"score": 1.0 / (1 + loop.epoch)}
    loop.run(False)
    state, epoch = loop.chosen("last")
    assert epoch == 3
    assert torch.equal(state["weight"], loop.mean.state["weight"])
    assert loop.chosen("best") == (loop.best, 1)


@pytest.mark.slow
def test_training_ends_where_nothing_that_matters_is_gained(tmp_path):
    """The loss gets smaller for ever; the figure does not get larger after the second epoch."""
    settings = replace(TINY, epochs=50, steps=1, stop_after=4)
    problem = Flat()
    loop = loops.Loop("segmentation", problem, settings, tmp_path, "x")
    problem.net = loop.network
    problem.validate = lambda *_: (2.0 / (1 + loop.epoch), {"x": max(0.9 - 0.2 * loop.epoch, 0.1)})
    assert loop.run(False) == "no gain"
    assert (loop.epoch, loop.best_epoch) == (5, 1)
    # Of equal figures the one with the smaller loss is a gain.
    loop = loops.Loop("segmentation", problem, replace(settings, epochs=9), tmp_path, "x")
    problem.net = loop.network
    problem.validate = lambda *_: (2.0 / (1 + loop.epoch), {"x": 0.5})
    assert loop.run(False) == "epochs"
    assert loop.best_epoch == 9


def test_no_bit_depends_on_the_number_of_workers(patch_entries, tmp_path):
    states = []
    for workers in (1, 3):
        settings = replace(TINY, workers=workers, lr=1e-2)
        problem = problems.make_problem("segmentation", patch_entries, settings)
        loop = loops.Loop("segmentation", problem, settings, tmp_path / str(workers), "x")
        loop.run(False)
        states.append(loop.network.state_dict())
        assert 0 <= loop.waited < 1
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_the_time_of_the_first_steps_is_told(tmp_path):
    said = []
    problem = Flat()
    settings = replace(TINY, epochs=4, steps=5)
    loop = loops.Loop("segmentation", problem, settings, tmp_path, "x")
    problem.net = loop.network
    loop.tell = said.append
    loop.run(False)
    assert len(said) == 1
    assert "waiting for data (1 workers), 20 steps in all" in said[0]


def test_devices(monkeypatch):
    assert loops.choose_device(TINY) == (torch.device("cpu"), False)
    _, bf16 = loops.choose_device(replace(TINY, precision="auto"))
    assert bf16 == ("bf16" in _core.cpu()["precisions"])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="no CUDA device"):
        loops.choose_device(replace(TINY, device="cuda"))
