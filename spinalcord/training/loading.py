"""Prepare batches ahead in several threads, for a GPU in page-locked memory.

Reading, cutting and scaling run in NumPy and the core, which mostly release the GIL; augmentation
runs on the device of the network. A batch depends only on its step, so that the result does not
depend on the number of workers.
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
"""Number of batches per worker that are ready or being prepared."""

MOST_WORKERS = 8


class Loader:
    """Return the batches of successive steps, prepared ahead.

    Parameters
    ----------
    draw : callable
        Returns the batch of a step. It must depend on the step alone; if anything else changes,
        call `restart`.
    step : int
        The first one.
    workers : int
        Number of threads; 0: each batch is prepared in the calling thread when it is requested.
    device : torch.device
        Device of the batches; for a GPU, their tensors are in page-locked memory and are copied
        while it computes.

    Attributes
    ----------
    waited : float
        Seconds that `take` has waited for batches that were not ready.
    """

    def __init__(
        self, draw: Callable[[int], Any], step: int, workers: int, device: torch.device
    ) -> None:
        self._draw, self._pinned = draw, device.type == "cuda"
        self._pool = ThreadPoolExecutor(max(workers, 1), "batch", _use_device, (device,))
        self._depth, self.waited = DEPTH * workers, 0.0
        self._ahead: deque[Future[Any]] = deque()
        self.restart(step)

    def restart(self, step: int) -> None:
        """Restart from a step; batches already prepared are discarded."""
        while self._ahead:
            self._ahead.popleft().cancel()
        self._next = step
        self._fill()

    def take(self) -> Any:
        """Return the next batch."""
        began = time.perf_counter()
        if self._depth:
            batch = self._ahead.popleft().result()
        else:
            batch, self._next = self._prepare(self._next), self._next + 1
        self.waited += time.perf_counter() - began
        self._fill()
        return batch

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _fill(self) -> None:
        while len(self._ahead) < self._depth:
            self._ahead.append(self._pool.submit(self._prepare, self._next))
            self._next += 1

    def _prepare(self, step: int) -> Any:
        batch = self._draw(step)
        return pin(batch) if self._pinned else batch


def pin(batch: Any) -> Any:
    """Return a batch with its arrays as tensors in page-locked memory."""
    arrays = {f.name: getattr(batch, f.name) for f in fields(batch)}
    moved = {k: torch.from_numpy(v).pin_memory() for k, v in arrays.items() if hasattr(v, "dtype")}
    return replace(batch, **moved)


def to_device(array: Any, device: torch.device) -> torch.Tensor:
    """Copy an array of a batch to a device, asynchronously if it is page-locked."""
    return torch.as_tensor(array).to(device, non_blocking=True)


def choose_workers(given: int | None, device: torch.device) -> int:
    """Return the number of threads that prepare batches.

    One on a CPU, which also computes the steps; for a GPU all CPUs but one, at most 8.
    """
    if given is not None:
        return given
    if device.type == "cpu":
        return 1
    return min(max(int(_core.cpu()["threads"]) - 1, 1), MOST_WORKERS)


def _use_device(device: torch.device) -> None:
    """Set the GPU of a thread, which otherwise locks pages for the first one."""
    if device.type == "cuda":
        torch.cuda.set_device(device)
