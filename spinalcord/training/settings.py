"""How a network is trained; everything here goes into the model file."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import InputError
from ..tasks import DIAGNOSES, TASKS

SEGMENTATION = "segmentation"
START = "diagnosis"
"""Four diagnoses at once: no model, but what the three classifiers can start from."""

TARGETS = (SEGMENTATION, *TASKS, START)
DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "f32", "bf16")
MODES = ("physical", "letter")
SCHEDULES = ("plateau", "cosine")

PREPARED = (256, 256)
"""Rows and columns of the classifiers' windows as they are prepared."""

WARM = 0.03
"""Share of a cosine's steps over which the rate rises."""

_CLASSES = {
    "tumor_vs_demyelination": (("astrocytoma", "ependymoma"), ("MS", "NMOSD")),
    "astrocytoma_vs_ependymoma": (("astrocytoma",), ("ependymoma",)),
    "ms_vs_nmosd": (("MS",), ("NMOSD",)),
    START: tuple((name,) for name in DIAGNOSES),
}


@dataclass(frozen=True)
class Settings:
    """What can be chosen about a training; the defaults are the letter's where it has one.

    Parameters
    ----------
    epochs : int, default 200
        At most.
    minutes : float, optional
        At most, for one call, preparation of the scans not counted.
    batch : int, optional
        Images of a step: 8 patches, or 32 windows in equal parts by class.
    patch : (int, int), default (128, 192)
        Smallest and largest height of the segmentation network's patches, multiples of 16.
    aspect : float, default 1
        Height of a patch over its width.  The cord runs from head to foot: a patch of 144 x 64
        holds as much of it as one of 144 x 144, for less than half the work.
    window : (int, int), default (256, 256)
        Rows and columns of what a classifier sees, in training and in use, multiples of 32.  A
        lesion is long and narrow: 224 x 96 costs a third, and of what the network averages over
        three times as much is lesion.
    lr : float, default 1e-4
        Adam's learning rate.
    schedule : {"plateau", "cosine"}
        "plateau", as in the letter: the rate is halved after `patience` epochs without gain.
        "cosine": it rises over the first 3 % of all steps, then falls to nothing along half a
        cosine [1]_; for trainings whose length is known, which it makes shorter.
    seed : int, default 0
        Of the start, the batches, the augmentation, and splits where the cohort names none.
    device : {"auto", "cpu", "cuda"}
    precision : {"auto", "f32", "bf16"}
        bf16 is autocast; "auto" takes it where the hardware computes in it.
    compile : bool, default False
        Let `torch.compile` fuse what lies between the convolutions; takes minutes at first, needs
        a C++ compiler on a CPU, and pays for patches of one size.
    mode : {"physical", "letter"}
        Preparation of the scans, as in the model file.
    pixel_mm : float, default 1.0
        Of physical preparation.
    steps : int, optional
        Per epoch; as many as it takes to see each slice with lesion once.
    patience, stop_after : int, default 20 and 60
        Epochs without gain of the validation loss before the rate is halved, and before the end.
    augment : bool, default True

    Raises
    ------
    InputError
        A value out of range.

    References
    ----------
    .. [1] Loshchilov, Hutter. SGDR: stochastic gradient descent with warm restarts. ICLR 2017.
    """

    epochs: int = 200
    minutes: float | None = None
    batch: int | None = None
    patch: tuple[int, int] = (128, 192)
    aspect: float = 1.0
    window: tuple[int, int] = PREPARED
    lr: float = 1e-4
    schedule: str = "plateau"
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    compile: bool = False
    mode: str = "physical"
    pixel_mm: float = 1.0
    steps: int | None = None
    patience: int = 20
    stop_after: int = 60
    augment: bool = True

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "steps", "patience", "stop_after"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} is {value}, expected at least 1")
        for name in ("minutes", "lr", "pixel_mm"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise InputError(f"{name} is {value}, expected a number above 0")
        if self.seed < 0:
            raise InputError(f"seed is {self.seed}, expected 0 or more")
        small, large = self.patch
        if small % 16 or large % 16 or not 16 <= small <= large <= 1024:
            raise InputError(
                f"patch is {small} to {large} pixels, expected multiples of 16 from 16 to 1024"
            )
        if any(extent % 32 or not 32 <= extent <= 256 for extent in self.window):
            raise InputError(
                f"window is {self.window[0]} x {self.window[1]} pixels, expected multiples of 32 "
                "from 32 to 256"
            )
        if self.mode == "letter" and self.window != PREPARED:
            raise InputError("window is for physical preparation; letter stretches to 256 x 256")
        if not 1 <= self.aspect <= small / 16:
            raise InputError(
                f"aspect is {self.aspect:g}, expected 1 to {small / 16:g}, so that the lowest "
                f"patch, of {small} pixels, is 16 wide at least"
            )
        for name, choices in (
            ("device", DEVICES), ("precision", PRECISIONS), ("mode", MODES),
            ("schedule", SCHEDULES),
        ):  # fmt: skip
            if getattr(self, name) not in choices:
                raise InputError(f"{name} is {', '.join(choices)}, got {getattr(self, name)!r}")

    @property
    def preprocessing(self) -> dict[str, Any]:
        """The model file's `preprocessing`."""
        return {
            "mode": self.mode,
            "pixel_mm": self.pixel_mm,
            "size": list(self.window),
            "clip": 5.0,
        }

    @property
    def prepared(self) -> dict[str, Any]:
        """The same with whole windows: turned and shifted, a narrow one needs what lies beside."""
        return {**self.preprocessing, "size": list(PREPARED)}

    def fixed(self) -> dict[str, Any]:
        """What may not change when a training is taken up again."""
        free = ["minutes", "device", "precision", "compile", "patience", "stop_after"]
        if self.schedule == "plateau":
            free.append("epochs")
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
            if key not in free
        }


def rate_at(step: int, total: int, lr: float) -> float:
    """Return the learning rate of a step of `total` on the schedule "cosine"."""
    warm = max(round(WARM * total), 1)
    if step < warm:
        return lr * (step + 1) / warm
    return lr * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(total - warm, 1)))


def classes_of(target: str) -> tuple[tuple[str, ...], ...]:
    """Return the diagnoses of each class of a target, the negative class first.

    Raises
    ------
    InputError
        Not a target with classes.
    """
    if target not in _CLASSES:
        raise InputError(f"{target!r} has no classes; expected one of {', '.join(_CLASSES)}")
    return _CLASSES[target]


def check_target(target: str) -> str:
    """Return `target` where it is one of `TARGETS`; else InputError."""
    if target not in TARGETS:
        raise InputError(f"a network is trained for {', '.join(TARGETS)}, got {target!r}")
    return target
