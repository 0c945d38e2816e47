"""Classify a lesion with three networks, and derive the diagnosis from their answers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._moved import old_names
from ..pictures.scene import MARGIN_MM, Scene
from ..scans.preparation import LesionSlices, Stopwatch, batches
from ..scans.writing import write_json
from ..tasks import DIAGNOSES, TASKS, chain_diagnosis, chain_probabilities
from .results import Record, Result, make_record, output_path, table_html

if TYPE_CHECKING:
    from ..models.network import Network
    from ..scans.volume import Volume
    from .attribution import OnePass
    from .segmentation import Segmentation


@dataclass(frozen=True)
class SliceAnswer:
    """Answer of a network for one slice.

    Attributes
    ----------
    index : int
        Slice, counted along the scan's stored left-right axis.
    probability : float
        Probability of the positive answer.
    """

    index: int
    probability: float


@dataclass(frozen=True)
class Answer:
    """The answer to one task.

    Attributes
    ----------
    probability : float
        Probability of the positive answer (the second in the task's name), mean over the slices
        with lesion. The patient is the unit, not the slice.
    label : str
        The positive answer if the probability is at least the threshold, else the negative one.
    threshold : float
        Threshold in the model file.
    slices : tuple of SliceAnswer
        The slices that hold lesion, left to right.
    """

    probability: float
    label: str
    threshold: float
    slices: tuple[SliceAnswer, ...]


@dataclass(frozen=True, eq=False)
class Diagnosis(Result):
    """The classification of the lesions of a scan.

    Attributes
    ----------
    found : bool
        Whether there is any lesion; without one nothing is classified.
    diagnosis : str or None
        astrocytoma, ependymoma, MS or NMOSD: the decisions followed one after the other, each at
        its own threshold. None without a lesion.
    probabilities : mapping of str to float
        Probabilities of the four diagnoses by the chain rule; they sum to 1. Empty without a
        lesion.
    tasks : mapping of str to Answer
        By task: tumor_vs_demyelination, astrocytoma_vs_ependymoma, ms_vs_nmosd. Empty without a
        lesion.
    segmentation : Segmentation or None
        The lesions, where no mask was given.
    record : Record
        Record of how it was made.
    scan, mask : Volume
        The scan, and the lesions on it (uint8).

    Examples
    --------
    >>> import spinalcord as sc
    >>> phantom = sc.phantom.make_case("MS", 5, region="cervical", kind="2d")
    >>> found = sc.classify(phantom.t2, mask=phantom.lesion)
    >>> found.diagnosis in found.probabilities
    True
    >>> answer = found.tasks["ms_vs_nmosd"]
    >>> answer.label == ("NMOSD" if answer.probability >= answer.threshold else "MS")
    True
    """

    found: bool
    diagnosis: str | None
    probabilities: Mapping[str, float]
    tasks: Mapping[str, Answer]
    segmentation: Segmentation | None
    record: Record
    scan: Volume
    mask: Volume

    @property
    def headline(self) -> str:
        """The diagnosis."""
        return self.diagnosis or "No lesion found: nothing to classify"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "found": self.found,
            "diagnosis": self.diagnosis,
            "probabilities": dict(self.probabilities),
            "tasks": {name: asdict(answer) for name, answer in self.tasks.items()},
            **self.record.to_dict(),
        }

    def save(self, path: str | os.PathLike[str], *, format: str = "json") -> list[Path]:
        """Write the diagnosis as JSON, or as a DICOM object.

        Parameters
        ----------
        path : path-like
            A folder (made if absent), which gets a BIDS-derivative name, or a file name that
            ends in ``.json`` or ``.dcm``.
        format : {"json", "dicom-sr", "dicom-sc"}, default "json"
            "dicom-sr" is a structured report (TID 1500) with the measurements of the lesions and
            the classification, "dicom-sc" a Secondary Capture of the slices; both need the extra
            `dicom` and a scan read from DICOM files, whose patient and study they carry.

        Returns
        -------
        list of pathlib.Path
            The file.

        Raises
        ------
        InputError
            Another ending or format, a scan that is not from DICOM files, or a place that cannot
            be written.
        MissingExtraError
            DICOM without highdicom.
        """
        from .handover import check_format, save_capture, save_report

        check_format(format, ("json", "dicom-sr", "dicom-sc"))
        if format == "dicom-sr":
            return save_report(self, path)
        if format == "dicom-sc":
            return [save_capture(self, path)]
        target = output_path(path, self.record.stem, "diagnosis", ".json")
        return [write_json(target, self.to_dict())]

    def scene(self) -> Scene:
        """Return the contents of pictures: scan and lesions."""
        return Scene(self.scan, self.mask)

    def plot(
        self,
        *,
        slices: Sequence[int] | None = None,
        margin_mm: float | None = MARGIN_MM,
        figure: Any = None,
        ax: Any = None,
    ) -> Any:
        """Plot the answers with their thresholds, and what was decided, beside the lesions.

        Needs the extra `report`.

        Parameters
        ----------
        slices, margin_mm, figure
            As for `spinalcord.pictures.plots.plot_scene`.
        ax : matplotlib Axes, optional
            Axes on which only the answers and thresholds are drawn.

        Returns
        -------
        matplotlib Figure, or Axes where `ax` is given

        Raises
        ------
        InputError
            Without matplotlib; a slice that the scan has not; a margin below 0; `ax`
            without a lesion.
        """
        from ..pictures import plots

        return plots.plot_diagnosis(self, slices=slices, margin_mm=margin_mm, figure=figure, ax=ax)

    def _tables_html(self) -> str:
        rows = [
            {"diagnosis": name, "probability": self.probabilities[name]}
            for name in DIAGNOSES
            if self.found
        ]
        answers = [
            {"task": name, "answer": a.label, "p(positive)": a.probability, "slices": len(a.slices)}
            for name, a in self.tasks.items()
        ]
        return table_html(rows, ("diagnosis", "probability")) + table_html(
            answers, ("task", "answer", "p(positive)", "slices")
        )


def classify_slices(
    lesion: LesionSlices,
    networks: Mapping[str, Network],
    *,
    segmentation: Segmentation | None = None,
    keep: OnePass | None = None,
    watch: Stopwatch,
    progress: bool = False,
) -> Diagnosis:
    """Classify lesions with a given mask.

    Parameters
    ----------
    lesion : LesionSlices
        The scan, the mask and the contrast-enhanced scan.
    networks : mapping of str to Network
        One classifier for each task.
    segmentation : Segmentation, optional
        Source of the mask, for the record.
    keep : OnePass, optional
        Keeps what explanations of the same slices need.
    watch : Stopwatch
        Stopwatch to which the seconds of each stage are added.
    progress : bool, default False
        Whether to show a bar on a terminal.

    Returns
    -------
    Diagnosis

    Raises
    ------
    InputError, ModelError, BackendError
        As for `Pipeline.{n}`.
    """
    answers: dict[str, Answer] = {}
    probabilities: dict[str, float] = {}
    diagnosis = None
    warnings = []
    if lesion.found:
        answers = {n: _answer(lesion, networks[n], keep, watch, progress) for n in TASKS}
        probabilities = chain_probabilities({n: a.probability for n, a in answers.items()})
        diagnosis = chain_diagnosis({n: a.label for n, a in answers.items()})
        likeliest = max(probabilities, key=lambda name: probabilities[name])
        if likeliest != diagnosis:
            warnings.append(
                f"the decisions lead to {diagnosis}, yet {likeliest} has the largest probability"
            )
    record = lesion_record(
        lesion, [networks[n] for n in TASKS], segmentation, watch, warnings=warnings
    )
    return Diagnosis(
        found=lesion.found,
        diagnosis=diagnosis,
        probabilities=probabilities,
        tasks=answers,
        segmentation=segmentation,
        record=record,
        scan=lesion.scan.volume,
        mask=lesion.stored_mask,
    )


def lesion_record(
    lesion: LesionSlices,
    networks: Sequence[Network],
    segmentation: Segmentation | None,
    watch: Stopwatch,
    *,
    settings: Mapping[str, Any] | None = None,
    warnings: Sequence[str] = (),
) -> Record:
    """Return the record of a classification or an explanation.

    Parameters
    ----------
    lesion, segmentation, watch
        As for `classify_slices`.
    networks : sequence of Network
        The classifiers used.
    settings : mapping, optional
        Settings in addition to those of every classification.
    warnings : sequence of str, optional
        Reservations.

    Returns
    -------
    Record
        With the segmentation's models, settings and warnings, where there was one.
    """
    return make_record(
        [lesion.scan] if lesion.t1c is None else [lesion.scan, lesion.t1c],
        networks,
        settings={
            "mask": "given" if segmentation is None else "segmented",
            "t1c": "absent" if lesion.t1c is None else "given",
            "thresholds": {n.model.role: n.model.threshold for n in networks},
            **(settings or {}),
        },
        seconds=watch.seconds,
        warnings=warnings,
        after=None if segmentation is None else segmentation.record,
    )


def _answer(
    lesion: LesionSlices,
    network: Network,
    keep: OnePass | None,
    watch: Stopwatch,
    progress: bool,
) -> Answer:
    model = network.model
    with watch.stage("prepare"):
        images, slices, _ = lesion.images(model)
    positive = np.empty(len(images), np.float64)
    compute = network if keep is None else keep.answering(network)
    with watch.stage("network"):
        for part in batches(len(images), 2 * network.threads, model.role, progress=progress):
            positive[part] = compute(images[part])[:, 1]
    probability = float(positive.mean())
    negative_label, positive_label = model.outputs
    return Answer(
        probability=probability,
        label=positive_label if probability >= model.threshold else negative_label,
        threshold=model.threshold,
        slices=tuple(
            SliceAnswer(lesion.scan.volume.stored_slice(index), p)
            for index, p in zip(slices.tolist(), positive.tolist(), strict=True)
        ),
    )


__getattr__ = old_names(__name__)
