"""Initial weights for the training of all networks: the shipped ones, if shapes fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelError
from ..models.ensemble import EnsembleModel
from ..models.folder import find_models
from ..tasks import TASKS
from .settings import SEGMENTATION, START, Settings
from .starting import load_backbone, load_init
from .torch_networks import build

SHIPPED, NONE = "shipped", "none"


@dataclass(frozen=True)
class Initial:
    """Initial model files by role; roles that start from random weights are absent."""

    models: Mapping[str, Path]

    def of(self, target: str, start: Path | None) -> tuple[Path | None, Path | None]:
        """Return the initial weights of a target.

        Parameters
        ----------
        target : str
        start : Path or None
            Four-class start of the same round, if any, with which tasks are initialized.

        Returns
        -------
        init, backbone : Path or None
            As for `spinalcord.training.train_network`; at most one of them.
        """
        if target == START:
            return None, self.models.get(next(iter(TASKS)))
        if target != SEGMENTATION and start is not None:
            return start, None
        return self.models.get(target), None


def choose_initial(
    init: str, settings: Mapping[str, Settings], say: Callable[[str], None]
) -> Initial:
    """Find the initial weights and check that they fit.

    Parameters
    ----------
    init : str
        "shipped", "none", or a folder of models.
    settings : mapping of str to Settings
        By target.
    say : callable
        Called with a sentence per network: its initial weights, or why it starts from random ones.

    Returns
    -------
    Initial

    Raises
    ------
    ModelError
        No such folder, or a damaged file in it.
    """
    if init == NONE:
        say("start: random weights")
        return Initial({})
    folder = find_models(None if init == SHIPPED else init)
    fit: dict[str, Path] = {}
    for role, model in folder.models.items():
        if isinstance(model, EnsembleModel):
            say(f"{role}: starts from random weights: {init} has an ensemble for it")
            continue
        try:
            _try(role, model.path, settings)
        except ModelError as error:
            say(f"{role}: starts from random weights: {error}")
        else:
            fit[role] = model.path
    say(f"start: {init} weights for {', '.join(fit) or 'no network'}")
    return Initial(fit)


def _try(role: str, path: Path, settings: Mapping[str, Settings]) -> None:
    if role == SEGMENTATION:
        channels = 1 if settings[role].context_mm is None else 3
        network = build("multiresunet", in_channels=channels, outputs=2, final_norm=False)
        load_init(network, role, path)
        return
    load_init(build("densenet121"), role, path)
    load_backbone(build("densenet121"), path)
