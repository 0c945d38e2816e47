"""Evaluate a segmentation network on whole scans, computed by the core as in use.

Patches are drawn near annotations, and therefore miss most false positives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from .. import _core
from ..models.model_file import write_model
from ..models.network import Network
from ..stats.segmentation_metrics import dice_score
from .cache import CORD, LESION, Entry
from .torch_networks import copy_tensors

FREE = "lesion_free"
"""Group of the scans without lesion."""

FORGIVEN_MM3 = 100.0
"""Volume of false lesion that halves the score of a scan without lesion."""

MOST_SCANS = 24
"""Number of whole scans for the evaluation of a training, in equal parts by diagnosis and without
lesion."""


@dataclass(frozen=True)
class ScanFigures:
    """Metrics of a network on one scan.

    Attributes
    ----------
    group : str
        Diagnosis, "other" where none is listed, or "lesion_free".
    dice : float
        Dice score of the lesion mask; 1 if there is no lesion and none was found.
    false_mm3 : float
        Volume of lesion in a scan without any; NaN in others.
    false_cord_mm3 : float
        Volume of false cord in slices without cord; NaN if the cord is unknown.
    dice_cord : float
        NaN likewise.
    """

    group: str
    dice: float
    false_mm3: float
    false_cord_mm3: float
    dice_cord: float

    @property
    def score(self) -> float:
        """Score in [0, 1]: Dice, or without a lesion a decreasing function of `false_mm3`."""
        if self.group == FREE:
            return FORGIVEN_MM3 / (FORGIVEN_MM3 + self.false_mm3)
        return self.dice


def probabilities(network: Network, entry: Entry) -> NDArray[np.float32]:
    """Compute the maps of all slices: float32 (slices, outputs, h, w)."""
    images = entry.images()
    return np.concatenate([network(images[i : i + 1]) for i in range(len(images))])


def measure_scan(
    entry: Entry, maps: NDArray[np.float32], pixel_mm: float, threshold: float
) -> ScanFigures:
    """Compare the maps of a scan with its annotation.

    Parameters
    ----------
    entry : Entry
    maps : float32 (slices, outputs, h, w)
        As from `probabilities`.
    pixel_mm : float
    threshold : float
        Threshold of lesion; that of the cord is one half. If the network segments the cord, lesions
        that do not touch it are removed, as in `segment`.

    Returns
    -------
    ScanFigures
        Slices that were not annotated are ignored.
    """
    targets = entry.targets()
    truth = (targets & LESION) > 0
    volume = entry.spacing_mm * pixel_mm**2
    found = maps[:, 0] >= threshold
    unknown = list(entry.unannotated)
    cord_mm3 = cord_dice = float("nan")
    if maps.shape[1] > 1:
        cord = maps[:, 1] >= 0.5
        found = _touching(found, cord)
        if entry.has_cord:
            known = (targets & CORD) > 0
            cord_mm3 = float(cord[~known.any((1, 2))].sum()) * volume
            cord_dice = dice_score(cord, known)
    truth[unknown] = found[unknown] = False
    free = not truth.any()
    return ScanFigures(
        group=FREE if free else entry.case.diagnosis or "other",
        dice=dice_score(found, truth),
        false_mm3=float(found.sum()) * volume if free else float("nan"),
        false_cord_mm3=cord_mm3,
        dice_cord=cord_dice,
    )


def summarise(scans: Sequence[ScanFigures]) -> dict[str, float]:
    """Average over scans: Dice by group, false volumes, and a score with equal weights of groups.

    Returns
    -------
    dict
        "score"; "dice_" and each diagnosis; where there are such scans "lesion_free_with_lesion"
        (their share), "false_mm3" (per scan without lesion), "false_cord_mm3" (per scan without
        lesion, or of all where all have one) and "dice_cord".
    """
    groups: dict[str, list[ScanFigures]] = {}
    for scan in scans:
        groups.setdefault(scan.group, []).append(scan)
    figures = {"score": float(np.mean([np.mean([s.score for s in g]) for g in groups.values()]))}
    for name in sorted(set(groups) - {FREE}):
        figures[f"dice_{name}"] = float(np.mean([s.dice for s in groups[name]]))
    free = groups.get(FREE, [])
    if free:
        figures["lesion_free_with_lesion"] = float(np.mean([s.false_mm3 > 0 for s in free]))
        figures["false_mm3"] = float(np.mean([s.false_mm3 for s in free]))
    for name, among in (("false_cord_mm3", free or list(scans)), ("dice_cord", list(scans))):
        values = [v for s in among if not np.isnan(v := getattr(s, name))]
        if values:
            figures[name] = float(np.mean(values))
    return figures


@contextmanager
def opened(
    network: nn.Module, metadata: Mapping[str, Any], folder: Path, precision: str
) -> Iterator[Network]:
    """Write a network to a model file and open it with the core within a ``with`` block."""
    draft = folder / "judged.safetensors"
    write_model(draft, copy_tensors(network), metadata)
    try:
        yield Network.open(draft, precision=precision)
    finally:
        draft.unlink()


def judge_scans(network: Network, scans: Sequence[Entry]) -> dict[str, float]:
    """Evaluate a network on whole scans: the metrics of `summarise` at a threshold of one half."""
    pixel_mm = pixel_of(network.metadata)
    return summarise([measure_scan(e, probabilities(network, e), pixel_mm, 0.5) for e in scans])


def choose_scans(validation: Sequence[Entry], most: int) -> list[Entry]:
    """Choose whole scans in a fixed random order, of each diagnosis and without lesion.

    Scans are taken from the groups in turn, up to `most` in all; at least one if there is any.
    """
    order = np.random.default_rng(0).permutation(len(validation))
    groups: dict[str, list[Entry]] = {}
    for k in order:
        groups.setdefault(_group(validation[k]), []).append(validation[k])
    queues = [groups[name] for name in sorted(groups)]
    turns = [
        queue[turn]
        for turn in range(max(map(len, queues), default=0))
        for queue in queues
        if turn < len(queue)
    ]
    return turns[:most]


def pixel_of(metadata: Mapping[str, Any]) -> float:
    """Return the side of a prepared pixel in mm; 1 for stretched slices, which have none."""
    settings = metadata["preprocessing"]
    return float(settings["pixel_mm"]) if settings["mode"] == "physical" else 1.0


def _group(entry: Entry) -> str:
    return (entry.case.diagnosis or "other") if entry.lesion else FREE


def _touching(found: NDArray[np.bool_], cord: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Remove the components without any pixel of the cord."""
    labels, n = _core.label(found.astype(np.uint8), np.eye(4))
    inside = np.bincount(labels[cord], minlength=n + 1) > 0
    inside[0] = False
    kept: NDArray[np.bool_] = inside[labels]
    return kept
