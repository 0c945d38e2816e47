"""One case, from its files to its results; whichever process on whichever machine does it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..analysis.attribution import ExplanationOptions
from ..analysis.classification import Diagnosis, classify_slices
from ..analysis.explanation import Explanation, explain_slices
from ..analysis.segmentation import Segmentation, segment_scan
from ..errors import InputError, ModelError, SpinalcordError, SpinalcordWarning, note_warnings
from ..qc.case_picture import CasePicture, draw_case
from ..scans.preparation import Array, LesionSlices, Stopwatch, WorkingScan
from ..scans.reading import load
from ..scans.writing import write_bytes
from ..tasks import TASKS
from .inputs import again, describe_input, is_unchanged
from .listing import CohortCase
from .records import forget, picture_path, read_record, write_record
from .rows import case_rows

if TYPE_CHECKING:
    from ..analysis.pipeline import Pipeline

# A UID, and the description that follows it in the list of a SeriesError.
_SERIES = re.compile(r"\b[0-2](?:\.\d+){4,}(?: '[^']*')?")

STAGES = ("read", "segment", "classify", "explain", "write")


@dataclass(frozen=True)
class RunSettings:
    """What all cases of a run have in common.

    Attributes
    ----------
    models : str or None
        Folder of model files.
    hashes : mapping of str to str
        Role to sha256 of its model file, which every worker must find.
    precision, threads
        As for `Pipeline`.
    threshold, min_lesion_mm3, min_peak : float or None
        As for `segment`.
    masks : {"compare", "use", "ignore"}
        What a mask is for.
    qc : bool
        Whether to draw each case for the page on which it is judged. No part of the key: a case
        that has a picture serves a run without; one that has none is done again for one with.
    keep_outside_cord : bool or None
        As for `segment`.
    explaining : mapping
        Options of `ExplanationOptions`.
    lesion_label : int or None
        As for `classify`: which value of a case's mask is lesion.
    """

    models: str | None
    hashes: Mapping[str, str]
    precision: str
    threads: int
    threshold: float | None
    min_lesion_mm3: float | None
    masks: str
    qc: bool = True
    min_peak: float | None = None
    keep_outside_cord: bool | None = None
    explaining: Mapping[str, Any] = field(default_factory=dict)
    lesion_label: int | None = None

    @property
    def explanation(self) -> ExplanationOptions:
        """How answers are explained."""
        return ExplanationOptions(**self.explaining)

    def key(self, case: CohortCase, inputs: Mapping[str, Mapping[str, Any]]) -> str:
        """Return a digest of all that a case's results depend on."""
        parts = {
            "version": __version__,
            "inputs": {name: known["sha256"] for name, known in inputs.items()},
            "models": dict(self.hashes),
            "settings": [self.precision, self.threshold, self.min_lesion_mm3, self.masks],
            "min_peak": self.min_peak,
            "keep_outside_cord": self.keep_outside_cord,
            "lesion_label": self.lesion_label,
            "explaining": self.explanation.to_dict(),
            "case": [case.series, case.folder, case.stem],
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Outcome:
    """How a case ended.

    Attributes
    ----------
    status : {"done", "kept", "failed", "stop"}
        "kept" was done before; "stop" would end every other case too.
    error, reason : str or None
        Class and sentence, where it failed.
    """

    status: str
    error: str | None = None
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


class _Timer:
    """Seconds of the stages, and which one an error belongs to."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.stage = STAGES[0]
        self._start = time.perf_counter()

    def __call__(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[self.stage] = self.seconds.get(self.stage, 0.0) + now - self._start
        self.stage, self._start = stage, now


def is_done(case: CohortCase, settings: RunSettings, out: Path) -> bool:
    """Say whether an earlier run has done a case, by looking at no more than files' stamps."""
    record = read_record(out, case)
    if record is None or not _is_whole(record, settings):
        return False
    inputs = record["inputs"]
    paths = _paths(case)
    return (
        inputs.keys() == paths.keys()
        and settings.key(case, inputs) == record["key"]
        and _files_are_there(out, record)
        and all(is_unchanged(path, inputs[name]) for name, path in paths.items())
    )


def process_case(
    case: CohortCase, settings: RunSettings, out: Path, *, resume: bool = True
) -> Outcome:
    """Do one case and write its results and its record.

    Parameters
    ----------
    case : CohortCase
        The case.
    settings : RunSettings
        Those of the run.
    out : Path
        Output folder.
    resume : bool, default True
        Whether to keep results that belong to the same bytes, models and settings.

    Returns
    -------
    Outcome
        No exception leaves here, save those that end the process (KeyboardInterrupt).
    """
    try:
        pipeline = open_pipeline(settings)
        if resume and _still_holds(case, settings, out):
            return Outcome("kept")
        forget(out, case)
    except (SpinalcordError, MemoryError) as error:
        return Outcome("stop", type(error).__name__, str(error))
    start = time.perf_counter()
    timer = _Timer()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SpinalcordWarning)  # noted in the results
            results, record, picture = _compute(case, settings, pipeline, timer)
    except ModelError as error:
        return Outcome("stop", type(error).__name__, str(error))
    except Exception as error:
        return _failed(case, out, timer.stage, error, time.perf_counter() - start)
    try:
        timer("write")
        record["files"] = _save(case, out, results, picture)
        timer("")
        seconds = {f"seconds_{stage}": round(timer.seconds.get(stage, 0.0), 4) for stage in STAGES}
        record["case"] |= seconds
        record["case"]["seconds_total"] = round(time.perf_counter() - start, 4)
        write_record(out, case, record)
    except (InputError, OSError) as error:
        return Outcome("stop", type(error).__name__, str(error))
    return Outcome("done")


def fail(case: CohortCase, out: Path, error: str, reason: str) -> Outcome:
    """Record that a case failed because the process that did it died.

    Returns
    -------
    Outcome
        "failed", or "stop" where that cannot be written.
    """
    failure = {"stage": None, "error": error, "reason": reason, "seconds": None}
    try:
        forget(out, case)
        write_record(out, case, {"status": "failed", "failure": failure})
    except InputError as full:
        return Outcome("stop", "InputError", str(full))
    return Outcome("failed", error, reason)


# ---- Models -----------------------------------------------------------------------------------

_pipelines: dict[tuple[Any, ...], Pipeline] = {}
_lock = threading.Lock()


def open_pipeline(settings: RunSettings) -> Pipeline:
    """Return this process's pipeline for these settings; its models are opened once.

    Raises
    ------
    ModelError
        Missing or damaged models, or others than those of the run.
    BackendError
        This CPU lacks the precision.
    """
    from ..analysis.pipeline import Pipeline

    key = settings.models, settings.precision, settings.threads, *settings.hashes.values()
    with _lock:
        if key not in _pipelines:
            pipeline = Pipeline(settings.models, settings.precision, settings.threads)
            for role, expected in settings.hashes.items():
                found = pipeline.network(role).model.sha256
                if found != expected:
                    raise ModelError(
                        f"{pipeline.models.path}: the model for {role} here is another one than "
                        f"where the run was started (sha256 {found[:12]}, expected {expected[:12]})"
                    )
            _pipelines.clear()  # a process does one run at a time
            _pipelines[key] = pipeline
        return _pipelines[key]


# ---- Steps ------------------------------------------------------------------------------------


def _compute(
    case: CohortCase, settings: RunSettings, pipeline: Pipeline, timer: _Timer
) -> tuple[list[Segmentation | Diagnosis | Explanation], dict[str, Any], bytes | None]:
    """Do the whole way; return what is to be saved, the record, and the case's picture."""
    scan = WorkingScan(case.path, series=case.series)
    contrast = None if case.t1c is None else scan.coregistered(case.t1c, "t1c")
    inputs = {"scan": describe_input(case.path, scan.volume.source.files)}
    given = None
    if case.mask is not None:
        given, inputs["mask"] = _mask(scan, case.mask, settings.lesion_label)
    if case.t1c is not None and contrast is not None:
        inputs["t1c"] = describe_input(case.t1c, contrast.volume.source.files)
    record: dict[str, Any] = {
        "status": "done",
        "key": settings.key(case, inputs),
        "inputs": inputs,
    }

    segmentation = None
    if given is None or settings.masks != "use":
        timer("segment")
        segmentation = segment_scan(
            scan,
            pipeline.network("segmentation"),
            threshold=settings.threshold,
            min_lesion_mm3=settings.min_lesion_mm3,
            min_peak=settings.min_peak,
            keep_outside_cord=settings.keep_outside_cord,
            watch=Stopwatch(),
        )
    timer("classify")
    mask = given if segmentation is None else scan.working(segmentation.mask.array)
    assert mask is not None
    lesion = LesionSlices(scan, mask, contrast)
    networks = {task: pipeline.network(task) for task in TASKS}
    diagnosis = classify_slices(lesion, networks, segmentation=segmentation, watch=Stopwatch())

    timer("explain")
    explanations = [
        explain_slices(
            lesion,
            networks[task],
            options=settings.explanation,
            answer=diagnosis.tasks[task],
            segmentation=segmentation,
            watch=Stopwatch(),
        )
        for task in _deciding(diagnosis)
    ]
    reference = given if segmentation is not None else None
    record |= case_rows(scan, lesion, segmentation, diagnosis, explanations, reference)
    record["case"] |= {f"{name}_sha256": known["sha256"] for name, known in inputs.items()}
    used = ("segmentation", *TASKS) if segmentation is not None else tuple(TASKS)
    record["case"] |= {f"{role}_sha256": settings.hashes[role] for role in used}
    record["case"] |= {"precision": settings.precision, "version": __version__}
    results = [r for r in (segmentation, diagnosis, *explanations) if r is not None]
    if not settings.qc:
        return results, record, None
    timer("write")
    picture = _draw(lesion, segmentation, explanations, reference)
    record["qc"] = picture.layout
    return results, record, picture.png


def _draw(
    lesion: LesionSlices,
    segmentation: Segmentation | None,
    explanations: Sequence[Explanation],
    reference: Array | None,
) -> CasePicture:
    """Draw what a case is judged by."""
    scan = lesion.scan
    cord = None if segmentation is None else segmentation.cord
    return draw_case(
        scan.array,
        scan.spacing_mm,
        lesion.mask,
        reference=reference,
        cord=None if cord is None else scan.working(cord.array),
        maps={e.task: scan.working(e.map.array) for e in explanations if e.map is not None},
        number=scan.volume.stored_slice,
    )


def _mask(scan: WorkingScan, path: str, label: int | None) -> tuple[Array, dict[str, Any]]:
    """Read a mask onto the scan's working grid."""
    with note_warnings() as heard:
        volume = load(path)
    scan.warnings += [text.replace(path, Path(path).name) for text in heard]
    return scan.mask(volume, label), describe_input(path, volume.source.files)


def _deciding(diagnosis: Diagnosis) -> list[str]:
    """Return the tasks that led to a diagnosis: the first, and the one whose answer it is."""
    if not diagnosis.found:
        return []
    return [
        name
        for name, task in TASKS.items()
        if name == "tumor_vs_demyelination" or diagnosis.diagnosis in (task.negative, task.positive)
    ]


def _save(
    case: CohortCase,
    out: Path,
    results: list[Segmentation | Diagnosis | Explanation],
    picture: bytes | None,
) -> list[dict[str, Any]]:
    """Write the results under the case's own name; return the files' names and sizes."""
    paths: list[Path] = []
    # Made first: a case_id may end as a file name does, and would be taken for one.
    (out / case.folder).mkdir(parents=True, exist_ok=True)
    for result in results:
        named = replace(result, record=replace(result.record, stem=case.stem))
        paths += named.save(out / case.folder)
    if picture is not None:
        paths.append(write_bytes(picture_path(out, case), picture))
    return [{"name": p.relative_to(out).as_posix(), "size": p.stat().st_size} for p in paths]


# ---- Resuming, failing ------------------------------------------------------------------------


def _still_holds(case: CohortCase, settings: RunSettings, out: Path) -> bool:
    """Say whether a record holds by content; what has new stamps alone gets a new record."""
    record = read_record(out, case)
    if record is None or not _is_whole(record, settings) or not _files_are_there(out, record):
        return False
    paths = _paths(case)
    if record["inputs"].keys() != paths.keys():
        return False
    inputs = {name: again(path, record["inputs"][name]) for name, path in paths.items()}
    known = {name: value for name, value in inputs.items() if value is not None}
    if len(known) < len(inputs) or settings.key(case, known) != record["key"]:
        return False
    if known != record["inputs"]:
        write_record(out, case, record | {"inputs": known})
    return True


def _is_whole(record: Mapping[str, Any], settings: RunSettings) -> bool:
    """Say whether a record is that of a case that was done, with a picture if one is wanted."""
    return record.get("status") == "done" and ("qc" in record or not settings.qc)


def _paths(case: CohortCase) -> dict[str, str]:
    named = {"scan": case.path, "mask": case.mask, "t1c": case.t1c}
    return {name: path for name, path in named.items() if path is not None}


def _files_are_there(out: Path, record: Mapping[str, Any]) -> bool:
    try:
        return all(os.stat(out / f["name"]).st_size == f["size"] for f in record["files"])
    except OSError:
        return False


def _failed(case: CohortCase, out: Path, stage: str, error: Exception, seconds: float) -> Outcome:
    reason = _sentence(case, error)
    kind = type(error).__name__
    failure = {
        "stage": stage,
        "error": kind,
        "reason": reason,
        "seconds": round(seconds, 4),
    }
    try:
        write_record(out, case, {"status": "failed", "failure": failure})
    except InputError as full:
        return Outcome("stop", "InputError", str(full))
    return Outcome("failed", kind, reason)


def _sentence(case: CohortCase, error: Exception) -> str:
    """Say what went wrong, without paths, UIDs and series descriptions: they may name a patient."""
    text = _SERIES.sub("a series", str(error)) or type(error).__name__
    for path in sorted(_paths(case).values(), key=len, reverse=True):
        text = text.replace(path, Path(path).name)
        text = text.replace(f"{Path(path).parent}{os.sep}", "")
    return " ".join(text.split())
