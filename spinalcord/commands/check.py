"""The command ``spinalcord check``."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import options as shared
from .output import DONE, FAILED, print_json, say

SUMMARY = "check a cohort before training or running: one page, one table, what must be fixed"
EXAMPLE = "spinalcord check cohort.csv -o check"

SHOWN_PROBLEMS = 20


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "cohort",
        metavar="COHORT",
        help="BIDS folder, folder of scans, or table (CSV, TSV, xlsx, sav; case_id, path, ...)",
    )
    parser.add_argument(
        "-o",
        "--out",
        metavar="OUT",
        default="check",
        help="output folder, created if absent (default: check)",
    )
    shared.add_exclude(parser)
    shared.add_tables(parser)
    shared.add_lesion_label(parser)


def run(options: argparse.Namespace) -> int:
    """Check the cohort; print what was found. Exit code 1 if something must be fixed."""
    from ..cohort.check_page import write_check
    from ..cohort.checking import check_cohort

    check = check_cohort(
        options.cohort,
        lesion_label=options.lesion_label,
        columns=options.columns,
        words=options.words,
        exclude=options.exclude,
        progress=not options.quiet,
    )
    files = write_check(check, Path(options.out))
    told = [*check.problems]
    told += [f"{c.case.case_id}: {text}" for c in check.cases for text in c.problems]
    for text in told[:SHOWN_PROBLEMS]:
        say(f"to be fixed: {text}")
    if len(told) > SHOWN_PROBLEMS:
        say(f"to be fixed: {len(told) - SHOWN_PROBLEMS} more, listed in {files[0]}")
    print_json({**check.to_dict(), "files": [str(path) for path in files]})
    return DONE if check.sound else FAILED
