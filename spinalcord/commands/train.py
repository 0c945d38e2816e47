"""The command ``spinalcord train``."""

from __future__ import annotations

import argparse

from ..errors import InputError
from ..extras import require
from ..models.file_settings import OLD_STRETCH
from ..training.settings import DEVICES, MODES, PRECISIONS, SCHEDULES, TARGETS, Settings
from .options import add_lesion_label, add_tables, number, whole
from .output import DONE, print_json

SUMMARY = "train a network on your own cohort and write a model file (needs PyTorch)"
EXAMPLE = "spinalcord train segmentation --data bids/ --out segmentation.safetensors --epochs 100"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("target", choices=TARGETS, metavar="TARGET", help=", ".join(TARGETS))
    add("--data", required=True, metavar="COHORT", help="BIDS folder, or CSV or TSV file")
    add("--out", required=True, metavar="MODEL", help="model file, ending in .safetensors")
    add(
        "--epochs",
        type=whole(1),
        default=200,
        metavar="N",
        help="maximum number of epochs (default: 200)",
    )
    add(
        "--minutes",
        type=number(0.01, 1e6),
        metavar="M",
        help="maximum duration (default: no limit)",
    )
    add("--batch", type=whole(1), metavar="N", help="batch size (default: 8 patches or 32 windows)")
    add(
        "--patch",
        default="128,192",
        metavar="A,B",
        help="patch heights in pixels (default: 128,192)",
    )
    add(
        "--aspect",
        type=number(1, 64),
        default=1.0,
        metavar="R",
        help="ratio of patch height to width (default: 1)",
    )
    _add_sampling(parser)
    _add_further(parser)


def _add_sampling(parser: argparse.ArgumentParser) -> None:
    """Add what batches hold, and how the rate and the weights go."""
    add = parser.add_argument
    add(
        "--shares",
        default="0.25,0.4,0.2,0.08",
        metavar="L,C,B,E",
        help="shares of patches around lesions, on the cord, beside it and beyond its ends; the "
        "others lie anywhere (default: 0.25,0.4,0.2,0.08)",
    )
    add(
        "--mined",
        type=number(0, 0.99),
        default=0.15,
        metavar="M",
        help="share of the patches where the network is wrong (default: 0.15)",
    )
    add(
        "--context-mm",
        type=number(0, 100),
        default=3.5,
        metavar="D",
        help="segmentation sees each slice with its neighbors at this distance; 0: one slice "
        "(default: 3.5)",
    )
    add(
        "--ema",
        type=number(0, 0.99999),
        default=0.998,
        metavar="R",
        help="decay of the moving average of the weights that is exported; 0: the last weights "
        "(default: 0.998)",
    )
    add(
        "--window",
        default="256,256",
        metavar="ROWS,COLUMNS",
        help="input size of classifiers (default: 256,256)",
    )
    add(
        "--steps",
        type=whole(1),
        metavar="N",
        help="steps per epoch (default: from the size of the cohort)",
    )
    add(
        "--lr",
        type=number(1e-9, 1),
        default=1e-4,
        metavar="R",
        help="learning rate (default: 0.0001)",
    )
    add(
        "--schedule",
        choices=SCHEDULES,
        default="plateau",
        help="learning rate schedule: halved on a plateau, or cosine (default: plateau)",
    )


def _add_further(parser: argparse.ArgumentParser) -> None:
    """Add seed, device, arithmetic, preparation and files."""
    add = parser.add_argument
    add("--seed", type=whole(0), default=0, metavar="N", help="default: 0")
    add(
        "--device",
        choices=DEVICES,
        default="auto",
        help="default: auto, which is CUDA where available",
    )
    add(
        "--precision",
        choices=PRECISIONS,
        default="auto",
        help="default: auto, which is bf16 where it is faster",
    )
    add(
        "--compile", action="store_true", help="use torch.compile; pays off for patches of one size"
    )
    add(
        "--mode",
        choices=(*MODES, OLD_STRETCH),
        default="physical",
        metavar="MODE",
        help=f"image preparation: {', '.join(MODES)} (default: physical)",
    )
    add(
        "--pixel-mm",
        type=number(0.1, 10),
        default=1.0,
        metavar="P",
        help="pixel size in mm (default: 1.0)",
    )
    add(
        "--stop-after",
        type=whole(1),
        default=60,
        metavar="N",
        help="stop after this many epochs without improvement (default: 60)",
    )
    add("--no-augment", action="store_true", help="train without augmentation")
    add("--resume", action="store_true", help="resume from the checkpoint, if there is one")
    add("--backbone", metavar="STATE_DICT", help="torchvision densenet121 weights to start from")
    add("--init", metavar="MODEL", help="model file, or output of `train diagnosis`, to start from")
    add(
        "--cache",
        metavar="DIR",
        help="folder for prepared slices (default: training-cache beside MODEL)",
    )
    add("--name", metavar="NAME", help="name stored in the model file (default: the file name)")
    add_tables(parser)
    add_lesion_label(parser)


def run(options: argparse.Namespace) -> int:
    """Train a network, and print its files, epochs and validation figures.

    Raises
    ------
    InputError
        An invalid option; PyTorch is missing; as for `train_network`.
    ModelError
        As for `train_network`.
    """
    settings = Settings(
        epochs=options.epochs,
        minutes=options.minutes,
        batch=options.batch,
        patch=_sides(options.patch, "patch"),
        aspect=options.aspect,
        shares=_shares(options.shares),
        mined=options.mined,
        context_mm=options.context_mm or None,
        ema=options.ema,
        window=_sides(options.window, "window"),
        lr=options.lr,
        schedule=options.schedule,
        seed=options.seed,
        device=options.device,
        precision=options.precision,
        compile=options.compile,
        mode=options.mode,
        pixel_mm=options.pixel_mm,
        steps=options.steps,
        stop_after=options.stop_after,
        augment=not options.no_augment,
    )
    require("torch", "train", "training")
    from ..training.trainer import train_network

    result = train_network(
        options.target,
        options.data,
        options.out,
        settings=settings,
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
