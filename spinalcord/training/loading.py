"""Batches prepared ahead by several threads, in page-locked memory where a GPU computes.

Reading, cutting and scaling run in NumPy and the core, which leave Python's lock for the most
part; augmentation runs where the network does.  A batch depends on its step alone, so that the
number of workers changes no bit of a training.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import fields, replace
from typing import Any

import torch

from .. import _core

DEPTH = 2
"""Batches that are ready or in the making, per worker."""

MOST_WORKERS = 8


class Loader:
    """Hand out the batches of steps, one after the other, prepared ahead.

    Parameters
    ----------
    draw : callable
        Makes the batch of a step; must depend on nothing but the step, or `restart` is called
        when what else it depends on has changed.
    step : int
        The first one.
    workers : int
        Threads.
    device : torch.device
        Where the batches go: for a GPU their tensors lie in page-locked memory, so that they are
        copied while the GPU computes.

    Attributes
    ----------
    waited : float
        Seconds that `take` has waited for a batch that was not ready.
    """

    def __init__(
        self, draw: Callable[[int], Any], step: int, workers: int, device: torch.device
    ) -> None:
        self._draw, self._pinned = draw, device.type == "cuda"
        self._pool = ThreadPoolExecutor(workers, "batch", _use_device, (device,))
        self._depth, self.waited = DEPTH * workers, 0.0
        self._ahead: deque[Future[Any]] = deque()
        self.restart(step)

    def restart(self, step: int) -> None:
        """Prepare anew from a step on; what was prepared is forgotten."""
        while self._ahead:
            self._ahead.popleft().cancel()
        self._next = step
        self._fill()

    def take(self) -> Any:
        """Return the next batch."""
        began = time.perf_counter()
        batch = self._ahead.popleft().result()
        self.waited += time.perf_counter() - began
        self._fill()
        return batch

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _fill(self) -> None:
        while len(self._ahead) < self._depth:
            self._ahead.append(self._pool.submit(self._prepare, self._next))
            self._next += 1

    def _prepare(self, step: int) -> Any:
        batch = self._draw(step)
        return pin(batch) if self._pinned else batch


def pin(batch: Any) -> Any:
    """Return a batch whose arrays are tensors in page-locked memory."""
    arrays = {f.name: getattr(batch, f.name) for f in fields(batch)}
    moved = {k: torch.from_numpy(v).pin_memory() for k, v in arrays.items() if hasattr(v, "dtype")}
    return replace(batch, **moved)


def to_device(array: Any, device: torch.device) -> torch.Tensor:
    """Bring an array of a batch to a device, without waiting where it is page-locked."""
    return torch.as_tensor(array).to(device, non_blocking=True)


def choose_workers(given: int | None, device: torch.device) -> int:
    """Return the number of threads that prepare batches.

    One for a CPU, which computes the steps themselves; for a GPU all CPUs but one, 8 at most.
    """
    if given is not None:
        return given
    if device.type == "cpu":
        return 1
    return min(max(int(_core.cpu()["threads"]) - 1, 1), MOST_WORKERS)


def _use_device(device: torch.device) -> None:
    """Let a thread lock pages for the GPU of its training; threads begin with the first one."""
    if device.type == "cuda":
        torch.cuda.set_device(device)
