"""Accuracy of a cascade: three two-way questions that lead to four diagnoses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..tasks import DIAGNOSES
from .agreement import cohen_kappa
from .estimate import Estimate
from .proportions import Method, proportion


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

    Examples
    --------
    >>> Branch(79, 74, 65).bounds
    (60, 65)
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

    Examples
    --------
    >>> lowest, highest = chain_bounds(Branch(79, 74, 65), Branch(78, 76, 62))
    >>> lowest.sentence()
    '76 % (120 of 157) [95 % CI: 69 %, 82 %]'
    """
    n = sum(branch.n for branch in branches)
    fewest = sum(branch.bounds[0] for branch in branches)
    most = sum(branch.bounds[1] for branch in branches)
    name = "four-class accuracy"
    return (
        proportion(fewest, n, level=level, name=f"lowest {name}"),
        proportion(most, n, level=level, name=f"highest {name}"),
    )


@dataclass(frozen=True)
class Confusion:
    """True against predicted diagnoses.

    Parameters
    ----------
    classes : tuple of str
    counts : tuple of tuples of int
        Row: the truth; column: the prediction.
    unit : str

    Examples
    --------
    >>> table = Confusion(("MS", "NMOSD"), ((30, 4), (6, 20)))
    >>> table.n
    60
    >>> table.summary()["accuracy"].sentence()
    '83 % (50 of 60) [95 % CI: 72 %, 91 %]'
    """

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    unit: str = "patients"

    @classmethod
    def from_labels(
        cls,
        truth: Sequence[str],
        predicted: Sequence[str],
        *,
        classes: Sequence[str] = DIAGNOSES,
        unit: str = "patients",
    ) -> Confusion:
        """Count one diagnosis per unit.

        Parameters
        ----------
        truth, predicted : (n,) str
        classes : sequence of str
            All that can occur, in the order of the table; the four diagnoses if not given.
        unit : str

        Raises
        ------
        InputError
            Lengths that differ; a diagnosis that is not among the classes.
        """
        if len(truth) != len(predicted):
            raise InputError(f"{len(truth)} true diagnoses and {len(predicted)} predicted ones")
        unknown = {*truth, *predicted} - {*classes}
        if unknown:
            raise InputError(f"{min(unknown, key=str)!r} is none of {', '.join(classes)}")
        index = {name: i for i, name in enumerate(classes)}
        table = np.zeros((len(classes), len(classes)), np.int64)
        np.add.at(table, ([index[t] for t in truth], [index[p] for p in predicted]), 1)
        return cls(tuple(classes), tuple(tuple(int(x) for x in row) for row in table), unit)

    @property
    def n(self) -> int:
        """All that were counted."""
        return sum(sum(row) for row in self.counts)

    def summary(self, *, level: float = 0.95, method: Method = "default") -> dict[str, Estimate]:
        """Compute accuracy, kappa, and sensitivity and predictive value of every class.

        Parameters
        ----------
        level, method
            As in `proportion`.

        Returns
        -------
        dict of str to Estimate
            accuracy, kappa, then "sensitivity, X" and "ppv, X" for each class X.

        Raises
        ------
        InputError
            As `proportion`.
        """
        table = np.array(self.counts, np.int64)
        diagonal, rows, columns = np.diag(table), table.sum(1), table.sum(0)

        def share(k: int, n: int, name: str) -> Estimate:
            return proportion(int(k), int(n), level=level, method=method, name=name, unit=self.unit)

        out = {
            "accuracy": share(diagonal.sum(), table.sum(), "accuracy"),
            "kappa": cohen_kappa(table, method="score", level=level, unit=self.unit),
        }
        for i, name in enumerate(self.classes):
            for figure, n in (("sensitivity", rows[i]), ("ppv", columns[i])):
                key = f"{figure}, {name}"
                out[key] = share(diagonal[i], n, key)
        return out
