"""Choose lesion limits and thresholds on the validation cases of all rounds together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..analysis.pipeline import Pipeline
from ..cohort.listing import CohortCase
from ..models.model_file import read_model
from ..models.network import Network
from ..scans.labels import Label
from .cache import prepare_cases
from .choosing import FREE, LIMITS, all_choices, choose_limits, least_false, measure_choices
from .export import answers, describe, youden
from .rounds import Round, cases_for
from .settings import Settings
from .splitting import VALIDATION


def limits_of_rounds(
    rounds: Sequence[Round],
    files: Mapping[str, Path],
    *,
    most_false: float,
    lesion_label: Label = None,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Choose the lesion limits on all validation cases.

    Parameters
    ----------
    rounds : sequence of Round
    files : mapping of str to Path
        Segmentation model of each round, by name; alone in its folder.
    most_false : float
        Largest allowed share of scans without lesion in which one is found. If no choice meets it,
        the smallest possible share is used and reported.
    lesion_label : int, str or mapping, optional
        As for `spinalcord.classify`.
    say : callable

    Returns
    -------
    dict
        Entries of ``labels``: the limits, and their origin.

    Raises
    ------
    InputError, ModelError, BackendError
        As for `measure_choices` and `choose_limits`.
    """
    outputs = read_model(files[rounds[0].name]).outputs
    choices = all_choices(cord="cord" in outputs)
    dice: dict[str, list[Any]] = {}
    for each in rounds:
        pipeline = Pipeline(files[each.name].parent)
        for case in each.of(VALIDATION):
            own, ill = measure_choices(
                pipeline, case.path, str(case.mask), choices, series=case.series,
                lesion_label=lesion_label,
            )  # fmt: skip
            group = (case.diagnosis or "other") if ill else FREE
            dice.setdefault(group, []).append(own)
    least, most = least_false(dice), None
    if least is None:
        say("limits: there is no validation scan without lesion, so false lesions are not limited")
    else:
        most = max(most_false, least)
        if most > most_false:
            say(
                f"limits: with any choice at least {least:.0%} of the scans without lesion have a "
                f"false one ({most_false:.0%} asked): the best of those with {least:.0%} is taken"
            )
    best = choices[choose_limits(dice, most)]
    split = "out-of-fold" if len(rounds) > 1 else "validation"
    origin = f"{split}, largest mean Dice of {sum(map(len, dice.values()))} whole scans"
    if most is not None:
        origin += f" with at most {most:.0%} of {len(dice[FREE])} without lesion having one"
    chosen = dict(zip(LIMITS, best, strict=True))
    say("limits: " + ", ".join(f"{name} {value:g}" for name, value in chosen.items()))
    return chosen | {"threshold_from": origin}


def cut_of_rounds(
    task: str,
    rounds: Sequence[Round],
    trained: Mapping[str, Sequence[CohortCase]],
    files: Mapping[str, Path],
    settings: Settings,
    cache: Path,
    *,
    lesion_label: Label = None,
    say: Callable[[str], None],
) -> tuple[float, str]:
    """Choose the threshold of a task on the validation cases.

    Parameters
    ----------
    task : str
    rounds : sequence of Round
    trained : mapping of str to sequence of CohortCase
        Cases on which the classifiers of each round were trained and validated.
    files : mapping of str to Path
        Model of each round, by name.
    settings : Settings
        Settings of the task.
    cache : Path
        Cache folder of the trainings.
    lesion_label : int, str or mapping, optional
    say : callable

    Returns
    -------
    threshold : float
    origin : str
        For ``threshold_from``.
    """
    if len(rounds) == 1:  # chosen when the file was written
        labels = read_model(files[rounds[0].name]).metadata["labels"]
        return float(labels["threshold"]), str(labels["threshold_from"])
    truth, scores = [], []
    metadata = describe(task, [], task, settings.prepared(task))
    for each in rounds:
        validation = [c for c in cases_for(trained[each.name], task) if c.split == VALIDATION]
        entries = prepare_cases(validation, metadata, cache, lesion_label=lesion_label)
        positive, p = answers(Network.open(files[each.name]), entries)
        truth.append(positive)
        scores.append(p)
    found, origin = youden(np.concatenate(truth), np.concatenate(scores), "out-of-fold")
    threshold = 0.5 if found is None else found
    say(f"{task}: threshold {threshold:.3f} ({origin})")
    return threshold, origin
