"""What speaks against a mask; whole masks are judged in test_annotations.py."""

from __future__ import annotations

import numpy as np

from spinalcord.scans.plausibility import find_doubts, in_air_fraction

SPACING = (3.0, 1.0, 1.0)


def make_scan():
    scan = np.full((7, 40, 40), 2.0, np.float32)
    scan[:, :, :24] = 100
    return scan


def test_air_is_what_is_dark_over_a_few_millimetres():
    scan, mask = make_scan(), np.zeros((7, 40, 40), np.uint8)
    assert in_air_fraction(scan, SPACING, mask) == 0
    mask[3, 10:20, 4:8] = 1
    scan[3, 10:20, 4:8] = 0  # a dark lesion in bright tissue lies in the patient
    assert in_air_fraction(scan, SPACING, mask) == 0
    mask[3, 10:20, 28:32] = 1
    assert in_air_fraction(scan, SPACING, mask) == 0.5


def test_the_cord_tells_the_sides_apart():
    scan, cord = make_scan(), np.zeros((7, 40, 40), np.uint8)
    cord[:3, :, 8:16] = 1
    lesion = np.zeros_like(cord)
    lesion[1, 10:20, 9:14] = 1
    assert find_doubts(scan, SPACING, lesion, cord) == ()
    (doubt,) = find_doubts(scan, SPACING, lesion[::-1], cord)
    assert "flipped left-right" in doubt
    assert find_doubts(scan, SPACING, lesion, cord & ~lesion) == ()
    assert find_doubts(scan, SPACING, np.zeros_like(cord), cord) == ()
    middle = np.zeros_like(cord)
    middle[3, 10:20, 20:24] = 1
    assert find_doubts(scan, SPACING, middle, cord) == ()
