"""Divide cases into rounds of training and validation: one round, or one per fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..cohort.listing import CohortCase
from ..errors import InputError
from ..tasks import TASKS
from .patients import check_classes
from .settings import START, classes_of
from .splitting import TRAIN, VALIDATION, draw_folds, set_split


@dataclass(frozen=True)
class Round:
    """A set of trainings on the same cases.

    Attributes
    ----------
    name : str
        "whole", "fold-1" and so on, or "half-1" and "half-2".
    cases : tuple of CohortCase
        With the splits train and validation of this round.
    outlined : tuple of CohortCase
        Cases that its segmentation outlines, having not seen them.
    """

    name: str
    cases: tuple[CohortCase, ...]
    outlined: tuple[CohortCase, ...]

    def of(self, split: str) -> list[CohortCase]:
        """Return the cases of a split."""
        return [case for case in self.cases if case.split == split]


def make_rounds(cases: Sequence[CohortCase], folds: int | None, seed: int) -> list[Round]:
    """Return the rounds of a training.

    Parameters
    ----------
    cases : sequence of CohortCase
        Cases of the splits train and validation, not of test.
    folds : int or None
        Number of folds over the cases of both splits; None: one round with the given splits.
    seed : int
        Seed of the folds.

    Returns
    -------
    list of Round

    Raises
    ------
    InputError
        As `draw_folds`.
    """
    if folds is None:
        return [Round("whole", tuple(cases), tuple(c for c in cases if c.split == VALIDATION))]
    drawn = draw_folds(cases, folds, seed=seed)
    rounds = []
    for k in range(folds):
        own = tuple(
            set_split(case, VALIDATION if fold == k else TRAIN)
            for case, fold in zip(cases, drawn, strict=True)
        )
        validation = tuple(c for c in own if c.split == VALIDATION)
        rounds.append(Round(f"fold-{k + 1}", own, validation))
    return rounds


def make_halves(whole: Round, seed: int) -> list[Round]:
    """Return two rounds that each train on one half of the training cases and outline the other.

    Parameters
    ----------
    whole : Round
    seed : int

    Returns
    -------
    list of Round
        Empty if there is a single training patient.
    """
    train, validation = whole.of(TRAIN), whole.of(VALIDATION)
    try:
        half = draw_folds(train, 2, seed=seed)
    except InputError:
        return []
    return [
        Round(
            f"half-{k + 1}",
            tuple(c for c, own in zip(train, half, strict=True) if own != k) + tuple(validation),
            tuple(c for c, own in zip(train, half, strict=True) if own == k),
        )
        for k in range(2)
    ]


def classifier_targets(
    rounds: Sequence[Round], name: str
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the classifiers for which the cohort is sufficient.

    Parameters
    ----------
    rounds : sequence of Round
    name : str
        Name of the cohort, for messages.

    Returns
    -------
    targets : tuple of str
        The four-class start, if all four diagnoses are present, then the tasks.
    not_trained : dict of str to str
        The others, with the reason.
    """
    targets, not_trained = [], {}
    for target in (START, *TASKS):
        wanted = {word for names in classes_of(target) for word in names}
        try:
            for each in rounds:
                among = [c for c in each.cases if c.diagnosis in wanted]
                check_classes(among, target, f"{name}, {each.name}")
        except InputError as error:
            not_trained[target] = str(error)
        else:
            targets.append(target)
    return tuple(targets), not_trained


def cases_for(cases: Sequence[CohortCase], target: str) -> list[CohortCase]:
    """Return the cases with a diagnosis that belongs to a class of the classifier."""
    wanted = {word for names in classes_of(target) for word in names}
    return [case for case in cases if case.diagnosis in wanted]
