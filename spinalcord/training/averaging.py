"""Moving average of the weights over the last steps, which is validated and exported.

Single steps scatter around where they lead to; an exponential moving average [1]_ does not, and
needs no falling rate to be good.

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
        Whose state it begins with.
    decay : float
        Share of the mean that each step keeps, in [0, 1); 0: always the last weights.  The first
        steps keep less, (1 + step) / (10 + step), so that the start is soon forgotten.

    Attributes
    ----------
    state : dict of Tensor
        As `network.state_dict()`.
    steps : int
        How many states went in.

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
        """Take a state as the mean."""
        self.steps = steps
        self.state = {name: value.detach().clone() for name, value in state.items()}

    def update(self, network: nn.Module) -> None:
        """Let the network's state of now go in."""
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
        """Give the network these weights for the length of a ``with`` block."""
        own = {name: value.detach().clone() for name, value in network.state_dict().items()}
        network.load_state_dict(self.state)
        try:
            yield
        finally:
            network.load_state_dict(own)
