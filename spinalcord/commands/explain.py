"""The command ``spinalcord explain``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..tasks import TASKS
from . import options as shared
from .output import check_scans, report_scans

SUMMARY = "map which voxels a classification rests on"
EXAMPLE = "spinalcord explain sub-01_T2w.nii.gz --task ms_vs_nmosd --method layercam -o maps/"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    shared.add_scans(parser)
    parser.add_argument(
        "--task", required=True, choices=tuple(TASKS), metavar="T", help=", ".join(TASKS)
    )
    parser.add_argument(
        "--target", metavar="ANSWER", help="answer to explain (default: the network's own)"
    )
    shared.add_explanation_options(parser)
    shared.add_lesion(parser)
    parser.add_argument(
        "-o",
        "--out",
        default=".",
        metavar="OUT",
        help="folder, or file name of the map ending in .nii.gz (default: the current folder)",
    )
    shared.add_computing(parser)


def run(options: argparse.Namespace) -> int:
    """Explain an answer for each of the scans, write the maps and print their measures."""
    check_scans(options, ".nii.gz", ("series", "mask", "t1c"))
    pipeline = shared.make_pipeline(options)

    def compute(scan: str) -> tuple[Any, Sequence[Path]]:
        result = pipeline.explain(
            scan,
            task=options.task,
            **shared.lesion(options),
            target=options.target,
            **shared.explanation_options(options),
            series=options.series,
        )
        return result, result.save(options.out)

    return report_scans(options, compute)
