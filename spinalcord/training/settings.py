"""How a network is trained; everything here goes into the model file."""

from __future__ import annotations

import math
import warnings
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import InputError
from ..models.file_settings import OLD_STRETCH
from ..tasks import DIAGNOSES, TASKS

SEGMENTATION = "segmentation"
START = "diagnosis"
"""All four diagnoses at once: starting weights for the three classifiers, not a model."""

TARGETS = (SEGMENTATION, *TASKS, START)
DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "f32", "bf16")
MODES = ("physical", "stretch")
SCHEDULES = ("plateau", "cosine")
KEPT = ("best", "last")

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
    shares : four floats, default (0.25, 0.40, 0.20, 0.08)
        Of the segmentation network's patches around lesions, on the cord, beside it (its outermost
        slices and a few further out) and beyond its ends; the others lie anywhere.
    mined : float, default 0.15
        Share of these patches that lie where the network is wrong in the training scans, from the
        first look through some of them on.
    context_mm : float or None, default 3.5
        The segmentation network sees each slice between its two neighbours at this distance,
        linearly between slices; None: one slice.
    ema : float, default 0.998
        Each step moves the mean of the weights, which is what is validated and exported, by one
        minus this at most towards the weights; 0: the last weights.
    window : (int, int), default (256, 256)
        Rows and columns of what a classifier sees, in training and in use, multiples of 32.  A
        lesion is long and narrow: 224 x 96 costs a third, and of what the network averages over
        three times as much is lesion.
    lr : float, default 1e-4
        Adam's learning rate.
    schedule : {"plateau", "cosine"}
        "plateau", as in the letter: the rate is halved after `patience` epochs without gain.
        "cosine": it rises over the first 3 % of all steps, then falls to nothing along half a
        cosine [1]_; for trainings whose length is known, which it makes shorter.  The length is
        that of `epochs`, or of `minutes` where those end first.
    seed : int, default 0
        Of the start, the batches, the augmentation, and splits where the cohort names none.
    device : {"auto", "cpu", "cuda"}
    precision : {"auto", "f32", "bf16"}
        bf16 is autocast; "auto" takes it where the hardware computes in it.
    compile : bool, default False
        Let `torch.compile` fuse what lies between the convolutions; takes minutes at first, needs
        a C++ compiler on a CPU, and pays for patches of one size.
    mode : {"physical", "stretch"}
        Preparation of the scans, as in the model file.
    pixel_mm : float, default 1.0
        Of physical preparation.
    steps : int, optional
        Per epoch; as many as it takes to see each slice with lesion once.
    patience, stop_after : int, default 20 and 60
        Epochs without gain of the validation loss before the rate is halved, and before the end.
    augment : bool, default True
    auxiliary : tuple of str, default ()
        Numeric columns of the cohort's table, such as the eccentricity of a lesion, that a
        classifier learns to predict besides its answer.  They shape its features [2]_ and are
        dropped from the model file.  Patients without a value do not count for that column.
    keep : {"best", "last"}
        Which weights are exported: the best on the validation split, or the last ones, on which
        that split has had no influence, so that figures on it are fair; for a cosine.

    Raises
    ------
    InputError
        A value out of range.

    References
    ----------
    .. [1] Loshchilov, Hutter. SGDR: stochastic gradient descent with warm restarts. ICLR 2017.
    .. [2] Caruana. Multitask learning. Machine Learning 28, 1997.
    """

    epochs: int = 200
    minutes: float | None = None
    batch: int | None = None
    patch: tuple[int, int] = (128, 192)
    aspect: float = 1.0
    shares: tuple[float, float, float, float] = (0.25, 0.40, 0.20, 0.08)
    mined: float = 0.15
    context_mm: float | None = 3.5
    ema: float = 0.998
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
    auxiliary: tuple[str, ...] = ()
    keep: str = "best"

    def __post_init__(self) -> None:
        if self.mode == OLD_STRETCH:
            warnings.warn(
                "mode 'letter' is now 'stretch'; the old name will be removed in version 0.3",
                DeprecationWarning,
                stacklevel=3,
            )
            object.__setattr__(self, "mode", "stretch")
        for name in ("epochs", "batch", "steps", "patience", "stop_after"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} is {value}, expected at least 1")
        for name in ("minutes", "lr", "pixel_mm", "context_mm"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise InputError(f"{name} is {value}, expected a number above 0")
        for name in ("ema", "mined"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(
                    f"{name} is {getattr(self, name)}, expected at least 0 and less than 1"
                )
        if len(self.shares) != 4 or min(self.shares) < 0 or sum(self.shares) > 1 + 1e-9:
            raise InputError(
                f"shares are {self.shares}, expected four numbers from 0 with a sum of at most 1"
            )
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
        if self.mode == "stretch" and self.window != PREPARED:
            raise InputError("window is for physical preparation; stretch resizes to 256 x 256")
        if not 1 <= self.aspect <= small / 16:
            raise InputError(
                f"aspect is {self.aspect:g}, expected 1 to {small / 16:g}, so that the lowest "
                f"patch, of {small} pixels, is 16 wide at least"
            )
        for name, choices in (
            ("device", DEVICES), ("precision", PRECISIONS), ("mode", MODES),
            ("schedule", SCHEDULES), ("keep", KEPT),
        ):  # fmt: skip
            if getattr(self, name) not in choices:
                raise InputError(f"{name} is {', '.join(choices)}, got {getattr(self, name)!r}")

    def preprocessing(self, target: str) -> dict[str, Any]:
        """Return the model file's `preprocessing`."""
        settings = {
            "mode": self.mode,
            "pixel_mm": self.pixel_mm,
            "size": list(self.window),
            "clip": 5.0,
        }
        if target == SEGMENTATION and self.context_mm is not None:
            settings["context_mm"] = self.context_mm
        return settings

    def prepared(self, target: str) -> dict[str, Any]:
        """Return it with whole windows: turned and shifted, a narrow one needs what lies beside."""
        return {**self.preprocessing(target), "size": list(PREPARED)}

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


def rate_at(share: float, lr: float) -> float:
    """Return the learning rate of the schedule "cosine" after this share of the training."""
    if share < WARM:
        return lr * share / WARM
    return lr * 0.5 * (1 + math.cos(math.pi * min((share - WARM) / (1 - WARM), 1.0)))


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
