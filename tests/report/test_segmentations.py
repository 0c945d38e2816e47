"""Scores by diagnosis, lesions found, masks given."""

from __future__ import annotations

import itertools

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


def test_distances_say_of_how_many_patients_they_are():
    n = 12
    table = {
        "case_id": [f"c{i}" for i in range(n)],
        "reference_diagnosis": ["MS"] * n,
        "dice": [0.8] * 5 + [0.7] * 4 + [0.0, 0.0, 1.0],  # two missed, one with nothing to find
        "hd95_mm": [4.0, 5.0, 6.0, 4.5, 5.5, 7.0, 8.0, 6.5, 7.5, "", "", ""],
    }
    got = Cohort(table).table("segmentation")
    first = [r for r in got.rows if r["group"] == "all" and "95th" in r["figure"]]
    assert [r["n"] for r in first] == [9, 11]
    assert "not defined in 3 of 12 patients" in first[0]["sentence"]
    assert "n" in got.shown
    assert any("the mean is of 9 of 12 patients" in note for note in got.notes)
    assert "missed counted as largest" in first[1]["figure"]


def test_a_missed_lesion_does_not_improve_the_median_distance():
    def middle(missed):
        hd = [3.0 + i for i in range(11)]
        dice = [0.9 - i / 20 for i in range(11)]
        for i in range(11 - missed, 11):  # the hardest ones
            hd[i], dice[i] = "", 0.0
        table = {
            "case_id": [f"c{i}" for i in range(11)],
            "reference_diagnosis": ["MS"] * 11,
            "dice": dice,
            "hd95_mm": hd,
        }
        found = Cohort(table).table("segmentation").rows
        (row,) = [r for r in found if r["group"] == "all" and "largest" in r["figure"]]
        return row["estimate"], row["high"], row["n"]

    every = [middle(missed) for missed in range(11)]
    assert all(n == 11 for *_, n in every)
    for (a, b, _), (c, d, _) in itertools.pairwise(every):
        assert c >= a
        assert d >= b
