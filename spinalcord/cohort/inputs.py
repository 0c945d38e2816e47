"""Identify input files by content, to decide whether a case has to be recomputed.

Reading every byte of a cohort to find that nothing has changed would be slow. Therefore a digest is
stored with a stamp (size, times of change and inode of each file), as in git; bytes are read again
only if the stamp differs.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..scans.writing import file_sha256


def describe_input(path: str | os.PathLike[str], files: Iterable[Path] = ()) -> dict[str, Any]:
    """Identify an input.

    Parameters
    ----------
    path : path
        Path in the cohort: a file, or a folder, which stands for all files below it.
    files : iterable of Path
        Files that were read for a file: itself, and others such as the rest of its series.

    Returns
    -------
    dict
        ``files``: names relative to the folder of `path`, None for a folder; ``stamp``;
        ``sha256``: of the files' names and contents.

    Raises
    ------
    InputError
        A file cannot be read, or changed meanwhile.
    """
    path = Path(path)
    names = None
    if not path.is_dir():
        names = sorted(os.path.relpath(file, path.parent) for file in files) or [path.name]
    before = _stamp(path, names)
    digest = _digest(path, names)
    if _stamp(path, names) != before:
        raise InputError(f"{path}: changed while it was read")
    return {"files": names, "stamp": before, "sha256": digest}


def is_unchanged(path: str | os.PathLike[str], known: dict[str, Any]) -> bool:
    """Return whether an input agrees with its description, without reading it."""
    try:
        return bool(_stamp(Path(path), known["files"]) == known["stamp"])
    except (InputError, OSError):
        return False


def again(path: str | os.PathLike[str], known: dict[str, Any]) -> dict[str, Any] | None:
    """Describe an input again, for comparison; None if it cannot be read."""
    path = Path(path)
    names = known["files"]
    if (names is None) != path.is_dir():
        return None
    try:
        return describe_input(path, [path.parent / name for name in names or ()])
    except (InputError, OSError):
        return None


def _files(path: Path, names: list[str] | None) -> list[tuple[str, Path]]:
    if names is not None:
        return [(name, path.parent / name) for name in names]

    def refuse(error: OSError) -> None:
        raise error

    return sorted(
        (os.path.relpath(file, path), file)
        for root, _, found in os.walk(path, onerror=refuse)
        for file in (Path(root) / name for name in found)
    )


def _stamp(path: Path, names: list[str] | None) -> str:
    digest = hashlib.sha256()
    for name, file in _files(path, names):
        state = os.stat(file)
        times = state.st_mtime_ns, state.st_ctime_ns
        digest.update(
            f"{name}\0{state.st_size} {times} {state.st_ino}\n".encode("utf-8", "replace")
        )
    return digest.hexdigest()


def _digest(path: Path, names: list[str] | None) -> str:
    files = _files(path, names)
    if names is not None and len(files) == 1:
        return file_sha256(files[0][1])  # as sha256sum prints it
    digest = hashlib.sha256()
    for name, file in files:
        digest.update(f"{name}\0{file_sha256(file)}\n".encode("utf-8", "replace"))
    return digest.hexdigest()
