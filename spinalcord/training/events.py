"""Learning curves as event files, written by TensorBoard's own library where it is installed."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import SpinalcordWarning

PACKAGE = "tensorboard"

_TOLD: set[str] = set()


class Events:
    """A training's event files; nothing where the library is not installed.

    Parameters
    ----------
    folder : path
        For the files, made with the first of them.
    wanted : bool or None
        None: where the library is installed.

    Warns
    -----
    SpinalcordWarning
        Once: they are wanted, and the library is not installed.
    """

    def __init__(self, folder: Path, wanted: bool | None) -> None:
        installed = wanted is not False and importlib.util.find_spec(PACKAGE) is not None
        if wanted and not installed and PACKAGE not in _TOLD:
            _TOLD.add(PACKAGE)
            warnings.warn(
                "no event files for TensorBoard: it is not installed (pip install tensorboard); "
                "curves.html shows the same",
                SpinalcordWarning,
                stacklevel=4,
            )
        self._folder, self._wanted = folder, installed
        self._writer: Any = None

    def write(self, row: Mapping[str, Any]) -> None:
        """Write the figures of an epoch at its step."""
        if not self._wanted:
            return
        step = int(row["steps"])
        if self._writer is None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError as error:  # there, but of a version that does not fit
                self._wanted = False
                warnings.warn(f"no event files for TensorBoard: {error}", SpinalcordWarning,
                              stacklevel=2)  # fmt: skip
                return
            # A training that is resumed hides what it wrote of the steps that it does again.
            self._writer = SummaryWriter(str(self._folder), purge_step=step)
        for name, value in row.items():
            if name not in ("epoch", "steps"):
                kind = "loss" if name.endswith("_loss") else "figures"
                kind = "training" if name in ("seconds", "learning_rate") else kind
                self._writer.add_scalar(f"{kind}/{name}", float(value), step)
        self._writer.flush()

    def close(self) -> None:
        """Close the files."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
