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
        """The notice, as an attribute of text holds it."""
        return plain_text(self.notice)


def plain_text(text: str) -> str:
    """Return a text as it is written whatever the character set of the source: ASCII, one line.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        At most 1024 characters, as many as the attributes take that hold it.

    Examples
    --------
    >>> plain_text("L \u2190 slice 3 \u2192 R")
    'L <- slice 3 -> R'
    """
    arrows = text.replace("\u2190", "<-").replace("\u2192", "->")
    return " ".join(arrows.encode("ascii", "replace").decode("ascii").split())[:1024]
