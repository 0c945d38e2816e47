"""Three questions that lead to four diagnoses: what the whole chain gets right."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InputError
from .estimate import Estimate
from .proportions import proportion


@dataclass(frozen=True)
class Branch:
    """One side of the first question, with the question that follows on it.

    Parameters
    ----------
    n : int
        Cases that truly belong to this side.
    first_correct : int
        Those of them that the first question sends here.
    second_correct : int
        Those of them that the second question answers rightly, whatever the first said.

    Raises
    ------
    InputError
        Counts below 0 or above n.
    """

    n: int
    first_correct: int
    second_correct: int

    def __post_init__(self) -> None:
        if min(self.first_correct, self.second_correct) < 0:
            raise InputError(f"{self}: counts below 0")
        if max(self.first_correct, self.second_correct) > self.n:
            raise InputError(f"{self}: more correct than cases")

    @property
    def bounds(self) -> tuple[int, int]:
        """Fewest and most cases that both questions can have right."""
        fewest = self.first_correct + self.second_correct - self.n
        return max(0, fewest), min(self.first_correct, self.second_correct)


def chain_bounds(*branches: Branch, level: float = 0.95) -> tuple[Estimate, Estimate]:
    """Bound the accuracy of the chain where each question was evaluated by itself.

    Parameters
    ----------
    *branches : Branch
    level : float, default 0.95

    Returns
    -------
    lowest, highest : Estimate
        Accuracy if the errors of the questions fall on different cases, and on the same ones as far
        as they can.

    Raises
    ------
    InputError
        A level outside (0, 1).
    """
    n = sum(branch.n for branch in branches)
    fewest = sum(branch.bounds[0] for branch in branches)
    most = sum(branch.bounds[1] for branch in branches)
    name = "four-class accuracy"
    return (
        proportion(fewest, n, level=level, name=f"lowest {name}"),
        proportion(most, n, level=level, name=f"highest {name}"),
    )
