"""Arguments that several commands share, and the numbers that they accept."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..limits import HELP, MOST, LesionLimits

if TYPE_CHECKING:
    from ..analysis.pipeline import Pipeline

# As in models/network.py and analysis/attribution/methods.py, which would import the core.
PRECISIONS = ("f32", "bf16", "int8")
BACKENDS = ("own", "onednn")
ROIS = ("full", "cord")
METHODS = ("gradcam", "gradcam++", "hirescam", "layercam", "gradient", "integrated", "occlusion")
LAYERS = ("last", "block1", "block2", "block3", "block4", "input")
OF = ("logit", "difference", "probability")

_EPILOG = """\
example:
  {example}

Results are printed on standard output as JSON, progress and messages on standard error.
Exit codes: 0 done; 1 failed, or some cases; 2 usage; 3 model missing or damaged; 4 unusable input.
Research software: not for clinical use."""


def epilog(example: str) -> str:
    """Return what a command's help ends with."""
    return _EPILOG.format(example=example)


def add_parser(
    commands: Any, name: str, summary: str, example: str, *, quiet: bool = True
) -> argparse.ArgumentParser:
    """Add a subcommand with its help and, unless it only holds actions, ``--quiet``."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=epilog(example),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if quiet:
        parser.add_argument("--quiet", action="store_true", help="no progress, no warnings")
    return parser


def shorten_help(parser: argparse.ArgumentParser, basic: Collection[str]) -> None:
    """Leave only some options in ``--help``, and add ``--help-all``, which shows them all.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        With all its options; those that it requires and positional arguments are always shown.
    basic : collection of str
        Destinations of the other options to show.
    """
    parser.add_argument("--help-all", action=_HelpAll, nargs=0)
    shown = {*basic, "help", "help_all"}
    full = {}
    for action in parser._actions:
        if action.option_strings and not action.required and action.dest not in shown:
            full[action], action.help = action.help, argparse.SUPPRESS
    (whole,) = (action for action in parser._actions if isinstance(action, _HelpAll))
    whole.hidden = full
    whole.help = f"show the {len(full)} other options as well, and exit"


class _HelpAll(argparse.Action):
    """Print the help with the options that `shorten_help` has hidden."""

    hidden: Mapping[argparse.Action, str | None] = {}

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        for action, text in self.hidden.items():
            action.help = text
        self.help = "show all options and exit"
        parser.print_help()
        parser.exit()


def add_scans(parser: argparse.ArgumentParser) -> None:
    """Add the scans, and the choice of a DICOM series."""
    parser.add_argument(
        "scans",
        nargs="+",
        metavar="SCAN",
        help="NIfTI, NRRD or MetaImage file; DICOM file, folder or zip; several give a JSON array",
    )
    parser.add_argument(
        "--series", metavar="UID", help="SeriesInstanceUID of the DICOM series to read"
    )


def add_lesion(parser: argparse.ArgumentParser) -> None:
    """Add the further inputs of a classifier."""
    parser.add_argument(
        "--mask", metavar="M", help="lesion mask on the scan's grid (default: segment first)"
    )
    add_lesion_label(parser)
    parser.add_argument(
        "--t1c", metavar="SCAN", help="contrast-enhanced T1w scan on the same grid (default: none)"
    )


def lesion(options: argparse.Namespace) -> dict[str, Any]:
    """Return what `add_lesion` has asked for, as `spinalcord.classify` takes it."""
    return {name: getattr(options, name) for name in ("mask", "lesion_label", "t1c")}


def add_lesion_label(parser: argparse.ArgumentParser) -> None:
    """Add the label of the lesion in a mask."""
    from ..scans.labels import parse_label

    parser.add_argument(
        "--lesion-label",
        type=read_by(parse_label),
        metavar="LABEL",
        help="lesion in masks with several labels: a value, such as 2; the name of a segment; or a "
        "map, such as cord=1,lesion=2 (default: all nonzero values, or segments with such a name)",
    )


def add_tables(parser: argparse.ArgumentParser) -> None:
    """Add the names of a table's columns and the meaning of its words."""
    from ..tables.words import parse_columns, parse_words

    parser.add_argument(
        "--columns",
        type=read_by(parse_columns),
        metavar="NAMES",
        help="the table's own names of columns, as in age=Alter,sex=Gender",
    )
    parser.add_argument(
        "--words",
        type=read_by(parse_words),
        metavar="WORDS",
        help="what words or codes mean, as in sex:1=M,sex:2=F,diagnosis:Devic=NMOSD",
    )


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Add the options of `LesionLimits`."""
    for name, (metavar, summary) in HELP.items():
        option = f"--{name.replace('_', '-')}"
        if name in MOST:
            own = "the model's" if name == "threshold" else "the model's, or 0"
            text = f"{summary} (default: {own})"
            parser.add_argument(option, type=number(0, MOST[name]), metavar=metavar, help=text)
        else:
            parser.add_argument(option, action="store_true", default=None, help=summary)


def limits(options: argparse.Namespace) -> LesionLimits:
    """Return what `add_limits` has asked for."""
    return LesionLimits.take(vars(options))


def add_explanation_options(parser: argparse.ArgumentParser) -> None:
    """Add the attribution method and its evaluation."""
    parser.add_argument(
        "--method",
        choices=METHODS,
        default="gradcam",
        metavar="NAME",
        help=f"{', '.join(METHODS)} (default: gradcam)",
    )
    parser.add_argument(
        "--layer",
        choices=LAYERS,
        metavar="L",
        help=f"layer to attribute to: {', '.join(LAYERS)} (default: last, or input)",
    )
    parser.add_argument(
        "--of",
        choices=OF,
        metavar="WHAT",
        help="quantity to explain: the answer's logit, its difference from the other answer's "
        f"logit, or its probability: {', '.join(OF)} (default: logit; difference for occlusion)",
    )
    parser.add_argument(
        "--ring-mm",
        type=number(0, 100),
        default=5.0,
        metavar="MM",
        help="width of the perilesional ring (default: 5)",
    )
    parser.add_argument(
        "--curves",
        action="store_true",
        help="compute deletion and insertion curves: 41 forward passes per slice",
    )
    parser.add_argument(
        "--compare",
        type=lambda text: text.split(","),
        default=(),
        metavar="NAMES",
        help="methods to compare with, such as layercam:block3,occlusion",
    )


def explanation_options(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options of `add_explanation_options` as keywords of `spinalcord.explain`."""
    names = ("method", "layer", "of", "ring_mm", "curves", "compare")
    return {name: getattr(options, name) for name in names}


def add_exclude(parser: argparse.ArgumentParser) -> None:
    """Add the cases to exclude."""
    parser.add_argument(
        "--exclude",
        type=lambda text: (
            text if Path(text).is_file() else [part.strip() for part in text.split(",") if part]
        ),
        metavar="LIST",
        help="cases or participants to exclude: A,B,C or a file with one per line and the reason "
        "after a tab; or the verdicts exported from qc.html",
    )


def add_models(parser: argparse.ArgumentParser) -> None:
    """Add the folder of model files."""
    parser.add_argument(
        "--models", metavar="DIR", help="folder of model files (default: the package's own)"
    )


def add_computing(parser: argparse.ArgumentParser) -> None:
    """Add the models, the arithmetic and the number of threads."""
    add_models(parser)
    parser.add_argument(
        "--precision",
        choices=("auto", *PRECISIONS),
        help="arithmetic: f32, bf16, int8, or auto, which is bf16 where the CPU supports it, else "
        "f32 (default: f32)",
    )
    parser.add_argument(
        "--threads",
        type=whole(1),
        metavar="N",
        help="default: the CPUs that this process may use",
    )


def add_roi(parser: argparse.ArgumentParser) -> None:
    """Add the choice of whole slices or a window around the cord."""
    parser.add_argument(
        "--roi",
        choices=ROIS,
        default="full",
        help="segment whole slices, or most slices only in a window around the cord, which is "
        "faster and nearly the same (default: full)",
    )


def computing(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options of `add_computing` as keywords."""
    precision = options.precision or "f32"
    return {"models": options.models, "precision": precision, "threads": options.threads}


def make_pipeline(options: argparse.Namespace) -> Pipeline:
    """Open the models that `add_computing` has asked for."""
    from ..analysis.pipeline import Pipeline

    roi = getattr(options, "roi", "full")
    return Pipeline(**computing(options), progress=not options.quiet, roi=roi)


def read_by(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return what reads an option by a function whose errors say what is wrong."""

    def convert(text: str) -> Any:
        try:
            return parse(text)
        except InputError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return convert


def whole(least: int) -> Callable[[str], int]:
    """Return a converter to integers of at least `least`."""

    def convert(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{text} is below {least}")
        return value

    convert.__name__ = "whole number"
    return convert


def number(least: float, most: float) -> Callable[[str], float]:
    """Return a converter to numbers from `least` to `most`."""

    def convert(text: str) -> float:
        value = float(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not a number from {least:g} to {most:g}")
        return value

    convert.__name__ = "number"
    return convert
