"""Checksums beside model files: ``SHA256SUMS``, in the format of ``sha256sum``.

If a folder contains such a file, a model in it is opened only if its sha256 is listed. The models
of the package have one; `spinalcord.models.release` writes it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ModelError
from ..scans.writing import write_bytes

if TYPE_CHECKING:
    from .model_file import Model

SUMS = "SHA256SUMS"
"""Name of the file."""

SCALES = "int8-scales.json"
"""Name of the scales for int8 (`spinalcord.models.int8`), which the list may name as well."""

_LINE = re.compile(r"([0-9a-f]{64}) [ *]([^/\\]+)")


def read_sums(folder: Path) -> dict[str, str] | None:
    """Read the checksums of a folder.

    Parameters
    ----------
    folder : pathlib.Path

    Returns
    -------
    dict of str to str or None
        Lower-case hexadecimal sha256 by file name; None if the folder has no list.

    Raises
    ------
    ModelError
        The list cannot be read, is damaged, or names a file twice.
    """
    path = folder / SUMS
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"cannot read {path}: {error}") from error
    sums: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line)
        if match is None or match[2] in sums:
            raise ModelError(
                f"{path}: line {number} is {line[:80]!r}, expected a sha256 of 64 hexadecimal "
                "digits, two spaces and a file's name that no other line has"
            )
        sums[match[2]] = match[1]
    return sums


def save_sums(folder: Path, sums: Mapping[str, str]) -> Path:
    """Write the list of a folder, replacing an existing one.

    Parameters
    ----------
    folder : pathlib.Path
    sums : mapping of str to str
        As from `read_sums`.

    Returns
    -------
    pathlib.Path
        The list.

    Raises
    ------
    InputError
        A place that cannot be written.
    """
    lines = [f"{sums[name]}  {name}\n" for name in sorted(sums)]
    return write_bytes(folder / SUMS, "".join(lines).encode())


def relist(folder: Path, name: str, content: bytes) -> None:
    """Put the checksum of a file that we write into the folder's list, where that names it.

    The other checksums stay as they are: a file that is damaged stays one.

    Parameters
    ----------
    folder : pathlib.Path
    name : str
        Of the file.
    content : bytes
        What it contains now.

    Raises
    ------
    ModelError
        As for `read_sums`.
    InputError
        The list cannot be written.
    """
    sums = read_sums(folder)
    if sums is None or name not in sums:
        return
    save_sums(folder, {**sums, name: hashlib.sha256(content).hexdigest()})


def check_folder(folder: Path, files: list[Path]) -> None:
    """Check that a folder's list of checksums contains exactly its model files.

    Nothing is hashed here: `check_model` does that when a file is opened.

    Parameters
    ----------
    folder : pathlib.Path
    files : list of pathlib.Path
        The model files in it.

    Raises
    ------
    ModelError
        A listed file is missing, or a file is not listed; the list is damaged.
    """
    sums = read_sums(folder)
    if sums is None:
        return
    there = {path.name for path in files}
    there |= {SCALES} if (folder / SCALES).is_file() else set()
    for name in sums:
        if name not in there:
            raise ModelError(f"{folder / name} is missing: {SUMS} beside it lists it{_ADVICE}")
    for path in files:
        _expected(path, sums)


def check_model(model: Model) -> None:
    """Check a model file against the checksums of its folder, if there are any.

    Parameters
    ----------
    model : Model
        Its `sha256` is computed, which takes about 10 ms for 14 MB.

    Raises
    ------
    ModelError
        The file differs from the one listed, or is not listed; the list is damaged.
    """
    sums = read_sums(model.path.parent)
    if sums is None:
        return
    expected = _expected(model.path, sums)
    if model.sha256 != expected:
        raise ModelError(
            f"{model.path} is damaged or another file: its sha256 is {model.sha256}, "
            f"{SUMS} beside it says {expected}{_ADVICE}"
        )


_ADVICE = "; install the package again, or get the folder anew from where it came from"


def _expected(path: Path, sums: dict[str, str]) -> str:
    if path.name not in sums:
        raise ModelError(
            f"{path} is not listed in {SUMS} beside it: models of your own belong in another "
            "folder, or list them there, in the format of sha256sum"
        )
    return sums[path.name]
