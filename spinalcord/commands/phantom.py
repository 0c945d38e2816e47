"""The command `spinalcord phantom`.  Nothing heavy is imported before it runs."""

from __future__ import annotations

import argparse
import json
import sys

SUMMARY = "make a cohort of synthetic scans with lesions (BIDS)"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the command its options; what they may hold is checked by `make_cohort`."""
    parser.add_argument("out", metavar="OUT", help="folder, absent or empty")
    parser.add_argument(
        "--cases", type=int, metavar="N", help="with lesions (default: the letter's 647)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    parser.add_argument(
        "--format", choices=("nifti", "dicom"), default="nifti", help="of scans (default: nifti)"
    )
    parser.add_argument(
        "--difficulty", type=float, default=0.5, metavar="D", help="0 to 1 (default: 0.5)"
    )
    parser.add_argument(
        "--lesion-free", type=int, default=0, metavar="N", help="cases without lesion, on top"
    )
    parser.add_argument(
        "--lesion-free-in",
        choices=("test", "all"),
        default="test",
        help="their split: test, or all in the lesions' shares (default: test)",
    )
    parser.add_argument(
        "--split", choices=("train", "validation", "test"), help="make the cases of one only"
    )
    parser.add_argument(
        "--random-contrast",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="of cases whose tissues take any signal, 0 to 1 (default: 0)",
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
        help="of a voxel that a lesion must fill somewhere to leave a mask (default: 0.4)",
    )
    parser.add_argument("--t1c", action="store_true", help="contrast-enhanced T1w as well")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes (default: 1)")


def run(options: argparse.Namespace) -> int:
    """Make the cohort and say on standard output where it is."""
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
    answer = {"folder": str(folder), "table": str(table), "cases": n_cases, "notice": NOTICE}
    json.dump(answer, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
    return 0
