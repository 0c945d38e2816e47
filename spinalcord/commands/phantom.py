"""The command ``spinalcord phantom``."""

from __future__ import annotations

import argparse

from .output import DONE, print_json

SUMMARY = "create a cohort of synthetic scans with lesions (BIDS)"
EXAMPLE = "spinalcord phantom cohort/ --cases 20 --seed 1 --jobs 2"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command; `make_cohort` checks their values."""
    parser.add_argument("out", metavar="OUT", help="output folder, absent or empty")
    parser.add_argument(
        "--cases", type=int, metavar="N", help="cases with lesions (default: 647, as in the letter)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    parser.add_argument(
        "--format",
        choices=("nifti", "dicom"),
        default="nifti",
        help="file format of the scans (default: nifti)",
    )
    parser.add_argument(
        "--difficulty", type=float, default=0.5, metavar="D", help="from 0 to 1 (default: 0.5)"
    )
    parser.add_argument(
        "--lesion-free", type=int, default=0, metavar="N", help="additional cases without lesions"
    )
    parser.add_argument(
        "--lesion-free-in",
        choices=("test", "all"),
        default="test",
        help="split of the cases without lesions: test, or all in proportion (default: test)",
    )
    parser.add_argument(
        "--split",
        choices=("train", "validation", "test"),
        help="create only the cases of this split",
    )
    parser.add_argument(
        "--random-contrast",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share of cases with random tissue contrast, from 0 to 1 (default: 0)",
    )
    parser.add_argument(
        "--t1c", action="store_true", help="also create contrast-enhanced T1w scans"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="number of processes (default: 1)"
    )
    parser.add_argument(
        "--style",
        default="mixed",
        choices=("mixed", "ellipsoids", "contours", "chains"),
        help="how lesions are drawn (default: mixed, which never draws chains)",
    )
    parser.add_argument(
        "--visible",
        type=float,
        default=0.4,
        metavar="SHARE",
        help="share of a voxel that a lesion must fill to be masked (default: 0.4)",
    )


def run(options: argparse.Namespace) -> int:
    """Create the cohort and print where it is."""
    from ..phantom.case import NOTICE
    from ..phantom.dataset import make_cohort

    folder = make_cohort(
        options.cases,
        options.seed,
        options.out,
        format=options.format,
        difficulty=options.difficulty,
        lesion_free=options.lesion_free,
        lesion_free_in=options.lesion_free_in,
        split=options.split,
        random_contrast=options.random_contrast,
        style=options.style,
        visible=options.visible,
        t1c=options.t1c,
        jobs=options.jobs,
        progress=not options.quiet,
    )
    table = folder / "participants.tsv"
    n_cases = len(table.read_text().splitlines()) - 1
    print_json({"folder": str(folder), "table": str(table), "cases": n_cases, "notice": NOTICE})
    return DONE
