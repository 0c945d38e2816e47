"""Compute attribution maps on slices with lesion, on the grid of the scan, and evaluate them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import _core
from ..._moved import old_names
from ...scans.preparation import LesionSlices, Stopwatch
from .focus import Focus, measure_focus
from .map_agreement import Agreement, compare_maps
from .maps import AttributionMaps, map_attribution
from .methods import METHODS, ExplanationOptions, Method
from .one_pass import OnePass
from .perturbation_curves import Curves, trace_curves

if TYPE_CHECKING:
    from ...models.network import Network

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Attribution:
    """The attribution of one answer, and its evaluation.

    Attributes
    ----------
    index : {0, 1}
        The answer: 0 negative, 1 positive.
    probability : float
        Probability of the answer, mean over the slices.
    map : float32 (slices, rows, columns) array
        Signed, in the working orientation.
    focus : Focus
        Location of the attribution.
    channels, curves, agreement
        As in `spinalcord.Explanation`.
    """

    index: int
    probability: float
    map: Array
    focus: Focus
    channels: Mapping[str, float] | None
    curves: Curves | None
    agreement: Mapping[str, Agreement]

    def reservations(self, method: Method, answer: str) -> tuple[str, ...]:
        """Return the reasons why the map is uninformative."""
        if not self.map.any():
            return (
                f"the map is 0 everywhere: {method.title} attributes nothing to {answer}, nor "
                "against it",
            )
        if self.focus.inside_fraction is None:
            return (f"the map is nowhere positive: nothing in the slices supports {answer}",)
        return ()


def find_attribution(
    lesion: LesionSlices,
    network: Network,
    options: ExplanationOptions,
    *,
    index: int | None = None,
    positive: float | None = None,
    classified: OnePass | None = None,
    watch: Stopwatch,
    progress: bool = False,
) -> Attribution:
    """Compute and evaluate the attribution map of an answer.

    Parameters
    ----------
    lesion : LesionSlices
        At least one slice with lesion.
    network : Network
        A classifier.
    options : ExplanationOptions
        Method, layer and extras.
    index, positive
        As for `map_attribution`.
    classified : OnePass, optional
        What the classification of these slices kept.
    watch : Stopwatch
        Stopwatch to which the seconds of each stage are added.
    progress : bool, default False
        Whether to show bars on a terminal.

    Returns
    -------
    Attribution

    Raises
    ------
    ModelError
        The model takes other than three channels.
    BackendError
        oneDNN failed.
    """
    method = METHODS[options.method]
    with watch.stage("prepare"):
        images, _, _ = lesion.images(network.model)
    with watch.stage("network"):
        model, maps = network.model, None
        if classified is not None:
            maps = classified.maps(model.role, index, model.threshold)
        if maps is None:
            maps = map_attribution(
                network, images, options, index=index, positive=positive, progress=progress
            )
    with watch.stage("restore"):
        heat = _restored(lesion, network, maps.values)
        seen = _restored(lesion, network, np.ones((len(images), 1, 1), np.float32))
    with watch.stage("measure"):
        attribution, spacing = method.attribution(heat), lesion.scan.spacing_mm
        focus = measure_focus(attribution, seen, lesion.mask, spacing, options.ring_mm)
    curves = None
    if options.curves:
        with watch.stage("curves"):
            order = np.abs(maps.values) if method.magnitude else maps.values
            curves = trace_curves(network, images, order, maps.index, progress=progress)
    agreement: dict[str, Agreement] = {}
    if options.compare:
        with watch.stage("compare"):
            ours, where = (heat, attribution), seen > 0
            agreement = _agreement(lesion, network, options, maps, ours, where, progress)
    probability = maps.positive if maps.index == 1 else 1.0 - maps.positive
    return Attribution(maps.index, probability, heat, focus, maps.channels, curves, agreement)


def _restored(lesion: LesionSlices, network: Network, values: Array) -> Array:
    """Resample maps to the scan's working grid."""
    images, slices, frames = lesion.images(network.model)
    heat: Array = _core.restore_map(values, slices, frames, images.shape[2:], lesion.mask.shape)
    return heat


def _agreement(
    lesion: LesionSlices,
    network: Network,
    options: ExplanationOptions,
    maps: AttributionMaps,
    ours: tuple[Array, Array],
    where: Array,
    progress: bool,
) -> dict[str, Agreement]:
    """Compare with the other methods on all voxels that the images show."""
    images, _, _ = lesion.images(network.model)
    first = ours[0][where], ours[1][where]
    agreement = {}
    for other in options.others():
        theirs = map_attribution(
            network, images, other, index=maps.index, positive=maps.positive, progress=progress
        )
        values = _restored(lesion, network, theirs.values)[where]
        second = values, METHODS[other.method].attribution(values)
        agreement[f"{other.method}:{other.layer}"] = compare_maps(first, second)
    return agreement


__getattr__ = old_names(__name__)
