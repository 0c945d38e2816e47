"""Read the scans of a case while models are opened."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from ..errors import InputError
from ..scans.labels import Label
from ..scans.preparation import Array, Stopwatch, WorkingScan
from .segmentation import Segmentation

Kind = TypeVar("Kind")


def meanwhile(open_models: Callable[[], Any], read: Callable[[], Kind]) -> Kind:
    """Read while a thread of its own opens the models.

    Reading is unpacking and Python, opening is the core, which lets Python run: the two hardly
    wait for each other.

    Parameters
    ----------
    open_models : callable
        What the thread calls; its result is not used.
    read : callable
        What the calling thread does.

    Returns
    -------
    object
        What `read` returns, once both have ended.

    Raises
    ------
    BaseException
        What `open_models` raised, else what `read` raised: a model concerns all scans.

    Examples
    --------
    >>> meanwhile(lambda: None, lambda: 7)
    7
    """
    failures: list[BaseException] = []

    def work() -> None:
        try:
            open_models()
        except BaseException as error:  # raised below, by the thread that asked
            failures.append(error)

    thread = threading.Thread(target=work, name="spinalcord-open")
    thread.start()
    try:
        return read()
    finally:
        thread.join()
        if failures:
            raise failures[0]


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
        Where one was given.
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
