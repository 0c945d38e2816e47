"""Exponential moving average of the weights, which is validated and exported.

Single steps scatter around an optimum; their exponential moving average [1]_ does not, even without
a decaying learning rate.

References
----------
.. [1] Polyak, Juditsky. Acceleration of stochastic approximation by averaging. SIAM J Control Optim
   1992.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightMean:
    """An exponential moving average of weights and of the normalisations' statistics.

    Parameters
    ----------
    network : module
        Network whose state initializes the mean.
    decay : float
        Decay of the mean per step, in [0, 1); 0 keeps only the last weights. The first steps use
        the smaller (1 + step) / (10 + step), so that the initial weights are soon forgotten.

    Attributes
    ----------
    state : dict of Tensor
        As `network.state_dict()`.
    steps : int
        Number of states averaged.

    Examples
    --------
    >>> layer = nn.Linear(1, 1, bias=False)
    >>> _ = nn.init.zeros_(layer.weight)
    >>> mean = WeightMean(layer, 0.5)
    >>> _ = nn.init.ones_(layer.weight)
    >>> mean.update(layer)  # a tenth of the start is kept at first
    >>> round(float(mean.state["weight"]), 1)
    0.9
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay, self.steps = decay, 0
        self.state: dict[str, Tensor] = {}
        self.begin(network.state_dict())

    def begin(self, state: Mapping[str, Tensor], steps: int = 0) -> None:
        """Set the mean to a state."""
        self.steps = steps
        self.state = {name: value.detach().clone() for name, value in state.items()}

    def update(self, network: nn.Module) -> None:
        """Update the mean with the current state of the network."""
        keep = min(self.decay, (1 + self.steps) / (10 + self.steps))
        own = network.state_dict()
        names = [name for name, value in own.items() if value.is_floating_point()]
        with torch.no_grad():
            torch._foreach_lerp_([self.state[n] for n in names], [own[n] for n in names], 1 - keep)
            for name, value in own.items():
                if not value.is_floating_point():
                    self.state[name].copy_(value)
        self.steps += 1

    @contextmanager
    def applied(self, network: nn.Module) -> Iterator[None]:
        """Use the mean as the weights of a network within a ``with`` block."""
        own = {name: value.detach().clone() for name, value in network.state_dict().items()}
        network.load_state_dict(self.state)
        try:
            yield
        finally:
            network.load_state_dict(own)
