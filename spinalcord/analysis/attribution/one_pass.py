"""Keep the class-activation maps of the pass that classifies, so that explaining needs none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .maps import AttributionMaps, chosen_maps, has_closed_form
from .methods import ExplanationOptions

if TYPE_CHECKING:
    from ...models.network import Network

Array = np.ndarray[Any, Any]


class OnePass:
    """Answers of classifiers, and maps of both answers from the same forward passes.

    Which answer a map explains is known once all slices of a patient are classified, so both are
    kept: two numbers for each of the last maps' pixels, which take 1 % of the pass. Other methods
    keep nothing, and run their own passes afterwards.

    Parameters
    ----------
    options : ExplanationOptions
        What will be explained.

    Examples
    --------
    >>> OnePass(ExplanationOptions("layercam", "block3")).maps("ms_vs_nmosd", None, 0.5) is None
    True
    """

    def __init__(self, options: ExplanationOptions) -> None:
        self._keeps = has_closed_form(options)
        self._kept: dict[str, list[tuple[Array, Array]]] = {}

    def answering(self, network: Network) -> Callable[[Array], Array]:
        """Return what computes probabilities as the network does, and keeps maps beside them.

        Parameters
        ----------
        network : Network
            A classifier.

        Returns
        -------
        callable
            Function of float32 (n, c, h, w) images that returns float32 (n, 2) probabilities, the
            same bits as those of the network; the network itself where nothing is kept.
        """
        if not self._keeps:
            return network
        kept = self._kept[network.model.role] = []

        def answer(images: Array) -> Array:
            maps, probabilities = network.gradcam(images, None)
            kept.append((maps, probabilities))
            return probabilities

        return answer

    def maps(self, role: str, index: int | None, threshold: float) -> AttributionMaps | None:
        """Return the maps of one answer for all images that were classified.

        Parameters
        ----------
        role : str
            Task of the network.
        index : {0, 1} or None
            The answer; the one that the network gives for all images together if None.
        threshold : float
            Smallest mean probability of the positive answer.

        Returns
        -------
        AttributionMaps or None
            The same bits as from `map_attribution`; None where nothing was kept.
        """
        kept = self._kept.get(role)
        if not kept:
            return None
        return chosen_maps(kept, index, threshold)
