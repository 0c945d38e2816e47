"""The command `spinalcord report`.  Nothing heavy is imported before it runs."""

from __future__ import annotations

import argparse
import json
import sys

from .options import add_exclude, number

SUMMARY = "write a page with the tables and figures of a cohort"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the command its options."""
    parser.add_argument(
        "source",
        metavar="RUN",
        help="folder that `spinalcord run` wrote, or a CSV or TSV file with such columns",
    )
    parser.add_argument("-o", "--out", metavar="OUT", help="folder (default: that of the run)")
    parser.add_argument(
        "--split", metavar="NAME", help='which cases; "all" for all (default: test, or all)'
    )
    parser.add_argument(
        "--level",
        type=number(0.5, 0.999),
        default=0.95,
        metavar="L",
        help="coverage of the intervals (default: 0.95)",
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
        "--columns",
        type=_names,
        default=(),
        metavar="COLUMNS",
        help="describe these columns by diagnosis as well, such as edss",
    )
    parser.add_argument(
        "--margin",
        type=number(0.001, 0.999),
        metavar="M",
        help="non-inferiority to the readers within M, such as 0.05, fixed beforehand",
    )
    parser.add_argument("--docx", action="store_true", help="write report.docx as well")
    parser.add_argument("--latex", action="store_true", help="write report.tex as well")
    parser.add_argument("--title", default="", metavar="TEXT", help="of the page")


def _names(text: str) -> tuple[str, ...]:
    """Read names that commas separate."""
    return tuple(name for name in (part.strip() for part in text.split(",")) if name)


def run(options: argparse.Namespace) -> int:
    """Write the report and say on standard output where it is."""
    from ..report.cohort import Cohort

    try:
        cohort = Cohort(
            options.source,
            split=options.split,
            level=options.level,
            exclude=options.exclude,
            factors=options.factors,
            describe=options.columns,
            margin=options.margin,
        )
        files = cohort.report(
            options.out, title=options.title, docx=options.docx, latex=options.latex
        )
    except ImportError as error:
        # The extra is missing; the message says how to get it.
        print(f"spinalcord: error: {error}", file=sys.stderr)
        return 1
    if cohort.notice and not options.quiet:
        print(f"spinalcord: notice: {cohort.notice}", file=sys.stderr)
    answer = {
        "page": str(files[0]),
        "split": cohort.split,
        "patients": cohort.cases.n,
        "notice": cohort.notice,
        "files": [str(path) for path in files],
    }
    json.dump(answer, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
    return 0
