"""The rule about lesions outside the cord, and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest

from spinalcord.analysis.cord import outside_cord, tell_outside
from spinalcord.limits import LesionLimits

SHARES = np.array([1.0, 0.5, 0.1, 0.0])
VOLUMES = np.array([40.0, 30.0, 20.0, 10.0])


@pytest.mark.parametrize(
    ("least", "outside"),
    [(0, [3]), (0.1, [3]), (0.11, [2, 3]), (0.5, [2, 3]), (1, [1, 2, 3])],
)
def test_least_share_lies_inside(least, outside):
    assert np.flatnonzero(outside_cord(SHARES, least)).tolist() == outside


def tell(outside, *, cord_rows=range(8), least=0.0, cord="network", keep=False):
    """Four lesions, each on two of eight rows."""
    labels = np.zeros((3, 8, 6), np.int32)
    for row in range(8):
        labels[1, row, 2] = row // 2 + 1
    mask = np.zeros(labels.shape, np.uint8)
    mask[0, list(cord_rows), 4] = 1
    limits = LesionLimits(min_in_cord=least, keep_outside_cord=keep)
    marked = np.isin(np.arange(4), outside)
    return tell_outside(marked, labels, VOLUMES, mask, limits, given=cord == "given")


def test_nothing_is_said_of_lesions_in_the_cord():
    assert tell([]) == []


def test_number_volume_and_cord_are_told():
    assert tell([2, 3], cord="given") == [
        "2 lesion(s) of 30 mm3 together lie wholly outside the cord and were dropped"
    ]
    (said,) = tell([1, 3], least=0.25)
    assert said == (
        "2 lesion(s) of 40 mm3 together have less than 0.25 of their voxels in the cord as the "
        "network outlined it and were dropped"
    )
    assert tell([3], keep=True)[0].endswith("were kept: judge them with care")


def test_height_without_cord_is_told():
    # Lesions 2 and 4 lie on rows 2, 3 and 6, 7; of those only row 3 has cord.
    said = tell([1, 3], cord_rows=[0, 1, 3, 4])
    assert len(said) == 2
    assert said[1].startswith("1 of the dropped lesion(s), 10 mm3, were dropped although no cord")
    assert "at their height" in said[1]
    assert len(tell([1, 3], cord_rows=[3, 7])) == 1
    assert "anywhere in the scan" in tell([1], cord_rows=[])[1]


def test_nothing_left_is_told_last():
    said = tell(range(4), cord_rows=[])
    assert len(said) == 3
    assert said[-1].startswith("NOTHING IS LEFT: every lesion found was dropped")
    assert tell(range(4))[-1] == said[-1]
    assert len(tell(range(4), keep=True)) == 1
