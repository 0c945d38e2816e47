"""spinalcord.training.outlining: classifiers learn from true outlines and the network's."""

from __future__ import annotations

from types import SimpleNamespace

import nibabel
import numpy as np
import pytest

from spinalcord.cohort.listing import CohortCase
from spinalcord.scans.volume import Volume

outlining = pytest.importorskip("spinalcord.training.outlining")


class Finder:
    """Finds a voxel in scans whose name says so."""

    def __init__(self):
        self.asked = []

    def segment(self, path, *, series):
        self.asked.append(path)
        array = np.zeros((2, 3, 4), np.uint8)
        array[0, 1, 2] = "ill" in path
        return SimpleNamespace(mask=Volume(array, np.eye(4)))


def case(name, split="train"):
    return CohortCase(name, name, f"{name}.nii", f"{name}_m.nii", "t1.nii", truth={"split": split})


def test_what_is_found_becomes_a_case_of_its_own(tmp_path):
    finder, seen = Finder(), []
    cases = [case("ill-1"), case("well-1")]
    found = outlining.outline_cases(finder, cases, tmp_path / "o", each=lambda: seen.append(1))
    assert list(found) == ["ill-1"]
    own = found["ill-1"]
    assert (own.case_id, own.participant_id, own.t1c) == ("ill-1_outlined", "ill-1", None)
    # Read as what it is, whatever label the cohort's masks have.
    assert np.unique(np.asarray(nibabel.load(own.mask).dataobj)).tolist() == [0, 1]
    assert own.truth == {"split": "train", "outlined": "1"}
    assert len(seen) == 2
    again = outlining.outline_cases(finder, cases, tmp_path / "o")
    assert again.keys() == found.keys()
    assert finder.asked == ["ill-1.nii", "well-1.nii"]


def test_validation_is_on_outlines_where_there_are_any():
    cases = [case("ill-1"), case("well-1"), case("ill-2", "validation"), case("b", "validation")]
    outlined = {c.case_id: CohortCase(f"{c.case_id}_outlined", c.participant_id, c.path, "o.nii")
                for c in cases if "ill" in c.case_id}  # fmt: skip
    put, counts = outlining.with_outlines(cases, outlined, "validation")
    assert [c.case_id for c in put] == ["ill-1", "ill-1_outlined", "well-1", "ill-2_outlined", "b"]
    assert [c.split for c in put] == ["train"] * 3 + ["validation"] * 2
    assert counts == {"train_network": 1, "validation_network": 1, "validation_true": 1}
