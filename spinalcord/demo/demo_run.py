"""Run the pipeline on a phantom and compare the results with the ground truth."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..analysis.case import CaseResults
from ..analysis.classification import Diagnosis
from ..analysis.pipeline import Pipeline
from ..analysis.results import Result
from ..cohort.rows import lesion_rows
from ..models.folder import ROLES, find_models
from ..phantom import Case as Phantom
from ..phantom import make_case
from ..scans.preparation import Stopwatch, WorkingScan
from ..stats.segmentation_metrics import dice_score
from ..tasks import TASKS, Task

DIAGNOSIS = "ependymoma"
"""Of the phantom, unless another is asked for."""

SEED = 6
"""Of the phantom, unless another is asked for.

Chosen, with the diagnosis, from 24 phantoms because the models that ship outline and name it well;
on others they do worse: docs/models.md has the figures.
"""

DIFFICULTY = 0.5
"""Difficulty of the demo's phantom; 0 is typical, 1 mixed with the look-alike."""

KIND = "2d"
"""Protocol of the demo's phantom: a few thick slices, which take only seconds."""

NOTICE = (
    "This scan is a synthetic phantom: no patient, and what is found on it says nothing about "
    "patients. Research software, not a medical device."
)
SHIPPED_NOTICE = "The models that come with this package were trained on synthetic lesions only."


@dataclass(frozen=True, eq=False)
class Demo:
    """A phantom, the results of the pipeline, and their comparison.

    Attributes
    ----------
    phantom : spinalcord.phantom.Case
        Scan and ground truth.
    seed : int
        Seed of the phantom.
    case : spinalcord.analysis.case.CaseResults
        The pipeline's results.
    dice : float
        2 |A and B| / (|A| + |B|) of drawn and found lesion voxels; 1 if both are empty.
    lesions : sequence of dict
        Drawn lesions (``mask``: ``"reference"``) and found ones (``"found"``), each the largest
        first, as in a cohort's ``lesions.tsv``.
    seconds : mapping of str to float
        Per step.
    notices : tuple of str
        The notice that must accompany every result.
    """

    phantom: Phantom
    seed: int
    case: CaseResults
    dice: float
    lesions: Sequence[Mapping[str, Any]]
    seconds: Mapping[str, float]
    notices: tuple[str, ...]

    @property
    def diagnosis(self) -> Diagnosis:
        """Answer of the pipeline."""
        assert self.case.diagnosis is not None  # `Pipeline.run` always classifies
        return self.case.diagnosis

    @property
    def truth(self) -> str | None:
        """The diagnosis that was drawn; None without a lesion."""
        diagnosis: str | None = self.phantom.parameters["diagnosis"]
        return diagnosis

    @property
    def answer(self) -> str | None:
        """The diagnosis that was given; None where no lesion was found."""
        return self.diagnosis.diagnosis

    @property
    def steps(self) -> tuple[Result, ...]:
        """The results in the order of the pipeline."""
        return self.case.results

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings of all steps, each once."""
        return tuple(dict.fromkeys(text for step in self.steps for text in step.record.warnings))

    def volume_mm3(self, mask: str) -> float:
        """Return the volume of all ``"reference"`` or all ``"found"`` lesions."""
        return float(sum(row["volume_mm3"] for row in self.lesions if row["mask"] == mask))

    def to_dict(self) -> dict[str, Any]:
        """Return the main figures as plain values for JSON."""
        tasks = self.diagnosis.tasks
        return {
            "notice": " ".join(self.notices),
            "phantom": {"diagnosis": self.truth, "seed": self.seed},
            "diagnosis": self.answer,
            "right": self.answer == self.truth,
            "dice": round(self.dice, 4),
            "volume_mm3": {
                "drawn": round(self.volume_mm3("reference"), 1),
                "found": round(self.volume_mm3("found"), 1),
            },
            "probabilities": {name: round(a.probability, 4) for name, a in tasks.items()},
            "inside_fraction": {
                name: None if e.inside_fraction is None else round(e.inside_fraction, 4)
                for name, e in self.case.explanations.items()
            },
            "warnings": list(self.warnings),
            "seconds": {name: round(value, 2) for name, value in self.seconds.items()},
        }


def run_demo(
    diagnosis: str | None = DIAGNOSIS,
    seed: int = SEED,
    *,
    models: str | os.PathLike[str] | None = None,
    precision: str = "f32",
    threads: int | None = None,
    progress: bool = False,
) -> Demo:
    """Create a phantom and run the pipeline on it.

    Parameters
    ----------
    diagnosis : {"astrocytoma", "ependymoma", "MS", "NMOSD"} or None
        Diagnosis of the lesion that is drawn; None: no lesion.
    seed : int
        Seed of the phantom, which is reproducible.
    models, precision, threads, progress
        As for `spinalcord.Pipeline`.

    Returns
    -------
    Demo

    Raises
    ------
    InputError
        An unknown diagnosis or precision, or a number out of range.
    ModelError
        A model is missing or damaged.
    BackendError
        This CPU lacks the precision, or oneDNN failed.
    """
    watch = Stopwatch()
    folder = find_models(models)
    for role in ROLES:  # a missing model is reported at once
        folder.model(role)
    with watch.stage("make the phantom"):
        phantom = make_case(diagnosis, seed, difficulty=DIFFICULTY, kind=KIND)
    with watch.stage("open the models"):
        pipeline = Pipeline(models, precision, threads, progress=progress)
        for role in ROLES:
            pipeline.network(role)
    case = pipeline.run(phantom.t2)
    seconds = {**watch.seconds, **_seconds(case)}
    scan = WorkingScan(phantom.t2)
    drawn = scan.working(phantom.lesion.array)
    assert case.segmentation is not None
    assert case.diagnosis is not None
    found = scan.working(case.segmentation.mask.array)
    cord = scan.working(phantom.cord.array)
    lesions = [
        *lesion_rows(scan, drawn, "reference", cord, found),
        *lesion_rows(scan, found, "found", cord, drawn),
    ]
    shipped = (SHIPPED_NOTICE,) if models is None else ()
    said = [str(model["notice"]) for model in case.diagnosis.record.models if model["notice"]]
    notices = tuple(dict.fromkeys([NOTICE, *shipped, *said]))
    return Demo(phantom, seed, case, dice_score(drawn, found), lesions, seconds, notices)


def true_answer(task: Task, diagnosis: str | None) -> str | None:
    """Return the right answer to a task, or None where the question does not arise.

    Parameters
    ----------
    task : Task
    diagnosis : str or None
        True diagnosis.

    Returns
    -------
    str or None
    """
    if diagnosis in (task.negative, task.positive) or diagnosis is None:
        return diagnosis
    if task.name != "tumor_vs_demyelination":
        return None
    tumors = TASKS["astrocytoma_vs_ependymoma"]
    return task.negative if diagnosis in (tumors.negative, tumors.positive) else task.positive


def _seconds(case: CaseResults) -> dict[str, float]:
    """Sum the seconds of the steps."""
    segmentation = {} if case.segmentation is None else case.segmentation.seconds
    classified = {} if case.diagnosis is None else case.diagnosis.seconds
    explained = [sum(e.seconds.values()) for e in case.explanations.values()]
    return {
        "segment": sum(segmentation.values()),
        "classify": sum(classified.values(), 0.0),
        "explain": sum(explained, 0.0),
    }
