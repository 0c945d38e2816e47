"""Print results as JSON on standard output, and messages on standard error."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError, ModelError, SpinalcordError

DONE, FAILED, USAGE, MODEL, INPUT, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""Exit codes."""


def print_json(value: Any) -> None:
    """Print a result on standard output."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False, allow_nan=False)
    sys.stdout.write("\n")


def say(text: str) -> None:
    """Print a message on standard error."""
    print(f"spinalcord: {text}", file=sys.stderr)


def say_notice(options: argparse.Namespace, notice: str) -> None:
    """Repeat what the models' makers want said with every result, unless --quiet is given."""
    if notice and not options.quiet:
        say(f"notice: {notice}")


def say_hint(options: argparse.Namespace) -> None:
    """Hint at bf16 where f32 was used by default on a CPU that computes in bf16."""
    if options.precision is None and not options.quiet:
        from ..models.network import resolve_precision

        if resolve_precision("auto") != "f32":
            say(
                "hint: computed in f32; this CPU has bf16, which is 2 to 3 times faster: "
                "--precision auto (--precision f32 silences this)"
            )


def report_scans(
    options: argparse.Namespace, compute: Callable[[str], tuple[Any, Sequence[Path]]]
) -> int:
    """Compute the result of each scan in turn and print it.

    One scan gives one JSON object, several give an array in the order of the command line. A scan
    that fails does not keep the others from being processed; it is listed with its reason.

    Parameters
    ----------
    options : argparse.Namespace
        With ``scans`` and ``quiet``.
    compute : callable
        Function of the path of a scan that returns its result and the files that were written.

    Returns
    -------
    int
        Exit code: 1 if one of several scans failed.

    Raises
    ------
    SpinalcordError
        The error of a single scan; a ModelError, which concerns all scans.
    """
    scans: list[str] = options.scans
    printed: list[dict[str, Any]] = []
    notices: set[str] = set()
    try:
        for number, scan in enumerate(scans, 1):
            if len(scans) > 1 and not options.quiet:
                say(f"scan {number} of {len(scans)}: {scan}")
            try:
                result, files = compute(scan)
            except ModelError:
                raise
            except SpinalcordError as error:
                if len(scans) == 1:
                    raise
                say(f"error: {error}")
                printed.append({"scan": scan, "error": str(error)})
                continue
            if result.notice not in notices:
                say_notice(options, result.notice)
                notices.add(result.notice)
            row = {**result.to_dict(), "files": [str(path) for path in files]}
            printed.append(row if len(scans) == 1 else {"scan": scan, **row})
    finally:  # report what is done, even if the rest is interrupted
        if printed:
            print_json(printed[0] if len(scans) == 1 else printed)
    say_hint(options)
    return FAILED if any("error" in row for row in printed) else DONE


def check_scans(options: argparse.Namespace, ending: str, single: Sequence[str]) -> None:
    """Check before any computation that the requested output can be written.

    Parameters
    ----------
    options : argparse.Namespace
        With ``scans`` and ``out``.
    ending : str
        Ending of the file that ``--out`` may name, such as ``".nii.gz"``.
    single : sequence of str
        Options that concern one scan, such as ``"mask"``.

    Raises
    ------
    InputError
        ``--out`` names a file of another kind; several scans with a file as ``--out``, with an
        option of a single scan, or with results of the same name.
    """
    from ..analysis.results import output_path
    from ..scans.writing import result_stem

    scans: list[str] = options.scans
    target = None if options.out is None else output_path(options.out, "scan", "result", ending)
    if len(scans) == 1:
        return
    for name in single:
        if getattr(options, name) is not None:
            raise InputError(f"--{name} belongs to one scan, but {len(scans)} scans are given")
    if target is None:
        return
    if target == Path(options.out):
        raise InputError(f"{target}: expected a folder, since {len(scans)} scans are given")
    first: dict[str, str] = {}
    for scan in scans:
        stem = result_stem(scan)
        if stem in first:
            raise InputError(
                f"{first[stem]} and {scan} would both be written as {stem}_... in {options.out}: "
                "run them one at a time, each into a folder of its own"
            )
        first[stem] = scan
