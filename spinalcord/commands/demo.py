"""The command `spinalcord demo`.  Nothing heavy is imported before it runs."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from ..errors import InputError
from ..tasks import DIAGNOSES
from .options import add_computing, whole

SUMMARY = "send a synthetic case through the whole pipeline, with a page to look at"
PAGE = "spinalcord-demo.html"
NO_LESION = "none"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the command its options; those not given are chosen by `run_demo`."""
    parser.add_argument(
        "-o",
        "--out",
        default=".",
        metavar="OUT",
        help=f"folder, or the page's name ending in .html (default: {PAGE} in the current folder)",
    )
    parser.add_argument(
        "--diagnosis",
        choices=(*DIAGNOSES, NO_LESION),
        metavar="D",
        help=f"to draw: {', '.join(DIAGNOSES)}, or {NO_LESION} for no lesion",
    )
    parser.add_argument("--seed", type=whole(0), metavar="N", help="another one, another phantom")
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    add_computing(parser)


def run(options: argparse.Namespace) -> int:
    """Make the demo, write its page and say on standard output what came out."""
    from ..demo.demo_page import write_page
    from ..demo.demo_run import DIAGNOSIS, SEED, run_demo

    start = time.perf_counter()
    path = page_path(options.out)
    diagnosis = DIAGNOSIS if options.diagnosis is None else options.diagnosis
    demo = run_demo(
        None if diagnosis == NO_LESION else diagnosis,
        SEED if options.seed is None else options.seed,
        models=options.models,
        precision=options.precision,
        threads=options.threads,
        progress=not options.quiet,
    )
    write_page(demo, path)
    if not options.quiet:
        for notice in demo.notices:
            print(f"spinalcord: notice: {notice}", file=sys.stderr)
    answer = demo.to_dict()
    answer["seconds"]["all"] = round(time.perf_counter() - start, 2)
    json.dump({"page": str(path), **answer}, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
    if options.open:
        _show(path)
    return 0


def page_path(out: str) -> Path:
    """Say where the page goes: to the file that is named, or into the folder.

    Raises
    ------
    InputError
        A file name with the ending of another kind of file.
    """
    path = Path(out)
    if path.suffix.lower() in (".html", ".htm") and not path.is_dir():
        return path
    if path.suffix.lower() in (".json", ".gz", ".nii", ".pdf", ".md", ".png") and not path.is_dir():
        raise InputError(f"{path}: expected a folder, or a file name that ends in .html")
    return path / PAGE


def _show(path: Path) -> None:
    import webbrowser

    if not webbrowser.open(path.resolve().as_uri()):
        print(f"spinalcord: found no browser to open {path} in", file=sys.stderr)
