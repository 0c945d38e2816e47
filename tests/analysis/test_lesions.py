"""Lesions of a mask: what is kept, what is dropped, and in which order."""

from __future__ import annotations

import numpy as np
from stand_ins import lesion_of, stored, working_array

from spinalcord import _core
from spinalcord.analysis import lesions
from spinalcord.analysis.lesions import peaks, thickness_mm
from spinalcord.limits import LesionLimits
from spinalcord.scans.preparation import WorkingScan

PLAIN = {"min_lesion_mm3": 0.0, "min_thickness_mm": 0.0, "min_peak": 0.0}
IN_CORD = {**PLAIN, "min_in_cord": 0.0, "keep_outside_cord": False, "cord": "given"}


def measure_lesions(scan, mask, cord, settings, probability=None):
    """As there; a probability of 1 all over where none is given."""
    probability = np.ones(mask.shape, np.float32) if probability is None else probability
    limits, given = LesionLimits.take(settings), settings.get("cord") == "given"
    return lesions.measure_lesions(scan, mask, probability, cord, limits, cord_given=given)


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


def with_a_streak():
    """Return the lesions with the largest shown by one slice, and a quarter of it by the next."""
    array = working_array()
    mask = lesion_of(array)
    labels, _ = _core.label(mask, stored(array).affine, min_volume_mm3=0.0)
    first, second = np.flatnonzero((labels == 1).any((1, 2)))
    rows, columns = np.nonzero(labels[second] == 1)
    mask[second, rows[24:], columns[24:]] = 0
    assert first + 1 == second
    return array, mask


def test_thickness_is_volume_over_the_largest_slice():
    array, mask = with_a_streak()
    scan = WorkingScan(stored(array))
    labels, n = _core.label(mask, scan.affine, min_volume_mm3=0.0)
    np.testing.assert_array_equal(thickness_mm(labels, n, scan.affine), [3 * 1.25, 6, 3])


def test_thin_lesions_are_left_out_and_told():
    array, mask = with_a_streak()
    scan = WorkingScan(stored(array))
    found, kept, dropped, warnings = measure_lesions(
        scan, mask, None, {**PLAIN, "min_thickness_mm": 4.0}
    )
    assert [lesion.volume_mm3 for lesion in kept] == [144]
    assert int(found.sum()) == 2 * 6 * 4
    assert dropped == ()
    assert warnings == [
        "2 lesion(s) of 378 mm3 together, less than 4 mm thick from slice to slice, were excluded"
    ]
    exact = measure_lesions(scan, mask, None, {**PLAIN, "min_thickness_mm": 3.75})
    assert [lesion.volume_mm3 for lesion in exact[1]] == [360, 144]


def test_what_is_too_thin_is_not_told_as_outside_the_cord():
    array, mask = with_a_streak()
    settings = {**IN_CORD, "min_thickness_mm": 4.0}
    cord = np.zeros(array.shape, np.uint8)
    found, kept, dropped, warnings = measure_lesions(
        WorkingScan(stored(array)), mask, cord, settings
    )
    assert not found.any()
    assert kept == ()
    assert [lesion.volume_mm3 for lesion in dropped] == [144]
    assert len([w for w in warnings if "mm thick" in w]) == 1


def with_probabilities():
    """Return the lesions and probabilities that peak at .75, .99 and .9, the largest first."""
    array = working_array()
    mask = lesion_of(array)
    labels, _ = _core.label(mask, stored(array).affine, min_volume_mm3=0.0)
    probability = np.where(labels, 0.6, 0.1).astype(np.float32)
    for label, peak in ((1, 0.75), (2, 0.99), (3, 0.9)):
        probability[tuple(np.argwhere(labels == label)[-1])] = peak
    probability[labels == 0] = 0.999  # what is no lesion does not count
    return array, mask, labels, probability


def test_a_peak_is_the_largest_probability_in_a_lesion():
    *_, labels, probability = with_probabilities()
    found = peaks(labels, 3, probability)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.float32([0.75, 0.99, 0.9]))
    assert peaks(np.zeros_like(labels), 0, probability).shape == (0,)


def test_uncertain_lesions_are_left_out_and_told():
    array, mask, labels, probability = with_probabilities()
    scan = WorkingScan(stored(array))
    found, kept, dropped, warnings = measure_lesions(
        scan, mask, None, {**PLAIN, "min_peak": 0.95}, probability
    )
    assert [lesion.volume_mm3 for lesion in kept] == [144]
    np.testing.assert_array_equal(found, labels == 2)
    assert dropped == ()
    assert warnings == [
        "2 lesion(s) of 594 mm3 together, nowhere with a probability of 0.95, were excluded"
    ]
    exact = measure_lesions(scan, mask, None, {**PLAIN, "min_peak": 0.9}, probability)
    assert [lesion.volume_mm3 for lesion in exact[1]] == [144, 18]


def test_a_lesion_is_left_out_for_one_reason():
    array, mask, _, probability = with_probabilities()
    settings = {**IN_CORD, "min_thickness_mm": 1000.0, "min_peak": 1.0}
    cord = np.zeros(array.shape, np.uint8)
    found, kept, dropped, warnings = measure_lesions(
        WorkingScan(stored(array)), mask, cord, settings, probability
    )
    assert not found.any()
    assert (kept, dropped) == ((), ())
    assert len(warnings) == 1
    assert "less than 1000 mm thick" in warnings[0]
