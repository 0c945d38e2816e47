"""Train a network on a cohort, from the folder to the model file; stop and go on at any time."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from .. import __version__, _core
from ..cohort.listing import CohortCase
from ..errors import InputError
from ..models.file_settings import OLD_STRETCH
from ..paths import local_path
from .averaging import WeightMean
from .batch_norm import kind_for
from .cache import Entry, prepare_cases
from .checkpoints import load_checkpoint, save_checkpoint
from .export import describe, export_model
from .learning_curves import write_curves
from .patients import TRAIN, VALIDATION, fingerprint, list_cases, make_notice
from .problems import Problem, make_problem
from .settings import PREPARED, SEGMENTATION, START, Settings, check_target, rate_at
from .starting import load_backbone, load_init, write_start
from .torch_networks import copy_tensors
from .whole_scans import MOST_SCANS, choose_scans, judge_scans, opened

CHECKPOINT_S = 300.0
"""Seconds of work that a kill can cost at most, about."""

JUDGED_SHARE = 0.05
"""Share of the time that goes into measuring whole scans, about."""


@dataclass(frozen=True)
class TrainingResult:
    """What a training made.

    Attributes
    ----------
    model : Path
        The model file, or the four-class start.
    history : list of dict
        One row an epoch, as in the CSV file.
    best_epoch : int
        Whose weights the file holds.
    figures : dict
        Of the model file on the validation split.
    files : list of Path
        Learning curves.
    finished : str
        Why it ended: "epochs", "minutes" or "no gain".
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
    lesion_label: int | None = None,
    progress: bool = False,
) -> TrainingResult:
    """Train a network on the split train of a cohort, watched on the split validation.

    Parameters
    ----------
    target : str
        "segmentation", a task, or "diagnosis": the four-class start for the three classifiers.
    data : path
        The cohort; see `spinalcord.training.patients.list_cases`.
    out : path
        Model file to write, ending in ``.safetensors``.  Beside it a folder ``NAME.training``
        gets checkpoint and learning curves.
    settings : Settings, optional
    init : path, optional
        Model file or four-class start whose weights to begin with.
    backbone : path, optional
        torchvision's densenet121 state_dict, for a classifier's features.
    resume : bool, default False
        Go on from the checkpoint, where there is one.
    cache : path, optional
        Folder for prepared slices, which trainings may share; ``training-cache`` beside `out` if
        not given.
    name : str, optional
        In the model file; the name of `out` if not given.
    columns, words : mapping, optional
        As for `spinalcord.run_cohort`: names of columns, words for sex and diagnosis.
    lesion_label : int, optional
        As for `spinalcord.classify`: which value of the lesion masks is lesion.
    progress : bool, default False
        Whether to show bars on a terminal.

    Returns
    -------
    TrainingResult

    Raises
    ------
    InputError
        As `list_cases`; an option that does not fit; a checkpoint that is in the way, or that
        belongs to another training; a loss that is not finite.
    ModelError
        `init` or `backbone` does not fit.
    """
    settings, out = settings or Settings(), local_path(out)
    work = _check(target, out, init, backbone, resume)
    if target == SEGMENTATION and settings.window != PREPARED:
        raise InputError("window is for classifiers; a segmentation network sees patches")
    cases, origin = list_cases(data, target, seed=settings.seed, columns=columns, words=words)
    metadata = describe(
        target, ["lesion", "cord"], name or out.stem, settings.preprocessing(target)
    )
    prepared = {**metadata, "preprocessing": settings.prepared(target)}
    entries = prepare_cases(
        cases,
        prepared,
        cache or out.parent / "training-cache",
        lesion_label=lesion_label,
        progress=progress,
    )
    problem = make_problem(target, entries, settings)
    held = [e for e in entries if e.case.split == VALIDATION]
    loop = _Loop(target, problem, settings, work, fingerprint(cases, target))
    if target == SEGMENTATION:
        labels = {**metadata["labels"], "outputs": list(problem.outputs)}
        metadata = {**metadata, "labels": labels}
        loop.judge = partial(_judge, metadata, choose_scans(held, MOST_SCANS), loop)
    if resume and loop.checkpoint.is_file():
        loop.restore()
    else:
        if backbone is not None:
            load_backbone(loop.network, backbone)
        if init is not None:
            load_init(loop.network, target, init)
        loop.mean.begin(loop.network.state_dict())
    finished = loop.run(progress)
    loop.network.load_state_dict(loop.best)
    facts = _facts(target, Path(data), cases, origin, settings, loop, init, backbone)
    figures = _write(target, out, loop.network.cpu().eval(), metadata, facts, held, problem, data)
    files = write_curves(work / "curves", loop.history, loop.figures)
    return TrainingResult(out, loop.history, loop.best_epoch, figures, files, finished)


def _check(target: str, out: Path, init: Any, backbone: Any, resume: bool) -> Path:
    check_target(target)
    if out.suffix != ".safetensors":
        raise InputError(f"{out.name}: a model file's name ends in .safetensors")
    if backbone is not None and (target == SEGMENTATION or init is not None):
        raise InputError("a backbone is for a classifier that does not start from init")
    work = out.with_name(f"{out.stem}.training")
    if not resume and (work / "checkpoint.pt").exists():
        raise InputError(
            f"{work / 'checkpoint.pt'} is there from an earlier training: resume it, remove its "
            "folder, or name another model file"
        )
    return work


class _Loop:
    """The state of a training, and its steps."""

    def __init__(
        self, target: str, problem: Problem, settings: Settings, work: Path, fingerprint: str
    ) -> None:
        self.problem, self.settings = problem, settings
        self.checkpoint, self.curves = work / "checkpoint.pt", work / "curves"
        self.what = {"target": target, "cases": fingerprint, "settings": settings.fixed()}
        self.device, self.bf16 = choose_device(settings)
        torch.manual_seed(settings.seed)
        self.network: nn.Module = problem.build()
        self.network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.call: Any = torch.compile(self.network) if settings.compile else self.network
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=settings.lr, fused=True)
        # Twice the batch sees twice the slices.
        batch = settings.batch or (32 if target != SEGMENTATION else 8)
        self.steps = settings.steps or max(-(-problem.n_train // batch), 1)
        self.mean = WeightMean(self.network, settings.ema)
        self.judge: Callable[[], dict[str, float]] | None = None
        self.score, self.judging = -1.0, 0.0
        self.share = 0.0
        self.step, self.epoch, self.idle = 0, 0, 0
        self.lowest, self.best_epoch = float("inf"), 0
        self.best: dict[str, Any] = {}
        self.losses: list[float] = []
        self.history: list[dict[str, Any]] = []
        self.seconds = 0.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            y: torch.Tensor = self.call(x, logits=True)
        return y

    def run(self, progress: bool) -> str:
        """Train until there is a reason to end; return it."""
        began, saved, before = time.monotonic(), time.monotonic(), self.seconds
        taken_up = self.share
        limit = None if self.settings.minutes is None else 60 * self.settings.minutes
        with ThreadPoolExecutor(1) as reader:
            ahead = reader.submit(self.problem.draw, self.step)
            while (reason := self._ended(limit, time.monotonic() - began)) is None:
                left = self.steps - len(self.losses)
                title = f"epoch {self.epoch + 1}"
                bar = tqdm(total=left, desc=title, leave=False, disable=None if progress else True)
                with bar:
                    while len(self.losses) < self.steps and not _over(limit, began):
                        if limit is not None:
                            passed = (time.monotonic() - began) / limit
                            self.share = taken_up + (1 - taken_up) * passed
                        batch = ahead.result()
                        ahead = reader.submit(self.problem.draw, self.step + 1)
                        self._update(batch)
                        bar.update()
                        bar.set_postfix(loss=f"{self.losses[-1]:.3f}")
                        self.seconds = before + time.monotonic() - began
                        if time.monotonic() - saved > CHECKPOINT_S:
                            self.save()
                            saved = time.monotonic()
                if self.losses:
                    self._finish_epoch(before + time.monotonic() - began, _over(limit, began))
                    saved = time.monotonic()
                    # What was read ahead does not know what has been mined.
                    ahead = reader.submit(self.problem.draw, self.step)
        if not self.best:
            raise InputError("the time was over before the first step; allow more minutes")
        return reason

    def _ended(self, limit: float | None, passed: float) -> str | None:
        if self.epoch >= self.settings.epochs:
            return "epochs"
        if self.idle >= self.settings.stop_after:
            return "no gain"
        return "minutes" if limit is not None and passed >= limit else None

    def _update(self, batch: Any) -> None:
        self.network.train()
        # Where the time is limited a cosine ends with it.
        self.share = max(self.share, (self.step + 0.5) / (self.settings.epochs * self.steps))
        if self.settings.schedule == "cosine":
            self.optimizer.param_groups[0]["lr"] = rate_at(self.share, self.settings.lr)
        loss = self.problem.loss(self.forward, batch, self.step, self.device)
        value = float(loss.detach())
        if value != value or value == float("inf"):
            raise InputError(
                f"the loss is {value} at step {self.step}: try a smaller learning rate, or f32"
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.mean.update(self.network)
        self.losses.append(value)
        self.step += 1

    def _finish_epoch(self, seconds: float, last: bool) -> None:
        """Validate, keep the best weights, halve the rate where nothing is gained, save.

        All on the mean of the weights.  The best are those with the smallest loss, or where whole
        scans are judged, those with the best score on them: from time to time, and at the end.
        """
        self.epoch += 1
        self.network.eval()
        with self.mean.applied(self.network):
            with torch.no_grad():
                loss, figures = self.problem.validate(self.forward, self.device)
            gain = loss < self.lowest
            self.lowest = min(loss, self.lowest)
            self.idle = 0 if gain else self.idle + 1
            last = last or self._ended(None, 0.0) is not None
            if self.judge is not None and (last or self.judging <= JUDGED_SHARE * seconds):
                began = time.monotonic()
                judged = {f"scans_{k}": v for k, v in self.judge().items()}
                self.judging += time.monotonic() - began
                figures |= judged
                gain = judged["scans_score"] > self.score
                self.score = max(judged["scans_score"], self.score)
            elif self.judge is not None:
                gain = False
            if gain:
                self.best_epoch = self.epoch
                state = self.network.state_dict()
                self.best = {key: value.detach().cpu().clone() for key, value in state.items()}
        rate = self.optimizer.param_groups[0]["lr"]
        self.history.append(
            {
                "epoch": self.epoch,
                "steps": self.step,
                "seconds": round(seconds, 1),
                "learning_rate": rate,
                "train_loss": sum(self.losses) / len(self.losses),
                "validation_loss": loss,
                **figures,
            }
        )
        self.losses = []
        plateau = self.settings.schedule == "plateau"
        if plateau and self.idle and self.idle % self.settings.patience == 0:
            self.optimizer.param_groups[0]["lr"] = rate / 2
        self.save()
        write_curves(self.curves, self.history, self.figures)

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of what is measured besides the losses, of whole scans not in every epoch."""
        judged = {key: None for row in self.history for key in row if key.startswith("scans_")}
        return (*self.problem.figures, *judged)

    _KEPT = ("step", "epoch", "idle", "lowest", "best_epoch", "best", "losses", "history",
             "seconds", "share", "score", "judging")  # fmt: skip

    def save(self) -> None:
        """Write the checkpoint."""
        state = {key: getattr(self, key) for key in self._KEPT}
        state |= {"what": json.dumps(self.what, sort_keys=True), "rng": torch.get_rng_state()}
        state |= {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}
        state |= {"mean": self.mean.state, "mean_steps": self.mean.steps}
        state |= {"hard": getattr(self.problem, "hard", [])}
        save_checkpoint(self.checkpoint, state)

    def restore(self) -> None:
        """Go on from the checkpoint."""
        state = load_checkpoint(self.checkpoint)
        was = json.loads(state["what"])
        earlier = was["settings"]
        if earlier.get("mode") == OLD_STRETCH:
            earlier["mode"] = "stretch"
        differ = sorted(
            [key for key in ("target", "cases") if was[key] != self.what[key]]
            + [k for k, v in self.settings.fixed().items() if earlier.get(k) != v]
        )
        if differ:
            raise InputError(
                f"{self.checkpoint} belongs to a training with other {', '.join(differ)}; only "
                "epochs (but for a cosine), minutes, device, precision and patience may change"
            )
        for key in self._KEPT:
            setattr(self, key, state[key])
        self.network.load_state_dict(state["network"])
        self.mean.begin(state["mean"], state["mean_steps"])
        if state["hard"]:
            self.problem.hard = state["hard"]
        self.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["rng"])


def _judge(metadata: dict[str, Any], scans: list[Entry], loop: _Loop) -> dict[str, float]:
    """Measure the loop's network on whole scans, and look where it is wrong in training's."""
    precision = "bf16" if loop.bf16 else "f32"
    with opened(loop.network, metadata, loop.checkpoint.parent, precision) as network:
        if loop.settings.mined:
            loop.problem.mine(network, loop.step)
        return judge_scans(network, scans)


def choose_device(settings: Settings) -> tuple[torch.device, bool]:
    """Return where to compute, and whether in bf16.

    Raises
    ------
    InputError
        CUDA is asked for and not there.
    """
    cuda = torch.cuda.is_available()
    if settings.device == "cuda" and not cuda:
        raise InputError("device is cuda, but this PyTorch finds no CUDA device")
    device = torch.device("cuda" if cuda and settings.device != "cpu" else "cpu")
    if settings.precision != "auto":
        return device, settings.precision == "bf16"
    if device.type == "cuda":
        return device, torch.cuda.is_bf16_supported()
    return device, "bf16" in _core.cpu()["precisions"]


def _over(limit: float | None, began: float) -> bool:
    return limit is not None and time.monotonic() - began >= limit


def _facts(
    target: str, data: Path, cases: list[CohortCase], origin: str, settings: Settings,
    loop: _Loop, init: Any, backbone: Any,
) -> dict[str, Any]:  # fmt: skip
    """What the model file tells about its training; no path and no name of a case."""
    counts = {
        split: dict(
            sorted(Counter(c.diagnosis or "none" for c in cases if c.split == split).items())
        )
        for split in (TRAIN, VALIDATION)
    }
    return {
        "target": target,
        "data": data.resolve().name,
        "cases": counts,
        "patients": len({case.participant_id for case in cases}),
        "split": f"by patient, {origin}",
        "settings": {**asdict(settings), **settings.fixed()},
        "start": "backbone" if backbone else "init" if init else "random",
        "epochs": loop.epoch,
        "best_epoch": loop.best_epoch,
        "steps": loop.step,
        "minutes": round(loop.seconds / 60, 1),
        "device": loop.device.type,
        "precision": "bf16" if loop.bf16 else "f32",
        "norms": kind_for(loop.device, loop.bf16, compiled=settings.compile),
        "last": loop.history[loop.best_epoch - 1],
        "torch": torch.__version__,
        "spinalcord": __version__,
    }


def _write(
    target: str, out: Path, network: nn.Module, metadata: dict[str, Any], facts: dict[str, Any],
    held: list[Entry], problem: Any, data: str | os.PathLike[str],
) -> dict[str, Any]:  # fmt: skip
    notice = make_notice(Path(data))
    if target == START:
        write_start(out, copy_tensors(network), {"training": facts, "notice": notice})
        return {key: facts["last"][key] for key in ("validation_loss", *problem.figures)}
    whole = {**metadata, "training": facts, "notice": notice}
    return export_model(network, whole, held, out)
