"""The command ``spinalcord segment``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import options as shared
from .output import check_scans, report_scans

SUMMARY = "outline lesions on sagittal T2w scans"
EXAMPLE = "spinalcord segment sub-01_T2w.nii.gz sub-02_T2w.nii.gz -o lesions/"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    shared.add_scans(parser)
    parser.add_argument(
        "-o",
        "--out",
        default=".",
        metavar="OUT",
        help="folder, or file name of the mask ending in .nii.gz (default: the current folder)",
    )
    shared.add_limits(parser)
    parser.add_argument(
        "--cord",
        metavar="MASK",
        help="cord mask: exclude lesions outside it (default: the network's, if any)",
    )
    parser.add_argument(
        "--cord-label",
        type=shared.whole(1),
        metavar="N",
        help="value of the cord in a mask with several (default: all nonzero values)",
    )
    parser.add_argument(
        "--probability",
        action="store_true",
        help="also write the lesion probabilities (OUT must be a folder)",
    )
    shared.add_computing(parser)
    shared.add_roi(parser)


def run(options: argparse.Namespace) -> int:
    """Segment the scans, write the masks and print the measurements."""
    check_scans(options, ".nii.gz", ("series", "cord"))
    pipeline = shared.make_pipeline(options)

    def compute(scan: str) -> tuple[Any, Sequence[Path]]:
        result = pipeline.segment(
            scan,
            cord=options.cord,
            cord_label=options.cord_label,
            **shared.limits(options).to_dict(),
            series=options.series,
        )
        return result, result.save(options.out, probability=options.probability)

    return report_scans(options, compute)
