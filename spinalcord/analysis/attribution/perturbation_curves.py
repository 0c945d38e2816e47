"""Deletion and insertion curves: how the answer depends on the pixels that a map marks.

References
----------
V. Petsiuk et al., "RISE: randomized input sampling for explanation of black-box models",
BMVC 2018, section 4.3.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import _core
from ...scans.preparation import batches
from .hiding import blurred, flattened

if TYPE_CHECKING:
    from ...models.network import Network

Array = np.ndarray[Any, Any]

STEPS = 20
"""Pixels are taken away, or put back, in so many equal parts."""


@dataclass(frozen=True)
class Curves:
    """Mean probability of the answer while pixels are deleted or inserted, strongest first.

    Attributes
    ----------
    fractions : tuple of float
        Share of the pixels, from 0 to 1.
    deletion : tuple of float
        Probability with that share of intensities replaced by their mean: falls early for a good
        map.
    insertion : tuple of float
        Probability with that share restored in the blurred image: rises early for a good map.
    """

    fractions: tuple[float, ...]
    deletion: tuple[float, ...]
    insertion: tuple[float, ...]

    @property
    def deletion_auc(self) -> float:
        """Area under the deletion curve, by trapezia: small for a good map."""
        return _area(self.deletion)

    @property
    def insertion_auc(self) -> float:
        """Area under the insertion curve, likewise: large for a good map."""
        return _area(self.insertion)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        found = {name: list(values) for name, values in asdict(self).items()}
        return {"deletion_auc": self.deletion_auc, "insertion_auc": self.insertion_auc, **found}


def trace_curves(
    network: Network, images: Array, attribution: Array, index: int, *, progress: bool = False
) -> Curves:
    """Compute deletion and insertion curves: 41 passes per slice.

    Parameters
    ----------
    network : Network
        A classifier.
    images : float32 (n, 3, h, w) array
        The last channel is the mask, which is left alone.
    attribution : float32 (n, h', w') array
        Maps, each stretched over the whole of its image; the largest values go first.
    index : {0, 1}
        The answer.
    progress : bool, default False
        Whether to show a bar on a terminal.

    Returns
    -------
    Curves

    Raises
    ------
    BackendError
        oneDNN failed.
    """
    deletion, insertion = np.zeros(STEPS + 1), np.zeros(STEPS + 1)
    size = 2 * network.threads
    for part in batches(len(images), size, f"{network.model.role} curves", progress=progress):
        some = images[part]
        flat, soft = flattened(some), blurred(some)
        ranks = _ranks(stretched(attribution[part], some.shape[2:]))
        n_pixels = ranks[0].size
        for step in range(STEPS + 1):
            chosen = (ranks < round(step / STEPS * n_pixels))[:, None]
            deletion[step] += _sum_of(network, np.where(chosen, flat, some), index)
            if step < STEPS:
                insertion[step] += _sum_of(network, np.where(chosen, some, soft), index)
    n = len(images)
    insertion[-1] = deletion[0]  # the image itself
    return Curves(
        tuple((np.arange(STEPS + 1) / STEPS).tolist()),
        tuple((deletion / n).tolist()),
        tuple((insertion / n).tolist()),
    )


def stretched(maps: Array, size: tuple[int, ...]) -> Array:
    """Resize coarse maps to their images, bilinearly, as in resampling to the scan's grid.

    Parameters
    ----------
    maps : float32 (n, h', w') array
    size : two ints
        h and w.

    Returns
    -------
    float32 (n, h, w) array
    """
    steps = [have / want for have, want in zip(maps.shape[1:], size, strict=True)]
    frame = np.array([steps[0] / 2 - 0.5, steps[0], steps[1] / 2 - 0.5, steps[1]])
    fine: Array = _core.resample(
        np.ascontiguousarray(maps), size, frame, filter="linear", outside="edge"
    )
    return fine


def _ranks(maps: Array) -> Array:
    """Return the rank of each pixel, (n, h, w); 0 for the largest value of its image."""
    flat = maps.reshape(len(maps), -1)
    order = np.argsort(-flat, axis=1, kind="stable")
    ranks = np.empty(order.shape, np.int64)
    np.put_along_axis(ranks, order, np.arange(order.shape[1])[None], axis=1)
    places: Array = ranks.reshape(maps.shape)
    return places


def _sum_of(network: Network, images: Array, index: int) -> float:
    return float(network(images)[:, index].sum(dtype=np.float64))


def _area(curve: tuple[float, ...]) -> float:
    return float((sum(curve) - (curve[0] + curve[-1]) / 2) / (len(curve) - 1))
