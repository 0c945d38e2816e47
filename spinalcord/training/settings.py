"""Settings of a training, which are stored in the model file."""

from __future__ import annotations

import math
import warnings
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..errors import InputError
from ..models.file_settings import OLD_STRETCH
from ..tasks import DIAGNOSES, TASKS

SEGMENTATION = "segmentation"
START = "diagnosis"
"""All four diagnoses at once: initial weights for the three classifiers, not a model."""

TARGETS = (SEGMENTATION, *TASKS, START)
DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "f32", "bf16")
MODES = ("physical", "stretch")
SCHEDULES = ("plateau", "cosine")
KEPT = ("best", "last")

PREPARED = (256, 256)
"""Rows and columns of the prepared windows of classifiers."""

WINDOW = (192, 64)
"""Rows and columns of a classifier's windows, unless given: a lesion and its surroundings."""

PIXEL_MM, WINDOW_PIXEL_MM = 1.0, 0.6
"""Pixel sizes of patches and of windows, unless given: the softness of a margin needs pixels."""

WARM = 0.03
"""Fraction of the steps of a cosine over which the learning rate rises."""

_CLASSES = {
    "tumor_vs_demyelination": (("astrocytoma", "ependymoma"), ("MS", "NMOSD")),
    "astrocytoma_vs_ependymoma": (("astrocytoma",), ("ependymoma",)),
    "ms_vs_nmosd": (("MS",), ("NMOSD",)),
    START: tuple((name,) for name in DIAGNOSES),
}


@dataclass(frozen=True)
class Settings:
    """Settings of a training; defaults are those of the letter where it states one.

    Parameters
    ----------
    epochs : int, default 200
        Maximum number of epochs.
    minutes : float, optional
        Maximum duration of one call, without the preparation of the scans.
    batch : int, optional
        Images per step: 8 patches, or 32 windows in equal numbers by class, if not given.
    patch : (int, int), default (128, 192)
        Smallest and largest height of the segmentation network's patches, multiples of 16.
    aspect : float, default 1
        Height of a patch over its width.  The cord runs from head to foot: a patch of 144 x 64
        contains as much of it as one of 144 x 144, at less than half the cost.
    shares : four floats, default (0.25, 0.40, 0.20, 0.08)
        Shares of the patches for segmentation around lesions, on the cord, beside it (its outermost
        slices and a few further out) and beyond its ends; the others are anywhere.
    mined : float, default 0.15
        Share of these patches at places in the training scans where the network is wrong, once some
        of them have been searched.
    context_mm : float or None, default 3.5
        Distance of the two neighbours with which the segmentation network sees each slice,
        interpolated linearly between slices; None: one slice.
    ema : float, default 0.998
        Decay per step of the moving average of the weights, which is validated and exported; 0: the
        last weights.
    window : (int, int), optional
        Rows and columns of a classifier's window, in training and in use, multiples of 32; 192 x
        64 if not given. Lesions are long and narrow: this costs a fifth of 256 x 256, and more of
        the area that the network averages over is lesion.
    lr : float, default 1e-4
        Adam's learning rate.
    schedule : {"plateau", "cosine"}
        "plateau", as in the letter: the rate is halved after `patience` epochs without gain.
        "cosine": it rises over the first 3 % of all steps, then falls to nothing along half a
        cosine [1]_; for trainings of known length, which can then be shorter. The length is given
        by `epochs` or `minutes`, whichever ends first.
    seed : int, default 0
        Seed of initial weights, batches, augmentation, and of the split if the cohort has none.
    device : {"auto", "cpu", "cuda"}
    precision : {"auto", "f32", "bf16"}
        bf16 is autocast; "auto" uses it if the hardware supports it.
    compile : bool, default False
        Whether `torch.compile` fuses the operations between the convolutions; takes minutes at the
        start, needs a C++ compiler on a CPU, and is worthwhile for patches of one size.
    mode : {"physical", "stretch"}
        Preparation of the scans, as in the model file.
    pixel_mm : float, optional
        Pixel size of physical preparation; if not given, 1.0 for the segmentation and 0.6 for
        classifiers, which see the margins of lesions.
    steps : int, optional
        Steps per epoch; as many as needed to see each slice with lesion once if not given.
    patience : int, default 20
        Epochs without gain of the validation loss before the rate is halved.
    stop_after : int, default 60
        Epochs without gain of the primary metric after which a training stops: Dice on patches and
        whole scans for the segmentation, AUC for a task (accuracy for four classes), then the
        validation loss.
    augment : bool, default True
    auxiliary : tuple of str, default ()
        Numeric columns of the cohort's table, such as the eccentricity of a lesion, that a
        classifier also learns to predict. They shape its features [2]_ and are dropped from the
        model file. Patients without a value are ignored for that column.
    workers : int, optional
        Threads that prepare batches ahead: 1 on a CPU, up to 8 for a GPU if not given; 0: batches
        are prepared by the training itself. The result does not depend on it.
    tensorboard : bool, optional
        Whether to write event files for TensorBoard; if not given, if it is installed.
    grow : float, default 0
        Share of the training of a classifier, from random weights, in which only the first 3, 4, 6
        and 4 layers of the four dense blocks are computed: a step takes a third of the time. The
        others then join at nothing and are trained as well [3]_.
    keep : {"best", "last"}
        Weights that are exported: the best on the validation split, or, for a cosine, the last
        ones, which do not depend on that split, so that its figures are unbiased.

    Raises
    ------
    InputError
        A value out of range.

    References
    ----------
    .. [1] Loshchilov, Hutter. SGDR: stochastic gradient descent with warm restarts. ICLR 2017.
    .. [2] Caruana. Multitask learning. Machine Learning 28, 1997.
    .. [3] Chen, Goodfellow, Shlens. Net2Net: accelerating learning via knowledge transfer. ICLR
       2016.
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
    window: tuple[int, int] | None = None
    lr: float = 1e-4
    schedule: str = "plateau"
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    compile: bool = False
    mode: str = "physical"
    pixel_mm: float | None = None
    steps: int | None = None
    patience: int = 20
    stop_after: int = 60
    augment: bool = True
    auxiliary: tuple[str, ...] = ()
    grow: float = 0.0
    keep: str = "best"
    workers: int | None = None
    tensorboard: bool | None = None

    def __post_init__(self) -> None:
        if self.mode == OLD_STRETCH:
            warnings.warn(
                "mode 'letter' is now 'stretch'; the old name will be removed in version 0.3",
                DeprecationWarning,
                stacklevel=3,
            )
            object.__setattr__(self, "mode", "stretch")
        for name in ("epochs", "batch", "steps", "patience", "stop_after", "workers"):
            value, least = getattr(self, name), 0 if name == "workers" else 1
            if value is not None and value < least:
                raise InputError(f"{name} is {value}, expected at least {least}")
        for name in ("minutes", "lr", "pixel_mm", "context_mm"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise InputError(f"{name} is {value}, expected a number above 0")
        for name in ("ema", "mined", "grow"):
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
        rows, columns = self.window or WINDOW
        if any(extent % 32 or not 32 <= extent <= 256 for extent in (rows, columns)):
            raise InputError(
                f"window is {rows} x {columns} pixels, expected multiples of 32 from 32 to 256"
            )
        if self.mode == "stretch" and self.window not in (None, PREPARED):
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

    def resolved(self, target: str) -> Settings:
        """Return the settings with the window and the pixel size of a target, if not given.

        Examples
        --------
        >>> Settings().resolved("ms_vs_nmosd").window
        (192, 64)
        >>> Settings().resolved("segmentation").pixel_mm
        1.0
        """
        windows = target != SEGMENTATION and self.mode == "physical"
        size, pixel = (WINDOW, WINDOW_PIXEL_MM) if windows else (PREPARED, PIXEL_MM)
        return replace(self, window=self.window or size, pixel_mm=self.pixel_mm or pixel)

    def preprocessing(self, target: str) -> dict[str, Any]:
        """Return the model file's `preprocessing`."""
        own = self.resolved(target)
        settings: dict[str, Any] = {
            "mode": self.mode,
            "pixel_mm": own.pixel_mm,
            "size": list(own.window or PREPARED),
            "clip": 5.0,
        }
        if target == SEGMENTATION and self.context_mm is not None:
            settings["context_mm"] = self.context_mm
        return settings

    def prepared(self, target: str) -> dict[str, Any]:
        """Return it with whole windows: a rotated or shifted one needs its surroundings."""
        return {**self.preprocessing(target), "size": list(PREPARED)}

    def fixed(self) -> dict[str, Any]:
        """Settings that must not change when a training is resumed."""
        free = ["minutes", "device", "precision", "compile", "patience", "stop_after", "workers",
                "tensorboard"]  # fmt: skip
        if self.schedule == "plateau":
            free.append("epochs")
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
            if key not in free
        }


def rate_at(share: float, lr: float) -> float:
    """Return the learning rate of the schedule "cosine" after a fraction of the training."""
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
    """Return `target` if it is one of `TARGETS`; otherwise raise InputError."""
    if target not in TARGETS:
        raise InputError(f"a network is trained for {', '.join(TARGETS)}, got {target!r}")
    return target
