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
        """Write the metrics of an epoch at its step.

        Warns
        -----
        SpinalcordWarning
            Once, if a file cannot be written. The training goes on without event files.
        """
        if not self._wanted:
            return
        if self._writer is None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError as error:  # installed, but in an incompatible version
                self._give_up(str(error))
                return
        try:
            if self._writer is None:
                # A resumed training hides the events of the steps that it repeats.
                self._writer = SummaryWriter(str(self._folder), purge_step=int(row["steps"]))
            self._add(row)
        except OSError as error:
            self._give_up(f"{self._folder} cannot be written: {error.strerror or error}")

    def _add(self, row: Mapping[str, Any]) -> None:
        for name, value in row.items():
            if name not in ("epoch", "steps"):
                kind = "loss" if name.endswith("_loss") else "figures"
                kind = "training" if name in ("seconds", "learning_rate") else kind
                self._writer.add_scalar(f"{kind}/{name}", float(value), int(row["steps"]))
        self._writer.flush()

    def _give_up(self, why: str) -> None:
        """Write no more, and say so: the curves show the same, and a training may take days."""
        self._wanted, self._writer = False, None
        warnings.warn(f"no event files for TensorBoard: {why}; curves.html shows the same",
                      SpinalcordWarning, stacklevel=3)  # fmt: skip

    def close(self) -> None:
        """Close the files; warns as `write`."""
        if self._writer is None:
            return
        try:
            self._writer.flush()  # which raises what failed in the library's thread
            self._writer.close()
        except OSError as error:
            self._give_up(f"{self._folder} cannot be written: {error.strerror or error}")
        self._writer = None
