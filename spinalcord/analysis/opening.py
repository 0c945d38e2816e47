"""Open models while a scan is read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

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
