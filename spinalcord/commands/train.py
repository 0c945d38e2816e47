"""The command `spinalcord train`: its options, and what it prints."""

from __future__ import annotations

import argparse
import json

from ..errors import InputError
from ..extras import require
from ..training.settings import DEVICES, MODES, PRECISIONS, SCHEDULES, TARGETS, Settings
from .options import add_lesion_label, add_tables, number, whole

SUMMARY = "train a network on a cohort of one's own, to a model file (needs PyTorch)"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `spinalcord train`."""
    add = parser.add_argument
    add("target", choices=TARGETS, metavar="TARGET", help=", ".join(TARGETS))
    add("--data", required=True, metavar="COHORT", help="BIDS folder, or CSV or TSV file")
    add("--out", required=True, metavar="MODEL", help="model file, ending in .safetensors")
    add("--epochs", type=whole(1), default=200, metavar="N", help="at most (default: 200)")
    add("--minutes", type=number(0.01, 1e6), metavar="M", help="at most (default: no limit)")
    add("--batch", type=whole(1), metavar="N", help="default: 8 patches or 32 windows")
    add("--patch", default="128,192", metavar="A,B", help="heights in pixels (default: 128,192)")
    add("--aspect", type=number(1, 64), default=1.0, metavar="R",
        help="height of a patch over its width (default: 1)")  # fmt: skip
    add("--shares", default="0.25,0.4,0.2,0.08", metavar="L,C,B,E",
        help="of the patches around lesions, on the cord, beside it and beyond its ends "
        "(default: 0.25,0.4,0.2,0.08; the others lie anywhere)")  # fmt: skip
    add("--context-mm", type=number(0, 100), default=3.5, metavar="D",
        help="segmentation sees each slice between its neighbours at this distance "
        "(default: 3.5; 0: one slice)")  # fmt: skip
    add("--ema", type=number(0, 0.99999), default=0.998, metavar="R",
        help="decay of the exported mean of the weights (default: 0.998; 0: the last)")  # fmt: skip
    add("--window", default="256,256", metavar="ROWS,COLUMNS",
        help="of what classifiers see (default: 256,256)")  # fmt: skip
    add("--steps", type=whole(1), metavar="N", help="per epoch (default: by the cohort's size)")
    add("--lr", type=number(1e-9, 1), default=1e-4, metavar="R", help="default: 0.0001")
    add("--schedule", choices=SCHEDULES, default="plateau",
        help="of the rate: halved without gain, or a cosine (default: plateau)")  # fmt: skip
    add("--seed", type=whole(0), default=0, metavar="N", help="default: 0")
    add("--device", choices=DEVICES, default="auto", help="default: auto, CUDA where there is one")
    add("--precision", choices=PRECISIONS, default="auto", help="default: auto, bf16 where quick")
    add("--compile", action="store_true", help="with torch.compile: for patches of one size")
    add("--mode", choices=MODES, default="physical", help="preparation (default: physical)")
    add("--pixel-mm", type=number(0.1, 10), default=1.0, metavar="P", help="default: 1.0")
    add("--stop-after", type=whole(1), default=60, metavar="N",
        help="epochs without gain (default: 60)")  # fmt: skip
    add("--no-augment", action="store_true", help="take images as they are")
    add("--resume", action="store_true", help="go on from the checkpoint, if there is one")
    add("--backbone", metavar="STATE_DICT", help="torchvision densenet121 to start from")
    add("--init", metavar="MODEL", help="model file, or what `train diagnosis` made, to start from")
    add("--cache", metavar="DIR", help="prepared slices (default: training-cache beside MODEL)")
    add("--name", metavar="NAME", help="in the model file (default: the file's)")
    add_tables(parser)
    add_lesion_label(parser)


def run(options: argparse.Namespace) -> int:
    """Train as the options say, and print files, epochs and figures.

    Raises
    ------
    InputError
        An option that does not fit, PyTorch missing, or as `train_network`.
    ModelError
        As `train_network`.
    """
    settings = Settings(
        epochs=options.epochs,
        minutes=options.minutes,
        batch=options.batch,
        patch=_sides(options.patch, "patch"),
        aspect=options.aspect,
        shares=_shares(options.shares),
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
    print(json.dumps(made, indent=2, ensure_ascii=False, allow_nan=False))
    return 0


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
        raise InputError(f"{name} is one side or two, as in 128,192; got {text!r}") from error
    return first, second
