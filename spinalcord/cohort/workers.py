"""Process several cases in parallel on one machine, in processes that exchange JSON lines.

A worker is a new interpreter, not a fork, and does not import the caller's script, so that a run
can be started from a notebook or from a script without a guard. It opens its models once. If it
dies (out of memory, a crash in a library), another one replaces it and repeats its case; a case
that kills two workers has failed.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import json
import os
import selectors
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO

from ..threads import thread_limits
from .listing import CohortCase
from .processing import Outcome, RunSettings, fail, process_case

MAX_DEATHS = 2
"""Workers that one case may take with it."""


def run_local(
    cases: Iterable[CohortCase], settings: RunSettings, out: Path, jobs: int, resume: bool
) -> Iterator[tuple[CohortCase, Outcome]]:
    """Process cases in `jobs` processes, each with the threads in the settings.

    Parameters
    ----------
    cases : iterable of CohortCase
        Consumed one at a time.
    settings, out, resume
        As for `process_case`.
    jobs : int
        Number of processes; 1: this process.

    Yields
    ------
    CohortCase, Outcome
        As they end.
    """
    if jobs == 1:
        for case in cases:
            yield case, process_case(case, settings, out, resume=resume)
        return
    pool = _Pool(settings, out, resume)
    try:
        yield from pool.run(cases, jobs)
    finally:
        pool.kill()


class _Worker:
    """A process and its current case."""

    def __init__(self, setup: str, threads: int) -> None:
        # "-c" rather than "-m": the package is imported from the same place as in this process.
        # Python ignores entries that are not strings, such as a Path.
        path = [str(entry) for entry in sys.path if isinstance(entry, str)]
        program = (
            f"import sys; sys.path[:] = {path!r}; "
            "from spinalcord.cohort.workers import serve; serve()"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | thread_limits(threads),
            start_new_session=True,  # Ctrl-C is handled by the parent, which ends its workers
        )
        self.case: CohortCase | None = None
        self.deaths = 0
        self._send(setup)

    @property
    def stdout(self) -> IO[str]:
        """Stream of its answers."""
        assert self.process.stdout is not None
        return self.process.stdout

    @property
    def at(self) -> CohortCase:
        """Its current case."""
        assert self.case is not None
        return self.case

    def give(self, case: CohortCase, deaths: int = 0) -> None:
        self.case, self.deaths = case, deaths
        self._send(json.dumps(asdict(case)))

    def answer(self) -> Outcome | None:
        """Return the outcome of the case; None if the process died."""
        line = self.stdout.readline()
        return Outcome(**json.loads(line)) if line.endswith("\n") else None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _send(self, line: str) -> None:
        stream = self.process.stdin
        assert stream is not None
        with contextlib.suppress(BrokenPipeError):  # it has died, as answer() reports
            stream.write(line + "\n")
            stream.flush()


class _Pool:
    def __init__(self, settings: RunSettings, out: Path, resume: bool) -> None:
        self._settings = settings
        self._out = out
        self._setup = json.dumps(
            {
                "settings": settings.to_dict(),
                "out": str(out),
                "resume": resume,
                "parent": os.getpid(),
            }
        )
        self._selector = selectors.DefaultSelector()
        self._workers: list[_Worker] = []

    def run(self, cases: Iterable[CohortCase], jobs: int) -> Iterator[tuple[CohortCase, Outcome]]:
        queue = iter(cases)
        for case in itertools.islice(queue, jobs):
            self._start().give(case)
        while self._workers:
            for key, _ in self._selector.select():
                worker: _Worker = key.data
                case, outcome = worker.at, worker.answer()
                if outcome is None:
                    worker, outcome = self._replace(worker, case)
                if outcome is None:
                    continue
                yield case, outcome
                following = next(queue, None)
                if following is None:
                    self._end(worker)
                else:
                    worker.give(following)

    def kill(self) -> None:
        for worker in list(self._workers):
            self._end(worker)
        self._selector.close()

    def _replace(self, dead: _Worker, case: CohortCase) -> tuple[_Worker, Outcome | None]:
        """Start another worker and give it the case again, or return that the case has failed."""
        self._end(dead)
        code, deaths = dead.process.returncode, dead.deaths + 1
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        worker = self._start()
        if deaths < MAX_DEATHS:
            worker.give(case, deaths)
            return worker, None
        # The kernel kills a process that takes the last memory with this signal.
        memory = "; not enough memory?" if code == -signal.SIGKILL else ""
        reason = f"the process died {deaths} times on this case ({how}){memory}"
        return worker, fail(case, self._out, "WorkerDied", reason)

    def _start(self) -> _Worker:
        worker = _Worker(self._setup, self._settings.threads)
        self._selector.register(worker.stdout, selectors.EVENT_READ, worker)
        self._workers.append(worker)
        return worker

    def _end(self, worker: _Worker) -> None:
        self._selector.unregister(worker.stdout)
        self._workers.remove(worker)
        worker.kill()


def serve() -> None:
    """Run a worker: read the setup and then cases from standard input, until it closes."""
    # Standard output is reserved for results; output of libraries goes to stderr.
    answers: IO[str] = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with open(0, encoding="utf-8", closefd=False) as requests:
        setup = json.loads(requests.readline())
        _die_with(setup["parent"])
        settings = RunSettings.from_dict(setup["settings"])
        out = Path(setup["out"])
        for line in requests:
            case = CohortCase(**json.loads(line))
            try:
                outcome = process_case(case, settings, out, resume=setup["resume"])
            except Exception as error:
                traceback.print_exc()
                outcome = Outcome("stop", type(error).__name__, str(error))
            answers.write(json.dumps(outcome.to_dict()) + "\n")
            answers.flush()


def _die_with(parent: int) -> None:
    """Ask the kernel to end this process with its parent, so that it does not continue to write."""
    set_parent_death_signal = 1
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(set_parent_death_signal, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
