"""Focus: shares in the lesion and the ring, counted by hand and against every distance."""

from __future__ import annotations

import numpy as np
import pytest

from spinalcord.analysis.attribution import measure_focus
from spinalcord.analysis.attribution.focus import ring_around

SPACING = (3.0, 1.0, 0.5)


@pytest.fixture
def lesion():
    mask = np.zeros((5, 20, 18), np.uint8)
    mask[2, 8:11, 6:9] = 1
    mask[3, 9, 7] = 1
    mask[0, 0, 0] = 1  # a ring that the edges cut
    return mask


@pytest.mark.parametrize("ring_mm", [0.4, 0.5, 1.0, 2.3, 3.0, 7.0, 60.0])
def test_ring_holds_what_is_near_in_any_direction(lesion, ring_mm):
    inside = np.argwhere(lesion) * SPACING
    every = np.indices(lesion.shape).reshape(3, -1).T * SPACING
    nearest = np.sqrt(((every[:, None] - inside[None]) ** 2).sum(-1)).min(1)
    expected = (nearest <= ring_mm + 1e-9).reshape(lesion.shape) & (lesion == 0)
    found = ring_around(lesion > 0, SPACING, ring_mm)
    np.testing.assert_array_equal(found, expected)
    assert found.any() == (ring_mm >= 0.5)


def test_rounded_spacing_takes_the_voxel_at_the_ring_s_edge():
    mask = np.zeros((1, 1, 9), bool)
    mask[0, 0, 0] = True
    ring = ring_around(mask, (3.0, 1.0, 1.0 + 2e-7), 5.0)
    assert np.flatnonzero(ring).tolist() == [1, 2, 3, 4, 5]


def test_shares_are_those_of_the_evidence(lesion):
    evidence = np.zeros(lesion.shape, np.float32)
    evidence[2, 9, 7] = 3  # in the lesion
    evidence[2, 12, 7] = 2  # two millimetres below it
    evidence[2, 19, 17] = 5  # far away
    seen = np.zeros(lesion.shape, np.float32)
    seen[2] = 1
    focus = measure_focus(evidence, seen, lesion, SPACING, 2.0)
    assert focus.inside_fraction == pytest.approx(0.3)
    assert focus.ring_fraction == pytest.approx(0.2)
    assert focus.ring_mm == 2.0
    assert focus.flat_inside_fraction == pytest.approx(9 / 360)
    near = ring_around(lesion > 0, SPACING, 2.0)[2].sum()
    assert focus.flat_ring_fraction == pytest.approx(near / 360)


def test_no_evidence_has_no_shares(lesion):
    nothing = np.zeros(lesion.shape, np.float32)
    focus = measure_focus(nothing, np.ones_like(nothing), lesion, SPACING, 5.0)
    assert focus.inside_fraction is None
    assert focus.ring_fraction is None
    assert focus.flat_inside_fraction > 0
