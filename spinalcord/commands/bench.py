"""The command ``spinalcord bench``."""

from __future__ import annotations

import argparse
import json

from . import options as shared
from .output import DONE

SUMMARY = "time the networks on this machine by precision, threads and batch size"
EXAMPLE = "spinalcord bench --precision f32 bf16 --threads 1 4 --batch 1 8"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    shared.add_models(parser)
    parser.add_argument(
        "--precision",
        nargs="+",
        choices=shared.PRECISIONS,
        metavar="P",
        help="f32, bf16 (default: those that this CPU supports)",
    )
    parser.add_argument(
        "--threads",
        nargs="+",
        type=shared.whole(1),
        metavar="N",
        help="default: 1, 2, 4 ... up to the CPUs that this process may use",
    )
    parser.add_argument(
        "--batch",
        nargs="+",
        type=shared.whole(1),
        default=[1],
        metavar="N",
        help="images per call (default: 1)",
    )
    parser.add_argument(
        "--size",
        type=shared.whole(32),
        default=256,
        metavar="PIXELS",
        help="side of an image, a multiple of 16 (default: 256)",
    )
    parser.add_argument(
        "--seconds",
        type=shared.number(0.01, 3600),
        default=1.0,
        metavar="S",
        help="duration of each measurement (default: 1)",
    )


def run(options: argparse.Namespace) -> int:
    """Print each measurement as one line of JSON, as soon as it is made."""
    from ..bench import measure

    rows = measure(
        models=options.models,
        precisions=options.precision,
        threads=options.threads,
        batches=options.batch,
        size=options.size,
        seconds=options.seconds,
    )
    for row in rows:
        print(json.dumps(row, ensure_ascii=False, allow_nan=False), flush=True)
    return DONE
