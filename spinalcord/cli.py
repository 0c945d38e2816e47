"""The command line: `spinalcord segment | classify | explain | models | info`.

Results go to standard output as JSON, progress and messages to standard error. Nothing heavy is
imported before a command needs it, so that help and usage errors come at once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from .errors import InputError, ModelError, SpinalcordError, SpinalcordWarning

DONE, FAILED, USAGE, MODEL, INPUT, INTERRUPTED = 0, 1, 2, 3, 4, 130

_EPILOG = """\
Results are printed on standard output as JSON, progress and messages on standard error.
Exit codes: 0 done; 1 failed; 2 usage; 3 model missing or damaged; 4 unusable input.
Research software: not for clinical use."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; those of this process if not given.

    Returns
    -------
    int
        Exit code: 0 done; 1 failed; 2 usage; 3 model missing or damaged; 4 unusable input;
        130 interrupted.
    """
    try:
        options = _parser().parse_args(arguments)
        with warnings.catch_warnings():
            warnings.simplefilter("always", SpinalcordWarning)
            warnings.showwarning = _show_warning(options.quiet)
            code: int = options.run(options)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        _say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone: nothing is left to say, at exit neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except SpinalcordError as error:
        _say(f"error: {error}")
        if isinstance(error, ModelError):
            return MODEL
        return INPUT if isinstance(error, InputError) else FAILED
    except MemoryError as error:
        _say(f"error: out of memory {error}".rstrip())
        return FAILED


# ---- Commands ---------------------------------------------------------------------------------


def _models_list(options: argparse.Namespace) -> int:
    from .models import list_models

    rows = list_models(options.models)
    _print(rows)
    return MODEL if any("error" in row for row in rows) else DONE


def _models_verify(options: argparse.Namespace) -> int:
    from .models import verify_model

    _print(verify_model(options.file))
    return DONE


def _models_random(options: argparse.Namespace) -> int:
    from .models import write_random

    paths = write_random(options.folder, options.seed)
    _print({"files": [str(path) for path in paths], "seed": options.seed})
    return DONE


# ---- Options ----------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="spinalcord",
        description="Outline, classify and explain lesions on sagittal T2w MRI of the spinal cord.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_models(commands)
    return parser


def _add_models(commands: Any) -> None:
    parser = commands.add_parser("models", help="list, verify or make model files")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    action = _command(actions, "list", _models_list, "describe the models in a folder")
    action.add_argument("--models", metavar="DIR", help="folder (default: the package's own)")
    action = _command(actions, "verify", _models_verify, "check a model file in full")
    action.add_argument("file", metavar="FILE")
    action = _command(
        actions,
        "random",
        _models_random,
        "write models with random weights, for trying things out: their results mean nothing",
    )
    action.add_argument("folder", metavar="DIR", help="made if absent")
    action.add_argument("--seed", type=_whole(0), default=0, metavar="N", help="default: 0")


def _command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], summary: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quiet", action="store_true", help="no progress, no warnings")
    parser.set_defaults(run=run)
    return parser


class _Version(argparse.Action):
    """Print the version; imported only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from . import __version__

        print(f"spinalcord {__version__}")
        parser.exit(DONE)


def _whole(least: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{text} is below {least}")
        return value

    whole.__name__ = "whole number"
    return whole


# ---- Streams ----------------------------------------------------------------------------------


def _print(value: Any) -> None:
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False, allow_nan=False)
    sys.stdout.write("\n")


def _say(text: str) -> None:
    print(f"spinalcord: {text}", file=sys.stderr)


def _show_warning(quiet: bool) -> Callable[..., None]:
    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if not quiet:
            _say(f"warning: {message}")

    return show


if __name__ == "__main__":
    sys.exit(main())
