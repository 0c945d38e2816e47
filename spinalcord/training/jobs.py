"""Run independent trainings: one after another, in processes, or on a Dask cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from .. import __version__, _core
from ..cohort.distributed import check_worker, worker_threads
from ..cohort.listing import CohortCase
from ..errors import InputError, SpinalcordError
from ..scans.labels import Label
from .settings import Settings
from .trainer import About, train_cases


@dataclass(frozen=True)
class Job:
    """One training; it is finished once its model file exists.

    Attributes
    ----------
    target, cases, path, about, settings, init, backbone, cache, name, lesion_label
        As for `spinalcord.training.trainer.train_cases`.
    """

    target: str
    cases: tuple[CohortCase, ...]
    path: Path
    about: About
    settings: Settings
    init: Path | None
    backbone: Path | None
    cache: Path
    name: str
    lesion_label: Label


def train_jobs(
    jobs: Sequence[Job],
    *,
    processes: int = 1,
    client: Any = None,
    progress: bool = False,
    say: Callable[[str], None] | None = None,
) -> None:
    """Run trainings; interrupted ones are resumed, finished ones are kept.

    Parameters
    ----------
    jobs : sequence of Job
        None depends on the model of another.
    processes : int, default 1
        Number of simultaneous trainings on this machine, which share its CPUs and are distributed
        over its GPUs.
    client : distributed.Client, optional
        Dask cluster that runs them, each on one worker; all workers must see the same files.
    progress : bool, default False
        Whether to show bars on a terminal.
    say : callable, optional
        Called with a sentence for each training.

    Raises
    ------
    InputError, ModelError
        As for `train_cases`; `processes` below 1, or with `client`; a worker of another version or
        without the files; workers that died several times on one training; a cluster that has gone.
    """
    if processes < 1:
        raise InputError(f"jobs is {processes}, expected at least 1")
    if client is not None and processes != 1:
        raise InputError("jobs is for this machine; with a Dask cluster its workers count")
    told = say or (lambda _: None)
    todo = [job for job in jobs if not job.path.is_file()]
    for job in jobs:
        if job not in todo:
            told(f"{job.name}: done before")
    if client is not None:
        _train_on_cluster(client, todo, told)
        return
    if processes == 1 or len(todo) < 2:
        for job in todo:
            train_job(job, progress=progress, say=told)
            told(f"{job.name}: trained")
        return
    threads = max(int(_core.cpu()["threads"]) // processes, 1)
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        places = [pool.submit(train_job, job, k, threads) for k, job in enumerate(todo)]
        for job, place in zip(todo, places, strict=True):
            place.result()
            told(f"{job.name}: trained")


def _train_on_cluster(client: Any, jobs: Sequence[Job], told: Callable[[str], None]) -> None:
    """Run each training on a worker; if a worker dies, Dask resumes its training on another one."""
    futures = [client.submit(train_remotely, job, __version__, pure=False) for job in jobs]
    try:
        for job, future in zip(jobs, futures, strict=True):
            _await(job, future)
            told(f"{job.name}: trained")
    finally:
        client.cancel(futures)


def _await(job: Job, future: Any) -> None:
    from distributed import KilledWorker

    error = future.exception()  # waits for the end
    if future.status == "cancelled":
        raise InputError("the Dask cluster is no longer available; repeat the command to resume")
    if isinstance(error, KilledWorker):
        raise InputError(
            f"{job.name}: several Dask workers died on this training; not enough memory? Repeat "
            "the command to resume"
        ) from error
    if isinstance(error, SpinalcordError):
        raise type(error)(f"{job.name}, on a Dask worker: {error}") from error
    future.result()  # raises any error that is not one of the package's own
    if not job.path.is_file():
        raise InputError(
            f"{job.path}: a Dask worker has written it elsewhere; it must lie on a shared file "
            "system"
        )


def train_remotely(job: Job, version: str) -> None:
    """Run one training on a Dask worker.

    Parameters
    ----------
    job : Job
    version : str
        Version of the package that submits it.

    Raises
    ------
    InputError, ModelError
        As for `train_cases`; the worker has another version, or does not see the cache's folder.
    """
    check_worker(version, job.cache.parent)
    train_job(job, threads=worker_threads())


def train_job(
    job: Job,
    place: int | None = None,
    threads: int | None = None,
    *,
    progress: bool = False,
    say: Callable[[str], None] | None = None,
) -> None:
    """Run one training in this process.

    Parameters
    ----------
    job : Job
    place : int, optional
        Index of the job, which selects one of several GPUs.
    threads : int, optional
        CPUs to use; all if not given.
    progress, say
        As for `train_jobs`.

    Raises
    ------
    InputError, ModelError
        As for `train_cases`.
    """
    if threads is not None:
        torch.set_num_threads(threads)
        os.environ["OMP_NUM_THREADS"] = str(threads)  # the core obeys this
    if place is not None and torch.cuda.is_available() and job.settings.device != "cpu":
        torch.cuda.set_device(place % torch.cuda.device_count())
    job.path.parent.mkdir(parents=True, exist_ok=True)
    train_cases(
        job.target, job.cases, job.path, job.about, settings=job.settings, init=job.init,
        backbone=job.backbone, resume=True, cache=job.cache, name=job.name,
        lesion_label=job.lesion_label, progress=progress, tell=say,
    )  # fmt: skip
