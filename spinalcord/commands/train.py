"""The command ``spinalcord train``."""

from __future__ import annotations

import argparse
import contextlib
from typing import Any

from ..errors import InputError
from ..extras import require
from ..models.file_settings import OLD_STRETCH
from ..training.settings import (
    DEVICES,
    KEPT,
    MODES,
    PRECISIONS,
    SCHEDULES,
    TARGETS,
    Settings,
)
from .options import add_lesion_label, add_tables, number, shorten_help, whole
from .output import DONE, print_json, say

ALL = "all"

SUMMARY = "train a network on your own cohort and write a model file (needs PyTorch)"
BASIC = (
    "quiet", "columns", "words", "lesion_label", "folds", "dry_run", "jobs", "scheduler", "init",
    "resume", "epochs", "minutes", "device",
)  # fmt: skip
"""The options that ``--help`` shows; ``--help-all`` shows the others too."""
EXAMPLE = "spinalcord train segmentation --data bids/ --out segmentation.safetensors --epochs 100"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command, in groups: what every training needs comes first."""
    parser.usage = "spinalcord train TARGET --data COHORT --out MODEL [options]"
    add = parser.add_argument
    add("target", choices=(*TARGETS, ALL), metavar="TARGET", help=", ".join((*TARGETS, ALL)))
    add("--data", required=True, metavar="COHORT", help="BIDS folder, or CSV or TSV file")
    add("--out", required=True, metavar="MODEL",
        help="model file, ending in .safetensors; with all, a folder")  # fmt: skip
    add_tables(parser)
    add_lesion_label(parser)
    _add_all(parser)
    _add_one(parser)
    _add_length(parser)
    _add_images(parser)
    _add_sampling(parser)
    _add_machine(parser)
    shorten_help(parser, BASIC)


def _add_all(parser: argparse.ArgumentParser) -> None:
    """Add what is for all networks together."""
    add = parser.add_argument_group(
        f"all networks (TARGET {ALL})",
        "The plan is printed first; repeat the command to resume.",
    ).add_argument
    add("--folds", type=whole(2), metavar="K", help="cross-validate in K folds; write an ensemble")
    add("--dry-run", action="store_true", help="print the plan and train nothing")
    add("--no-outlines", action="store_true", help="train classifiers on true outlines only")
    add("--most-false", type=number(0, 1), metavar="S",
        help="share of lesion-free scans that may have a false one (default: 0.1)")  # fmt: skip
    add("--flips", metavar="A,B", help="test-time flips: rows, columns, neighbors (default: none)")
    add("--jobs", type=whole(1), metavar="N", help="trainings at a time (default: 1)")
    add("--scheduler", metavar="ADDRESS", help="Dask scheduler whose workers train")


def _add_one(parser: argparse.ArgumentParser) -> None:
    """Add what starts and continues a training, and its files."""
    add = parser.add_argument_group("start and files").add_argument
    add("--init", metavar="MODEL",
        help="model file, or output of `train diagnosis`, to start from; with all, shipped "
        "(default), none, or a folder of models")  # fmt: skip
    add("--backbone", metavar="STATE_DICT", help="torchvision densenet121 weights to start from")
    add("--resume", action="store_true", help="resume from the checkpoint, if there is one")
    add("--keep", choices=KEPT, help="weights to export (default: best, on validation)")
    add("--name", metavar="NAME", help="name stored in the model file (default: the file name)")
    add("--cache", metavar="DIR",
        help="folder for prepared slices (default: training-cache beside MODEL)")  # fmt: skip
    add("--tensorboard", action=argparse.BooleanOptionalAction,
        help="write event files for TensorBoard (default: if installed)")  # fmt: skip


def _add_length(parser: argparse.ArgumentParser) -> None:
    """Add how long a training is and how its rate and weights change."""
    add = parser.add_argument_group(
        "duration and learning rate",
        f"With {ALL}, these defaults and those of the images follow from the cohort.",
    ).add_argument
    add("--epochs", type=whole(1), metavar="N", help="most epochs (default: 200)")
    add("--steps", type=whole(1), metavar="N", help="steps per epoch (default: by cohort size)")
    add("--minutes", type=number(0.01, 1e6), metavar="M", help="time limit (default: none)")
    add("--stop-after", type=whole(1), metavar="N",
        help="stop after N epochs without gain of Dice or AUC (default: 60)")  # fmt: skip
    add("--lr", type=number(1e-9, 1), metavar="R", help="learning rate (default: 0.0001)")
    add("--schedule", choices=SCHEDULES, help="halve on a plateau, or cosine (default: plateau)")
    add("--ema", type=number(0, 0.99999), metavar="R",
        help="decay of the mean of the weights; 0: last weights (default: 0.998)")  # fmt: skip
    add("--seed", type=whole(0), metavar="N", help="default: 0")


def _add_images(parser: argparse.ArgumentParser) -> None:
    """Add what the networks see."""
    add = parser.add_argument_group("images").add_argument
    add("--mode", choices=(*MODES, OLD_STRETCH), metavar="MODE",
        help=f"preparation: {', '.join(MODES)} (default: physical)")  # fmt: skip
    add("--pixel-mm", type=number(0.1, 10), metavar="P",
        help="pixel size in mm (default: 1.0; of classifiers 0.6)")  # fmt: skip
    add("--patch", metavar="A,B", help="patch heights in pixels (default: 128,192)")
    add("--aspect", type=number(1, 64), metavar="R", help="patch height / width (default: 1)")
    add("--context-mm", type=number(0, 100), metavar="D",
        help="distance of neighboring slices seen; 0: none (default: 3.5)")  # fmt: skip
    add("--window", metavar="ROWS,COLUMNS", help="input of classifiers (default: 192,64)")
    add("--batch", type=whole(1), metavar="N", help="default: 8 patches or 32 windows")


def _add_sampling(parser: argparse.ArgumentParser) -> None:
    """Add what batches hold; seldom changed."""
    add = parser.add_argument_group("sampling (advanced)").add_argument
    add("--shares", metavar="L,C,B,E",
        help="shares of patches around lesions, on the cord, beside it and beyond its ends; the "
        "others lie anywhere (default: 0.25,0.4,0.2,0.08)")  # fmt: skip
    add("--mined", type=number(0, 0.99), metavar="M",
        help="share of patches where the network is wrong (default: 0.15)")  # fmt: skip
    add("--auxiliary", metavar="COLUMNS",
        help="numeric columns that a classifier learns besides (default: none)")  # fmt: skip
    add("--grow", type=number(0, 0.99), metavar="S",
        help="share of the training with a third of a classifier's layers; faster from random "
        "weights (default: 0)")  # fmt: skip
    add("--no-augment", action="store_true", help="train without augmentation")


def _add_machine(parser: argparse.ArgumentParser) -> None:
    """Add device, arithmetic and threads."""
    add = parser.add_argument_group("hardware").add_argument
    add("--device", choices=DEVICES, help="default: auto, which is CUDA where available")
    add("--precision", choices=PRECISIONS, help="default: auto, bf16 where it is faster")
    add("--compile", action="store_true", help="use torch.compile; for patches of one size")
    add("--workers", type=whole(0), metavar="N",
        help="threads that prepare batches; 0: none besides the training (default: 1 on a CPU, up "
        "to 8 for a GPU)")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Train a network, and print its files, epochs and validation figures.

    Raises
    ------
    InputError
        An invalid option; PyTorch is missing; as for `train_network`.
    ModelError
        As for `train_network`.
    """
    given = given_settings(options)
    Settings(**given)  # what is out of range is told before PyTorch is imported
    require("torch", "train", "training")
    return _train_all(options, given) if options.target == ALL else _train_one(options, given)


def given_settings(options: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of `Settings` that the command line sets.

    Raises
    ------
    InputError
        A patch, a window or shares that are no numbers.
    """
    found = {
        name: getattr(options, name)
        for name in (
            "epochs", "minutes", "batch", "aspect", "mined", "grow", "ema", "lr", "schedule",
            "seed", "device", "precision", "mode", "pixel_mm", "steps", "stop_after", "keep",
            "workers", "tensorboard",
        )
    }  # fmt: skip
    given = {name: value for name, value in found.items() if value is not None}
    for name in ("patch", "window"):
        if getattr(options, name) is not None:
            given[name] = _sides(getattr(options, name), name)
    if options.shares is not None:
        given["shares"] = _shares(options.shares)
    if options.context_mm is not None:
        given["context_mm"] = options.context_mm or None
    if options.auxiliary is not None:
        given["auxiliary"] = tuple(c.strip() for c in options.auxiliary.split(",") if c.strip())
    if options.compile:
        given["compile"] = True
    if options.no_augment:
        given["augment"] = False
    return given


def _train_one(options: argparse.Namespace, given: dict[str, Any]) -> int:
    from ..training.trainer import train_network

    for name in ("folds", "jobs", "flips", "scheduler", "dry_run", "no_outlines", "most_false"):
        if getattr(options, name):
            raise InputError(f"--{name.replace('_', '-')} is for `spinalcord train {ALL}`")
    result = train_network(
        options.target,
        options.data,
        options.out,
        settings=Settings(**given),
        init=options.init,
        backbone=options.backbone,
        resume=options.resume,
        cache=options.cache,
        name=options.name,
        columns=options.columns,
        words=options.words,
        lesion_label=options.lesion_label,
        progress=not options.quiet,
    )
    made = {
        "model": str(result.model),
        "epochs": len(result.history),
        "best_epoch": result.best_epoch,
        "ended_by": result.finished,
        "validation": result.figures,
        "curves": [str(path) for path in result.files],
    }
    print_json(made)
    return DONE


def _train_all(options: argparse.Namespace, given: dict[str, Any]) -> int:
    from ..training.plan import TrainingPlan
    from ..training.train_all import TrainingOptions, train_all

    for name in ("backbone", "cache", "name", "minutes", "grow"):
        if getattr(options, name) is not None:
            raise InputError(f"--{name} is for the training of one network, not for {ALL}")
    flips = tuple(part for part in (options.flips or "").split(",") if part)
    with contextlib.ExitStack() as stack:
        client = None
        if options.scheduler is not None:
            from ..cohort.distributed import connect

            client = stack.enter_context(connect(options.scheduler))
        made = train_all(
            options.data,
            options.out,
            options=TrainingOptions(
                folds=options.folds,
                init=options.init or "shipped",
                outlines=not options.no_outlines,
                flips=flips,
                jobs=options.jobs or 1,
                client=client,
                lesion_label=options.lesion_label,
                progress=not options.quiet,
                **({} if options.most_false is None else {"most_false": options.most_false}),
            ),
            given=given,
            columns=options.columns,
            words=options.words,
            plan_only=options.dry_run,
            say=None if options.quiet else say,
        )
    if isinstance(made, TrainingPlan):
        print_json(made.to_dict())
        return DONE
    print_json(
        {
            "models": [str(path) for path in made.models],
            "predictions": str(made.predictions),
            "card": str(made.card),
            "not_trained": dict(made.plan.not_trained),
        }
    )
    return DONE


def _shares(text: str) -> tuple[float, float, float, float]:
    try:
        lesion, cord, beside, beyond = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(
            f"shares are four numbers, as in 0.25,0.4,0.2,0.08; got {text!r}"
        ) from error
    return lesion, cord, beside, beyond


def _sides(text: str, name: str) -> tuple[int, int]:
    try:
        sides = [int(part) for part in text.split(",")]
        first, second = sides if len(sides) > 1 else sides * 2
    except ValueError as error:
        raise InputError(
            f"{name} is {text!r}, expected one or two whole numbers, such as 128,192"
        ) from error
    return first, second
