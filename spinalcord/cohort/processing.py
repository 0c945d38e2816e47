"""Process one case, from its files to its results, in any process on any machine."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .. import __version__
from ..analysis.attribution import ExplanationOptions
from ..analysis.case import AnalysisOptions, CaseResults, analyse
from ..analysis.classification import Diagnosis
from ..analysis.handover import make_objects
from ..analysis.pipeline import Pipeline
from ..analysis.results import Result
from ..analysis.segmentation import Segmentation
from ..errors import InputError, ModelError, SpinalcordError, SpinalcordWarning
from ..exchange.sources import has_files
from ..limits import LesionLimits
from ..qc.case_picture import CasePicture, draw_case
from ..run_options import CohortInputs, RunOutputs
from ..scans.annotations import Annotation
from ..scans.labels import Label
from ..scans.preparation import Array, Stopwatch, WorkingScan
from ..scans.writing import write_bytes
from ..tasks import TASKS
from .inputs import again, describe_input, is_unchanged
from .listing import CohortCase
from .records import forget, picture_path, read_record, write_record
from .rows import case_rows

# A UID, and the description that follows it in the list of a SeriesError.
_SERIES = re.compile(r"\b[0-2](?:\.\d+){4,}(?: '[^']*')?")

STAGES = ("read", "segment", "classify", "explain", "write")


@dataclass(frozen=True)
class RunSettings:
    """Settings that all cases of a run share.

    Attributes
    ----------
    models : str or None
        Folder of model files.
    hashes : mapping of str to str
        Role to sha256 of its model file, which every worker must find.
    precision, threads
        As for `Pipeline`.
    limits : LesionLimits
        Thresholds that define a lesion.
    explanation : ExplanationOptions
        Attribution method and its options.
    masks : {"compare", "use", "ignore"}
        Use of the lesion masks.
    lesion_label : int, str, dict or None
        Label of the lesion in the masks, as for `classify`.
    qc : bool
        Whether to draw each case for quality control. Not part of the key: a case with a picture
        is kept by a run without; a case without one is recomputed by a run with.
    dicom : bool
        Whether to write DICOM objects beside the NIfTI files; likewise not part of the key.
    """

    models: str | None
    hashes: Mapping[str, str]
    precision: str
    threads: int
    limits: LesionLimits = field(default_factory=LesionLimits)
    explanation: ExplanationOptions = field(default_factory=ExplanationOptions)
    masks: str = CohortInputs.masks
    lesion_label: Label = CohortInputs.lesion_label
    qc: bool = RunOutputs.qc
    dicom: bool = RunOutputs.dicom

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, from which `from_dict` makes the same again."""
        return asdict(self) | {"explanation": self.explanation.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RunSettings:
        """Create settings from the result of `to_dict`."""
        limits, explanation = values["limits"], values["explanation"]
        parts = {
            "limits": LesionLimits(**limits),
            "explanation": ExplanationOptions(**explanation),
        }
        return cls(**{**values, **parts})

    @property
    def classifies(self) -> bool:
        """Whether lesions are classified: whether the folder of models has classifiers."""
        return any(task in self.hashes for task in TASKS)

    def parts(self) -> dict[str, Any]:
        """Return what the results of every case depend on, besides its files."""
        single = {
            "precision": self.precision,
            "masks": self.masks,
            "lesion_label": self.lesion_label,
        }
        return {
            "version": __version__,
            "models": dict(self.hashes),
            "settings": {**single, **self.limits.to_dict(), **self.explanation.to_dict()},
        }

    def key(self, case: CohortCase, inputs: Mapping[str, Mapping[str, Any]]) -> str:
        """Return a digest of all that a case's results depend on."""
        parts = self.parts() | {
            "inputs": {name: known["sha256"] for name, known in inputs.items()},
            "case": [case.series, case.folder, case.stem],
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Outcome:
    """The outcome of a case.

    Attributes
    ----------
    status : {"done", "kept", "failed", "stop"}
        "kept" was finished before; "stop" is an error that all other cases would have too.
    error, reason : str or None
        Class and message of the error, if it failed.
    """

    status: str
    error: str | None = None
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def is_done(case: CohortCase, settings: RunSettings, out: Path) -> bool:
    """Return whether an earlier run has finished a case, by the stamps of files alone."""
    record = read_record(out, case)
    if record is None or not _is_whole(record, settings):
        return False
    inputs = record["inputs"]
    paths = input_paths(case)
    return (
        inputs.keys() == paths.keys()
        and settings.key(case, inputs) == record["key"]
        and files_are_there(out, record)
        and all(is_unchanged(path, inputs[name]) for name, path in paths.items())
    )


def process_case(
    case: CohortCase, settings: RunSettings, out: Path, *, resume: bool = True
) -> Outcome:
    """Process one case and write its results and its record.

    Parameters
    ----------
    case : CohortCase
        The case.
    settings : RunSettings
        Settings of the run.
    out : Path
        Output folder.
    resume : bool, default True
        Whether to keep results that belong to the same bytes, models and settings.

    Returns
    -------
    Outcome
        No exception is raised, except those that end the process (KeyboardInterrupt).
    """
    try:
        pipeline = open_pipeline(settings)
        if resume and _still_holds(case, settings, out):
            return Outcome("kept")
        forget(out, case)
    except (SpinalcordError, MemoryError) as error:
        return Outcome("stop", type(error).__name__, str(error))
    start = time.perf_counter()
    watch = Stopwatch()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SpinalcordWarning)  # recorded in the results
            results, record, picture = _compute(case, settings, pipeline, watch)
            objects: dict[str, bytes] = {}
            if settings.dicom:
                objects, record["dicom_missing"] = _objects(results)
                _warn(record, record["dicom_missing"])
    except ModelError as error:
        return Outcome("stop", type(error).__name__, str(error))
    except Exception as error:
        return _failed(case, out, watch.current, error, time.perf_counter() - start)
    try:
        with watch.stage("write"):
            record["files"] = _save(case, out, results, picture, objects)
        seconds = {f"seconds_{stage}": round(watch.seconds.get(stage, 0.0), 4) for stage in STAGES}
        record["case"] |= seconds
        record["case"]["seconds_total"] = round(time.perf_counter() - start, 4)
        write_record(out, case, record)
    except (InputError, OSError) as error:
        return Outcome("stop", type(error).__name__, str(error))
    return Outcome("done")


def fail(case: CohortCase, out: Path, error: str, reason: str) -> Outcome:
    """Record that a case failed because its process died.

    Returns
    -------
    Outcome
        "failed", or "stop" if that cannot be written.
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
    """Return the pipeline of this process for these settings; models are opened once.

    Raises
    ------
    ModelError
        Models are missing, damaged, or differ from those of the run.
    BackendError
        This CPU lacks the precision.
    """
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
    case: CohortCase, settings: RunSettings, pipeline: Pipeline, watch: Stopwatch
) -> tuple[Sequence[Result], dict[str, Any], bytes | None]:
    """Analyse a case; return its results, record and picture."""
    with watch.stage("read"):
        scan, drawn, contrast, inputs = _read(case, settings.lesion_label)
        given = None if drawn is None else scan.working(drawn.lesion.array)
        key = settings.key(case, inputs)
    segmented = given is None or settings.masks != "use"
    found = analyse(
        scan,
        pipeline.network,
        mask=None if segmented else given,
        t1c=contrast,
        options=AnalysisOptions(settings.limits, settings.explanation, settings.classifies),
        watch=watch,
    )
    with watch.stage("write"):
        reference = given if segmented else None
        record: dict[str, Any] = {
            "status": "done", "key": key, "parts": settings.parts(), "inputs": inputs,
            **case_rows(scan, found, reference, () if drawn is None else drawn.unannotated),
        }  # fmt: skip
        record["case"] |= {f"{name}_sha256": known["sha256"] for name, known in inputs.items()}
        used = ("segmentation", *TASKS) if segmented else tuple(TASKS)
        hashes = {role: settings.hashes[role] for role in used if role in settings.hashes}
        record["case"] |= {f"{role}_sha256": sha256 for role, sha256 in hashes.items()}
        record["case"] |= {"precision": settings.precision, "version": __version__}
        if not settings.qc:
            return found.results, record, None
        picture = _draw(found, reference)
        record["qc"] = picture.layout
        return found.results, record, picture.png


def _read(
    case: CohortCase, lesion_label: Label
) -> tuple[WorkingScan, Annotation | None, WorkingScan | None, dict[str, Any]]:
    """Read a case's scan, mask and contrast-enhanced scan, and identify the files."""
    scan = WorkingScan(case.path, series=case.series)
    contrast = None if case.t1c is None else scan.coregistered(case.t1c, "t1c")
    inputs = {"scan": describe_input(case.path, scan.volume.source.files)}
    drawn = None
    if case.mask is not None:
        drawn = scan.annotation(case.mask, lesion_label)
        inputs["mask"] = describe_input(case.mask, drawn.files)
    if case.t1c is not None and contrast is not None:
        inputs["t1c"] = describe_input(case.t1c, contrast.volume.source.files)
    return scan, drawn, contrast, inputs


def _draw(found: CaseResults, reference: Array | None) -> CasePicture:
    """Draw the picture of a case for quality control."""
    scan = found.lesion.scan
    cord = None if found.segmentation is None else found.segmentation.cord
    explanations = found.explanations.items()
    return draw_case(
        scan.array,
        scan.spacing_mm,
        found.lesion.mask,
        reference=reference,
        cord=None if cord is None else scan.working(cord.array),
        maps={task: scan.working(e.map.array) for task, e in explanations if e.map is not None},
        number=scan.volume.stored_slice,
    )


def _objects(results: Sequence[Result]) -> tuple[dict[str, bytes], str | None]:
    """Return the DICOM objects of a case by name, and the reason why any are missing."""
    kinds: dict[type, Any] = {type(result): result for result in results}
    made: dict[str, bytes] = {}
    why = "the scan is not from DICOM files"
    if has_files(results[0].scan):
        try:
            made = make_objects(kinds.get(Segmentation), kinds.get(Diagnosis))
            if Segmentation in kinds:
                return made, None
        except Exception as error:  # a malformed series must not cost the results
            why = f"{type(error).__name__}: {error}".replace(str(results[0].scan.source.path), "it")
    if made:
        why = "the mask was given, so it is not the models' to sign"
        return made, f"no DICOM segmentation: {why}"
    return made, f"no DICOM objects: {why}"


def _warn(record: dict[str, Any], warning: str | None) -> None:
    """Add a warning, if there is one, to those of a case."""
    row = record["case"]
    row["warnings"] = "; ".join(filter(None, (row["warnings"], warning)))


def _save(
    case: CohortCase,
    out: Path,
    results: Sequence[Result],
    picture: bytes | None,
    objects: Mapping[str, bytes],
) -> list[dict[str, Any]]:
    """Write the results under the case's own name; return the files' names and sizes."""
    paths: list[Path] = []
    # Created first: a case_id with a file extension would be taken for a file name.
    (out / case.folder).mkdir(parents=True, exist_ok=True)
    for result in results:
        paths += result.renamed(case.stem).save(out / case.folder)
    for label, data in objects.items():
        paths.append(write_bytes(out / case.folder / f"{case.stem}_{label}.dcm", data))
    if picture is not None:
        paths.append(write_bytes(picture_path(out, case), picture))
    return [{"name": p.relative_to(out).as_posix(), "size": p.stat().st_size} for p in paths]


# ---- Resuming, failing ------------------------------------------------------------------------


def _still_holds(case: CohortCase, settings: RunSettings, out: Path) -> bool:
    """Return whether a record is valid by content; if only stamps differ, update the record."""
    record = read_record(out, case)
    if record is None or not _is_whole(record, settings) or not files_are_there(out, record):
        return False
    paths = input_paths(case)
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
    """Return whether a record is that of a finished case with all requested outputs."""
    return (
        record.get("status") == "done"
        and ("qc" in record or not settings.qc)
        and ("dicom_missing" in record or not settings.dicom)
    )


def input_paths(case: CohortCase) -> dict[str, str]:
    """Return the input files of a case: scan, and mask and t1c if present."""
    named = {"scan": case.path, "mask": case.mask, "t1c": case.t1c}
    return {name: path for name, path in named.items() if path is not None}


def files_are_there(out: Path, record: Mapping[str, Any]) -> bool:
    """Return whether the results listed in a record exist with the recorded sizes."""
    try:
        return all(os.stat(out / f["name"]).st_size == f["size"] for f in record["files"])
    except OSError:
        return False


def _failed(case: CohortCase, out: Path, stage: str, error: Exception, seconds: float) -> Outcome:
    reason = sentence(case, error)
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


def sentence(case: CohortCase, error: Exception | str) -> str:
    """Return an error as text without paths, UIDs and series names, which may name a patient."""
    text = _SERIES.sub("a series", str(error)) or type(error).__name__
    for path in sorted(input_paths(case).values(), key=len, reverse=True):
        text = text.replace(path, Path(path).name)
        text = text.replace(f"{Path(path).parent}{os.sep}", "")
    return " ".join(text.split())
