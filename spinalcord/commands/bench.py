"""The command ``spinalcord bench``."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable
from typing import Any

from ..errors import InputError
from . import options as shared
from .output import DONE

SUMMARY = "time the networks on this machine by precision, backend, threads and batch size"
FORMATS = ("table", "json", "csv")
EXAMPLE = "spinalcord bench --precision f32 bf16 --threads 1 4 --batch 1 8"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    shared.add_models(parser)
    parser.add_argument(
        "--precision",
        nargs="+",
        choices=shared.PRECISIONS,
        metavar="P",
        help="f32, bf16, int8 (default: those that this CPU supports, int8 where the models have "
        "scales)",
    )
    parser.add_argument(
        "--backend",
        nargs="+",
        choices=shared.BACKENDS,
        default=["own"],
        metavar="B",
        help="whose convolutions: own, onednn (default: own)",
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
    parser.add_argument(
        "--peak",
        action="store_true",
        help="measure instead the peak of this machine and the share of it that each kind of layer "
        "reaches (one number of threads, no batches)",
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="table",
        metavar="F",
        help="table, json (one object a line) or csv (default: table)",
    )


def run(options: argparse.Namespace) -> int:
    """Print the measurements: a line as soon as it is made, or all of them as a table."""
    from ..bench import format_table, measure

    if options.peak:
        return _peak(options)
    rows = measure(
        models=options.models,
        precisions=options.precision,
        backends=options.backend,
        threads=options.threads,
        batches=options.batch,
        size=options.size,
        seconds=options.seconds,
    )
    if options.format == "table":
        print(format_table(list(rows)))
    elif options.format == "csv":
        _print_csv(rows)
    else:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False, allow_nan=False), flush=True)
    return DONE


def _peak(options: argparse.Namespace) -> int:
    from ..bench import format_peaks, measure_peaks

    if options.threads is not None and len(options.threads) > 1:
        raise InputError(f"--peak takes one number of threads, got {len(options.threads)}")
    found = measure_peaks(
        models=options.models,
        precisions=options.precision,
        threads=None if options.threads is None else options.threads[0],
        size=options.size,
        seconds=options.seconds,
    )
    if options.format == "table":
        print(format_peaks(found))
    elif options.format == "csv":
        _print_csv(found["layers"])
    else:
        print(json.dumps(found, ensure_ascii=False, allow_nan=False))
    return DONE


def _print_csv(rows: Iterable[dict[str, Any]]) -> None:
    writer = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(sys.stdout, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow(row)
        sys.stdout.flush()
