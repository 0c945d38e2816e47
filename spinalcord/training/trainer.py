"""Train a network on a cohort and write its model file; can be stopped and resumed at any time."""

from __future__ import annotations

import copy
import os
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .. import __version__
from ..cohort.listing import CohortCase
from ..cohort.textfile import clear_parts
from ..errors import InputError, SpinalcordWarning
from ..models.model_file import write_model
from ..paths import local_path
from ..scans.labels import Label
from .batch_norm import kind_for
from .cache import Entry, cord_counts, prepare_cases
from .export import describe, export_model
from .growth import check_growth
from .loop import Loop
from .patients import fingerprint, list_cases, make_notice
from .problems import make_problem
from .settings import PREPARED, SEGMENTATION, START, Settings, check_target
from .splitting import TRAIN, VALIDATION
from .starting import load_backbone, load_init, write_start
from .torch_networks import copy_tensors
from .whole_scans import MOST_SCANS, choose_scans, judge_scans, opened


@dataclass(frozen=True)
class TrainingResult:
    """Results of a training.

    Attributes
    ----------
    model : Path
        The model file, or the four-class start.
    history : list of dict
        One row per epoch, as in the CSV file.
    best_epoch : int
        Epoch of the weights in the file.
    figures : dict
        Metrics of the model file on the validation split.
    files : list of Path
        Learning curves: a page, a table and a picture.
    finished : str
        Reason for the end: "epochs", "minutes" or "no gain".
    """

    model: Path
    history: list[dict[str, Any]]
    best_epoch: int
    figures: dict[str, Any]
    files: list[Path]
    finished: str


def train_network(
    target: str,
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    settings: Settings | None = None,
    init: str | os.PathLike[str] | None = None,
    backbone: str | os.PathLike[str] | None = None,
    resume: bool = False,
    cache: str | os.PathLike[str] | None = None,
    name: str | None = None,
    columns: Mapping[str, str] | None = None,
    words: Mapping[str, Mapping[str, str]] | None = None,
    lesion_label: Label = None,
    progress: bool = False,
) -> TrainingResult:
    """Train a network on the training split of a cohort, monitored on the validation split.

    Parameters
    ----------
    target : str
        "segmentation", a task, or "diagnosis": the four-class start for the three classifiers.
    data : path
        The cohort; see `spinalcord.training.patients.list_cases`.
    out : path
        Model file to write, ending in ``.safetensors``.  Beside it a folder ``NAME.training``
        gets checkpoint, learning curves, and of the best and the last weights those that `out`
        does not hold.
    settings : Settings, optional
    init : path, optional
        Model file or four-class start with the initial weights.
    backbone : path, optional
        torchvision's densenet121 state_dict, for a classifier's features.
    resume : bool, default False
        Resume from the checkpoint, if there is one.
    cache : path, optional
        Folder for prepared slices, which trainings may share; ``training-cache`` beside `out` if
        not given.
    name : str, optional
        In the model file; the name of `out` if not given.
    columns, words : mapping, optional
        As for `spinalcord.CohortInputs`: names of columns, words for sex and diagnosis.
    lesion_label : int, str or mapping, optional
        As for `spinalcord.classify`: what in the lesion masks is lesion.
    progress : bool, default False
        Whether to show bars on a terminal.

    Returns
    -------
    TrainingResult

    Raises
    ------
    InputError
        As `list_cases`; an option that does not fit, such as growth with `init`; a checkpoint that
        is in the way, or that belongs to another training; a loss that is not finite.
    ModelError
        `init` or `backbone` does not fit.
    """
    settings, out = settings or Settings(), local_path(out)
    check_files(target, out, init, backbone, resume)
    check_window(target, settings)
    check_growth(target, settings, init or backbone)
    cases, origin = list_cases(
        data, target, seed=settings.seed, columns=columns, words=words, carry=settings.auxiliary
    )
    about = About(Path(data).resolve().name, make_notice(Path(data)), {"split": origin})
    return train_cases(
        target, cases, out, about, settings=settings, init=init, backbone=backbone, resume=resume,
        cache=cache, name=name, lesion_label=lesion_label, progress=progress,
    )  # fmt: skip


@dataclass(frozen=True)
class About:
    """Information in a model file on its training cohort.

    Attributes
    ----------
    name : str
        Name of the cohort, without its path.
    notice : str
        Notice that every result repeats.
    facts : mapping
        Further entries of ``training``; ``split`` says where the split comes from.
    """

    name: str
    notice: str
    facts: Mapping[str, Any]


def train_cases(
    target: str,
    cases: Sequence[CohortCase],
    out: str | os.PathLike[str],
    about: About,
    *,
    settings: Settings,
    init: str | os.PathLike[str] | None = None,
    backbone: str | os.PathLike[str] | None = None,
    resume: bool = False,
    cache: str | os.PathLike[str] | None = None,
    name: str | None = None,
    lesion_label: Label = None,
    progress: bool = False,
    tell: Callable[[str], None] | None = None,
) -> TrainingResult:
    """Train a network on listed cases.

    Parameters
    ----------
    target, out, settings, init, backbone, resume, cache, name, lesion_label, progress
        As for `train_network`.
    cases : sequence of CohortCase
        Cases of the splits train and validation, with masks.
    about : About
    tell : callable, optional
        Called after the first steps with a sentence on the expected duration.

    Returns
    -------
    TrainingResult

    Raises
    ------
    InputError, ModelError
        As for `train_network`.
    """
    out, settings = Path(out), settings.resolved(target)
    work = check_files(target, out, init, backbone, resume)
    check_growth(target, settings, init or backbone)
    for path in (out, *(work / name for name in ("checkpoint.pt", "curves.csv", "curves.png"))):
        clear_parts(path)  # unfinished files of a killed training
    metadata = describe(
        target, ["lesion", "cord"], name or out.stem, settings.preprocessing(target)
    )
    entries = prepare_for(
        target, cases, settings, cache or out.parent / "training-cache",
        lesion_label=lesion_label, progress=progress,
    )  # fmt: skip
    if target == SEGMENTATION and tell is None and (told := cord_counts(entries)):
        warnings.warn(f"{about.name}: {told}", SpinalcordWarning, stacklevel=2)
    problem = make_problem(target, entries, settings)
    validation = [e for e in entries if e.case.split == VALIDATION]
    loop = Loop(target, problem, settings, work, fingerprint(cases, target))
    loop.tell = tell
    if target == SEGMENTATION:
        labels = {**metadata["labels"], "outputs": list(problem.outputs)}
        metadata = {**metadata, "labels": labels}
        loop.judge = partial(_judge, metadata, choose_scans(validation, MOST_SCANS), loop)
    if resume and loop.checkpoint.is_file():
        loop.restore()
    else:
        if backbone is not None:
            load_backbone(loop.network, backbone)
        if init is not None:
            load_init(loop.network, target, init)
        loop.mean.begin(loop.network.state_dict())
    finished = loop.run(progress)
    _write_other(target, loop, "best" if settings.keep == "last" else "last", metadata)
    state, epoch = loop.chosen(settings.keep)
    loop.network.load_state_dict(state)
    start = "backbone" if backbone else "init" if init else "random"
    facts = _facts(target, cases, about, settings, loop, start)
    facts |= {"best_epoch": epoch, "last": loop.history[epoch - 1]}
    if target == SEGMENTATION:
        facts["cord_known"] = sum(entry.has_cord for entry in entries)
    problem.finish(loop.network)
    network = loop.network.cpu().eval()
    figures = _write(target, out, network, metadata, facts, validation, problem, about.notice)
    files = sorted(work.glob("curves.*"))
    return TrainingResult(out, loop.history, epoch, figures, files, finished)


def prepare_for(
    target: str,
    cases: Sequence[CohortCase],
    settings: Settings,
    cache: str | os.PathLike[str],
    *,
    lesion_label: Label = None,
    progress: bool = False,
) -> list[Entry]:
    """Prepare cases for the training of a target.

    Parameters
    ----------
    target, cases, settings, cache, lesion_label, progress
        As for `train_cases`.

    Returns
    -------
    list of Entry
        In the order of the cases.

    Raises
    ------
    InputError
        As `prepare_cases`.
    """
    metadata = describe(target, ["lesion", "cord"], target, settings.prepared(target))
    return prepare_cases(cases, metadata, cache, lesion_label=lesion_label, progress=progress)


def check_window(target: str, settings: Settings) -> None:
    """Check that no window is set for the network that sees patches; else InputError."""
    if target == SEGMENTATION and settings.window not in (None, PREPARED):
        raise InputError("window is for classifiers; a segmentation network sees patches")


def check_files(target: str, out: Path, init: Any, backbone: Any, resume: bool) -> Path:
    """Return the folder of a training's checkpoint; raise InputError if files do not fit."""
    check_target(target)
    if out.suffix != ".safetensors":
        raise InputError(f"{out.name}: a model file's name ends in .safetensors")
    if backbone is not None and (target == SEGMENTATION or init is not None):
        raise InputError("a backbone is for a classifier that does not start from init")
    work = out.with_name(f"{out.stem}.training")
    if not resume and (work / "checkpoint.pt").exists():
        raise InputError(
            f"{work / 'checkpoint.pt'} exists from an earlier training: resume it, remove its "
            "folder, or name another model file"
        )
    return work


def _judge(metadata: dict[str, Any], scans: list[Entry], loop: Loop) -> dict[str, float]:
    """Evaluate the network of the loop on whole scans, and find its errors in training scans."""
    precision = "bf16" if loop.bf16 else "f32"
    with opened(loop.network, metadata, loop.checkpoint.parent, precision) as network:
        if loop.settings.mined:
            loop.problem.mine(network, loop.step)
        return judge_scans(network, scans)


def _facts(
    target: str, cases: Sequence[CohortCase], about: About, settings: Settings, loop: Loop,
    start: str,
) -> dict[str, Any]:  # fmt: skip
    """Return the facts about a training for the model file, without paths and names of cases."""
    counts = {
        split: dict(
            sorted(Counter(c.diagnosis or "none" for c in cases if c.split == split).items())
        )
        for split in (TRAIN, VALIDATION)
    }
    return {
        "target": target,
        "data": about.name,
        "cases": counts,
        "patients": len({case.participant_id for case in cases}),
        **about.facts,
        "split": f"by patient, {about.facts['split']}",
        "settings": {**asdict(settings), **settings.fixed()},
        "start": start,
        "epochs": loop.epoch,
        "steps": loop.step,
        "minutes": round(loop.seconds / 60, 1),
        "device": loop.device.type,
        "precision": "bf16" if loop.bf16 else "f32",
        "waiting_for_data": round(loop.waited, 4),
        "batch_norm": kind_for(loop.device, loop.bf16, compiled=settings.compile),
        "torch": torch.__version__,
        "spinalcord": __version__,
    }


def _write_other(target: str, loop: Loop, which: str, metadata: dict[str, Any]) -> None:
    """Write those of the best and the last weights that are not exported."""
    network = copy.deepcopy(loop.network).cpu()
    state, epoch = loop.chosen(which)
    network.load_state_dict(state)
    loop.problem.finish(network)
    path = loop.checkpoint.with_name(f"{which}.safetensors")
    if target == START:
        write_start(path, copy_tensors(network), {"training": {"epoch": epoch}})
    else:
        write_model(path, copy_tensors(network), metadata)


def _write(
    target: str, out: Path, network: nn.Module, metadata: dict[str, Any], facts: dict[str, Any],
    validation: list[Entry], problem: Any, notice: str,
) -> dict[str, Any]:  # fmt: skip
    if target == START:
        write_start(out, copy_tensors(network), {"training": facts, "notice": notice})
        return {key: facts["last"][key] for key in ("validation_loss", *problem.figures)}
    whole = {**metadata, "training": facts, "notice": notice}
    return export_model(network, whole, validation, out)
