"""Measure the agreement of two maps of the same images."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

TOP_FRACTION = 0.1
"""Share of the voxels that count as a map's strongest."""


@dataclass(frozen=True)
class Agreement:
    """Agreement of two maps.

    Attributes
    ----------
    spearman : float or None
        Rank correlation of the signed maps over all voxels in the images; None if one is constant.
    top_iou : float or None
        Intersection over union of the strongest tenth of attribution of each; None if one has no
        attribution. Independent maps have 0.05.
    """

    spearman: float | None
    top_iou: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def compare_maps(first: tuple[Array, Array], second: tuple[Array, Array]) -> Agreement:
    """Compare two maps, voxel by voxel.

    Parameters
    ----------
    first, second : two float32 (n,) arrays each
        The signed map and its attribution (not negative), of the same voxels.

    Returns
    -------
    Agreement
    """
    tops = [_strongest(attribution) for _, attribution in (first, second)]
    iou = None
    if all(top.any() for top in tops):
        iou = float(np.count_nonzero(tops[0] & tops[1]) / np.count_nonzero(tops[0] | tops[1]))
    return Agreement(_spearman(first[0], second[0]), iou)


def _spearman(x: Array, y: Array) -> float | None:
    """Return Pearson's correlation of the ranks, with mean ranks for ties."""
    ranks = [_centred_ranks(values) for values in (x, y)]
    norm = float(np.sqrt(np.dot(ranks[0], ranks[0]) * np.dot(ranks[1], ranks[1])))
    if not norm > 0:
        return None
    return float(np.clip(np.dot(ranks[0], ranks[1]) / norm, -1.0, 1.0))


def _centred_ranks(values: Array) -> Array:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[place.reshape(-1)]
    centred: Array = ranks - (values.size + 1) / 2
    return centred


def _strongest(attribution: Array) -> Array:
    """Return the strongest tenth of a map: fewer if fewer have attribution, more with ties."""
    count = max(1, round(TOP_FRACTION * attribution.size))
    least = np.partition(attribution, attribution.size - count)[attribution.size - count]
    strongest: Array = (attribution >= least) & (attribution > 0)
    return strongest
