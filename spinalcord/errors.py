"""What the package raises: each message names what was given and what was expected."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar


class SpinalcordError(Exception):
    """Base of every error that the package raises on purpose."""


class InputError(SpinalcordError, ValueError):
    """A scan, mask or option breaks its documented contract."""


class SeriesError(InputError):
    """Several usable DICOM series, or none; the message lists the candidates."""


class ModelError(SpinalcordError, ValueError):
    """A model file is missing, damaged, of another kind, or not what it claims."""


class BackendError(SpinalcordError, RuntimeError):
    """oneDNN, or this CPU, could not do it; the message holds its own status."""


class SpinalcordWarning(UserWarning):
    """A result can be used, but with the reservation that the message states."""


def note_warning(message: str) -> None:
    """Note a reservation for the result that is being made in this thread, if any."""
    heard = _heard.get()
    if heard is not None:
        heard.append(message)


@contextlib.contextmanager
def note_warnings() -> Iterator[list[str]]:
    """Gather what `note_warning` is given inside a ``with`` block, in this thread alone.

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
