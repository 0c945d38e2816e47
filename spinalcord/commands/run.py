"""The command ``spinalcord run``."""

from __future__ import annotations

import argparse

from ..run_options import MASK_USES, CohortInputs, Execution, RunOutputs
from ..wording import counted
from . import options as shared
from .output import DONE, FAILED, print_json, say, say_hint, say_notice

SUMMARY = "segment, classify and explain a whole cohort; repeat the command to resume"
EXAMPLE = "spinalcord run bids/ results/ --jobs 4 --exclude excluded.txt"

SHOWN_FAILURES = 20


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "cohort",
        metavar="COHORT",
        help="BIDS folder, folder of scans, or table (CSV, TSV, xlsx, sav; case_id, path, ...)",
    )
    parser.add_argument("out", metavar="OUT", help="output folder, created if absent")
    parser.add_argument(
        "--jobs",
        type=shared.whole(1),
        default=Execution.jobs,
        metavar="N",
        help="cases processed at the same time (default: 1)",
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="Dask cluster to run on, such as tcp://host:8786"
    )
    parser.add_argument(
        "--no-resume", action="store_true", help="recompute what an earlier run has finished"
    )
    shared.add_exclude(parser)
    parser.add_argument(
        "--no-qc", action="store_true", help="write neither pictures nor the quality control page"
    )
    parser.add_argument(
        "--dicom",
        action="store_true",
        help="write DICOM objects beside the NIfTI files: segmentation, structured report, "
        "secondary capture; they carry the patient and the study of their scan",
    )
    parser.add_argument(
        "--masks",
        choices=MASK_USES,
        default=CohortInputs.masks,
        help="lesion masks of the cohort: compare the segmentation with them (default), use them "
        "instead of segmenting, or ignore them",
    )
    parser.add_argument("--no-t1c", action="store_true", help="ignore contrast-enhanced T1w scans")
    parser.add_argument(
        "--carry",
        type=lambda text: text.split(","),
        default=CohortInputs.carry,
        metavar="COLUMNS",
        help="further columns of the cohort to copy to cases.tsv, such as site,scanner",
    )
    shared.add_tables(parser)
    shared.add_lesion_label(parser)
    shared.add_limits(parser)
    shared.add_explanation_options(parser)
    shared.add_computing(parser)


def run(options: argparse.Namespace) -> int:
    """Run the cohort and print how many cases are done, failed, missing or excluded."""
    from ..analysis.attribution import ExplanationOptions
    from ..cohort import run_cohort

    result = run_cohort(
        options.cohort,
        options.out,
        inputs=CohortInputs(
            exclude=options.exclude,
            masks=options.masks,
            t1c=not options.no_t1c,
            carry=options.carry,
            columns=options.columns,
            words=options.words,
            lesion_label=options.lesion_label,
        ),
        limits=shared.limits(options),
        explanation=ExplanationOptions(**shared.explanation_options(options)),
        outputs=RunOutputs(qc=not options.no_qc, dicom=options.dicom),
        execution=Execution(
            jobs=options.jobs, client=options.scheduler, resume=not options.no_resume
        ),
        **shared.computing(options),
        progress=not options.quiet,
    )
    say_notice(options, result.notice)
    say_hint(options)
    failures = result.read("failures.tsv")
    for row in failures[:SHOWN_FAILURES]:
        say(f"failed: {row['case_id']}: {row['reason']}")
    if len(failures) > SHOWN_FAILURES:
        say(f"failed: {len(failures) - SHOWN_FAILURES} more, listed in failures.tsv")
    about = result.to_dict()
    for why, n in about.get("without_dicom", {}).items():
        say(f"{why}: {counted(n, 'case')}")
    print_json(about)
    return FAILED if result.counts["failed"] else DONE
