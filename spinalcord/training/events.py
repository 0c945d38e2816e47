"""Write learning curves as event files with TensorBoard's own library, if it is installed."""

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
    """Event files of a training; none if the library is not installed.

    Parameters
    ----------
    folder : path
        Folder of the files, created with the first one.
    wanted : bool or None
        Whether to write them; None: if the library is installed.

    Warns
    -----
    SpinalcordWarning
        Once, if they are wanted but the library is not installed.
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
        """Write the metrics of an epoch at its step."""
        if not self._wanted:
            return
        step = int(row["steps"])
        if self._writer is None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError as error:  # installed, but in an incompatible version
                self._wanted = False
                warnings.warn(f"no event files for TensorBoard: {error}", SpinalcordWarning,
                              stacklevel=2)  # fmt: skip
                return
            # A resumed training hides the events of the steps that it repeats.
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
