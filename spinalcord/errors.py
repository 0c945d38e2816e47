"""Exceptions and warnings of the package."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar


class SpinalcordError(Exception):
    """Base class of all exceptions of the package."""


class InputError(SpinalcordError, ValueError):
    """A scan, mask or option is invalid."""


class SeriesError(InputError):
    """Several usable DICOM series, or none; the message lists the candidates."""


class ModelError(SpinalcordError, ValueError):
    """A model file is missing, damaged or of the wrong kind."""


class BackendError(SpinalcordError, RuntimeError):
    """oneDNN failed, or this CPU lacks a feature; the message contains the status."""


class SpinalcordWarning(UserWarning):
    """A result is usable with a reservation, which the message states."""


def note_warning(message: str) -> None:
    """Record a warning for the result that this thread is computing, if any."""
    heard = _heard.get()
    if heard is not None:
        heard.append(message)


@contextlib.contextmanager
def note_warnings() -> Iterator[list[str]]:
    """Collect the arguments of `note_warning` inside a ``with`` block, in this thread only.

    Yields
    ------
    list of str
        Grows with every note.
    """
    heard: list[str] = []
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


_heard: ContextVar[list[str] | None] = ContextVar("heard", default=None)
