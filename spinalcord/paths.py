"""Check paths given by users: URLs are rejected, because nothing is downloaded."""

from __future__ import annotations

import os
import re
from pathlib import Path

from .errors import InputError

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/{1,3}[^/]")


def local_path(path: str | os.PathLike[str], error: type[Exception] = InputError) -> Path:
    """Return a path of the local file system.

    Parameters
    ----------
    path : path-like
        Path given by the user: a file or a folder, which need not exist.
    error : type of Exception, default InputError
        Class of the error for a URL.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    InputError
        A URL, such as ``"https://host/t2.nii.gz"``, or the type given as `error`.

    Examples
    --------
    >>> local_path("scans/t2.nii.gz").name
    't2.nii.gz'
    """
    text = os.fsdecode(path)
    if _URL.match(text) and not os.path.lexists(text):
        raise error(
            f"{text}: expected a local file or folder, got a URL; nothing is downloaded: "
            "download it first and give the path of the copy"
        )
    return Path(text)
