"""The command ``spinalcord classify``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import options as shared
from .output import check_scans, report_scans

SUMMARY = "classify lesions: tumor or demyelination, then astrocytoma or ependymoma, MS or NMOSD"
EXAMPLE = "spinalcord classify sub-01_T2w.nii.gz --mask lesion.nii.gz -o diagnosis.json"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    shared.add_scans(parser)
    shared.add_lesion(parser)
    parser.add_argument(
        "-o", "--out", metavar="OUT", help="folder or file ending in .json (default: only print)"
    )
    shared.add_computing(parser)


def run(options: argparse.Namespace) -> int:
    """Classify the lesions of the scans and print the probabilities."""
    check_scans(options, ".json", ("series", "mask", "t1c"))
    pipeline = shared.make_pipeline(options)

    def compute(scan: str) -> tuple[Any, Sequence[Path]]:
        result = pipeline.classify(scan, **shared.lesion(options), series=options.series)
        return result, [] if options.out is None else result.save(options.out)

    return report_scans(options, compute)
