"""Write long text files incrementally, such that they are either complete or absent."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ..errors import InputError
from ..scans.writing import UNDECODABLE


class TextFile:
    """A file with a temporary name until it is complete.

    Parameters
    ----------
    path : Path
        Final path, in an existing folder.

    Raises
    ------
    InputError
        On entering, writing and finishing: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
        self._file: IO[str] | None = None

    def __enter__(self) -> TextFile:
        with self._named():
            clear_parts(self._path)
            self._file = open(self._part, "x", encoding="utf-8", errors=UNDECODABLE, newline="\n")
        return self

    def write(self, text: str) -> None:
        """Add some text."""
        assert self._file is not None
        with self._named():
            self._file.write(text)

    def finish(self) -> None:
        """Rename the file to its final name."""
        assert self._file is not None
        with self._named():
            self._file.flush()
            os.fsync(self._file.fileno())
            os.replace(self._part, self._path)

    def __exit__(self, *_: object) -> None:
        assert self._file is not None
        with contextlib.suppress(OSError):  # a full disk is reported only where it occurred
            self._file.close()
        with contextlib.suppress(OSError):
            self._part.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"{self._path}: cannot be written: {error.strerror or error}"
            ) from error


def clear_parts(path: Path) -> None:
    """Remove temporary files that killed runs have left."""
    for left in path.parent.glob(f".{path.name}.*.part"):
        left.unlink(missing_ok=True)
