"""The command line: `spinalcord segment | classify | explain | run | report | models` and others.

Results go to standard output as JSON, progress and messages to standard error. Nothing heavy is
imported before a command needs it, so that help and usage errors appear at once. The commands
themselves are in `spinalcord.commands`, one module each.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from .commands import (
    bench,
    check,
    classify,
    completion,
    demo,
    explain,
    info,
    models,
    phantom,
    report,
    run,
    segment,
    stats,
    train,
)
from .commands.options import add_parser, epilog
from .commands.output import DONE, FAILED, INPUT, INTERRUPTED, MODEL, say
from .errors import InputError, ModelError, SpinalcordError, SpinalcordWarning

COMMANDS: dict[str, Any] = {
    "demo": demo,
    "segment": segment,
    "classify": classify,
    "explain": explain,
    "check": check,
    "run": run,
    "report": report,
    "models": models,
    "stats": stats,
    "train": train,
    "phantom": phantom,
    "bench": bench,
    "info": info,
    "completion": completion,
}
"""The module of each command, in the order of the help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments after the program's name; those of this process if not given.

    Returns
    -------
    int
        Exit code: 0 done; 1 failed; 2 usage; 3 model missing or damaged; 4 unusable input;
        130 interrupted.
    """
    try:
        options = make_parser().parse_args(arguments)
        with warnings.catch_warnings():
            warnings.simplefilter("always", SpinalcordWarning)
            warnings.showwarning = _show_warning(options.quiet)
            code: int = options.run(options)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone: nothing is left to say, at exit neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except SpinalcordError as error:
        say(f"error: {error}")
        if isinstance(error, ModelError):
            return MODEL
        return INPUT if isinstance(error, InputError) else FAILED
    except MemoryError as error:
        say(f"error: out of memory {error}".rstrip())
        return FAILED


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line, with all commands."""
    parser = argparse.ArgumentParser(
        prog="spinalcord",
        description="Outline, classify and explain lesions on sagittal T2w MRI of the spinal cord.",
        epilog=epilog("spinalcord demo"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(parser=parser)  # `completion` describes it
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        command = add_parser(
            commands, name, module.SUMMARY, module.EXAMPLE, quiet=module is not models
        )
        module.add_options(command)
        command.set_defaults(run=module.run)
    return parser


class _Version(argparse.Action):
    """Print the version; imported only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from . import __version__

        print(f"spinalcord {__version__}")
        parser.exit(DONE)


def _show_warning(quiet: bool) -> Callable[..., None]:
    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if not quiet:
            say(f"warning: {message}")

    return show


if __name__ == "__main__":
    sys.exit(main())
