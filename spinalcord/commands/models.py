"""The command ``spinalcord models``: list, verify, quantize, export, import and random."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..extras import require
from ..run_options import CALIBRATION_CASES, CALIBRATION_SLICES
from ..training.settings import MODES
from . import options as shared
from .output import DONE, MODEL, print_json, say

SUMMARY = "list, verify, quantize, export, import or create model files"
EXAMPLE = "spinalcord models list"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the actions of the command, each with its options."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    action = shared.add_parser(
        actions, "list", "describe the models in a folder", "spinalcord models list --models my/"
    )
    shared.add_models(action)
    action = shared.add_parser(
        actions,
        "verify",
        "check every tensor of a model file, or of all in a folder",
        "spinalcord models verify my/segmentation.safetensors",
    )
    action.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="model file or folder (default: all that come with the package)",
    )
    _add_quantize(actions)
    action = shared.add_parser(
        actions,
        "export",
        "write a model file as an ONNX graph, compared with the core (needs onnx)",
        "spinalcord models export my/segmentation.safetensors --onnx segmentation.onnx",
    )
    action.add_argument("file", metavar="FILE", help="model file")
    action.add_argument("--onnx", required=True, metavar="OUT", help="file ending in .onnx")
    _add_import(actions)
    action = shared.add_parser(
        actions,
        "random",
        "write models with random weights to try things out; their results mean nothing",
        "spinalcord models random random-models/ --seed 1",
    )
    action.add_argument("folder", metavar="DIR", help="output folder, created if absent")
    action.add_argument("--seed", type=shared.whole(0), default=0, metavar="N", help="default: 0")


def _add_quantize(actions: Any) -> None:
    action = shared.add_parser(
        actions,
        "quantize",
        "measure a model's scales for int8 on scans, and store them beside the file",
        "spinalcord models quantize my/segmentation.safetensors --data validation.tsv",
    )
    action.add_argument("file", metavar="FILE", help="model file")
    action.add_argument(
        "--data",
        required=True,
        metavar="COHORT",
        help="table, BIDS or other folder of scans, with masks of lesions for a classifier",
    )
    for option, default, of_what in (
        ("--cases", CALIBRATION_CASES, "of the cohort, drawn at random"),
        ("--slices", CALIBRATION_SLICES, "of each case, drawn at random"),
    ):
        action.add_argument(option, type=shared.whole(1), default=default, metavar="N",
                            help=f"{of_what} (default: {default})")  # fmt: skip
    action.add_argument("--seed", type=shared.whole(0), default=0, metavar="N", help="default: 0")


def _add_import(actions: Any) -> None:
    action = shared.add_parser(
        actions,
        "import",
        "write a model file from a PyTorch or Keras checkpoint of the same network (needs PyTorch)",
        "spinalcord models import old.keras --network densenet121 --role ms_vs_nmosd "
        "-o my/ms_vs_nmosd.safetensors",
    )
    add = action.add_argument
    add("file", metavar="FILE", help=".pt, .pth, .ckpt, .safetensors, .keras or .h5")
    add("--network", required=True, choices=("multiresunet", "densenet121"))
    add("--role", metavar="ROLE", help="segmentation (default for multiresunet), or a task")
    add("-o", "--out", required=True, metavar="MODEL", help="model file, ending in .safetensors")
    add("--outputs", metavar="A,B", help="of multiresunet, in order (default: lesion,cord)")
    add("--mode", choices=MODES, default="physical",
        help="image preparation that it was trained with (default: physical)")  # fmt: skip
    add("--pixel-mm", type=shared.number(0.1, 10), default=1.0, metavar="P",
        help="pixel size of physical preparation (default: 1.0)")  # fmt: skip
    add("--context-mm", type=shared.number(0.1, 100), default=3.5, metavar="D",
        help="distance of the neighbors where it sees three slices (default: 3.5)")  # fmt: skip
    add("--name", metavar="NAME", help="name stored in the model file (default: the file name)")


def run(options: argparse.Namespace) -> int:
    """Perform the action."""
    return _ACTIONS[options.action](options)


def _list(options: argparse.Namespace) -> int:
    from ..models.folder import list_models

    rows = list_models(options.models)
    print_json(rows)
    return MODEL if any("error" in row for row in rows) else DONE


def _verify(options: argparse.Namespace) -> int:
    from ..models.folder import verify_model, verify_models

    if options.file is None or Path(options.file).is_dir():
        print_json(verify_models(options.file))
    else:
        print_json(verify_model(options.file))
    return DONE


def _quantize(options: argparse.Namespace) -> int:
    from ..cohort.calibration import quantize_model

    print_json(
        quantize_model(
            options.file,
            options.data,
            cases=options.cases,
            slices=options.slices,
            seed=options.seed,
        )
    )
    return DONE


def _export(options: argparse.Namespace) -> int:
    from ..models.onnx_export import export_onnx

    made = export_onnx(options.file, options.onnx)
    if made["difference"] is None and not options.quiet:
        say("not compared with the core: onnxruntime is not installed")
    if made["flips"] and not options.quiet:
        say("the model's test-time flips are not part of the graph")
    print_json(made)
    return DONE


def _import(options: argparse.Namespace) -> int:
    require("torch", "train", "importing a network")
    from ..training.importing import import_model
    from ..training.settings import Settings

    role = options.role or ("segmentation" if options.network == "multiresunet" else None)
    if role is None:
        raise InputError("--role names the task of a classifier, as in --role ms_vs_nmosd")
    settings = Settings(
        mode=options.mode, pixel_mm=options.pixel_mm, context_mm=options.context_mm
    )  # fmt: skip
    outputs = tuple(options.outputs.split(",")) if options.outputs else None
    made = import_model(options.file, options.out, network=options.network, role=role,
                        settings=settings, outputs=outputs, name=options.name)  # fmt: skip
    if not options.quiet:
        say("thresholds are one half: choose them on your own cases before you use the model")
    print_json(made)
    return DONE


def _random(options: argparse.Namespace) -> int:
    from ..models.folder import write_random

    paths = write_random(options.folder, options.seed)
    print_json({"files": [str(path) for path in paths], "seed": options.seed})
    return DONE


_ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {
    "list": _list,
    "verify": _verify,
    "quantize": _quantize,
    "export": _export,
    "import": _import,
    "random": _random,
}
