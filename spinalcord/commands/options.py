"""Options that several commands share, and the kinds of numbers that they take."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..limits import MOST, LesionLimits

# As in models/network.py and analysis/attribution/methods.py, which would import the core.
PRECISIONS = ("f32", "bf16")
METHODS = ("gradcam", "gradcam++", "hirescam", "layercam", "gradient", "integrated", "occlusion")
LAYERS = ("last", "block1", "block2", "block3", "block4", "input")
OF = ("logit", "difference", "probability")

_OWN_OR_0 = "the model's own, or 0"
_OWN = {"threshold": "the model's own"}
_LIMITS = {
    "threshold": ("P", "smallest probability of a lesion voxel"),
    "min_peak": ("P", "exclude lesions that nowhere reach this probability"),
    "min_lesion_mm3": ("V", "exclude smaller lesions"),
    "min_thickness_mm": ("MM", "exclude lesions thinner from slice to slice"),
    "min_in_cord": ("SHARE", "exclude lesions with less than this share, or no voxel, in the cord"),
}


def add_scan(parser: argparse.ArgumentParser) -> None:
    """The scan, and which of its series."""
    parser.add_argument(
        "scan", metavar="SCAN", help="NIfTI, NRRD or MetaImage file; DICOM file, folder or zip"
    )
    parser.add_argument("--series", metavar="UID", help="which series of a DICOM folder to take")


def add_lesion(parser: argparse.ArgumentParser) -> None:
    """What a classifier sees besides."""
    parser.add_argument(
        "--mask", metavar="M", help="lesion mask on the scan's grid (default: segment first)"
    )
    parser.add_argument(
        "--t1c", metavar="SCAN", help="contrast-enhanced T1w on the same grid (default: absent)"
    )


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Add the options of `LesionLimits`."""
    for name, (metavar, summary) in _LIMITS.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=number(0, MOST[name]),
            metavar=metavar,
            help=f"{summary} (default: {_OWN.get(name, _OWN_OR_0)})",
        )
    parser.add_argument(
        "--keep-outside-cord",
        action="store_true",
        default=None,
        help="keep lesions outside the cord, with a warning",
    )


def limits(options: argparse.Namespace) -> LesionLimits:
    """Return what `add_limits` has asked for."""
    return LesionLimits.take(vars(options))


def add_explaining(parser: argparse.ArgumentParser) -> None:
    """How evidence is looked for and judged."""
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
        help=f"maps to look at: {', '.join(LAYERS)} (default: last, or input)",
    )
    parser.add_argument(
        "--of",
        choices=OF,
        metavar="WHAT",
        help="explain the answer's logit, its difference from the other's, or the probability: "
        f"{', '.join(OF)} (default: logit; difference for occlusion)",
    )
    parser.add_argument(
        "--ring-mm",
        type=number(0, 100),
        default=5.0,
        metavar="MM",
        help="width of the perilesional ring (default: 5)",
    )
    parser.add_argument(
        "--curves", action="store_true", help="trace deletion and insertion: 41 passes a slice"
    )
    parser.add_argument(
        "--compare",
        type=lambda text: text.split(","),
        default=(),
        metavar="NAMES",
        help="methods to compare with, such as layercam:block3,occlusion",
    )


def explaining(options: argparse.Namespace) -> dict[str, Any]:
    """Return what `add_explaining` has asked for, as `spinalcord.explain` takes it."""
    names = ("method", "layer", "of", "ring_mm", "curves", "compare")
    return {name: getattr(options, name) for name in names}


def add_exclude(parser: argparse.ArgumentParser) -> None:
    """Cases to leave out."""
    parser.add_argument(
        "--exclude",
        type=lambda text: (
            text if Path(text).is_file() else [part.strip() for part in text.split(",") if part]
        ),
        metavar="LIST",
        help="cases or participants to leave out: A,B,C or a file, one a line, reason after a tab; "
        "or the verdicts that qc.html exports",
    )


def add_computing(parser: argparse.ArgumentParser) -> None:
    """Models, arithmetic, threads."""
    parser.add_argument(
        "--models", metavar="DIR", help="folder of model files (default: the package's own)"
    )
    parser.add_argument(
        "--precision", choices=PRECISIONS, default="f32", help="arithmetic (default: f32)"
    )
    parser.add_argument(
        "--threads", type=whole(1), metavar="N", help="default: the CPUs this process may use"
    )


def whole(least: int) -> Callable[[str], int]:
    """Return what reads a whole number of at least `least`."""

    def convert(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{text} is below {least}")
        return value

    convert.__name__ = "whole number"
    return convert


def number(least: float, most: float) -> Callable[[str], float]:
    """Return what reads a number from `least` to `most`."""

    def convert(text: str) -> float:
        value = float(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not a number from {least:g} to {most:g}")
        return value

    convert.__name__ = "number"
    return convert
