"""Training in PyTorch (the `train` extra), which writes model files for the C core.

>>> from spinalcord.training import Settings
>>> Settings(epochs=50).lr
0.0001
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .settings import TARGETS, Settings

if TYPE_CHECKING:
    from .trainer import TrainingResult, train_network

__all__ = ["TARGETS", "Settings", "TrainingResult", "train_network"]


def __getattr__(name: str) -> Any:
    # PyTorch takes seconds to import, and the command line's help does without it.
    if name in ("TrainingResult", "train_network"):
        from . import trainer

        return getattr(trainer, name)
    raise AttributeError(f"module 'spinalcord.training' has no attribute {name!r}")
