"""The command ``spinalcord info``."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from . import options as shared
from .output import DONE, print_json

SUMMARY = "show the version, the abilities of this CPU, and the models with their kernels"
EXAMPLE = "spinalcord info"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    shared.add_models(parser)


def run(options: argparse.Namespace) -> int:
    """Print what is installed, and which kernels compute each model."""
    from .. import __version__, _core
    from ..models.folder import WEIGHTS_DIR, list_models
    from ..models.network import BACKENDS

    folder = WEIGHTS_DIR if options.models is None else Path(options.models)
    cpu, models = _core.cpu(), list_models(options.models)
    for row in models:
        if "error" not in row:
            row["kernels"] = {p: _kernels(folder / row["file"], p) for p in cpu["precisions"]}
    print_json(
        {
            "version": __version__,
            "python": sys.version.split()[0],
            **cpu,
            "backends": BACKENDS,
            "models_folder": str(folder),
            "models": models,
        }
    )
    return DONE


def _kernels(path: Path, precision: str) -> dict[str, int]:
    """Count the steps of a network at 256 x 256 by the kernel that computes them."""
    from ..models.network import Network

    layers = Network.open(path, precision).layers(256, 256)
    return dict(Counter(layer["implementation"] for layer in layers))
