"""State and steps of a training, which can be killed and resumed at any time, on any device."""

from __future__ import annotations

import contextlib
import json
import math
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from .. import _core
from ..errors import InputError, SpinalcordWarning
from ..models.file_settings import OLD_STRETCH
from .averaging import WeightMean
from .checkpoints import load_checkpoint, save_checkpoint
from .curves_page import Progress
from .events import Events
from .learning_curves import write_curves
from .loading import Loader, choose_workers
from .problems import Problem
from .settings import SEGMENTATION, Settings, rate_at

CHECKPOINT_S = 300.0
"""Approximate maximum of work, in seconds, that is lost when a training is killed."""

MEASURED_STEPS = 5
"""Step after which the remaining time of a training is estimated."""

LIVE_S = 15.0
"""Seconds between updates of the page with the learning curves within an epoch."""

SPENT = 1e-3
"""Share of the learning rate below which the weights hardly change any more."""

JUDGED_SHARE = 0.05
"""Approximate share of the time spent on the evaluation of whole scans."""


class Loop:
    """State and steps of a training."""

    def __init__(
        self, target: str, problem: Problem, settings: Settings, work: Path, fingerprint: str
    ) -> None:
        self.problem, self.settings = problem, settings
        self.checkpoint, self.curves = work / "checkpoint.pt", work / "curves"
        self.events = Events(work / "tensorboard", settings.tensorboard)
        self.what: dict[str, Any] = {
            "target": target,
            "cases": fingerprint,
            "settings": settings.fixed(),
        }
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
        self.tell: Callable[[str], None] | None = None
        self.score, self.judging = -1.0, 0.0
        self.share = 0.0
        self.workers = choose_workers(settings.workers, self.device)
        self.step, self.epoch, self.idle, self.stalled = 0, 0, 0, 0
        self.lowest, self.best_epoch = float("inf"), 0
        self.reached: list[float] = []
        self.best: dict[str, Any] = {}
        self.losses: list[float] = []
        self.pending: list[torch.Tensor] = []
        self.waited = 0.0
        self.history: list[dict[str, Any]] = []
        self.seconds = 0.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            y: torch.Tensor = self.call(x, logits=True)
        return y

    def run(self, progress: bool) -> str:
        """Train until a reason to stop occurs; return it."""
        began, before = time.monotonic(), self.seconds
        saved = shown = began
        taken_up, first = self.share, self.step
        limit = None if self.settings.minutes is None else 60 * self.settings.minutes
        loader = Loader(self.problem.draw, self.step, self.workers, self.device)
        # Closed in any case, so that no thread continues to read.
        with contextlib.closing(loader), contextlib.closing(self.events):
            while (reason := self._ended(limit, time.monotonic() - began)) is None:
                left = self.steps - len(self.losses)
                title = f"epoch {self.epoch + 1}"
                bar = tqdm(total=left, desc=title, leave=False, disable=None if progress else True)
                with bar:
                    while self._done < self.steps and not _over(limit, began):
                        if limit is not None:
                            passed = (time.monotonic() - began) / limit
                            self.share = taken_up + (1 - taken_up) * passed
                        self._update(loader.take())
                        self.waited = loader.waited / max(time.monotonic() - began, 1e-9)
                        self._tell_time(self.step - first, time.monotonic() - began)
                        bar.update()
                        if self.losses:
                            bar.set_postfix(loss=f"{self.losses[-1]:.3f}")
                        self.seconds = before + time.monotonic() - began
                        if time.monotonic() - saved > CHECKPOINT_S:
                            self.save()
                            saved = time.monotonic()
                        if time.monotonic() - shown > LIVE_S:
                            self.show()
                            shown = time.monotonic()
                if self._done:
                    hard = getattr(self.problem, "hard", None)
                    self._finish_epoch(before + time.monotonic() - began, _over(limit, began))
                    saved = shown = time.monotonic()
                    if hard != getattr(self.problem, "hard", None):
                        loader.restart(self.step)  # batches already drawn lack the mined places
        if not self.history:
            raise InputError("the time limit ended before the first step; allow more minutes")
        self.show(reason)
        return reason

    @property
    def _done(self) -> int:
        """Return the number of finished steps of this epoch."""
        return len(self.losses) + len(self.pending)

    def _settle(self, left: int = 0) -> None:
        """Read the values of all pending losses except the last `left`, which waits for the GPU."""
        while len(self.pending) > left:
            value = float(self.pending.pop(0))
            if not math.isfinite(value):
                raise InputError(
                    f"the loss is {value} at step {self.step - len(self.pending) - 1}: try a "
                    "smaller learning rate, or f32"
                )
            self.losses.append(value)

    def show(self, ended: str = "") -> None:
        """Write the current learning curves."""
        mean = sum(self.losses) / len(self.losses) if self.losses else None
        total = self.settings.epochs * self.steps
        progress = Progress(self.what["target"], self.epoch, self.settings.epochs, self.step, total,
                            self.seconds, mean, ended)  # fmt: skip
        write_curves(self.curves, self.history, self.figures, progress)

    def _tell_time(self, done: int, seconds: float) -> None:
        """Report once, after the first steps, the estimated duration of the training."""
        if done != MEASURED_STEPS or self.tell is None:
            return
        each, total = seconds / done, self.settings.epochs * self.steps
        left = max(total - self.step, 0) * each / 60
        self.tell(
            f"{self.what['target']}: {each:.2g} s a step, {self.waited:.0%} of it waiting for data "
            f"({self.workers} workers), {total} steps in all, about {left:.1f} minutes to go, "
            f"validation not counted; learning curves: {self.curves}.html"
        )

    def _ended(self, limit: float | None, passed: float) -> str | None:
        if self.epoch >= self.settings.epochs:
            return "epochs"
        if self.idle >= self.settings.stop_after:
            return "no gain"
        return "minutes" if limit is not None and passed >= limit else None

    def _update(self, batch: Any) -> None:
        self.network.train()
        # With a time limit, a cosine ends at that limit.
        self.share = max(self.share, (self.step + 0.5) / (self.settings.epochs * self.steps))
        if self.settings.schedule == "cosine":
            self.optimizer.param_groups[0]["lr"] = rate_at(self.share, self.settings.lr)
        self.problem.advance(self.network, self.share)
        loss = self.problem.loss(self.forward, batch, self.step, self.device)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.mean.update(self.network)
        self.pending.append(loss.detach())
        self.step += 1
        # One step late: reading the value of the current one would stall a GPU.
        self._settle(1)

    def _finish_epoch(self, seconds: float, last: bool) -> None:
        """Validate, keep the best weights, halve the learning rate on a plateau, save.

        The averaged weights are evaluated. The best have the largest primary metric, then the
        smallest loss; or, if whole scans are evaluated from time to time and at the end, the best
        score on these.
        """
        self._settle()
        self.epoch += 1
        self.network.eval()
        with self.mean.applied(self.network):
            with torch.no_grad():
                loss, figures = self.problem.validate(self.forward, self.device)
            self.stalled = 0 if loss < self.lowest else self.stalled + 1
            self.lowest = min(loss, self.lowest)
            now = [figures[self.problem.matters], -loss]
            gain = not self.reached or now > self.reached
            if gain:
                self.reached = now
            self.idle = 0 if gain else self.idle + 1
            last = last or self._ended(None, 0.0) is not None
            if self.judge is not None and (last or self.judging <= JUDGED_SHARE * seconds):
                began = time.monotonic()
                judged = {f"scans_{k}": v for k, v in self.judge().items()}
                self.judging += time.monotonic() - began
                figures |= judged
                gain = judged["scans_score"] > self.score
                self.idle = 0 if gain else self.idle
                self.score = max(judged["scans_score"], self.score)
            elif self.judge is not None:
                gain = False
            if gain or not self.best:
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
        if plateau and self.stalled and self.stalled % self.settings.patience == 0:
            self.optimizer.param_groups[0]["lr"] = rate / 2
        self.save()
        self.show()
        self.events.write(self.history[-1])

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of the metrics besides the losses; those of whole scans are not in every epoch."""
        judged = {key: None for row in self.history for key in row if key.startswith("scans_")}
        return (*self.problem.figures, *judged)

    def chosen(self, which: str) -> tuple[dict[str, Any], int]:
        """Return the best or the last weights, and their epoch."""
        if which == "best":
            return self.best, self.best_epoch
        return {k: v.cpu().clone() for k, v in self.mean.state.items()}, self.epoch

    _KEPT = ("step", "epoch", "idle", "stalled", "lowest", "reached", "best_epoch", "best",
             "losses", "history", "seconds", "share", "score", "judging")  # fmt: skip

    def save(self) -> None:
        """Write the checkpoint."""
        self._settle()
        state = {key: getattr(self, key) for key in self._KEPT}
        state |= {"what": json.dumps(self.what, sort_keys=True), "rng": torch.get_rng_state()}
        state |= {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}
        state |= {"mean": self.mean.state, "mean_steps": self.mean.steps}
        state |= {"hard": getattr(self.problem, "hard", [])}
        save_checkpoint(self.checkpoint, state)

    def restore(self) -> None:
        """Resume from the checkpoint."""
        state = load_checkpoint(self.checkpoint)
        was = json.loads(state["what"])
        earlier = was["settings"]
        if earlier.get("mode") == OLD_STRETCH:
            earlier["mode"] = "stretch"
        before = Settings().fixed()  # missing in checkpoints from before the option existed
        differ = sorted(
            [key for key in ("target", "cases") if was[key] != self.what[key]]
            + [k for k, v in self.settings.fixed().items() if earlier.get(k, before.get(k)) != v]
        )
        if differ:
            raise InputError(
                f"{self.checkpoint} belongs to a training with other {', '.join(differ)}; only "
                "epochs (but for a cosine), minutes, device, precision and patience may change"
            )
        for key in self._KEPT:
            if key in state:  # two keys are missing in checkpoints from before version 0.2
                setattr(self, key, state[key])
        self.network.load_state_dict(state["network"])
        mean = {name: value.to(self.device) for name, value in state["mean"].items()}
        self.mean.begin(mean, state["mean_steps"])
        if state["hard"]:
            self.problem.hard = state["hard"]
        self.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["rng"])
        self._warn_if_spent()

    def _warn_if_spent(self) -> None:
        """Say that a cosine that has reached its end trains no further."""
        if self.settings.schedule != "cosine" or self.epoch >= self.settings.epochs:
            return
        rate = rate_at(self.share, self.settings.lr)
        if rate < SPENT * self.settings.lr:
            warnings.warn(
                f"{self.checkpoint}: the cosine of this training has ended, and with a learning "
                f"rate of {rate:.1g} the weights hardly change; to train on, start another "
                "training from its model with --init",
                SpinalcordWarning, stacklevel=4,
            )  # fmt: skip


def choose_device(settings: Settings) -> tuple[torch.device, bool]:
    """Return the device, and whether to compute in bf16.

    Raises
    ------
    InputError
        CUDA is requested but not available.
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
