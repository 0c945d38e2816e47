"""The shape of an outlined cord: what is kept, what is excluded, and what is no plausible cord."""

from __future__ import annotations

import re

import numpy as np
import pytest

from spinalcord import _core
from spinalcord.analysis.cord_shape import judge_cord

AFFINE = np.diag([2.0, 1.0, 1.0, 1.0])


def column(first=5, last=95, columns=(20, 28), slices=(3, 7), shape=(10, 100, 50)):
    """A cord of 8 x 8 mm."""
    cord = np.zeros(shape, np.uint8)
    cord[slices[0] : slices[1], first:last, columns[0] : columns[1]] = 1
    return cord


def test_a_column_is_kept_as_it_is():
    shape = judge_cord(column(), AFFINE)
    np.testing.assert_array_equal(shape.mask, column())
    assert shape.plausible
    assert shape.warnings == ()


def test_what_does_not_hang_together_is_excluded_and_counted():
    cord = column()
    cord[0, 10:13, 2:5] = 1  # 18 mm3 in the throat
    cord[9, 90, 45] = 1  # 2 mm3
    shape = judge_cord(cord, AFFINE)
    np.testing.assert_array_equal(shape.mask, column())
    assert shape.plausible
    assert shape.warnings == (
        "2 piece(s) of the outlined cord, 20 mm3 together, were excluded: not connected",
    )


@pytest.mark.parametrize("order", [1, -1])
def test_pieces_one_below_the_other_are_one_cord(order):
    cord = column(5, 50) | column(60, 95, (22, 30))  # a gap of 10 mm, 2 mm to the back
    shape = judge_cord(np.ascontiguousarray(cord[:, ::order]), AFFINE)
    mask = shape.mask[:, ::order]
    assert shape.plausible
    assert shape.warnings == ()
    assert mask[:, 50:60].any(axis=(0, 2)).all()
    np.testing.assert_array_equal(mask[:, :50], cord[:, :50])
    np.testing.assert_array_equal(mask[:, 60:], cord[:, 60:])
    widths = mask[:, 50:60].sum(axis=(0, 2))
    np.testing.assert_array_equal(widths, 32)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (column(75, 95, (20, 28)), "a gap of 25 mm"),
        (column(60, 95, (40, 48)), "20 mm in front"),
        (column(30, 70, (30, 38)), "beside it"),
    ],
)
def test_pieces_that_do_not_continue_it_are_no_part_of_it(other, why):
    shape = judge_cord(column(5, 50) | other, AFFINE)
    np.testing.assert_array_equal(shape.mask, column(5, 50), err_msg=why)
    assert "1 piece(s)" in shape.warnings[0]


def scattered():
    rng = np.random.default_rng(0)
    return (rng.random((10, 100, 50)) < 0.02).astype(np.uint8) | column(40, 75, (20, 24), (4, 6))


@pytest.mark.parametrize(
    ("cord", "reason"),
    [
        (column(5, 20), "it is 15 mm long, at least 30 mm are expected"),
        (column(5, 95, (20, 22), (4, 5)), "its median cross-section is 4 mm2, 20 to 300 mm2"),
        (column(5, 95, (5, 45), (0, 10)), "its median cross-section is 800 mm2"),
        (scattered(), r"only \d+% of what was outlined hangs together"),
    ],
)
def test_what_is_no_plausible_cord_says_why(cord, reason):
    shape = judge_cord(cord, AFFINE)
    assert not shape.plausible
    assert re.search(reason, shape.warnings[-1])
    assert shape.warnings[-1].startswith("NO PLAUSIBLE CORD: ")


def test_a_cord_across_the_body_is_none():
    cord = np.zeros((10, 100, 120), np.uint8)
    for row in range(20, 60):
        cord[3:7, row, 2 * row - 30 : 2 * row - 20] = 1  # two columns a row: 63 degrees
    assert "63 degrees off the long axis" in judge_cord(cord, AFFINE).warnings[-1]


def test_a_low_scan_needs_no_long_cord():
    assert judge_cord(column(0, 20, shape=(10, 20, 50)), AFFINE).plausible


def test_without_any_cord():
    shape = judge_cord(np.zeros((3, 8, 8), np.uint8), AFFINE)
    assert (shape.plausible, shape.warnings) == (False, ("no cord was outlined",))
    assert not shape.mask.any()


def test_pieces_beside_each_other_in_adjacent_rows_become_one():
    cord = np.zeros((9, 90, 60), np.uint8)
    cord[2:7, 5:45, 10:16] = 1
    cord[2:7, 45:85, 17:23] = 1  # a row further down, and a column apart
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    assert _core.label(cord, affine)[1] == 2
    shape = judge_cord(cord, affine)
    assert shape.plausible
    assert shape.warnings == ()
    assert _core.label(shape.mask, affine)[1] == 1
    assert np.all(shape.mask >= cord)
    assert shape.mask.sum() < cord.sum() + 200


@pytest.mark.parametrize(
    ("slices", "columns", "said"),
    [
        ((0, 1), (20, 28), "it lies at 2% of the images' extent from left to right, 8% to 92% are"),
        ((19, 20), (20, 28), "it lies at 98% of the images' extent from left to right"),
        ((8, 12), (0, 8), "it lies at 8% of the images' extent from front to back, 15% to 92%"),
        ((8, 12), (44, 50), "it lies at 94% of the images' extent from front to back"),
    ],
)
def test_a_cord_lies_in_the_middle_of_the_body(slices, columns, said):
    shape = judge_cord(
        column(slices=slices, columns=columns, shape=(20, 100, 50)), np.diag([6, 1, 1, 1.0])
    )
    assert not shape.plausible
    assert said in shape.warnings[-1]
    assert judge_cord(column(slices=(8, 12), shape=(20, 100, 50)), AFFINE).plausible
