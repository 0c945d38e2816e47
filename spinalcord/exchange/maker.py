"""Who made an object: the models, in the form that DICOM objects state it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .. import __version__


@dataclass(frozen=True)
class Maker:
    """What made a result.

    Attributes
    ----------
    model : str
        Name and version of the model.
    digest : str
        SHA-256 of its file.
    notice : str
        What must be said with every result.
    warnings : tuple of str
        Reservations with which the result can be used.
    """

    model: str
    digest: str
    notice: str = ""
    warnings: Sequence[str] = ()

    version: str = __version__

    @property
    def serial(self) -> str:
        """Device serial number: the beginning of the digest."""
        return self.digest[:16] or "unknown"

    @property
    def comment(self) -> str:
        """The notice, for an attribute of at most 64 characters a line."""
        return self.notice[:1024]
