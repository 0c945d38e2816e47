"""Trainings that do not need each other: in turn, in processes, or on a Dask cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from .. import _core
from ..cohort.listing import CohortCase
from ..errors import InputError
from ..scans.labels import Label
from .settings import Settings
from .trainer import About, train_cases


@dataclass(frozen=True)
class Job:
    """One training; it is done once its model file is there.

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
    """Do trainings; those that were interrupted go on, those that are done stay.

    Parameters
    ----------
    jobs : sequence of Job
        None needs another's model.
    processes : int, default 1
        Trainings at a time on this machine; they share its CPUs, and take turns on its GPUs.
    client : distributed.Client, optional
        A Dask cluster that does them, each on one worker; its workers see the same files.
    progress : bool, default False
        Whether to show bars on a terminal.
    say : callable, optional
        Gets a sentence for each training.

    Raises
    ------
    InputError, ModelError
        As for `train_cases`; `processes` below 1, or with `client`.
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
        futures = [client.submit(train_job, job, pure=False) for job in todo]
        for job, future in zip(todo, futures, strict=True):
            future.result()
            told(f"{job.name}: trained")
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


def train_job(
    job: Job,
    place: int | None = None,
    threads: int | None = None,
    *,
    progress: bool = False,
    say: Callable[[str], None] | None = None,
) -> None:
    """Do one training, in this process.

    Parameters
    ----------
    job : Job
    place : int, optional
        Of the jobs; where there are several GPUs, they take turns by it.
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
        os.environ["OMP_NUM_THREADS"] = str(threads)  # what the core goes by
    if place is not None and torch.cuda.is_available() and job.settings.device != "cpu":
        torch.cuda.set_device(place % torch.cuda.device_count())
    job.path.parent.mkdir(parents=True, exist_ok=True)
    train_cases(
        job.target, job.cases, job.path, job.about, settings=job.settings, init=job.init,
        backbone=job.backbone, resume=True, cache=job.cache, name=job.name,
        lesion_label=job.lesion_label, progress=progress, tell=say,
    )  # fmt: skip
