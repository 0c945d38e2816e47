"""The two kinds of training problems: batches, loss and validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import InputError
from ..models.network import Network
from ..stats.roc import auc_value
from .augmentation import Augmentation, crop, disturb
from .auxiliary import auxiliary_values
from .cache import Entry
from .growth import join_layers, silence_layers
from .loading import to_device
from .losses import auxiliary_loss, class_loss, count_overlap, mask_loss
from .mining import mine
from .sampling import Batch, PatchSampler, WindowSampler
from .settings import PREPARED, SEGMENTATION, START, Settings, classes_of
from .splitting import TRAIN, VALIDATION
from .torch_networks import build

MARGIN = 0.15
"""Margin on each side as a fraction of a patch's height, so that a rotation brings in image."""

T1C_DROPPED = 0.5
"""Share of windows whose contrast-enhanced T1w is hidden, since many scans have none."""

DISTURBED = 0.5
"""Share of windows with a redrawn lesion mask, since in use it is that of a network."""

AUXILIARY_WEIGHT = 0.5
"""Weight of the auxiliary loss relative to the cross-entropy."""

VALIDATION_BATCHES = 16

MINED_SCANS, MOST_HARD = 24, 400
"""Training scans that are searched at a time, and number of error places that are kept."""

Forward = Callable[[Tensor], Tensor]


class Problem:
    """Interface of both kinds for the training loop.

    Attributes
    ----------
    n_train : int
        Number of training slices with lesion, which determines the length of an epoch.
    figures : tuple of str
        Metrics that `validate` returns besides the loss.
    matters : str
        Primary metric: Dice, AUC, or accuracy for four classes.
    """

    n_train: int
    figures: tuple[str, ...]
    matters: str
    hard: list[list[int]]

    def mine(self, network: Network, step: int) -> None:
        """Find places in training scans where the network is wrong, to draw patches there."""
        raise NotImplementedError

    def build(self) -> nn.Module:
        """Return the network with new weights."""
        raise NotImplementedError

    def advance(self, network: nn.Module, share: float) -> None:
        """Set up the network for a step, after a share of the training."""

    def finish(self, network: nn.Module) -> None:
        """Remove the parts of a trained network that are not part of the model."""

    def draw(self, step: int) -> Batch:
        """Read the batch of a step from disk."""
        raise NotImplementedError

    def loss(self, forward: Forward, batch: Batch, step: int, device: torch.device) -> Tensor:
        """Augment a batch and compute its loss; `forward` gives logits."""
        raise NotImplementedError

    def validate(self, forward: Forward, device: torch.device) -> tuple[float, dict[str, float]]:
        """Return loss and metrics on the validation split, without augmentation."""
        raise NotImplementedError


class SegmentationProblem(Problem):
    """Segment lesions, and the cord if any training case has a cord mask, in patches of T2w.

    Parameters
    ----------
    entries : sequence of Entry
    settings : Settings
    """

    def __init__(self, entries: Sequence[Entry], settings: Settings) -> None:
        train, validation = _split(entries)
        self.outputs = ["lesion", "cord"] if any(e.has_cord for e in train) else ["lesion"]
        self.figures, self.matters = tuple(f"dice_{name}" for name in self.outputs), "dice_lesion"
        self.n_train = sum(len(e.lesion) for e in train)
        if not self.n_train:
            raise InputError("no training case has a lesion in its mask")
        batch = settings.batch or 8
        self._seed, self._augment = settings.seed, settings.augment
        self._train = PatchSampler(
            train, batch, settings.patch, settings.seed,
            margin=MARGIN if settings.augment else 0, aspect=settings.aspect,
            shares=settings.shares, mined=settings.mined,
        )  # fmt: skip
        self._index = {id(entry): k for k, entry in enumerate(train)}
        self._entries = train
        # Not the seed of the training, whose batches are seeded by (seed, step).
        self._validation = PatchSampler(
            validation, batch, (settings.patch[1],) * 2, settings.seed + (1 << 40),
            aspect=settings.aspect, shares=settings.shares,
        )  # fmt: skip
        self._channels = train[0].channels

    def build(self) -> nn.Module:
        """Return the network: no final Norm, head biased towards "no lesion"."""
        return build(
            "multiresunet", in_channels=self._channels, outputs=len(self.outputs),
            final_norm=False,
        )  # fmt: skip

    def draw(self, step: int) -> Batch:
        """Read the patches of a step."""
        return self._train.draw(step)

    @property
    def hard(self) -> list[list[int]]:
        """Places of errors where patches are drawn: case, slice, row, column."""
        return [[self._index[id(e)], i, row, col] for e, (i, (row, col)) in self._train.hard]

    @hard.setter
    def hard(self, places: Sequence[Sequence[int]]) -> None:
        self._train.hard = [(self._entries[k], (i, (r, c))) for k, i, r, c in places]

    def mine(self, network: Network, step: int) -> None:
        """Find errors of the network in a few training scans; discard the oldest places."""
        rng = np.random.default_rng([self._seed, step, 2])
        picked = {e.key: e for e in (self._train.pick(rng) for _ in range(MINED_SCANS))}
        found = mine(network, list(picked.values()), step)
        self._train.hard = [*found, *self._train.hard][:MOST_HARD]

    def loss(self, forward: Forward, batch: Batch, step: int, device: torch.device) -> Tensor:
        """Dice plus cross-entropy."""
        images, masks, known = self._on(batch, device)
        if self._augment:
            rng = np.random.default_rng([self._seed, step, 1])
            images, masks = Augmentation()(images, masks, batch.size, rng)
        return mask_loss(forward(images), masks, known)

    def validate(self, forward: Forward, device: torch.device) -> tuple[float, dict[str, float]]:
        """Evaluate the same patches each time; Dice is computed over all their pixels together."""
        losses, counts = [], torch.zeros(len(self.outputs), 2, dtype=torch.float64)
        for step in range(VALIDATION_BATCHES):
            images, masks, known = self._on(self._validation.draw(step), device)
            logits = forward(images)
            losses.append(float(mask_loss(logits, masks, known)))
            counts += count_overlap(torch.sigmoid(logits.float()), masks, known, 0.5).cpu()
        dice = (counts[:, 0] / counts[:, 1].clamp(min=1)).tolist()
        return float(np.mean(losses)), dict(zip(self.figures, dice, strict=True))

    def _on(self, batch: Batch, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        k = len(self.outputs)
        images = to_device(batch.images, device)
        masks, known = (
            to_device(a, device)[:, :k].contiguous() for a in (batch.masks, batch.known)
        )
        if not self._augment:
            images, masks = crop(images, batch.size), crop(masks, batch.size)
        return images, masks, known


class ClassificationProblem(Problem):
    """Classify a task, or the four diagnoses, from windows around the lesions.

    Parameters
    ----------
    target : str
        A task or "diagnosis".
    entries : sequence of Entry
    settings : Settings
    """

    def __init__(self, target: str, entries: Sequence[Entry], settings: Settings) -> None:
        classes = classes_of(target)
        self._n = len(classes)
        self._class = {name: i for i, names in enumerate(classes) for name in names}
        train, self._validation = _split(entries)
        labels = [self._class[e.case.diagnosis] for e in train]
        auxiliary = auxiliary_values(train, settings.auxiliary)
        self._extra = len(settings.auxiliary)
        self._train = WindowSampler(train, labels, settings.batch or 32, settings.seed, auxiliary)
        self._validation = [e for e in self._validation if e.lesion]
        if {self._class[e.case.diagnosis] for e in self._validation} != set(range(self._n)):
            raise InputError(f"a class of {target} has no lesion in any validation mask")
        self.n_train = sum(len(e.lesion) for e in train)
        self.figures = ("accuracy",) if target == START else ("accuracy", "auc")
        self.matters = self.figures[-1]
        self._seed, self._augment = settings.seed, settings.augment
        self._window = settings.resolved(target).window or PREPARED
        self._grow = settings.grow

    def build(self) -> nn.Module:
        """Return the network, with four outputs for four diagnoses and one per auxiliary value."""
        network = build("densenet121")
        outputs = self._n + self._extra
        if outputs != 2:
            network.output = nn.Linear(128, outputs)
            nn.init.kaiming_normal_(network.output.weight, nonlinearity="relu")
            nn.init.zeros_(network.output.bias)
        if self._grow:
            silence_layers(network)
        return network

    def advance(self, network: nn.Module, share: float) -> None:
        """Let all layers join once their share of the training has come."""
        join_layers(network, all_of_them=share >= self._grow)

    def finish(self, network: nn.Module) -> None:
        """Remove the outputs for auxiliary values, and compute all layers."""
        self.advance(network, 1.0)
        full: Any = network.output
        if self._extra:
            network.output = nn.Linear(full.in_features, self._n)
            with torch.no_grad():
                network.output.weight.copy_(full.weight[: self._n])
                network.output.bias.copy_(full.bias[: self._n])

    def draw(self, step: int) -> Batch:
        """Read the windows of a step."""
        return self._train.draw(step)

    def loss(self, forward: Forward, batch: Batch, step: int, device: torch.device) -> Tensor:
        """Return the cross-entropy plus the loss of the auxiliary values."""
        images, masks = to_device(batch.images, device), to_device(batch.masks, device)
        if self._augment:
            rng = np.random.default_rng([self._seed, step, 1])
            shown = to_device(np.float32(rng.random(len(images)) >= T1C_DROPPED), device)
            images = images.clone()
            images[:, 0] *= shown[:, None, None]
            images, masks = Augmentation()(images, masks, self._window, rng)
            masks = disturb(masks, DISTURBED, rng)
        else:
            images, masks = crop(images, self._window), crop(masks, self._window)
        labels = to_device(batch.labels, device)
        outputs = forward(torch.cat([images, masks], 1))
        loss = class_loss(outputs[:, : self._n], labels)
        if batch.auxiliary is None:
            return loss
        wanted = to_device(batch.auxiliary, device)
        return loss + AUXILIARY_WEIGHT * auxiliary_loss(outputs[:, self._n :], wanted)

    def validate(self, forward: Forward, device: torch.device) -> tuple[float, dict[str, float]]:
        """Evaluate the mean over the slices of a scan, as in use; classes have the same weight."""
        means, labels = [], []
        for entry in self._validation:
            images = crop(torch.from_numpy(entry.images()), self._window).to(device)
            parts = [
                torch.softmax(forward(part)[:, : self._n].float(), 1)
                for part in torch.split(images, 16)
            ]
            means.append(torch.cat(parts).double().mean(0).cpu().numpy())
            labels.append(self._class[entry.case.diagnosis])
        p, truth = np.stack(means), np.array(labels)
        own = -np.log(np.maximum(p[np.arange(len(p)), truth], 1e-7))
        loss = float(np.mean([own[truth == c].mean() for c in range(self._n)]))
        figures = {"accuracy": float((p.argmax(1) == truth).mean())}
        if "auc" in self.figures:
            figures["auc"] = auc_value(truth == 1, p[:, 1])
        return loss, figures


def make_problem(target: str, entries: Sequence[Entry], settings: Settings) -> Any:
    """Return the problem of a target.

    Raises
    ------
    InputError
        A class without lesions in either split; a batch smaller than the number of classes.
    """
    if target == SEGMENTATION:
        return SegmentationProblem(entries, settings)
    return ClassificationProblem(target, entries, settings)


def _split(entries: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
    train = [e for e in entries if e.case.split == TRAIN]
    return train, [e for e in entries if e.case.split == VALIDATION]
