"""The command ``spinalcord stats``."""

from __future__ import annotations

import argparse

from .output import DONE, print_json

SUMMARY = "recompute table 2 of the published letter from its counts, and audit its figures"
EXAMPLE = "spinalcord stats --letter"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "--letter",
        action="store_true",
        required=True,
        help="use the published counts of the test cohort (the only source so far)",
    )


def run(options: argparse.Namespace) -> int:
    """Print the table and the findings of the audit."""
    from ..stats import letter

    published = letter()
    print_json(
        {
            "notice": published.notice,
            "table2": published.rows(),
            "audit": [finding.to_dict() for finding in published.audit()],
        }
    )
    return DONE
