"""Compute attribution maps of prepared images by any method, a few images at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..._moved import old_names
from ...models.ensemble import Ensemble
from ...scans.preparation import batches
from .methods import FORMULAS, ExplanationOptions, gradient, hirescam
from .occlusion import occlude

if TYPE_CHECKING:
    from ...models.network import Network

Array = np.ndarray[Any, Any]

STEPS = 32
"""Points on the way from the baseline to the image, for integrated gradients."""

CHANNELS = ("t1c", "t2", "mask")
"""Channels of the classifiers' images."""


@dataclass(frozen=True, eq=False)
class AttributionMaps:
    """Attribution maps of one answer.

    Attributes
    ----------
    index : {0, 1}
        The answer: 0 negative, 1 positive.
    positive : float
        Probability of the positive answer, mean over the images.
    values : float32 (n, h', w') array
        Signed, each stretched over the whole of its image.
    channels : mapping of str to float, or None
        Contribution of each channel, mean over the images, if the method decomposes the answer.
    """

    index: int
    positive: float
    values: Array
    channels: Mapping[str, float] | None = None


def map_attribution(
    network: Network,
    images: Array,
    options: ExplanationOptions,
    *,
    index: int | None = None,
    positive: float | None = None,
    progress: bool = False,
) -> AttributionMaps:
    """Compute attribution maps of images.

    Parameters
    ----------
    network : Network
        A classifier.
    images : float32 (n, 3, h, w) array
        Channels [t1c, t2, mask]; n at least 1.
    options : ExplanationOptions
        Method, layer and what is explained.
    index : {0, 1}, optional
        The answer to explain; the one that the network gives for all images together if not given.
    positive : float, optional
        Probability of the positive answer, mean over the images, where it is known already.
    progress : bool, default False
        Whether to show a bar on a terminal.

    Returns
    -------
    AttributionMaps

    Raises
    ------
    BackendError
        oneDNN failed.
    """
    if has_closed_form(options):
        passes = [network.gradcam(images[part], None) for part in _parts(network, images, progress)]
        return chosen_maps(passes, index, network.model.threshold)
    if positive is None:
        positive = mean_positive(network, images, progress)
    if index is None:
        index = int(positive >= network.model.threshold)
    if options.method == "occlusion":
        return AttributionMaps(
            index, positive, _occlusion(network, images, options, index, progress)
        )
    if isinstance(network, Ensemble):
        return _mean_of_views(network, images, options, index, positive, progress)
    values, channels = [], []
    for part in _parts(network, images, progress):
        some, added = _of_gradients(network, images[part], options, index)
        values.append(some)
        channels.append(added)
    return AttributionMaps(index, positive, np.concatenate(values), _by_channel(channels))


def _mean_of_views(
    network: Ensemble, images: Array, options: ExplanationOptions, index: int, positive: float,
    progress: bool,
) -> AttributionMaps:  # fmt: skip
    """Return the mean attribution map over all members and all flips, flipped back."""
    channels: list[Mapping[str, float]] = []

    def compute(member: Network, flipped: Array, back: Callable[[Array], Array]) -> Array:
        own = map_attribution(
            member, flipped, options, index=index, positive=positive, progress=progress
        )
        if own.channels is not None:
            channels.append(own.channels)
        return back(own.values)

    values = network.mean(images, compute)
    means = {key: float(np.mean([own[key] for own in channels])) for key in CHANNELS if channels}
    return AttributionMaps(index, positive, values, means or None)


def has_closed_form(options: ExplanationOptions) -> bool:
    """Return whether maps need no backward pass: Grad-CAM and HiResCAM of a logit at the last maps.

    Examples
    --------
    >>> has_closed_form(ExplanationOptions()), has_closed_form(ExplanationOptions("gradient"))
    (True, False)
    """
    known = options.method in ("gradcam", "hirescam")
    return known and (options.layer, options.of) == ("last", "logit")


def chosen_maps(
    passes: Sequence[tuple[Array, Array]], index: int | None, threshold: float
) -> AttributionMaps:
    """Return the maps of one answer, from passes that computed those of both without going back.

    With a head after global pooling, the gradient of a logit is the same at every place of the last
    maps, where Grad-CAM and HiResCAM therefore agree.

    Parameters
    ----------
    passes : sequence of (float32 (n, 2, h', w') array, float32 (n, 2) array)
        Maps and probabilities, as of `Network.gradcam` with no answer chosen; at least one.
    index : {0, 1} or None
        The answer; the one given for all images together if None.
    threshold : float
        Smallest mean probability of the positive answer.

    Returns
    -------
    AttributionMaps

    Examples
    --------
    >>> import numpy as np
    >>> maps = np.zeros((1, 2, 1, 1), np.float32)
    >>> chosen_maps([(maps, np.array([[0.25, 0.75]], np.float32))], None, 0.5).index
    1
    """
    positive = np.concatenate([probabilities[:, 1] for _, probabilities in passes])
    found = float(positive.mean(dtype=np.float64))
    chosen = int(found >= threshold) if index is None else index
    values = np.concatenate([np.ascontiguousarray(maps[:, chosen]) for maps, _ in passes])
    return AttributionMaps(chosen, found, values)


def mean_positive(network: Network, images: Array, progress: bool = False) -> float:
    """Return the probability of the positive answer, mean over the images.

    Parameters
    ----------
    network, images, progress
        As for `map_attribution`.

    Returns
    -------
    float

    Raises
    ------
    BackendError
        oneDNN failed.
    """
    positive = np.empty(len(images), np.float64)
    for part in _parts(network, images, progress):
        positive[part] = network(images[part])[:, 1]
    return float(positive.mean())


def _of_gradients(
    network: Network, images: Array, options: ExplanationOptions, index: int
) -> tuple[Array, Array | None]:
    """Return maps, and (n, channels) contributions of the channels."""
    direction = _direction(options, index)
    of = "probability" if options.of == "probability" else "logit"
    if options.method == "integrated":
        added = _integrated(network, images, direction, of)
        return added.sum(axis=1), added.sum(axis=(2, 3), dtype=np.float64)
    layer = str(options.layer)
    activations, gradients = network.backward(images, direction, layer=layer, of=of)
    if options.method == "gradient":
        return gradient(gradients), None
    if layer == "input":
        added = gradients * activations
        return hirescam(activations, gradients), added.sum(axis=(2, 3), dtype=np.float64)
    return FORMULAS[options.method](activations, gradients), None


def _direction(options: ExplanationOptions, index: int) -> Array:
    """Return the weights of the two logits."""
    weights = np.zeros(2, np.float32)
    weights[index] = 1
    if options.of == "difference":
        weights[1 - index] = -1
    return weights


def _integrated(network: Network, images: Array, direction: Array, of: str) -> Array:
    """Integrate gradients on the straight way from a black image without lesion, by midpoints.

    Equation 1 of M. Sundararajan et al., "Axiomatic attribution for deep networks", ICML 2017.
    """
    total = np.zeros(images.shape, np.float32)
    for step in range(STEPS):
        shade = np.float32((step + 0.5) / STEPS)
        _, gradients = network.backward(images * shade, direction, layer="input", of=of)
        total += gradients
    added: Array = images * (total / np.float32(STEPS))
    return added


def _occlusion(
    network: Network, images: Array, options: ExplanationOptions, index: int, progress: bool
) -> Array:
    def score(hidden: Array) -> Array:
        probabilities = network(hidden).astype(np.float64)
        if options.of == "probability":
            return probabilities[:, index]
        odds = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
        difference: Array = odds[:, index] - odds[:, 1 - index]
        return difference

    maps = np.empty((len(images), *images.shape[2:]), np.float32)
    size = _size(network)
    for part in batches(len(images), 1, network.model.role, progress=progress):
        maps[part] = occlude(score, images[part][0], size)
    return maps


def _parts(network: Network, images: Array, progress: bool) -> Any:
    return batches(len(images), _size(network), network.model.role, progress=progress)


def _size(network: Network) -> int:
    return 2 * network.threads


def _by_channel(parts: list[Array | None]) -> dict[str, float] | None:
    known = [part for part in parts if part is not None]
    if not known:
        return None
    means = np.concatenate(known).mean(axis=0)
    return dict(zip(CHANNELS, means.tolist(), strict=True))


__getattr__ = old_names(__name__)
