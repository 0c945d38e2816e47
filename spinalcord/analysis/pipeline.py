"""The whole way with models that are opened once: segment, classify, explain."""

from __future__ import annotations

import os
import threading
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .._moved import renamed
from ..errors import SpinalcordWarning
from ..models.folder import ModelFolder, find_models
from ..models.network import Network, check_settings, resolve_precision
from ..scans.preparation import LesionSlices, Stopwatch, WorkingScan
from ..tasks import TASKS
from .attribution import RING_MM, ExplanationOptions
from .classification import Diagnosis, classify_slices
from .explanation import Explanation, check_answer, explain_slices
from .segmentation import Segmentation, segment_scan

MAX_SHARED = 4
"""Pipelines that the module-level functions keep open."""


@dataclass(frozen=True, eq=False)
class CaseResults:
    """All results of one scan.

    Attributes
    ----------
    segmentation : Segmentation or None
        The lesions; None where a mask was given.
    diagnosis : Diagnosis
        What they look like.
    explanations : mapping of str to Explanation
        By task: those whose answers led to the diagnosis. Empty without a lesion.
    """

    segmentation: Segmentation | None
    diagnosis: Diagnosis
    explanations: Mapping[str, Explanation]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "segmentation": None if self.segmentation is None else self.segmentation.to_dict(),
            "diagnosis": self.diagnosis.to_dict(),
            "explanations": {task: e.to_dict() for task, e in self.explanations.items()},
        }

    def _repr_html_(self) -> str:
        parts = [self.segmentation, self.diagnosis, *self.explanations.values()]
        return "".join(part._repr_html_() for part in parts if part is not None)


class Pipeline:
    """Models opened once, for any number of scans and threads.

    Parameters
    ----------
    models : path-like, optional
        Folder with model files; those that come with the package if not given.
    precision : {"f32", "bf16", "auto"}, default "f32"
        Arithmetic of the networks; ``"auto"`` is bf16 where the CPU computes in it, which is 2
        to 3 times faster, else f32.
    threads : int, optional
        Threads of one call; the CPUs this process may use if not given.
    progress : bool, default False
        Whether to show bars on standard error, where that is a terminal.

    Raises
    ------
    InputError
        An unknown precision, or fewer than one thread.
    ModelError
        No such folder, a damaged file in it, or two files for one role. A missing role is an
        error only when it is needed.

    Examples
    --------
    >>> pipeline = Pipeline("models", threads=4)  # doctest: +SKIP
    >>> cases = [pipeline.run(path) for path in paths]  # doctest: +SKIP
    """

    def __init__(
        self,
        models: str | os.PathLike[str] | None = None,
        precision: str = "f32",
        threads: int | None = None,
        *,
        progress: bool = False,
    ) -> None:
        self._threads = check_settings(precision, threads)
        self._precision = resolve_precision(precision)
        self._progress = progress
        self._folder = find_models(models)
        self._networks: dict[str, Network] = {}
        self._lock = threading.Lock()

    @property
    def models(self) -> ModelFolder:
        """The model files, opened or not."""
        return self._folder

    @property
    def precision(self) -> str:
        """Arithmetic of the networks."""
        return self._precision

    @property
    def threads(self) -> int:
        """Threads of one call."""
        return self._threads

    def network(self, role: str) -> Network:
        """Return the network for ``"segmentation"`` or a task; opened at the first call.

        Raises
        ------
        ModelError
            No model for it, or a damaged one.
        BackendError
            This CPU lacks the precision, or oneDNN failed.
        """
        with self._lock:
            if role not in self._networks:
                path = self._folder.model(role).path
                network = Network.open(path, self._precision, self._threads)
                network.model.sha256  # noqa: B018 - kept now, while the file is this one
                self._networks[role] = network
            return self._networks[role]

    def segment(
        self,
        volume: Any,
        *,
        threshold: float | None = None,
        min_lesion_mm3: float | None = None,
        min_thickness_mm: float | None = None,
        min_peak: float | None = None,
        cord: Any = None,
        min_in_cord: float | None = None,
        keep_outside_cord: bool | None = None,
        series: str | None = None,
    ) -> Segmentation:
        """Outline lesions on a scan; options, result and errors as `spinalcord.segment`."""
        network = self.network("segmentation")
        watch = Stopwatch()
        scan = _read(volume, series, watch)
        segmentation = segment_scan(
            scan,
            network,
            threshold=threshold,
            min_lesion_mm3=min_lesion_mm3,
            min_thickness_mm=min_thickness_mm,
            min_peak=min_peak,
            cord=cord,
            min_in_cord=min_in_cord,
            keep_outside_cord=keep_outside_cord,
            watch=watch,
            progress=self._progress,
        )
        _warn_if_emptied(segmentation)
        return segmentation

    def classify(
        self,
        volume: Any,
        *,
        mask: Any = None,
        lesion_label: int | None = None,
        t1c: Any = None,
        series: str | None = None,
    ) -> Diagnosis:
        """Classify the lesions of a scan; options, result and errors as `spinalcord.classify`."""
        networks = {task: self.network(task) for task in TASKS}
        watch = Stopwatch()
        lesion, segmentation = self._lesion(volume, mask, lesion_label, t1c, series, watch)
        return classify_slices(
            lesion, networks, segmentation=segmentation, watch=watch, progress=self._progress
        )

    def explain(
        self,
        volume: Any,
        *,
        task: str,
        mask: Any = None,
        lesion_label: int | None = None,
        t1c: Any = None,
        target: str | None = None,
        method: str = "gradcam",
        layer: str | None = None,
        of: str | None = None,
        ring_mm: float = RING_MM,
        curves: bool = False,
        compare: Iterable[str] = (),
        series: str | None = None,
    ) -> Explanation:
        """Explain an answer; options, result and errors as `spinalcord.explain`."""
        check_answer(task, target)
        options = ExplanationOptions(method, layer, of, ring_mm, curves, compare)
        network = self.network(task)
        watch = Stopwatch()
        lesion, segmentation = self._lesion(volume, mask, lesion_label, t1c, series, watch)
        return explain_slices(
            lesion,
            network,
            target=target,
            options=options,
            segmentation=segmentation,
            watch=watch,
            progress=self._progress,
        )

    def run(
        self,
        volume: Any,
        *,
        mask: Any = None,
        lesion_label: int | None = None,
        t1c: Any = None,
        series: str | None = None,
    ) -> CaseResults:
        """Segment, classify and explain a scan that is read and prepared once.

        Parameters
        ----------
        volume, mask, lesion_label, t1c, series
            As for `spinalcord.classify`.

        Returns
        -------
        CaseResults
            Explanations are those of the tasks that led to the diagnosis.

        Raises
        ------
        InputError, SeriesError, ModelError, BackendError
            As for `spinalcord.classify`.
        """
        networks = {task: self.network(task) for task in TASKS}
        watch = Stopwatch()
        lesion, segmentation = self._lesion(volume, mask, lesion_label, t1c, series, watch)
        watch = Stopwatch()
        diagnosis = classify_slices(
            lesion, networks, segmentation=segmentation, watch=watch, progress=self._progress
        )
        explanations = {}
        for task in _path_to(diagnosis):
            explanations[task] = explain_slices(
                lesion,
                networks[task],
                answer=diagnosis.tasks[task],
                segmentation=segmentation,
                watch=Stopwatch(),
                progress=self._progress,
            )
        return CaseResults(segmentation, diagnosis, explanations)

    def _lesion(
        self,
        volume: Any,
        mask: Any,
        label: int | None,
        t1c: Any,
        series: str | None,
        watch: Stopwatch,
    ) -> tuple[LesionSlices, Segmentation | None]:
        """Read the scan, and take the mask that is given or make one."""
        scan = _read(volume, series, watch)
        with watch.stage("read"):
            contrast = None if t1c is None else scan.coregistered(t1c, "t1c")
        if mask is not None:
            own = isinstance(mask, Segmentation)
            given, label = (mask.mask, None) if own else (mask, label)
            with watch.stage("read"):
                return LesionSlices(scan, scan.mask(given, label), contrast), None
        segmentation = segment_scan(
            scan, self.network("segmentation"), watch=watch, progress=self._progress
        )
        _warn_if_emptied(segmentation)
        found = scan.working(segmentation.mask.array)
        return LesionSlices(scan, found, contrast), segmentation

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self._folder.path, self._precision, self._threads, self._progress)

    def __repr__(self) -> str:
        roles = ", ".join(self._folder.models) or "no models"
        return (
            f"<Pipeline {self._folder.path}: {roles}; {self._precision}, {self._threads} threads>"
        )


def shared_pipeline(
    models: str | os.PathLike[str] | None,
    precision: str,
    threads: int | None,
    progress: bool,
) -> Pipeline:
    """Return the pipeline that calls with equal settings share; the last few are kept open.

    Parameters
    ----------
    models, precision, threads, progress
        As for `Pipeline`.

    Returns
    -------
    Pipeline
        Another one once a file in the folder has changed.

    Raises
    ------
    InputError, ModelError
        As for `Pipeline`.
    """
    count = check_settings(precision, threads)
    folder = find_models(models)
    stamps = tuple((model.path, model.stamp) for model in folder.models.values())
    precision = resolve_precision(precision)
    key = (folder.path.resolve(), stamps, precision, count, progress)
    with _shared_lock:
        if key not in _shared:
            _shared[key] = Pipeline(models, precision, count, progress=progress)
        _shared.move_to_end(key)
        while len(_shared) > MAX_SHARED:
            _shared.popitem(last=False)
        return _shared[key]


_shared: OrderedDict[Any, Pipeline] = OrderedDict()
_shared_lock = threading.Lock()


def _read(volume: Any, series: str | None, watch: Stopwatch) -> WorkingScan:
    with watch.stage("read"):
        return WorkingScan(volume, series=series)


def _warn_if_emptied(segmentation: Segmentation) -> None:
    """Say aloud that lesions were found, yet none is left."""
    if segmentation.dropped and not segmentation.found:
        text = "; ".join(segmentation.warnings)
        warnings.warn(f"{segmentation.record.stem}: {text}", SpinalcordWarning, stacklevel=4)


def _path_to(diagnosis: Diagnosis) -> tuple[str, ...]:
    """Return the tasks whose answers led to a diagnosis."""
    if not diagnosis.found:
        return ()
    first = "tumor_vs_demyelination"
    demyelination = diagnosis.tasks[first].label == "demyelination"
    return first, "ms_vs_nmosd" if demyelination else "astrocytoma_vs_ependymoma"


def _rebuild(models: os.PathLike[str], precision: str, threads: int, progress: bool) -> Pipeline:
    return Pipeline(models, precision, threads, progress=progress)


__getattr__ = renamed(__name__)
