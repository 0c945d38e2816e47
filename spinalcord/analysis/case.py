"""Segment, classify and explain one scan; shared by `Pipeline.run` and cohorts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .. import _core
from ..limits import LesionLimits
from ..scans.preparation import Array, LesionSlices, Stopwatch, WorkingScan
from ..tasks import TASKS, deciding_tasks
from .attribution import ExplanationOptions, OnePass
from .classification import Diagnosis, classify_slices
from .explanation import Explanation, explain_slices
from .segmentation import Segmentation, segment_scan

if TYPE_CHECKING:
    from ..models.network import Network


@dataclass(frozen=True)
class AnalysisOptions:
    """Options of the analysis of a scan.

    Parameters
    ----------
    limits : LesionLimits
        Thresholds that define a lesion.
    explanation : ExplanationOptions
        Attribution method and its options.
    classify : bool, default True
        Whether to classify and explain the lesions after the segmentation.
    """

    limits: LesionLimits = field(default_factory=LesionLimits)
    explanation: ExplanationOptions = field(default_factory=ExplanationOptions)
    classify: bool = True


@dataclass(frozen=True, eq=False)
class CaseResults:
    """All results of one scan.

    Attributes
    ----------
    segmentation : Segmentation or None
        The lesions; None if a mask was given.
    diagnosis : Diagnosis or None
        The classification; None if it was skipped.
    explanations : mapping of str to Explanation
        By task, for the tasks that led to the diagnosis. Empty without a lesion.
    lesion : LesionSlices
        The scan and the mask that were classified, in the working orientation.
    """

    segmentation: Segmentation | None
    diagnosis: Diagnosis | None
    explanations: Mapping[str, Explanation]
    lesion: LesionSlices = field(repr=False)

    @property
    def results(self) -> tuple[Segmentation | Diagnosis | Explanation, ...]:
        """All results, in the order of computation."""
        first = (self.segmentation, self.diagnosis)
        made = [result for result in first if result is not None]
        return (*made, *self.explanations.values())

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "segmentation": None if self.segmentation is None else self.segmentation.to_dict(),
            "diagnosis": None if self.diagnosis is None else self.diagnosis.to_dict(),
            "explanations": {task: e.to_dict() for task, e in self.explanations.items()},
        }

    def _repr_html_(self) -> str:
        return "".join(result._repr_html_() for result in self.results)


def analyse(
    scan: WorkingScan,
    network: Callable[[str], Network],
    *,
    mask: Array | None = None,
    t1c: WorkingScan | None = None,
    options: AnalysisOptions | None = None,
    watch: Stopwatch,
    progress: bool = False,
    roi: str = "full",
) -> CaseResults:
    """Segment, classify and explain a scan that has been read.

    Parameters
    ----------
    scan : WorkingScan
        The scan.
    network : callable
        Returns the network for ``"segmentation"`` or a task; called for all of them before any is
        used.
    mask : uint8 (slices, rows, columns) array, optional
        Lesion in the working orientation; segmented if not given.
    t1c : WorkingScan, optional
        Contrast-enhanced scan on the same grid.
    options : AnalysisOptions, optional
        The model file's limits and Grad-CAM if not given.
    watch : Stopwatch
        Gets the stages "segment", "classify" and "explain" added. The results have stages of their
        own; the time of reading in `watch` is passed on to the segmentation.
    progress : bool, default False
        Whether to show bars on a terminal.
    roi : {"full", "cord"}, default "full"
        As for `Pipeline`.

    Returns
    -------
    CaseResults

    Raises
    ------
    InputError, ModelError, BackendError
        As for `Pipeline.classify`.
    """
    options = options or AnalysisOptions()
    networks = {task: network(task) for task in TASKS} if options.classify else {}
    segmentation = None
    if mask is None:
        own = Stopwatch()
        own.seconds |= watch.seconds
        with watch.stage("segment"):
            segmentation = segment_scan(
                scan,
                network("segmentation"),
                limits=options.limits,
                watch=own,
                progress=progress,
                roi=roi,
            )
            mask = scan.working(segmentation.mask.array)
        if options.classify and network("segmentation").precision == "f32":
            # The maps of whole slices take up to 100 MB, those of the classifiers a tenth of it.
            # To touch the memory again for the next case takes 1 % of its time at most.
            _core.trim_memory()
    lesion = LesionSlices(scan, mask, t1c)
    if not options.classify:
        return CaseResults(segmentation, None, {}, lesion)
    classified = OnePass(options.explanation)
    with watch.stage("classify"):
        diagnosis = classify_slices(
            lesion,
            networks,
            segmentation=segmentation,
            keep=classified,
            watch=Stopwatch(),
            progress=progress,
        )
    with watch.stage("explain"):
        explanations = {
            task: explain_slices(
                lesion,
                networks[task],
                options=options.explanation,
                answer=diagnosis.tasks[task],
                classified=classified,
                segmentation=segmentation,
                watch=Stopwatch(),
                progress=progress,
            )
            for task in deciding_tasks(diagnosis.diagnosis)
        }
    return CaseResults(segmentation, diagnosis, explanations, lesion)
