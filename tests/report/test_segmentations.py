"""Scores by diagnosis, lesions found, masks given."""

from __future__ import annotations

import numpy as np
import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report.cases import Cases
from spinalcord.report.segmentations import reference_lesions, segmentation


def lesions_of(*found: tuple[str, str, object, float]) -> Cases:
    names = ("case_id", "mask", "overlap_fraction", "volume_mm3")
    columns = zip(*found, strict=True)
    return Cases(
        {n: np.array([str(x) for x in c], object) for n, c in zip(names, columns, strict=True)},
        len(found),
    )


def rows(table, **keys):
    return [r for r in table.rows if all(r[k] == v for k, v in keys.items())]


def test_means_by_diagnosis_and_masks_given():
    table = cohorts.drawn(40)
    table["mask"][0], table["dice"][0] = "given", "n/a"
    got = Cohort(table).table("segmentation")
    (row,) = rows(got, group="astrocytoma", figure="Dice score")
    assert row["n"] == 9
    assert row["estimate"] == pytest.approx(np.mean(table["dice"][4::4]))
    assert row["low"] < row["estimate"] < row["high"]
    (row,) = rows(got, group="all", figure="mask given, not segmented")
    assert (row["k"], row["n"]) == (1, 40)


def test_lesions_found():
    cohort = Cohort(cohorts.drawn(8))
    lesions = lesions_of(
        ("sub-00000", "reference", 0.4, 10.0),
        ("sub-00000", "reference", 0.0, 2.0),
        ("sub-00001", "reference", 0.9, 5.0),
        ("sub-00001", "found", 0.0, 1.0),
        ("sub-99999", "reference", 1.0, 1.0),
    )
    got = segmentation(cohort.cases, lesions)
    (row,) = rows(got, group="all", figure="lesion-wise sensitivity")
    assert (row["k"], row["n"]) == (2, 3)
    (row,) = rows(got, group="ependymoma", figure="lesion-wise precision")
    assert (row["k"], row["n"]) == (0, 1)
    (row,) = rows(got, group="NMOSD", figure="lesion-wise sensitivity")
    assert row["reason"] == "no lesions to count"
    volume, found, owner = reference_lesions(cohort.cases, lesions)
    assert list(volume) == [10, 2, 5]
    assert list(found) == [True, False, True]
    assert list(owner) == ["sub-00000", "sub-00000", "sub-00001"]


def test_no_scores():
    with pytest.raises(InputError, match="no case has a Dice score"):
        Cohort(cohorts.of_letter()).table("segmentation")
