"""Store the progress of a run: one JSON record per case, and a lock on the output folder.

The results of a case are written first, each under a temporary name and then renamed, and its
record last: if there is a record, everything that it lists is complete. A killed process leaves no
record of its current case, which the next run therefore repeats.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..scans.writing import write_text
from .listing import CohortCase

FORMAT = 1
STATE = ".spinalcord"
PICTURES = "qc"


def record_path(out: Path, case: CohortCase) -> Path:
    """Return the path of a case's record, in one of 256 folders: none holds a million files."""
    return out / STATE / "cases" / _shard(case) / f"{case.name}.json"


def picture_path(out: Path, case: CohortCase) -> Path:
    """Return the path of the picture of a case for quality control, likewise."""
    return out / PICTURES / _shard(case) / f"{case.name}.png"


def _shard(case: CohortCase) -> str:
    return hashlib.sha256(case.name.encode("utf-8", "surrogateescape")).hexdigest()[:2]


def read_record(out: Path, case: CohortCase) -> dict[str, Any] | None:
    """Return the record of a case; None if there is none, or one of another format."""
    try:
        with open(record_path(out, case), encoding="utf-8") as file:
            record = json.load(file)
    except (OSError, ValueError):
        return None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        return None
    return record if record.get("case_id") == case.case_id else None


def write_record(out: Path, case: CohortCase, record: Mapping[str, Any]) -> None:
    """Write the record of a case atomically.

    Raises
    ------
    InputError
        It cannot be written.
    """
    content = {"format": FORMAT, "case_id": case.case_id, **record}
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    write_text(record_path(out, case), text)


def forget(out: Path, case: CohortCase) -> None:
    """Remove the record of a case and its unfinished results before it is processed again.

    Raises
    ------
    InputError
        The folder cannot be written to.
    """
    path = record_path(out, case)
    record = read_record(out, case) or {}
    try:
        path.unlink(missing_ok=True)
        for file in record.get("files", ()):
            (out / file["name"]).unlink(missing_ok=True)
        for folder, begins in (
            (path.parent, f".{path.name}"),
            (out / case.folder, f".{case.stem}"),
            (picture_path(out, case).parent, f".{case.name}"),
        ):
            for left in folder.glob("*.part") if folder.is_dir() else ():
                if left.name.startswith((f"{begins}.", f"{begins}_")):
                    left.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be removed: {error.strerror}") from error


@contextlib.contextmanager
def locked(out: Path) -> Iterator[None]:
    """Create the output folder and lock it for one run.

    The lock is the kernel's (flock), which releases it when the process ends for any reason.

    Raises
    ------
    InputError
        Another run has locked it, or it cannot be written to.
    """
    path = out / STATE / "lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115 - closed below
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror or error}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise InputError(
                    f"{out}: cannot be locked ({error.strerror}): choose a folder on a file "
                    "system that knows locks"
                ) from error
            file.seek(0)
            holder = file.read(200).strip() or "unknown"
            raise InputError(
                f"{out} is being written by another run ({holder}): wait for it, or choose "
                "another folder"
            ) from error
        # The holder, for the message above; the lock works without it, even on a full disk.
        with contextlib.suppress(OSError):
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}")
            file.flush()
        yield
