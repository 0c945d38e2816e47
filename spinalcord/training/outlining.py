"""Outline unseen cases with the segmentation network, as input to train classifiers.

Classifiers trained only on manual outlines lose much of their accuracy on those of a network.
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
from .cache import OUTLINED


def outline_cases(
    pipeline: Pipeline,
    cases: Sequence[CohortCase],
    folder: str | os.PathLike[str],
    *,
    each: Callable[[], object] | None = None,
) -> dict[str, CohortCase]:
    """Segment the cases that have not been segmented yet.

    Parameters
    ----------
    pipeline : Pipeline
        Its segmentation must not have been trained on these cases.
    cases : sequence of CohortCase
    folder : path
        Folder of the outlines, created if absent.
    each : callable, optional
        Called after each case.

    Returns
    -------
    dict of str to CohortCase
        By case_id: copies of the cases with the outline as mask (1 is lesion, whatever the label of
        the cohort), a case_id of their own and no T1c. Only cases in which a lesion was found.

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
            save_volume(pipeline.segment(case.path, series=case.series).mask, path)
        if np.any(np.asarray(nibabel.load(path).dataobj)):  # type: ignore[attr-defined]
            found[case.case_id] = replace(
                case, case_id=f"{case.case_id}_outlined", mask=str(path), t1c=None,
                truth={**case.truth, OUTLINED: "1"},
            )  # fmt: skip
        if each is not None:
            each()
    return found


def with_outlines(
    cases: Sequence[CohortCase], outlined: dict[str, CohortCase], validating: str
) -> tuple[list[CohortCase], dict[str, int]]:
    """Select the cases on which a classifier is trained and validated.

    Parameters
    ----------
    cases : sequence of CohortCase
        Cases with manual outlines.
    outlined : dict of str to CohortCase
        As from `outline_cases`.
    validating : str
        Validation split. As in use, it has the outlines of the network; if the network found
        nothing, the manual outline is used instead, which is counted.

    Returns
    -------
    cases : list of CohortCase
        Training cases, with their manual outline and, if there is one, once more with that of the
        network.
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
            own = replace(own, truth={**case.truth, OUTLINED: "1"})
        if case.split == validating:
            put.append(own or case)
            counts["validation_network" if own else "validation_true"] += 1
        else:
            put += [case] if own is None else [case, own]
            counts["train_network"] += own is not None
    return put, counts
