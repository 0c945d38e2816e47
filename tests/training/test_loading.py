"""spinalcord.training.loading: batches ahead, in order, whatever prepares them."""

from __future__ import annotations

import threading

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
loading = pytest.importorskip("spinalcord.training.loading")
sampling = pytest.importorskip("spinalcord.training.sampling")

CPU = torch.device("cpu")


def test_batches_come_in_order_and_are_prepared_ahead():
    drawn, names, gate = [], set(), threading.Barrier(3, timeout=20)

    def draw(step):
        if step < 3:
            gate.wait()  # passed only where three are prepared at a time
        drawn.append(step)
        names.add(threading.current_thread().name)
        return step * 10

    loader = loading.Loader(draw, 0, 3, CPU)
    try:
        assert [loader.take() for _ in range(7)] == [0, 10, 20, 30, 40, 50, 60]
        assert len(names) == 3
        loader.restart(100)
        assert [loader.take(), loader.take()] == [1000, 1010]
        assert loader.waited > 0
    finally:
        loader.close()
    assert max(drawn) >= 102  # ahead of what was asked for


def test_without_workers_batches_are_prepared_when_asked_for():
    drawn, names = [], set()

    def draw(step):
        drawn.append(step)
        names.add(threading.current_thread().name)
        return step * 10

    loader = loading.Loader(draw, 4, 0, CPU)
    try:
        assert drawn == []
        assert [loader.take(), loader.take()] == [40, 50]
        loader.restart(7)
        assert loader.take() == 70
    finally:
        loader.close()
    assert drawn == [4, 5, 7]
    assert names == {threading.current_thread().name}


def test_an_error_of_a_worker_reaches_the_training():
    def draw(step):
        raise ValueError(f"step {step}")

    loader = loading.Loader(draw, 4, 2, CPU)
    try:
        with pytest.raises(ValueError, match="step 4"):
            loader.take()
    finally:
        loader.close()


def test_page_locked_memory_holds_the_same(monkeypatch):
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: self.clone())
    images = np.arange(8, dtype=np.float32).reshape(1, 2, 2, 2)
    batch = sampling.Batch(images, images[:, :1] > 3, np.array([1]), np.ones((1, 1)), (2, 2))
    found = loading.pin(batch)
    assert isinstance(found.images, torch.Tensor)
    assert found.size == (2, 2)
    for name in ("images", "masks", "labels", "known"):
        same = (
            loading.to_device(getattr(batch, name), CPU),
            loading.to_device(getattr(found, name), CPU),
        )
        assert torch.equal(*same)


def test_how_many_workers(monkeypatch):
    assert loading.choose_workers(5, CPU) == 5
    assert loading.choose_workers(None, CPU) == 1
    monkeypatch.setattr(loading._core, "cpu", lambda: {"threads": 32})
    assert loading.choose_workers(None, torch.device("cuda")) == loading.MOST_WORKERS
