"""The command ``spinalcord info``."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from . import options as shared
from .output import DONE, print_json

SUMMARY = "show the version, the abilities of this CPU, and the models with their kernels"
EXAMPLE = "spinalcord info"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    shared.add_models(parser)
    parser.add_argument(
        "--backend",
        choices=shared.BACKENDS,
        default="own",
        help="whose convolutions the kernels are: own or onednn (default: own)",
    )


def run(options: argparse.Namespace) -> int:
    """Print what is installed, and which kernels compute each model."""
    from .. import __version__, _core
    from ..models.folder import WEIGHTS_DIR, list_models
    from ..models.network import BACKENDS

    folder = WEIGHTS_DIR if options.models is None else Path(options.models)
    cpu, models = _core.cpu(), list_models(options.models)
    for row in models:
        if "error" not in row:
            row["kernels"] = _kernels(folder / row["file"], cpu["precisions"], options.backend)
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


def _kernels(path: Path, precisions: Sequence[str], backend: str) -> dict[str, dict[str, int]]:
    """Count a network's steps at 256 x 256 by their kernel, for each precision that it can take.

    A model without scales has no entry for int8.
    """
    from ..models.int8 import has_ranges
    from ..models.model_file import read_model
    from ..models.network import Network

    able = [p for p in precisions if p != "int8" or has_ranges(read_model(path))]
    steps = {p: Network.open(path, p, backend=backend).layers(256, 256) for p in able}
    return {p: dict(Counter(row["implementation"] for row in own)) for p, own in steps.items()}
