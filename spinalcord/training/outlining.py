"""The segmentation's own outlines of cases that it has not seen, for classifiers that live on them.

Classifiers that have seen true outlines only lose much of their accuracy on a network's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np

from ..analysis.pipeline import Pipeline
from ..cohort.listing import CohortCase
from ..scans.writing import save_volume


def outline_cases(
    pipeline: Pipeline,
    cases: Sequence[CohortCase],
    folder: str | os.PathLike[str],
    *,
    lesion_label: int | None = None,
    each: Callable[[], object] | None = None,
) -> dict[str, CohortCase]:
    """Outline cases, unless that was done before.

    Parameters
    ----------
    pipeline : Pipeline
        Its segmentation must not have been trained on these cases.
    cases : sequence of CohortCase
    folder : path
        For the outlines; made if absent.
    lesion_label : int, optional
        The value that lesion has in the cohort's masks, and so in the outlines.
    each : callable, optional
        Called after every case.

    Returns
    -------
    dict of str to CohortCase
        By the case_id of the case, with the outline as mask, a case_id of its own and without
        T1c: only those in which something was found.

    Raises
    ------
    InputError, ModelError, BackendError
        As for `Pipeline.segment`.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for case in cases:
        path = folder / f"{case.name}.nii.gz"
        if not path.exists():
            mask = pipeline.segment(case.path, series=case.series).mask
            save_volume(mask.like(mask.array * np.uint8(lesion_label or 1)), path)
        if np.any(np.asarray(nibabel.load(path).dataobj)):  # type: ignore[attr-defined]
            found[case.case_id] = replace(
                case, case_id=f"{case.case_id}_outlined", mask=str(path), t1c=None
            )
        if each is not None:
            each()
    return found


def with_outlines(
    cases: Sequence[CohortCase], outlined: dict[str, CohortCase], validating: str
) -> tuple[list[CohortCase], dict[str, int]]:
    """Put together what a classifier is trained and validated on.

    Parameters
    ----------
    cases : sequence of CohortCase
        With true outlines.
    outlined : dict of str to CohortCase
        As from `outline_cases`.
    validating : str
        The split that validates: as in use, on the network's outlines.  Where the network has
        found nothing, the true one stands in, which is counted.

    Returns
    -------
    cases : list of CohortCase
        Those to train on with their true outline and, where there is one, with the network's.
    counts : dict
        "train_network", "validation_network" and "validation_true".

    Examples
    --------
    >>> case = CohortCase("a", "p", "a.nii", "a_m.nii", truth={"split": "validation"})
    >>> own = replace(case, case_id="a_outlined")
    >>> with_outlines([case], {"a": own}, "validation")[1]
    {'train_network': 0, 'validation_network': 1, 'validation_true': 0}
    """
    put: list[CohortCase] = []
    counts = {"train_network": 0, "validation_network": 0, "validation_true": 0}
    for case in cases:
        own = outlined.get(case.case_id)
        if own is not None:
            own = replace(own, truth=case.truth)
        if case.split == validating:
            put.append(own or case)
            counts["validation_network" if own else "validation_true"] += 1
        else:
            put += [case] if own is None else [case, own]
            counts["train_network"] += own is not None
    return put, counts
