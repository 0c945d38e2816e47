"""Read the scans of a case while models are opened."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..errors import InputError
from ..scans.labels import Label
from ..scans.preparation import Array, Stopwatch, WorkingScan
from .segmentation import Segmentation

Kind = TypeVar("Kind")


def meanwhile(
    open_models: Sequence[Callable[[], Any]], read: Callable[[], Kind], threads: int
) -> Kind:
    """Read while other threads open the models.

    Reading is mostly unpacking and Python, opening runs in the core without the GIL, so that they
    hardly wait for each other.

    Parameters
    ----------
    open_models : sequence of callable
        One for each model, called in the threads in this order; their results are not used.
    read : callable
        Called in the calling thread.
    threads : int
        Largest number of threads that open models.

    Returns
    -------
    object
        Result of `read`, once both have finished.

    Raises
    ------
    BaseException
        The error of the first of `open_models` that fails, else that of `read`: an error of a
        model concerns all scans.

    Examples
    --------
    >>> meanwhile([lambda: None], lambda: 7, 2)
    7
    """
    waiting = list(enumerate(open_models))[::-1]
    failures: dict[int, BaseException] = {}

    def work() -> None:
        while not failures:
            try:
                number, open_model = waiting.pop()
            except IndexError:  # another thread has taken the last
                return
            try:
                open_model()
            except BaseException as error:  # raised below, in the calling thread
                failures[number] = error

    workers = [
        threading.Thread(target=work, name="spinalcord-open")
        for _ in range(min(threads, len(waiting)))
    ]
    for worker in workers:
        worker.start()
    try:
        return read()
    finally:
        for worker in workers:
            worker.join()
        if failures:
            raise failures[min(failures)]


def read_scan(volume: Any, series: str | None, watch: Stopwatch) -> WorkingScan:
    """Read a scan as stage "read"; parameters and errors as for `WorkingScan`."""
    with watch.stage("read"):
        return WorkingScan(volume, series=series)


def read_inputs(
    volume: Any,
    mask: Any,
    lesion_label: Label,
    t1c: Any,
    series: str | None,
    watch: Stopwatch,
) -> tuple[WorkingScan, Array | None, WorkingScan | None]:
    """Read the scan, the mask and the contrast-enhanced scan.

    Parameters and errors as for `Pipeline.classify`.

    Returns
    -------
    scan : WorkingScan
    mask : uint8 (slices, rows, columns) array or None
        The mask, if one was given.
    t1c : WorkingScan or None
    """
    scan = read_scan(volume, series, watch)
    with watch.stage("read"):
        contrast = None if t1c is None else scan.coregistered(t1c, "t1c")
        if mask is None:
            if lesion_label is not None:
                raise InputError(f"lesion_label={lesion_label} needs a mask, got none")
            return scan, None, contrast
        if isinstance(mask, Segmentation):
            return scan, scan.mask(mask.mask), contrast
        return scan, scan.mask(mask, lesion_label), contrast
