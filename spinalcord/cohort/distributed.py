"""Process cases on the workers of a Dask cluster (extra ``distributed``).

Workers write their results themselves, so inputs, models and the output folder must be on a shared
file system with the same paths; only the outcome of each case is sent back. If a worker dies, Dask
restarts its case on another one.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import __version__
from .._core import cpu
from ..errors import InputError
from ..extras import require
from .listing import CohortCase
from .processing import Outcome, RunSettings, fail, process_case

AHEAD = 2
"""Cases per worker thread that wait at the scheduler: enough to keep workers busy, and few enough
that a cohort of any size takes little memory there."""

RECOUNT_S = 10.0
TIMEOUT_S = 20


def connect(address: str) -> Any:
    """Connect to a scheduler.

    Parameters
    ----------
    address : str
        Such as ``"tcp://10.0.0.1:8786"``.

    Returns
    -------
    distributed.Client

    Raises
    ------
    MissingExtraError
        Dask is not installed.
    InputError
        No scheduler answers.
    """
    dask = require("distributed", "distributed", "a scheduler")
    try:
        return dask.Client(address, timeout=TIMEOUT_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(f"no Dask scheduler answers at {address}: {error}") from error


def run_distributed(
    client: Any,
    cases: Iterable[CohortCase],
    settings: RunSettings,
    out: Path,
    *,
    threads: int | None,
    resume: bool,
) -> Iterator[tuple[CohortCase, Outcome]]:
    """Process cases on the workers of a cluster.

    Parameters
    ----------
    client : distributed.Client
        Connected to the cluster.
    cases : iterable of CohortCase
        Taken as workers become free.
    settings, out, resume
        As for `process_case`.
    threads : int, optional
        Threads of each case; a worker's CPUs divided by its threads if not given.

    Yields
    ------
    CohortCase, Outcome
        In the order of completion.

    Raises
    ------
    InputError
        The cluster is no longer available.
    """
    from distributed import as_completed

    queue = iter(cases)
    ended = as_completed([], loop=client.loop)
    running: dict[str, tuple[Any, CohortCase]] = {}
    window, counted = 0, 0.0
    try:
        while True:
            if time.monotonic() - counted > RECOUNT_S:
                window = max(AHEAD * sum(client.ncores().values()), 8)
                counted = time.monotonic()
            while len(running) < window and (case := next(queue, None)) is not None:
                future = client.submit(
                    remote, case, settings, str(out), threads, resume, __version__, pure=False
                )
                running[future.key] = future, case
                ended.add(future)
            if not running:
                return
            future = next(ended)
            _, case = running.pop(future.key)
            yield case, _outcome(future, case, out)
    finally:
        if running:
            client.cancel([future for future, _ in running.values()])


def remote(
    case: CohortCase,
    settings: RunSettings,
    out: str,
    threads: int | None,
    resume: bool,
    version: str,
) -> Outcome:
    """Process one case on a worker."""
    try:
        check_worker(version, Path(out))
    except InputError as error:
        return Outcome("stop", "InputError", str(error))
    own = replace(settings, threads=threads or worker_threads())
    return process_case(case, own, Path(out), resume=resume)


def check_worker(version: str, folder: Path) -> None:
    """Check that a worker has the same version and sees the folder.

    Raises
    ------
    InputError
        It is one.
    """
    if version != __version__:
        raise InputError(
            f"this worker has spinalcord {__version__}, the run was started with {version}"
        )
    if not folder.is_dir():
        raise InputError(
            f"{folder}: no such folder on a worker; it must lie on a shared file system"
        )


def worker_threads() -> int:
    """Return the CPUs of the worker that this runs on, divided by its threads."""
    from distributed import get_worker

    return max(1, int(cpu()["threads"]) // int(get_worker().state.nthreads))


def _outcome(future: Any, case: CohortCase, out: Path) -> Outcome:
    from distributed import KilledWorker

    if future.status == "cancelled":
        raise InputError("the Dask cluster has gone; what was done is kept: run it again")
    if future.status == "error":
        error = future.exception()
        if isinstance(error, KilledWorker):
            reason = "several Dask workers died on this case; not enough memory?"
            return fail(case, out, "WorkerDied", reason)
        return Outcome("stop", type(error).__name__, f"on a Dask worker: {error}")
    outcome = future.result()
    assert isinstance(outcome, Outcome)
    return outcome
