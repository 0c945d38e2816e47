"""Simulate readers with given accuracies and correlated errors.

Each task follows a binormal model: a reader's rating of a case is the mean of its true class, plus
a case effect shared by all readers, plus the reader's own error; the two errors together have unit
variance.  The accuracies are those of the letter's seven readers (152 of 157, 57 of 79, 52 of 78;
Zhuo et al., Radiology: Artificial Intelligence 2022).
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from ..errors import InputError
from .fields import Array

TUMOURS, DEMYELINATION = ("astrocytoma", "ependymoma"), ("MS", "NMOSD")
ACCURACY = (152 / 157, 57 / 79, 52 / 78)  # tumour or not; which tumour; which demyelination
SHARED = 0.5  # share of the variance due to the case (assumed; gives agreement of .5 to .7)
LAPSE = 0.015  # share of calls made at random (assumed)


def draw_calls(
    rng: np.random.Generator,
    diagnoses: list[str],
    difficulty: Array,
    *,
    n_readers: int = 7,
    accuracy: tuple[float, float, float] = ACCURACY,
) -> list[list[str]]:
    """Draw every reader's diagnosis of every case.

    Parameters
    ----------
    rng : Generator
    diagnoses : list of str
        The truth.
    difficulty : (n,) float
        Difficulty of the images; all readers misjudge harder ones more often.
    n_readers : int
    accuracy : three floats
        Tumour or demyelination; astrocytoma or ependymoma; MS or NMOSD.

    Returns
    -------
    list of lists of str
        Per case, the readers' diagnoses.

    Raises
    ------
    InputError
        An accuracy outside [0.5, 0.985]; no reader.
    """
    if n_readers < 1:
        raise InputError(f"{n_readers} readers: at least one is expected")
    for value in accuracy:
        if not 0.5 <= value <= 0.985:
            raise InputError(f"a reader's accuracy of {value}: a number from 0.5 to 0.985")
    n = len(diagnoses)
    spread = float(np.std(difficulty))
    hard = (np.asarray(difficulty) - np.mean(difficulty)) / spread if spread > 0 else np.zeros(n)
    right = [_right(rng, value, hard, n_readers) for value in accuracy]
    out = []
    for i, truth in enumerate(diagnoses):
        pair, other = (TUMOURS, DEMYELINATION) if truth in TUMOURS else (DEMYELINATION, TUMOURS)
        task = 1 if truth in TUMOURS else 2
        wrong = pair[1 - pair.index(truth)]
        # Within the wrong group no diagnosis is right, so the reader guesses.
        missed = rng.integers(0, 2, n_readers)
        out.append([
            (truth if right[task][i, r] else wrong) if right[0][i, r] else other[missed[r]]
            for r in range(n_readers)
        ])  # fmt: skip
    return out


def _right(rng: np.random.Generator, accuracy: float, hard: Array, n_readers: int) -> Array:
    """Draw whether each call is right, (cases, readers) bool."""
    careful = min((accuracy - LAPSE / 2) / (1 - LAPSE), 0.999)
    distance = NormalDist().inv_cdf(careful)
    case = -0.5 * hard + np.sqrt(0.75) * rng.standard_normal(len(hard))
    own = rng.standard_normal((len(hard), n_readers))
    impression = distance + np.sqrt(SHARED) * case[:, None] + np.sqrt(1 - SHARED) * own
    lapse = rng.uniform(size=own.shape) < LAPSE
    return np.where(lapse, rng.uniform(size=own.shape) < 0.5, impression > 0)


def is_difficult(calls: list[str]) -> bool:
    """Whether fewer than five of seven readers (or that share) agree on one diagnosis."""
    most = max(calls.count(name) for name in set(calls))
    return most < len(calls) * 5 / 7 - 1e-9
