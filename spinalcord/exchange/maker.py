"""The models that made an object, in the form in which DICOM objects state it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .. import __version__


@dataclass(frozen=True)
class Maker:
    """The model that made a result.

    Attributes
    ----------
    model : str
        Name and version of the model.
    digest : str
        SHA-256 of its file.
    notice : str
        Notice to be repeated with every result.
    warnings : tuple of str
        Warnings about the result.
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
        """The notice as the value of a text attribute."""
        return plain_text(self.notice)


def plain_text(text: str) -> str:
    """Return a text that is valid in every character set: ASCII, one line.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        At most 1024 characters, the limit of the attributes.

    Examples
    --------
    >>> plain_text("L \u2190 slice 3 \u2192 R")
    'L <- slice 3 -> R'
    """
    arrows = text.replace("\u2190", "<-").replace("\u2192", "->")
    return " ".join(arrows.encode("ascii", "replace").decode("ascii").split())[:1024]
