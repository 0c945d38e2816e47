"""Masks moved from grid to grid."""

from __future__ import annotations

import numpy as np
import pytest

from spinalcord.scans.regridding import regrid
from spinalcord.scans.volume import Volume

LIKE = Volume(np.zeros((8, 10, 12)), np.diag([2.0, 1.0, 1.0, 1.0]))


def box(shape, low, high):
    mask = np.zeros(shape, bool)
    mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = True
    return mask


def test_a_crop_in_another_storage_order_is_copied():
    affine = np.array([[0, 0, -2.0, 10], [0, 1.0, 0, 3], [-1.0, 0, 0, 9], [0, 0, 0, 1]])
    mask = box((4, 5, 3), (1, 1, 0), (3, 4, 2))
    moved = regrid(Volume(mask, affine), LIKE)
    assert moved.same_lattice
    assert moved.lost_fraction == moved.apart_mm == 0
    np.testing.assert_array_equal(moved.inside, box(LIKE.shape, (4, 4, 7), (6, 7, 9)))


def test_half_a_voxel_is_inside_and_less_is_not():
    fine = np.diag([0.5, 0.5, 0.5, 1.0])
    fine[:3, 3] = (-0.75, -0.25, -0.25)
    mask = box((32, 20, 24), (8, 4, 4), (15, 10, 11))
    moved = regrid(Volume(mask, fine), LIKE)
    assert not moved.same_lattice
    assert moved.apart_mm == pytest.approx(np.sqrt(0.75**2 + 2 * 0.25**2))
    volume = moved.inside.sum() * LIKE.voxel_mm3
    assert volume == pytest.approx(mask.sum() * 0.125, rel=0.2)
    held = np.argwhere(moved.inside)
    assert (held.min(0).tolist(), held.max(0).tolist()) == ([2, 2, 2], [3, 4, 5])


def test_what_lies_beyond_is_counted():
    affine = np.eye(4)
    affine[0, 0] = 2
    affine[1, 3] = 8
    moved = regrid(Volume(box((8, 4, 12), (2, 0, 2), (4, 4, 4)), affine), LIKE)
    assert moved.lost_fraction == 0.5
    assert moved.inside.sum() == 8
    empty = regrid(Volume(np.zeros((3, 3, 3), bool), affine), LIKE)
    assert empty.lost_fraction == empty.apart_mm == empty.inside.sum() == 0


def test_the_angle_between_grids():
    angle = np.radians(7)
    affine = np.eye(4)
    affine[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    assert regrid(Volume(box((5, 5, 5), (1, 1, 1), (4, 4, 4)), affine), LIKE).turned_deg == (
        pytest.approx(7)
    )
