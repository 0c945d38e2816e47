"""The command `spinalcord bench`: its options, and what it prints."""

from __future__ import annotations

import argparse
import json

from .options import PRECISIONS, number, whole

SUMMARY = "time the networks on this machine, over precisions, threads and batches"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the command its options."""
    add = parser.add_argument
    add("--models", metavar="DIR", help="folder of model files (default: the package's own)")
    add("--precision", nargs="+", choices=PRECISIONS, metavar="P",
        help="f32, bf16 (default: what this CPU has)")  # fmt: skip
    add("--threads", nargs="+", type=whole(1), metavar="N",
        help="default: 1, 2, 4 ... up to the CPUs this process may use")  # fmt: skip
    add("--batch", nargs="+", type=whole(1), default=[1], metavar="N",
        help="images of a call (default: 1)")  # fmt: skip
    add("--size", type=whole(32), default=256, metavar="PIXELS",
        help="side of an image, a multiple of 16 (default: 256)")  # fmt: skip
    add("--seconds", type=number(0.01, 3600), default=1.0, metavar="S",
        help="of each figure (default: 1)")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Print one line of JSON a figure, as it comes."""
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
    return 0
