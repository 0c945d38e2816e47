"""Classifiers that begin with the first layers of their dense blocks, and grow.

A layer of a dense block only appends to what it reads, so that the first layers of each block are a
network by themselves: of the same outputs, at a third of the cost of a step.  The others join
with random weights that are read with weights of zero, which changes nothing, and learn from then
on [1]_.  (Were they themselves zero, the ReLU behind each normalisation would let no gradient
pass.)

References
----------
.. [1] Chen, Goodfellow, Shlens. Net2Net: accelerating learning via knowledge transfer. ICLR 2016.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from ..errors import InputError
from ..models.architectures import DENSE_BLOCKS, GROWTH
from .settings import SEGMENTATION, Settings

FIRST_LAYERS = (3, 4, 6, 4)
"""Layers of the four dense blocks at the beginning: 17 of 58."""


def silence_layers(network: nn.Module) -> None:
    """Let nothing read the layers after the first ones of each block, until they are trained.

    Parameters
    ----------
    network : DenseNet121
        With new weights, changed in place.
    """
    readers = [f"features.transition{i}.conv" for i in range(1, len(DENSE_BLOCKS))]
    counts = zip((*readers, "hidden"), FIRST_LAYERS, DENSE_BLOCKS, strict=True)
    for reader, first, whole in counts:
        weight = network.get_parameter(f"{reader}.weight")
        nn.init.zeros_(weight[:, weight.shape[1] - GROWTH * (whole - first) :])


def join_layers(network: nn.Module, *, all_of_them: bool) -> None:
    """Compute all layers, or only the first ones of each block: then only these are trained.

    What the others would append is absent, not zero, so that a step takes less time.

    Parameters
    ----------
    network : DenseNet121
    all_of_them : bool

    Examples
    --------
    >>> import torch
    >>> from spinalcord.training.torch_networks import DenseNet121
    >>> network = DenseNet121().eval()
    >>> silence_layers(network)
    >>> image = torch.ones(1, 3, 64, 32)
    >>> whole = network(image)
    >>> join_layers(network, all_of_them=False)
    >>> torch.allclose(network(image), whole, atol=1e-5)
    True
    """
    counts = DENSE_BLOCKS if all_of_them else FIRST_LAYERS
    for block, count in zip(_blocks(network), counts, strict=True):
        block.layers = count


def _blocks(network: nn.Module) -> list[Any]:
    n = len(DENSE_BLOCKS)
    return [network.get_submodule(f"features.denseblock{i + 1}") for i in range(n)]


def check_growth(target: str, settings: Settings, init: Any) -> None:
    """Check that only a classifier from random weights is to grow; else InputError."""
    if settings.grow and target == SEGMENTATION:
        raise InputError("grow is for classifiers; a segmentation network has no dense blocks")
    if settings.grow and init is not None:
        raise InputError(
            f"grow is for random initial weights, got those of {Path(init).name}: most of its "
            "layers would be lost"
        )
