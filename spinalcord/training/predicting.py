"""Predict the validation cases of each round with models not trained on them; write a run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..cohort.listing import CohortCase, list_cohort
from ..cohort.run_tables import write_tables
from ..cohort.running import run_cohort
from ..models.folder import find_models
from ..run_options import CohortInputs
from ..scans.labels import Label
from .rounds import Round
from .splitting import VALIDATION

CARRIED = "fold"
"""Column of cases.tsv with the round whose models answered."""


def predict_rounds(
    rounds: Sequence[Round],
    work: Path,
    out: Path,
    *,
    complete: bool,
    lesion_label: Label = None,
    progress: bool = False,
) -> Path:
    """Run the models of each round on its validation cases.

    Parameters
    ----------
    rounds : sequence of Round
        Rounds, whose models are in ``WORK/NAME/models``, the segmentation also in ``segmentation``.
    work, out : Path
        Work folder and output folder of the training.
    complete : bool
        Whether there is a model for every task; if not, lesions are only segmented.
    lesion_label
        As for `spinalcord.CohortInputs`.
    progress
        As for `spinalcord.run_cohort`.

    Returns
    -------
    Path
        The run folder, ``out-of-fold`` or ``validation``, with the tables of all rounds.

    Raises
    ------
    InputError, ModelError
        As for `spinalcord.run_cohort`.
    """
    folder = out / ("out-of-fold" if len(rounds) > 1 else "validation")
    rows: list[dict[str, str]] = []
    for each in rounds:
        own = [_row(case, each.name) for case in each.of(VALIDATION)]
        rows += own
        models = work / each.name / ("models" if complete else "segmentation")
        inputs = CohortInputs(carry=(CARRIED,), lesion_label=lesion_label)
        run_cohort(own, folder, inputs=inputs, models=models, progress=progress)
    if len(rounds) > 1:
        _join(rows, folder, out)
    return folder


def _join(rows: Sequence[Mapping[str, str]], folder: Path, models: Path) -> None:
    """Write the tables of all rounds in place of those of the last run."""
    path = folder / "dataset_description.json"
    description = json.loads(path.read_text(encoding="utf-8"))["Spinalcord"]
    description.pop("counts", None)
    roles = {model["role"] for model in description["models"]}
    found = find_models(models).models
    description["models"] = [found[role].to_dict() for role in found if role in roles]
    description["predicted"] = "each case by the models of the fold in which it validates"
    listing = list_cohort(list(rows), CohortInputs(carry=(CARRIED,)))
    write_tables(folder, replace(listing, name=folder.name), description, qc=True)


def _row(case: CohortCase, fold: str) -> dict[str, str]:
    known = {key: value for key, value in case.truth.items() if key != "split"}
    files = {"path": case.path, "mask": case.mask, "t1c": case.t1c, "series": case.series}
    who = {"case_id": case.case_id, "participant_id": case.participant_id, CARRIED: fold}
    return {**known, **{k: v for k, v in files.items() if v}, **who}
