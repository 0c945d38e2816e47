"""The command ``spinalcord demo``."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from ..errors import InputError
from ..paths import local_path
from ..tasks import DIAGNOSES
from .options import add_computing, computing, whole
from .output import DONE, print_json, say, say_hint, say_notice

SUMMARY = "run a synthetic scan through the whole pipeline and write a page of the results"
EXAMPLE = "spinalcord demo --diagnosis MS --seed 3 --open"
PAGE = "spinalcord-demo.html"
NO_LESION = "none"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command; `run_demo` chooses those that are not given."""
    parser.add_argument(
        "-o",
        "--out",
        default=".",
        metavar="OUT",
        help="folder, or file name of the page ending in .html (default: "
        f"{PAGE} in the current folder)",
    )
    parser.add_argument(
        "--diagnosis",
        choices=(*DIAGNOSES, NO_LESION),
        metavar="D",
        help=f"of the synthetic lesion: {', '.join(DIAGNOSES)}, or {NO_LESION} for no lesion",
    )
    parser.add_argument(
        "--seed", type=whole(0), metavar="N", help="another seed gives another scan"
    )
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    add_computing(parser)


def run(options: argparse.Namespace) -> int:
    """Run the demo, write its page and print what was found."""
    from ..demo.demo_page import write_page
    from ..demo.demo_run import DIAGNOSIS, SEED, run_demo

    start = time.perf_counter()
    path = page_path(options.out)
    diagnosis = DIAGNOSIS if options.diagnosis is None else options.diagnosis
    demo = run_demo(
        None if diagnosis == NO_LESION else diagnosis,
        SEED if options.seed is None else options.seed,
        **computing(options),
        progress=not options.quiet,
    )
    write_page(demo, path)
    for notice in demo.notices:
        say_notice(options, notice)
    say_hint(options)
    answer = demo.to_dict()
    answer["seconds"]["all"] = round(time.perf_counter() - start, 2)
    print_json({"page": str(path), **answer})
    if options.open:
        _show(path)
    return DONE


def page_path(out: str) -> Path:
    """Return the path of the page: the file that is named, or one in the folder.

    Raises
    ------
    InputError
        A file name with the ending of another kind of file.
    """
    path = local_path(out)
    if path.suffix.lower() in (".html", ".htm") and not path.is_dir():
        return path
    if path.suffix.lower() in (".json", ".gz", ".nii", ".pdf", ".md", ".png") and not path.is_dir():
        raise InputError(f"{path}: expected a folder, or a file name that ends in .html")
    return path / PAGE


def _show(path: Path) -> None:
    import webbrowser

    if not webbrowser.open(path.resolve().as_uri()):
        say(f"found no browser to open {path} in")
