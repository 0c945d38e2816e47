"""Lesions of a mask: what is kept, what is dropped, and in which order."""

from __future__ import annotations

import numpy as np
from stand_ins import lesion_of, stored, working_array

from spinalcord.lesions import measure_lesions
from spinalcord.working import WorkingScan

PLAIN = {"min_lesion_mm3": 0.0}
IN_CORD = {**PLAIN, "min_in_cord": 0.0, "keep_outside_cord": False, "cord": "given"}


def test_lesions_are_measured_the_largest_first():
    array = working_array()
    mask, kept, dropped, warnings = measure_lesions(
        WorkingScan(stored(array)), lesion_of(array), None, PLAIN
    )
    np.testing.assert_array_equal(mask, lesion_of(array))
    assert [lesion.label for lesion in kept] == [1, 2, 3]
    assert [lesion.n_voxels for lesion in kept] == [2 * 12 * 8, 2 * 6 * 4, 2 * 3]
    assert [lesion.volume_mm3 for lesion in kept] == [576, 144, 18]
    assert (kept[0].length_mm, kept[0].width_mm, kept[0].depth_mm) == (12, 8, 6)
    assert kept[0].in_cord_fraction is None
    assert "in_cord_fraction" not in kept[0].to_dict()
    assert (dropped, warnings) == ((), [])


def test_a_lesion_outside_the_cord_is_dropped_and_told():
    array = working_array()
    cord = np.zeros(array.shape, np.uint8)
    cord[2:5, :, 30:42] = 1
    mask, kept, dropped, warnings = measure_lesions(
        WorkingScan(stored(array)), lesion_of(array), cord, IN_CORD
    )
    assert [lesion.in_cord_fraction for lesion in kept] == [1.0, 1.0]
    assert [(lesion.label, lesion.volume_mm3) for lesion in dropped] == [(1, 18.0)]
    assert int(mask.sum()) == 2 * 12 * 8 + 2 * 6 * 4
    assert len(warnings) == 1


def test_no_lesion():
    array = working_array()
    mask, *rest = measure_lesions(
        WorkingScan(stored(array)), np.zeros(array.shape, np.uint8), None, PLAIN
    )
    assert not mask.any()
    assert rest == [(), (), []]
