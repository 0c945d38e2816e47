"""The command ``spinalcord report``."""

from __future__ import annotations

import argparse

from .options import add_exclude, add_tables, number
from .output import DONE, FAILED, print_json, say, say_notice

SUMMARY = "write a report with the tables and figures of a cohort"
EXAMPLE = "spinalcord report results/ --split test -o report/"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "source",
        metavar="RUN",
        help="output folder of `spinalcord run`, or a table of cases (CSV, TSV, xlsx, sav)",
    )
    parser.add_argument(
        "-o", "--out", metavar="OUT", help="output folder (default: that of the run)"
    )
    parser.add_argument(
        "--split",
        metavar="NAME",
        help='split to report, or "all" (default: test where there is one, else all)',
    )
    parser.add_argument(
        "--level",
        type=number(0.5, 0.999),
        default=0.95,
        metavar="L",
        help="confidence level of the intervals (default: 0.95)",
    )
    add_exclude(parser)
    parser.add_argument(
        "--factors",
        type=_names,
        default=(),
        metavar="COLUMNS",
        help="subgroups by these columns as well, such as site,scanner",
    )
    parser.add_argument(
        "--describe",
        type=_names,
        default=(),
        metavar="COLUMNS",
        help="describe these columns by diagnosis as well, such as edss",
    )
    parser.add_argument(
        "--t1c-run",
        metavar="RUN",
        help="the same patients run (and read) with contrast-enhanced T1w scans, to compare both",
    )
    parser.add_argument(
        "--margin",
        type=number(0.001, 0.999),
        metavar="M",
        help="non-inferiority and equivalence to the readers within M, such as 0.05, fixed "
        "beforehand",
    )
    parser.add_argument("--docx", action="store_true", help="write report.docx as well")
    parser.add_argument("--latex", action="store_true", help="write report.tex as well")
    add_tables(parser)
    parser.add_argument("--title", default="", metavar="TEXT", help="title of the report")


def _names(text: str) -> tuple[str, ...]:
    """Read names that commas separate."""
    return tuple(name for name in (part.strip() for part in text.split(",")) if name)


def run(options: argparse.Namespace) -> int:
    """Write the report and print where it is."""
    from ..report.cohort import Cohort

    try:
        cohort = Cohort(
            options.source,
            split=options.split,
            level=options.level,
            exclude=options.exclude,
            columns=options.columns,
            words=options.words,
            factors=options.factors,
            describe=options.describe,
            margin=options.margin,
            t1c_run=options.t1c_run,
        )
        files = cohort.report(
            options.out, title=options.title, docx=options.docx, latex=options.latex
        )
    except ImportError as error:
        # The extra is missing; the message says how to get it.
        say(f"error: {error}")
        return FAILED
    say_notice(options, cohort.notice)
    answer = {
        "page": str(files[0]),
        "split": cohort.split,
        "patients": cohort.cases.n,
        "notice": cohort.notice,
        "files": [str(path) for path in files],
    }
    print_json(answer)
    return DONE
