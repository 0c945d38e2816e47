"""Run a cohort: what is missing or changed is done, whatever happens on the way is kept."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from .. import __version__, _core
from ..analysis.attribution import ExplanationOptions
from ..errors import BackendError, InputError, ModelError, SpinalcordWarning
from ..extras import require
from ..limits import LesionLimits
from ..models.folder import ROLES, ModelFolder, find_models
from ..models.model_file import Model
from ..models.network import check_settings, resolve_precision
from ..paths import local_path
from ..scans.labels import Label, check_label
from ..tasks import TASKS
from .cohort_run import CohortRun
from .listing import CohortCase, Listing, list_cohort
from .processing import Outcome, RunSettings, is_done
from .records import locked
from .redoing import FAILED, redo_reason
from .run_tables import write_tables
from .workers import run_local

Kind = TypeVar("Kind", LesionLimits, ExplanationOptions)


def run_cohort(
    cohort: Any,
    out: str | os.PathLike[str],
    *,
    models: str | os.PathLike[str] | None = None,
    precision: str = "f32",
    jobs: int = 1,
    threads: int | None = None,
    client: Any = None,
    resume: bool = True,
    exclude: Any = None,
    masks: str = "compare",
    t1c: bool = True,
    carry: Iterable[str] = (),
    columns: Mapping[str, str] | None = None,
    words: Mapping[str, Mapping[str, str]] | None = None,
    lesion_label: Label = None,
    limits: LesionLimits | None = None,
    explanation: ExplanationOptions | None = None,
    qc: bool = True,
    dicom: bool = False,
    progress: bool = False,
    **options: Any,
) -> CohortRun:
    """Segment, classify and explain every case of a cohort; write results and tables.

    A case that fails is recorded with its reason, and the run continues. Run again, it does what
    is missing, failed or changed: a case is kept as long as the bytes of its files, the models,
    the settings and the version of the package are the same.

    Parameters
    ----------
    cohort : path, DataFrame or sequence of mappings
        A BIDS folder; a folder of scans or of DICOM folders; a table (CSV, TSV, .xlsx or .sav
        file, DataFrame, mapping of columns or list of dicts) with the columns case_id and path, and
        any of mask, t1c, series, participant_id, diagnosis, age, sex, split and reader_*. Relative
        paths start at the table's folder.
    out : path-like
        Folder for the results, made if absent; one run at a time.
    models : path-like, optional
        Folder with model files; those that come with the package if not given.
    precision : {"f32", "bf16"}, default "f32"
        Arithmetic of the networks.
    jobs : int, default 1
        Cases at a time, each in a process of its own if more than 1; without `client`.
    threads : int, optional
        Threads of a case; the CPUs this process may use divided by `jobs` if not given.
    client : distributed.Client or str, optional
        A Dask cluster that does the cases, or the address of its scheduler.
    resume : bool, default True
        Whether to keep what an earlier run has done.
    exclude : path, mapping or iterable of str, optional
        case_id or participant_id of cases to exclude; a mapping gives reasons, and so does the
        text after a tab in a file with one entry a line. A file of verdicts (case_id, verdict,
        note) that the page for quality control exports excludes those marked fail and artefact.
    masks : {"compare", "use", "ignore"}, default "compare"
        What a case's lesion mask is for: a reference for the segmentation; to be classified in
        place of segmenting; nothing.
    t1c : bool, default True
        Whether to use contrast-enhanced scans, which must lie on the T2w scan's grid.
    carry : iterable of str, optional
        Further columns of the cohort to carry along into cases.tsv. Others are left behind,
        since they may identify a patient.
    columns : mapping of str to str, optional
        The table's own name of a column, by the name it has here, such as ``{"age": "Alter"}``.
    words : mapping of str to mapping of str to str, optional
        Further words for sex and diagnosis, or a coding, such as ``{"sex": {"1": "M", "2": "F"}}``;
        see ``docs/tables.md`` for those that are known.
    lesion_label : int, str or mapping, optional
        As for `spinalcord.classify`: what in the cases' masks is lesion.
    limits : LesionLimits, optional
        What makes a lesion; the model file's own values if not given.
    explanation : ExplanationOptions, optional
        How answers are explained; Grad-CAM at the last maps if not given. What `curves` and
        `compare` find gets columns of its own.
    qc : bool, default True
        Whether to draw every case and write ``qc.html``, a page on which to judge them.
    dicom : bool, default False
        Whether to write DICOM objects of cases that were read from DICOM files: a Segmentation, a
        structured report (TID 1500) and a Secondary Capture, which carry the patient and the study
        of their scan, unlike all other results. Needs the extra `dicom`.
    progress : bool, default False
        Whether to show a bar on standard error, where that is a terminal.
    threshold, min_lesion_mm3, min_thickness_mm, min_peak, min_in_cord, keep_outside_cord
        Instead of `limits`; as for `spinalcord.segment`.
    method, layer, of, ring_mm, curves, compare
        Instead of `explanation`; as for `spinalcord.explain`.

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
        the disk is full. What was done until then is kept.
    ModelError
        A model is missing or damaged, or a worker has another one.
    BackendError
        This CPU lacks the precision.

    Examples
    --------
    >>> import spinalcord as sc
    >>> from spinalcord.scans.writing import save_volume
    >>> phantom = sc.phantom.make_case("MS", 3, region="cervical", kind="2d")
    >>> path = save_volume(phantom.t2, "t2.nii.gz")
    >>> cases = [{"case_id": "sub-01", "path": "t2.nii.gz", "reference_diagnosis": "MS"}]
    >>> run = sc.run_cohort(cases, "out")
    >>> run.counts["cases"], run.counts["done"]
    (1, 1)
    >>> sc.run_cohort(cases, "out").counts["kept"]
    1
    """
    out = local_path(out).absolute()
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; expected a folder for the results")
    share = _share(jobs, threads, precision, distributed=client is not None)
    folder = find_models(models)
    settings = RunSettings(
        models=None if models is None else str(Path(models).absolute()),
        hashes={role: folder.model(role).sha256 for role in _roles(folder, masks)},
        precision=resolve_precision(precision),
        threads=share,
        limits=_group("limits", limits, LesionLimits, options),
        explanation=_group("explanation", explanation, ExplanationOptions, options),
        masks=masks,
        lesion_label=check_label(lesion_label),
        qc=qc,
        dicom=dicom,
    )
    if dicom:
        require("highdicom", "dicom", "dicom=True")
    if options:
        raise TypeError(f"run_cohort() got an unexpected keyword argument {next(iter(options))!r}")
    _check_cord(settings.limits, folder.model("segmentation"))
    listing = list_cohort(
        cohort, masks=masks, t1c=t1c, exclude=exclude, carry=carry, out=out, columns=columns,
        words=words,
    )  # fmt: skip
    description = _describe(settings, folder, t1c) | {"notes": list(listing.notes)}
    with locked(out), _connected(client) as cluster:
        kept = 0
        try:
            todo, kept, reasons = _missing(listing, settings, out, resume, progress)
            kept += _work(
                todo, kept, reasons, listing, settings, out, cluster, jobs, threads, resume,
                progress,
            )  # fmt: skip
        except BaseException:
            # Tables of what there is, also after Ctrl-C; a full disk has been told of already.
            with contextlib.suppress(InputError):
                write_tables(out, listing, description, options=settings.explanation, qc=qc)
            raise
        counts = write_tables(out, listing, description, options=settings.explanation, qc=qc)
    if counts["failed"]:
        warnings.warn(
            f"{counts['failed']} of {counts['cases']} cases failed: see {out / 'failures.tsv'}",
            SpinalcordWarning,
            stacklevel=2,
        )
    redone = Counter(reasons.values())
    return CohortRun(out, {**counts, "kept": kept}, description["notice"], redone)


def _roles(folder: ModelFolder, masks: str) -> tuple[str, ...]:
    """Return the models of a run: all, or the segmentation's alone if there are no classifiers."""
    if masks == "use" or "segmentation" not in folder.models or TASKS.keys() & folder.models.keys():
        return ROLES
    warnings.warn(
        f"{folder.path} has no classifiers: lesions are segmented, but neither classified nor "
        "explained",
        SpinalcordWarning,
        stacklevel=3,
    )
    return ROLES[:1]


def _share(jobs: int, threads: int | None, precision: str, *, distributed: bool) -> int:
    """Return the threads of a case, so that all together do not exceed the CPUs."""
    if isinstance(jobs, bool) or not isinstance(jobs, (int, np.integer)) or jobs < 1:
        raise InputError(f"jobs is a whole number of at least 1, got {jobs!r}")
    check_settings(precision, threads)
    if distributed:
        if jobs != 1:
            raise InputError("jobs is for this machine; with a Dask cluster its workers count")
        return 1 if threads is None else int(threads)
    cpus = int(_core.cpu()["threads"])
    share = max(1, cpus // int(jobs)) if threads is None else int(threads)
    if jobs * share > cpus:
        limit = os.environ.get("OMP_NUM_THREADS", "")
        by = f" (OMP_NUM_THREADS={limit} counts: unset it or set it to the CPUs)" if limit else ""
        raise InputError(
            f"{jobs} jobs of {share} threads need {jobs * share} CPUs, and this process may use "
            f"{cpus}{by}: choose fewer jobs or threads"
        )
    return share


def _group(name: str, given: Kind | None, kind: type[Kind], options: dict[str, Any]) -> Kind:
    """Return a group of options: as it is given, or made of single ones, which are taken out.

    Raises
    ------
    InputError
        Both ways, or an option out of range.
    """
    single = {each.name: options.pop(each.name) for each in fields(kind) if each.name in options}
    if given is None:
        return kind(**single)
    if single:
        raise InputError(f"{name} and {', '.join(single)} are given; expected one or the other")
    if not isinstance(given, kind):
        raise InputError(f"{name} is {given!r}, expected {kind.__name__}")
    return given


def _check_cord(limits: LesionLimits, model: Model) -> None:
    """Refuse a share in the cord at the start, not once a case, where no cord will be known."""
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
    """Give the Dask client, connected here if an address was given."""
    if not isinstance(client, str):
        yield client
        return
    from .distributed import connect

    with connect(client) as connected:
        yield connected


def _missing(
    listing: Listing, settings: RunSettings, out: Path, resume: bool, progress: bool
) -> tuple[list[CohortCase], int, dict[str, str]]:
    """Return the cases that are not done, how many are, and why some are done again, by name."""
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
    done: int,
    reasons: Mapping[str, str],
    listing: Listing,
    settings: RunSettings,
    out: Path,
    cluster: Any,
    jobs: int,
    threads: int | None,
    resume: bool,
    progress: bool,
) -> int:
    """Do the cases; return how many turned out to be done by an earlier run after all.

    A worker that dies may have written its case's results without having said so; its successor
    then finds them, but they are this run's.
    """
    if not todo:
        return 0
    if cluster is None:
        outcomes = run_local(todo, settings, out, jobs, resume)
    else:
        from .distributed import run_distributed

        outcomes = run_distributed(cluster, todo, settings, out, threads=threads, resume=resume)
    kept = failed = 0
    with (
        _bar(len(listing.cases), done, "run", progress) as bar,
        contextlib.closing(outcomes),  # type: ignore[type-var]
    ):
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
