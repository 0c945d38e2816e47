"""What the package raises: each message names what was given and what was expected."""

from __future__ import annotations


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
