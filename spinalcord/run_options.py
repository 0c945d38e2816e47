"""Options of a cohort's run in three groups: what is read, what is written, how it is executed.

`LesionLimits` and `ExplanationOptions` are the other two groups that `spinalcord.run_cohort` takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from .errors import InputError
from .scans.labels import Label, check_label

MASK_USES = ("compare", "use", "ignore")

CALIBRATION_CASES, CALIBRATION_SLICES = 24, 3
"""Default number of cases, and of slices of each, in the measurement of int8 scales."""


@dataclass(frozen=True)
class CohortInputs:
    """Inputs of a cohort: files to read, and the interpretation of tables and masks.

    Parameters
    ----------
    exclude : path, mapping or iterable of str, optional
        case_id or participant_id of cases to exclude; a mapping gives reasons, and so does the
        text after a tab in a file with one entry a line. A file of verdicts (case_id, verdict,
        note) that the page for quality control exports excludes those marked fail and artefact.
    masks : {"compare", "use", "ignore"}, default "compare"
        Use of the lesion masks: as a reference for the segmentation; instead of the segmentation;
        not at all.
    t1c : bool, default True
        Whether to use contrast-enhanced scans, which must lie on the T2w scan's grid.
    carry : iterable of str, default ()
        Further columns of the cohort to copy to cases.tsv. Others are not copied, since they may
        identify a patient.
    columns : mapping of str to str, optional
        The table's own name of a column, by the name it has here, such as ``{"age": "Alter"}``.
    words : mapping of str to mapping of str to str, optional
        Further words for sex and diagnosis, or a coding, such as ``{"sex": {"1": "M", "2": "F"}}``;
        ``docs/tables.md`` lists those that are known.
    lesion_label : int, str or mapping, optional
        Label of the lesion in the masks, as for `spinalcord.classify`.

    Raises
    ------
    InputError
        An unknown use of masks, or a label that is none.

    Examples
    --------
    >>> CohortInputs(exclude=["sub-07"], columns={"age": "Alter"}).masks
    'compare'
    >>> CohortInputs(masks="all")
    Traceback (most recent call last):
    spinalcord.errors.InputError: masks is compare, use, ignore, got 'all'
    """

    exclude: Any = None
    masks: str = "compare"
    t1c: bool = True
    carry: Iterable[str] = ()
    columns: Mapping[str, str] | None = None
    words: Mapping[str, Mapping[str, str]] | None = None
    lesion_label: Label = None

    def __post_init__(self) -> None:
        if self.masks not in MASK_USES:
            raise InputError(f"masks is {', '.join(MASK_USES)}, got {self.masks!r}")
        object.__setattr__(self, "carry", tuple(dict.fromkeys(self.carry)))
        object.__setattr__(self, "lesion_label", check_label(self.lesion_label))


@dataclass(frozen=True)
class RunOutputs:
    """Outputs of a run besides results and tables.

    Parameters
    ----------
    qc : bool, default True
        Whether to draw every case and write ``qc.html``, a page on which to judge them.
    dicom : bool, default False
        Whether to write DICOM objects of cases that were read from DICOM files: a Segmentation, a
        structured report (TID 1500) and a Secondary Capture, which carry the patient and the study
        of their scan, unlike all other results. Needs the extra `dicom`.

    Examples
    --------
    >>> RunOutputs(dicom=True)
    RunOutputs(qc=True, dicom=True)
    """

    qc: bool = True
    dicom: bool = False


@dataclass(frozen=True)
class Execution:
    """Execution of a run: where cases are computed, and whether finished ones are kept.

    Parameters
    ----------
    jobs : int, default 1
        Number of cases processed in parallel on this machine, each in its own process if there are
        several.
    client : distributed.Client or str, optional
        A Dask cluster to run on instead, or the address of its scheduler.
    resume : bool, default True
        Whether to keep what an earlier run has finished.

    Raises
    ------
    InputError
        `jobs` is not an integer of at least 1, or is given together with `client`.

    Examples
    --------
    >>> Execution(jobs=4).resume
    True
    """

    jobs: int = 1
    client: Any = None
    resume: bool = True

    def __post_init__(self) -> None:
        jobs: Any = self.jobs
        if isinstance(jobs, bool) or not isinstance(jobs, Integral) or jobs < 1:
            raise InputError(f"jobs is a whole number of at least 1, got {jobs!r}")
        if self.client is not None and jobs != 1:
            raise InputError("jobs is for this machine; with a Dask cluster its workers count")
