"""Scenes: what is shown lies where it lies in the body, however the scan is stored."""

from __future__ import annotations

import numpy as np
import pytest
from volumes import ALL_48, base_affine, restored

from spinalcord.scene import Scene
from spinalcord.volume import Volume

SHAPE = (5, 8, 6)


def make_scene(order=(0, 1, 2), flips=(False, False, False), oblique_deg=0.0):
    """Lesion in slices 1 and 3, the same body in any storage."""
    scan = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)
    lesion = np.zeros(SHAPE, np.uint8)
    lesion[1, 2, 3] = lesion[3, 5, 1] = 1
    affine = base_affine(oblique_deg)
    return Scene(
        *(Volume(*restored(array, affine, order, flips)) for array in (scan, lesion)),
        heat=Volume(*restored(scan.astype(np.float32), affine, order, flips)),
    )


@pytest.mark.parametrize(("order", "flips"), ALL_48)
@pytest.mark.parametrize("oblique_deg", [0.0, 20.0])
def test_the_same_body_makes_the_same_scene(order, flips, oblique_deg):
    scene = make_scene(order, flips, oblique_deg)
    expected = make_scene(oblique_deg=oblique_deg)
    for name in ("scan", "lesion", "heat"):
        np.testing.assert_array_equal(scene.working(name), expected.working(name))
    assert scene.lesion_slices == (1, 3)
    assert scene.n_slices == 5
    np.testing.assert_allclose(scene.spacing_mm, (3.3, 0.7, 0.9))
    stored = scene.stored_slice(1)
    axis = order.index(0)
    assert np.take(scene.lesion.array, stored, axis).any()
    assert stored == (3 if flips[axis] else 1)
