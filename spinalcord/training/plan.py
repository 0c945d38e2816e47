"""Plan the training of all networks from the cohort and the hardware, with reasons.

Before training starts, each choice is printed with its reason and the option that overrides it.
"""

from __future__ import annotations

import math
import os
import resource
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from .. import _core
from ..cohort.listing import CohortCase
from ..errors import InputError
from ..scans.labels import Label
from ..scans.preparation import WorkingScan
from ..tasks import TASKS
from ..wording import counted
from .loop import choose_device
from .settings import PREPARED, SEGMENTATION, START, Settings
from .torch_networks import build

SAMPLED = 40
"""Maximum number of scans, drawn at random, from which the geometry is measured."""

PIXEL_MM = (0.7, 1.2)
"""Smallest and largest pixel size that is chosen: smaller pixels take more time without further
detail."""

WINDOW_PIXEL_MM = (0.5, 0.7)
"""The same of classifiers, which see the margins of lesions in small windows."""

PATCH, ASPECT = 144, 2.25
MARGIN_PX = 48
"""Margin of a classifier's window around the lesions, which are rotated, shifted and zoomed."""

EPOCHS = {SEGMENTATION: 20, START: 9}
TASK_EPOCHS, TASK_LR, LR = 4, 4e-4, 1e-3
STEPS = {SEGMENTATION: (40, 150), START: (40, 270)}
TASK_STEPS = (20, 80)
"""Minimum and maximum number of steps per epoch; between them, each slice with lesion is seen
once."""

NEVER = 10**6
"""Epochs without gain before a training stops; a cosine always runs to its end."""

ENTRY_BYTES = {SEGMENTATION: 3, START: 6}
"""Bytes per prepared pixel on disk: image and target, or two channels and a mask."""


@dataclass(frozen=True)
class Decision:
    """A choice: its name, value, reason, and the option that overrides it."""

    what: str
    value: str
    why: str
    option: str


@dataclass(frozen=True)
class Geometry:
    """Geometry of a sample of the scans.

    Attributes
    ----------
    n : int
        Number of scans.
    pixel_mm : float
        Median of the larger in-plane spacing.
    rows_mm, columns_mm : float
        Median extent of a slice.
    slices, lesion_slices : float
        Mean number of slices, and of those with lesion.
    lesion_mm : (float, float)
        Height and width into which 95 % of the lesions in slices fit; 0 without lesions.
    """

    n: int
    pixel_mm: float
    rows_mm: float
    columns_mm: float
    slices: float
    lesion_slices: float
    lesion_mm: tuple[float, float]


@dataclass(frozen=True)
class TrainingPlan:
    """Networks to train, and their settings.

    Attributes
    ----------
    targets : tuple of str
        In the order of training.
    not_trained : mapping of str to str
        Networks for which the cohort is insufficient, with the reason.
    settings : mapping of str to Settings
        By target.
    decisions : tuple of Decision
    facts : mapping
        patients, cases, trainings, seconds, disk_bytes, memory_bytes, device, by name.
    """

    targets: tuple[str, ...]
    not_trained: Mapping[str, str]
    settings: Mapping[str, Settings]
    decisions: tuple[Decision, ...]
    facts: Mapping[str, Any]

    @property
    def left_out(self) -> Mapping[str, str]:
        """Old name of `not_trained`, until version 0.3."""
        warnings.warn(
            "TrainingPlan.left_out is now TrainingPlan.not_trained; the old name will be removed "
            "in version 0.3",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.not_trained

    def text(self) -> str:
        """Return the plan as printable text."""
        f = self.facts
        cases, patients = counted(f["cases"], "case"), counted(f["patients"], "patient")
        lines = [
            f"cohort: {cases} of {patients} ({f['diagnoses']})",
            f"splits: {f['splits']}",
            f"networks: {', '.join(self.targets)}; {f['trainings']} trainings in all",
            *(f"not trained: {target}: {why}" for target, why in self.not_trained.items()),
            *(f"{d.what}: {d.value} ({d.why}; {d.option})" for d in self.decisions),
            f"time: about {_duration(f['seconds'])} on {f['device']}, from two steps measured on "
            f"each network ({f['each']}), and half as much again for whole scans",
            f"memory: about {f['memory_bytes'] / 1e9:.1f} GB ({f['memory_of']})",
            f"disk: about {f['disk_bytes'] / 1e9:.2f} GB, of which all but the models may be "
            f"deleted at the end; {f['free_bytes'] / 1e9:.0f} GB are free",
        ]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "targets": list(self.targets),
            "not_trained": dict(self.not_trained),
            "settings": {name: own.fixed() for name, own in self.settings.items()},
            "decisions": [asdict(d) for d in self.decisions],
            **self.facts,
        }


def look_at(cases: Sequence[CohortCase], *, seed: int = 0, lesion_label: Label = None) -> Geometry:
    """Read a sample of the scans and masks.

    Parameters
    ----------
    cases : sequence of CohortCase
        With masks.
    seed : int, default 0
        Seed of the sample.
    lesion_label : int, str or mapping, optional
        As for `spinalcord.classify`.

    Returns
    -------
    Geometry

    Raises
    ------
    InputError
        An unreadable scan; a mask on another grid.
    """
    order = np.random.default_rng([seed, 3]).permutation(len(cases))[:SAMPLED]
    spacings, extents, counts, ill, sizes = [], [], [], [], []
    for case in (cases[k] for k in sorted(order)):
        scan = WorkingScan(case.path, series=case.series)
        lesion = scan.mask(case.mask, lesion_label) > 0
        spacing = np.array(scan.spacing_mm[1:])
        spacings.append(float(spacing.max()))
        extents.append(spacing * lesion.shape[1:])
        counts.append(len(lesion))
        shown = np.flatnonzero(lesion.any((1, 2)))
        ill.append(len(shown))
        for k in shown:
            rows, columns = np.nonzero(lesion[k])
            sizes.append(spacing * (np.ptp(rows) + 1, np.ptp(columns) + 1))
    largest = np.quantile(sizes, 0.95, axis=0) if sizes else np.zeros(2)
    middle = np.median(extents, axis=0)
    return Geometry(
        n=len(order),
        pixel_mm=float(np.median(spacings)),
        rows_mm=float(middle[0]),
        columns_mm=float(middle[1]),
        slices=float(np.mean(counts)),
        lesion_slices=float(np.mean(ill)),
        lesion_mm=(float(largest[0]), float(largest[1])),
    )


def choose_settings(
    geometry: Geometry,
    n_train: int,
    given: Mapping[str, Any],
    *,
    folds: bool = False,
) -> tuple[dict[str, Settings], tuple[Decision, ...]]:
    """Choose the settings of every network from the cohort and the hardware.

    Parameters
    ----------
    geometry : Geometry
    n_train : int
        Number of training cases.
    given : mapping
        Fields of `Settings` set by the user, used for every network.
    folds : bool, default False
        Whether validation cases are to be predicted without bias: the last weights are kept.

    Returns
    -------
    settings : dict of str to Settings
        By target.
    decisions : tuple of Decision
        Settings that were not given, with the reasons.

    Raises
    ------
    InputError
        A given value out of range.
    """
    kept = {key: value for key, value in given.items() if value is not None}
    pixel = float(kept.get("pixel_mm", _pixel(geometry)))
    fine = float(kept.get("pixel_mm", _within(geometry.pixel_mm, WINDOW_PIXEL_MM)))
    patch = _multiple(min(PATCH, geometry.rows_mm / pixel), 16, 1024, up=False)
    rows, columns = (_multiple(mm / fine + MARGIN_PX, 32, 256) for mm in geometry.lesion_mm)
    device, _ = choose_device(Settings(device=kept.get("device", "auto")))
    physical = kept.get("mode", "physical") == "physical"
    n_slices = max(geometry.lesion_slices * n_train, 1)
    settings = {}
    for target in (SEGMENTATION, START, *TASKS):
        batch = (8 if target == SEGMENTATION else 16) * (4 if device.type == "cuda" else 1)
        batch = int(kept.get("batch", batch))
        least, most = STEPS.get(target, TASK_STEPS)
        own: dict[str, Any] = {
            "schedule": "cosine",
            "pixel_mm": pixel if target == SEGMENTATION else fine,
            "stop_after": NEVER,
            "keep": "last" if folds else "best",
            "batch": batch,
            "steps": min(max(math.ceil(n_slices / batch), least), most),
            "epochs": EPOCHS.get(target, TASK_EPOCHS),
            "lr": LR if target in EPOCHS else TASK_LR,
        }
        if target == SEGMENTATION:
            own |= {"patch": (patch, patch), "aspect": min(ASPECT, patch / 16)}
            settings[target] = Settings(**(own | {k: v for k, v in kept.items() if k != "window"}))
        else:
            own |= {"window": (rows, columns)} if physical else {}
            settings[target] = Settings(**(own | kept))
    return settings, _decisions(settings, geometry, kept, n_slices, device.type)


def _decisions(
    settings: Mapping[str, Settings], g: Geometry, kept: Mapping[str, Any], n_slices: float,
    device: str,
) -> tuple[Decision, ...]:  # fmt: skip
    """Return each choice with its reason, or that it was given."""
    masks, windows = settings[SEGMENTATION], settings[START]
    rows, columns = windows.window or PREPARED
    length = ", ".join(f"{t} {s.epochs} x {s.steps}" for t, s in settings.items())
    fit = f"95 % of the lesions fit in {g.lesion_mm[0]:.0f} x {g.lesion_mm[1]:.0f} mm"
    told = (
        ("pixel_mm", "pixel size", f"{masks.pixel_mm:g} mm",
         f"median spacing of {g.n} scans is {g.pixel_mm:.2f} mm", "--pixel-mm"),
        ("patch", "patch", f"{masks.patch[0]} pixels, {masks.aspect:g} times as high as wide",
         f"slices are {g.rows_mm:.0f} x {g.columns_mm:.0f} mm", "--patch, --aspect"),
        ("window", "window", f"{rows} x {columns} pixels of {windows.pixel_mm:g} mm", fit,
         "--window, --pixel-mm"),
        ("batch", "batch", f"{masks.batch} patches, {windows.batch} windows",
         f"computed on {device}", "--batch"),
        ("steps", "epochs x steps", length, f"about {n_slices:.0f} slices with lesion",
         "--epochs, --steps"),
        ("keep", "weights kept", masks.keep, "where folds are predicted, what is measured on "
         "chooses nothing" if masks.keep == "last" else "by the validation split", "--keep"),
    )  # fmt: skip
    return tuple(
        Decision(what, value, "given" if field in kept else why, option)
        for field, what, value, why, option in told
    )


def _pixel(geometry: Geometry) -> float:
    """Return the spacing of the scans within `PIXEL_MM`; 1 mm, as shipped, where it is near."""
    near = abs(geometry.pixel_mm - 1.0) < 0.15
    return 1.0 if near else _within(geometry.pixel_mm, PIXEL_MM)


def _within(pixel_mm: float, limits: tuple[float, float]) -> float:
    """Return the multiple of 0.05 mm within limits that is nearest to a spacing."""
    return round(min(max(pixel_mm, limits[0]), limits[1]) * 20) / 20


def _multiple(value: float, of: int, most: int, *, up: bool = True) -> int:
    n = math.ceil(value / of) if up else math.floor(value / of)
    return min(max(n, 1) * of, most)


def measure_steps(settings: Settings, target: str, n: int = 2) -> float:
    """Measure the time of a training step on random images: forward, backward and update.

    Parameters
    ----------
    settings : Settings
        Settings, of which size, batch, device and precision are used.
    target : str
    n : int, default 2
        Number of steps measured, after one for warm-up.

    Returns
    -------
    float
        Seconds a step.
    """
    device, bf16 = choose_device(settings)
    if target == SEGMENTATION:
        height = sum(settings.patch) // 2
        size = _multiple(height, 16, 1024), _multiple(height / settings.aspect, 16, 1024)
        network = build("multiresunet", in_channels=3 if settings.context_mm else 1,
                        outputs=2, final_norm=False)  # fmt: skip
        shape = (settings.batch or 8, 3 if settings.context_mm else 1, *size)
    else:
        network = build("densenet121")
        shape = (settings.batch or 32, 3, *(settings.resolved(target).window or PREPARED))
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-6)
    images = torch.rand(shape, device=device).contiguous(memory_format=torch.channels_last)
    began = 0.0
    for step in range(n + 1):
        if step == 1:
            _wait(device)
            began = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            loss = network(images, logits=True).float().square().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    _wait(device)
    return (time.perf_counter() - began) / n


def memory_in_use(device: torch.device) -> tuple[int, str]:
    """Return the peak memory in bytes so far, and of which device."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device)), "of the GPU"
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "of this process"


def disk_bytes(geometry: Geometry, pixel_mm: float, n_cases: int, n_trainings: int) -> int:
    """Estimate the bytes taken by prepared slices, checkpoints and models."""
    plane = geometry.rows_mm * geometry.columns_mm / pixel_mm**2
    slices = geometry.slices * n_cases * plane * ENTRY_BYTES[SEGMENTATION]
    windows = 2 * geometry.lesion_slices * n_cases * math.prod(PREPARED) * ENTRY_BYTES[START]
    # Weights, their mean, the best of them and Adam's two moments, in single precision.
    # Half precision: the model, and those of the best and the last weights that it does not
    # contain.
    return int(slices + windows + n_trainings * (5 * 4 + 2 * 2) * 7.2e6)


def check_disk(needed: int, free: int, out: os.PathLike[str]) -> None:
    """Check that the files fit on the disk.

    Raises
    ------
    InputError
        They do not.
    """
    if needed > free:
        raise InputError(
            f"{out}: about {needed / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free"
        )


def device_name(settings: Settings) -> str:
    """Return the name of the device of a training."""
    device, bf16 = choose_device(settings)
    where = f"{_core.cpu()['threads']} threads of a CPU"
    if device.type == "cuda":
        where = torch.cuda.get_device_name(device)
    return f"{where}, {'bf16' if bf16 else 'f32'}"


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
