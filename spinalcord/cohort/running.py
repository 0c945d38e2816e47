"""Run a cohort: process the cases that are missing or changed, and keep the finished ones."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__, _core
from .._moved import take_group
from ..analysis.attribution import ExplanationOptions
from ..errors import BackendError, InputError, ModelError, SpinalcordWarning
from ..extras import require
from ..limits import LesionLimits
from ..models.folder import ROLES, ModelFolder, find_models
from ..models.model_file import Model
from ..models.network import check_settings, resolve_precision
from ..paths import local_path
from ..run_options import CohortInputs, Execution, RunOutputs
from ..tasks import TASKS
from .cohort_run import CohortRun
from .distributed import connect, run_distributed
from .listing import CohortCase, Listing, list_cohort
from .processing import Outcome, RunSettings, is_done
from .records import locked
from .redoing import FAILED, redo_reason
from .run_tables import write_tables
from .workers import run_local


def run_cohort(
    cohort: Any,
    out: str | os.PathLike[str],
    *,
    inputs: CohortInputs | None = None,
    limits: LesionLimits | None = None,
    explanation: ExplanationOptions | None = None,
    outputs: RunOutputs | None = None,
    execution: Execution | None = None,
    models: str | os.PathLike[str] | None = None,
    precision: str = "f32",
    threads: int | None = None,
    progress: bool = False,
    **old: Any,
) -> CohortRun:
    """Segment, classify and explain every case of a cohort; write results and tables.

    A case that fails is recorded with its reason, and the run continues. Run again, it processes
    the cases that are missing, failed or changed: a case is kept as long as the bytes of its files,
    the models, the settings and the version of the package are the same.

    Parameters
    ----------
    cohort : path, DataFrame or sequence of mappings
        A BIDS folder; a folder of scans or of DICOM folders; a table (CSV, TSV, .xlsx or .sav
        file, DataFrame, mapping of columns or list of dicts) with the columns case_id and path, and
        any of mask, t1c, series, participant_id, diagnosis, age, sex, split and reader_*. Relative
        paths start at the table's folder.
    out : path-like
        Folder for the results, created if absent; one run at a time.
    inputs : CohortInputs, optional
        Cases to exclude, the use of masks and contrast-enhanced scans, names and words of tables.
    limits : LesionLimits, optional
        Lesion threshold and minimum size; the model file's own values if not given.
    explanation : ExplanationOptions, optional
        Attribution method; Grad-CAM at the last maps if not given. What `curves` and `compare` find
        gets columns of its own.
    outputs : RunOutputs, optional
        Whether to write pictures for quality control, and DICOM objects.
    execution : Execution, optional
        Number of parallel jobs or a Dask cluster, and whether to resume.
    models, precision, progress
        As for `Pipeline`.
    threads : int, optional
        Threads of a case; the CPUs this process may use divided by the number of jobs if not given.
    **old
        Single options of these groups, such as ``jobs=4`` or ``threshold=0.4``: deprecated, and
        removed in version 0.3.

    Returns
    -------
    CohortRun
        With `table` and `failures`.

    Warns
    -----
    SpinalcordWarning
        Some cases failed; unknown, guessed or unused contents of the cohort's tables.

    Raises
    ------
    InputError
        A cohort that cannot be read or has no cases; an option out of range; more threads than
        CPUs; an output folder that another run is writing, or that cannot be written, as when
        the disk is full. Finished cases are kept.
    ModelError
        A model is missing or damaged, or a worker has another one.
    BackendError
        This CPU lacks the precision.

    Examples
    --------
    >>> import spinalcord as sc
    >>> from spinalcord.scans.writing import save_volume
    >>> phantom = sc.phantom.make_case("MS", 5, region="cervical", kind="2d")
    >>> path = save_volume(phantom.t2, "t2.nii.gz")
    >>> cases = [{"case_id": "sub-01", "path": "t2.nii.gz", "reference_diagnosis": "MS"}]
    >>> run = sc.run_cohort(cases, "out", limits=sc.LesionLimits(min_lesion_mm3=20))
    >>> run.counts["cases"], run.counts["done"]
    (1, 1)
    >>> sc.run_cohort(cases, "out", limits=sc.LesionLimits(min_lesion_mm3=20)).counts["kept"]
    1
    """
    inputs = take_group("run_cohort", "inputs", inputs, CohortInputs, old)
    limits = take_group("run_cohort", "limits", limits, LesionLimits, old)
    explanation = take_group("run_cohort", "explanation", explanation, ExplanationOptions, old)
    outputs = take_group("run_cohort", "outputs", outputs, RunOutputs, old)
    execution = take_group("run_cohort", "execution", execution, Execution, old)
    if old:
        raise TypeError(f"run_cohort() got an unexpected keyword argument {next(iter(old))!r}")
    out = local_path(out).absolute()
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; expected a folder for the results")
    share = _share(execution, threads, precision)
    folder = find_models(models)
    settings = RunSettings(
        models=None if models is None else str(Path(models).absolute()),
        hashes={role: folder.model(role).sha256 for role in _roles(folder, inputs.masks)},
        precision=resolve_precision(precision),
        threads=share,
        limits=limits,
        explanation=explanation,
        masks=inputs.masks,
        lesion_label=inputs.lesion_label,
        qc=outputs.qc,
        dicom=outputs.dicom,
    )
    if outputs.dicom:
        require("highdicom", "dicom", "dicom=True")
    _check_cord(limits, folder.model("segmentation"))
    listing = list_cohort(cohort, inputs, out=out)
    description = _describe(settings, folder, inputs.t1c) | {"notes": list(listing.notes)}
    with locked(out), _connected(execution.client) as cluster:
        execution = replace(execution, client=cluster)
        kept = 0
        try:
            todo, kept, reasons = _missing(listing, settings, out, execution.resume, progress)
            total = len(listing.cases)
            with _bar(total, kept, "run", progress and bool(todo)) as bar:
                kept += _work(todo, reasons, settings, out, execution, threads, bar)
        except BaseException:
            # Write the tables of finished cases even after Ctrl-C; a full disk was already
            # reported.
            with contextlib.suppress(InputError):
                write_tables(out, listing, description, options=explanation, qc=outputs.qc)
            raise
        counts, without_dicom = write_tables(
            out, listing, description, options=explanation, qc=outputs.qc
        )
    if counts["failed"]:
        warnings.warn(
            f"{counts['failed']} of {counts['cases']} cases failed: see {out / 'failures.tsv'}",
            SpinalcordWarning,
            stacklevel=2,
        )
    redone = Counter(reasons.values())
    return CohortRun(
        out,
        {**counts, "kept": kept},
        description["notice"],
        redone,
        without_dicom if outputs.dicom else None,
    )


def _roles(folder: ModelFolder, masks: str) -> tuple[str, ...]:
    """Return the models of a run: all, or segmentation alone if there are no classifiers."""
    if masks == "use" or "segmentation" not in folder.models or TASKS.keys() & folder.models.keys():
        return ROLES
    warnings.warn(
        f"{folder.path} has no classifiers: lesions are segmented, but neither classified nor "
        "explained",
        SpinalcordWarning,
        stacklevel=3,
    )
    return ROLES[:1]


def _share(execution: Execution, threads: int | None, precision: str) -> int:
    """Return the threads of a case, so that all together do not exceed the CPUs."""
    check_settings(precision, threads)
    if execution.client is not None:
        return 1 if threads is None else int(threads)
    jobs, cpus = int(execution.jobs), int(_core.cpu()["threads"])
    share = max(1, cpus // jobs) if threads is None else int(threads)
    if jobs * share > cpus:
        limit = os.environ.get("OMP_NUM_THREADS", "")
        by = f" (OMP_NUM_THREADS={limit} counts: unset it or set it to the CPUs)" if limit else ""
        raise InputError(
            f"{jobs} jobs of {share} threads need {jobs * share} CPUs, and this process may use "
            f"{cpus}{by}: choose fewer jobs or threads"
        )
    return share


def _check_cord(limits: LesionLimits, model: Model) -> None:
    """Reject `min_in_cord` at the start, not per case, if no cord will be known."""
    limits.fill(model.metadata["labels"], cord="network" if "cord" in model.outputs else "none")


def _describe(settings: RunSettings, folder: ModelFolder, t1c: bool) -> dict[str, Any]:
    used = [folder.model(role) for role in settings.hashes]
    notices = dict.fromkeys(model.notice for model in used if model.notice)
    return {
        "format": 1,
        "notice": "; ".join(notices),
        "settings": {
            "precision": settings.precision,
            **settings.limits.to_dict(),
            "masks": settings.masks,
            "lesion_label": settings.lesion_label,
            "t1c": t1c,
            "explanation": settings.explanation.to_dict(),
        },
        "models": [model.to_dict() for model in used],
        "versions": {"spinalcord": __version__, "numpy": np.__version__},
    }


@contextlib.contextmanager
def _connected(client: Any) -> Iterator[Any]:
    """Yield the Dask client, connected here if an address was given."""
    if not isinstance(client, str):
        yield client
        return
    with connect(client) as connected:
        yield connected


def _missing(
    listing: Listing, settings: RunSettings, out: Path, resume: bool, progress: bool
) -> tuple[list[CohortCase], int, dict[str, str]]:
    """Return the cases to process, the number of finished ones, and reasons to repeat by name."""
    if not resume:
        return list(listing.cases), 0, {}
    with _bar(len(listing.cases), 0, "check", progress, delay=2.0) as bar:
        todo, reasons = [], {}
        for case in listing.cases:
            if not is_done(case, settings, out):
                todo.append(case)
                reason = redo_reason(case, settings, out)
                if reason:
                    reasons[case.name] = reason
            bar.update()
    again = Counter(reason for reason in reasons.values() if reason != FAILED)
    if again:
        told = "; ".join(f"{reason} ({count})" for reason, count in again.most_common())
        warnings.warn(
            f"{again.total()} of {len(listing.cases)} cases are computed again although an "
            f"earlier run has finished them: {told}",
            SpinalcordWarning,
            stacklevel=3,
        )
    return todo, len(listing.cases) - len(todo), reasons


def _work(
    todo: list[CohortCase],
    reasons: Mapping[str, str],
    settings: RunSettings,
    out: Path,
    execution: Execution,
    threads: int | None,
    bar: Any,
) -> int:
    """Process the cases; return how many were in fact finished by an earlier run.

    A worker may die after writing results but before reporting them; its successor finds them, but
    they belong to this run.
    """
    if not todo:
        return 0
    if execution.client is None:
        outcomes = run_local(todo, settings, out, execution.jobs, execution.resume)
    else:
        outcomes = run_distributed(
            execution.client, todo, settings, out, threads=threads, resume=execution.resume
        )
    kept = failed = 0
    with contextlib.closing(outcomes):  # type: ignore[type-var]
        for case, outcome in outcomes:
            if outcome.status == "stop":
                raise _stopped(outcome, out)
            if outcome.status == "failed":
                failed += 1
                bar.set_postfix(failed=failed, refresh=False)
            earlier = reasons.get(case.name, FAILED) != FAILED
            kept += outcome.status == "kept" and earlier
            bar.update()
    return kept


def _stopped(outcome: Outcome, out: Path) -> Exception:
    kinds = {"ModelError": ModelError, "BackendError": BackendError}
    kind: type[Exception] = kinds.get(outcome.error or "", InputError)
    return kind(
        f"{outcome.reason}. The run has stopped; what was done is kept in {out}: run it again to "
        "resume"
    )


def _bar(total: int, done: int, title: str, progress: bool, delay: float = 0.0) -> Any:
    from tqdm import tqdm

    return tqdm(
        total=total,
        initial=done,
        desc=title,
        unit="case",
        delay=delay,
        disable=None if progress else True,
        dynamic_ncols=True,
        smoothing=0.1,
    )
