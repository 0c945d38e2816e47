"""The command line: `spinalcord segment | classify | explain | run | report | models` and others.

Results go to standard output as JSON, progress and messages to standard error. Nothing heavy is
imported before a command needs it, so that help and usage errors come at once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .commands import bench, demo, phantom, report
from .commands import options as shared
from .commands import train as training
from .errors import InputError, ModelError, SpinalcordError, SpinalcordWarning
from .tasks import TASKS

if TYPE_CHECKING:
    from .analysis.pipeline import Pipeline

DONE, FAILED, USAGE, MODEL, INPUT, INTERRUPTED = 0, 1, 2, 3, 4, 130
SHOWN_FAILURES = 20

_TASKS = ", ".join(TASKS)
_EPILOG = """\
Results are printed on standard output as JSON, progress and messages on standard error.
Exit codes: 0 done; 1 failed, or some cases; 2 usage; 3 model missing or damaged; 4 unusable input.
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


def _segment(options: argparse.Namespace) -> int:
    _check_out(options.out, ".nii.gz")
    result = _pipeline(options).segment(
        options.scan,
        cord=options.cord,
        **shared.limits(options).to_dict(),
        series=options.series,
    )
    files = result.save(options.out, probability=options.probability)
    return _report(options, result, files)


def _classify(options: argparse.Namespace) -> int:
    _check_out(options.out, ".json")
    result = _pipeline(options).classify(
        options.scan, mask=options.mask, t1c=options.t1c, series=options.series
    )
    files = [] if options.out is None else result.save(options.out)
    return _report(options, result, files)


def _explain(options: argparse.Namespace) -> int:
    _check_out(options.out, ".nii.gz")
    result = _pipeline(options).explain(
        options.scan,
        task=options.task,
        mask=options.mask,
        t1c=options.t1c,
        target=options.target,
        **shared.explaining(options),
        series=options.series,
    )
    return _report(options, result, result.save(options.out))


def _run(options: argparse.Namespace) -> int:
    from .cohort import run_cohort

    result = run_cohort(
        options.cohort,
        options.out,
        models=options.models,
        precision=options.precision,
        jobs=options.jobs,
        threads=options.threads,
        client=options.scheduler,
        resume=not options.no_resume,
        exclude=options.exclude,
        masks=options.masks,
        t1c=not options.no_t1c,
        carry=options.carry,
        limits=shared.limits(options),
        **shared.explaining(options),
        qc=not options.no_qc,
        progress=not options.quiet,
    )
    if result.notice and not options.quiet:
        _say(f"notice: {result.notice}")
    for row in result.read("failures.tsv")[:SHOWN_FAILURES]:
        _say(f"failed: {row['case_id']}: {row['reason']}")
    _print(result.to_dict())
    return FAILED if result.counts["failed"] else DONE


def _info(options: argparse.Namespace) -> int:
    from . import __version__, _core
    from .models.folder import WEIGHTS_DIR, list_models

    folder = WEIGHTS_DIR if options.models is None else Path(options.models)
    cpu, models = _core.cpu(), list_models(options.models)
    for row in models:
        if "error" not in row:
            row["kernels"] = {p: _kernels(folder / row["file"], p) for p in cpu["precisions"]}
    _print(
        {
            "version": __version__,
            "python": sys.version.split()[0],
            **cpu,
            "models_folder": str(folder),
            "models": models,
        }
    )
    return DONE


def _check_out(out: str | None, ending: str) -> None:
    """Refuse a file name of another kind before anything is computed."""
    from .analysis.results import output_path

    if out is not None:
        output_path(out, "scan", "result", ending)


def _kernels(path: Path, precision: str) -> dict[str, int]:
    """Count the steps of a network at 256 x 256 by what computes them."""
    from .models.network import Network

    layers = Network.open(path, precision).layers(256, 256)
    return dict(Counter(layer["implementation"] for layer in layers))


def _stats(options: argparse.Namespace) -> int:
    from .stats import letter

    published = letter()
    _print(
        {
            "notice": published.notice,
            "table2": published.rows(),
            "audit": [finding.to_dict() for finding in published.audit()],
        }
    )
    return DONE


def _models_list(options: argparse.Namespace) -> int:
    from .models.folder import list_models

    rows = list_models(options.models)
    _print(rows)
    return MODEL if any("error" in row for row in rows) else DONE


def _models_verify(options: argparse.Namespace) -> int:
    from .models.folder import verify_model, verify_models

    _print(verify_models() if options.file is None else verify_model(options.file))
    return DONE


def _models_random(options: argparse.Namespace) -> int:
    from .models.folder import write_random

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
    demo.add_options(_command(commands, "demo", demo.run, demo.SUMMARY))
    _add_segment(commands)
    _add_classify(commands)
    _add_explain(commands)
    _add_run(commands)
    report.add_options(_command(commands, "report", report.run, report.SUMMARY))
    _add_models(commands)
    _add_stats(commands)
    training.add_options(_command(commands, "train", training.run, training.SUMMARY))
    phantom.add_options(_command(commands, "phantom", phantom.run, phantom.SUMMARY))
    bench.add_options(_command(commands, "bench", bench.run, bench.SUMMARY))
    _add_info(commands)
    return parser


def _add_segment(commands: Any) -> None:
    summary = "outline lesions on a sagittal T2w scan"
    parser = _command(commands, "segment", _segment, summary)
    shared.add_scan(parser)
    parser.add_argument(
        "-o",
        "--out",
        default=".",
        metavar="OUT",
        help="folder, or the mask's name ending in .nii.gz (default: the current folder)",
    )
    shared.add_limits(parser)
    parser.add_argument(
        "--cord",
        metavar="MASK",
        help="cord mask: exclude lesions outside it (default: the network's own, if any)",
    )
    parser.add_argument(
        "--probability", action="store_true", help="write the probabilities too (into a folder)"
    )
    shared.add_computing(parser)


def _add_classify(commands: Any) -> None:
    summary = "tell tumor from demyelination, and which one of either"
    parser = _command(commands, "classify", _classify, summary)
    shared.add_scan(parser)
    shared.add_lesion(parser)
    parser.add_argument(
        "-o", "--out", metavar="OUT", help="folder or file ending in .json (default: print only)"
    )
    shared.add_computing(parser)


def _add_explain(commands: Any) -> None:
    summary = "show where the evidence for an answer lies"
    parser = _command(commands, "explain", _explain, summary)
    shared.add_scan(parser)
    parser.add_argument("--task", required=True, choices=tuple(TASKS), metavar="T", help=_TASKS)
    parser.add_argument(
        "--target", metavar="ANSWER", help="answer to explain (default: the network's own)"
    )
    shared.add_explaining(parser)
    shared.add_lesion(parser)
    parser.add_argument(
        "-o",
        "--out",
        default=".",
        metavar="OUT",
        help="folder, or the map's name ending in .nii.gz (default: the current folder)",
    )
    shared.add_computing(parser)


def _add_run(commands: Any) -> None:
    summary = "do all this for a cohort, and write tables; run again to resume"
    parser = _command(commands, "run", _run, summary)
    parser.add_argument(
        "cohort",
        metavar="COHORT",
        help="BIDS folder, folder of scans, or CSV or TSV file (case_id, path, ...)",
    )
    parser.add_argument("out", metavar="OUT", help="folder, made if absent")
    parser.add_argument(
        "--jobs", type=shared.whole(1), default=1, metavar="N", help="cases at a time (default: 1)"
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="Dask cluster to run on, such as tcp://host:8786"
    )
    parser.add_argument(
        "--no-resume", action="store_true", help="do again what an earlier run has done"
    )
    shared.add_exclude(parser)
    parser.add_argument(
        "--no-qc", action="store_true", help="no pictures, and no page on which to judge the cases"
    )
    parser.add_argument(
        "--masks",
        choices=("compare", "use", "ignore"),
        default="compare",
        help="lesion masks: compare with them (default), classify them, or ignore them",
    )
    parser.add_argument("--no-t1c", action="store_true", help="ignore contrast-enhanced T1w scans")
    parser.add_argument(
        "--carry",
        type=lambda text: text.split(","),
        default=(),
        metavar="COLUMNS",
        help="further columns of the cohort for cases.tsv, such as site,scanner",
    )
    shared.add_limits(parser)
    shared.add_explaining(parser)
    shared.add_computing(parser)


def _add_stats(commands: Any) -> None:
    summary = "print the letter's table 2 from its counts, and an audit of its figures"
    parser = _command(commands, "stats", _stats, summary)
    parser.add_argument(
        "--letter",
        action="store_true",
        required=True,
        help="the published counts of the test cohort (no other source can be named yet)",
    )


def _add_info(commands: Any) -> None:
    summary = "show the version, what this CPU can do, the models found and their kernels"
    parser = _command(commands, "info", _info, summary)
    parser.add_argument("--models", metavar="DIR", help="folder (default: the package's own)")


def _add_models(commands: Any) -> None:
    parser = commands.add_parser("models", help="list, verify or make model files")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    action = _command(actions, "list", _models_list, "describe the models in a folder")
    action.add_argument("--models", metavar="DIR", help="folder (default: the package's own)")
    action = _command(actions, "verify", _models_verify, "check a model file in full")
    action.add_argument(
        "file", nargs="?", metavar="FILE", help="default: all that come with the package"
    )
    action = _command(
        actions,
        "random",
        _models_random,
        "write models with random weights, for trying things out: their results mean nothing",
    )
    action.add_argument("folder", metavar="DIR", help="made if absent")
    action.add_argument("--seed", type=shared.whole(0), default=0, metavar="N", help="default: 0")


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


def _pipeline(options: argparse.Namespace) -> Pipeline:
    from .analysis.pipeline import Pipeline

    return Pipeline(options.models, options.precision, options.threads, progress=not options.quiet)


# ---- Streams ----------------------------------------------------------------------------------


def _print(value: Any) -> None:
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False, allow_nan=False)
    sys.stdout.write("\n")


def _report(options: argparse.Namespace, result: Any, files: Sequence[Path]) -> int:
    if result.notice and not options.quiet:
        _say(f"notice: {result.notice}")
    _print({**result.to_dict(), "files": [str(path) for path in files]})
    return DONE


def _say(text: str) -> None:
    print(f"spinalcord: {text}", file=sys.stderr)


def _show_warning(quiet: bool) -> Callable[..., None]:
    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if not quiet:
            _say(f"warning: {message}")

    return show


if __name__ == "__main__":
    sys.exit(main())
