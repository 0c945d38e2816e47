"""spinalcord.training.events: event files that TensorBoard itself reads back."""

from __future__ import annotations

import errno
import warnings

import pytest

from spinalcord.errors import SpinalcordWarning

torch = pytest.importorskip("torch", reason="torch is not installed")
events = pytest.importorskip("spinalcord.training.events")


@pytest.mark.slow
def test_event_files_for_tensorboard(tmp_path):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    made = events.Events(tmp_path, True)
    for k in (1, 2):
        made.write({"epoch": k, "steps": 2 * k, "seconds": 1.0, "train_loss": 1.5, "x": 0.25})
    made.close()
    read = EventAccumulator(str(tmp_path)).Reload()
    losses = read.Scalars("loss/train_loss")
    assert [(event.step, event.value) for event in losses] == [(2, 1.5), (4, 1.5)]
    assert [event.value for event in read.Scalars("figures/x")] == [0.25, 0.25]


def test_tensorboard_that_is_asked_for_and_not_there_is_said_once(tmp_path, monkeypatch):
    monkeypatch.setattr(events.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(events, "_TOLD", set())
    with pytest.warns(SpinalcordWarning, match="pip install tensorboard"):
        events.Events(tmp_path, True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        events.Events(tmp_path, True)
        events.Events(tmp_path, None).write({"steps": 1})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("when", ["made", "written", "closed"])
def test_a_full_disk_ends_the_event_files_and_not_the_training(tmp_path, monkeypatch, when):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    full = OSError(errno.ENOSPC, "No space left on device")
    calls = []

    class Writer:
        def __init__(self, folder, purge_step):
            if when == "made":
                raise full

        def add_scalar(self, name, value, step):
            calls.append(name)

        def flush(self):
            if when == "written" or (when == "closed" and len(calls) > 1):
                raise full

        def close(self):
            raise AssertionError("a file that cannot be flushed")

    import torch.utils.tensorboard

    monkeypatch.setattr(torch.utils.tensorboard, "SummaryWriter", Writer)
    made = events.Events(tmp_path, True)
    said = rf"{tmp_path} cannot be written: No space left on device; curves\.html"
    if when == "closed":
        made.write({"epoch": 1, "steps": 2, "x": 0.25})
        calls.append("from now on the disk is full")
        with pytest.warns(SpinalcordWarning, match=said):
            made.close()
    else:
        with pytest.warns(SpinalcordWarning, match=said):
            made.write({"epoch": 1, "steps": 2, "x": 0.25})
    n = len(calls)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made.write({"epoch": 2, "steps": 4, "x": 0.25})
        made.close()
    assert len(calls) == n
