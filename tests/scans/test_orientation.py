"""Which stored axis points where: as nibabel says, as the core takes it, the same for copies."""

from __future__ import annotations

import numpy as np
import pytest
from volumes import ALL_48, base_affine, numbered, restored

from spinalcord.scans.orientation import find_orientation
from spinalcord.scans.volume import Volume


@pytest.mark.parametrize("oblique_deg", [0.0, 17.0])
@pytest.mark.parametrize(("order", "flips"), ALL_48)
def test_orientation_agrees_with_nibabel(order, flips, oblique_deg):
    nibabel = pytest.importorskip("nibabel")
    _, affine = restored(numbered(), base_affine(oblique_deg), order, flips)
    found = find_orientation(affine)
    assert "".join(nibabel.aff2axcodes(affine)) == found.codes
    assert np.isclose(found.obliquity_deg, oblique_deg, atol=6) or oblique_deg == 0


def test_orientation_is_what_the_core_takes():
    core = pytest.importorskip("spinalcord._core")
    if not hasattr(core, "orient"):
        pytest.skip("this build of the core has no orient()")
    for order, flips in ALL_48:
        volume = Volume(*restored(numbered(), base_affine(9.0), order, flips))
        found = volume.orientation
        working = core.orient(volume.array, found.permutation, found.flips)
        np.testing.assert_array_equal(working, numbered().astype(np.float32))


def test_ties_at_45_degrees_fall_the_same_way_for_every_copy():
    affine = base_affine(spacing=(1.0, 1.0, 1.0))
    c = np.sqrt(0.5)
    turn = np.array([[c, -c, 0], [c, c, 0], [0, 0, 1]])
    affine[:3, :3] = turn @ affine[:3, :3]
    array = numbered()
    first = Volume(array, affine).sagittal()
    for order, flips in ALL_48:
        again = Volume(*restored(array, affine, order, flips)).sagittal()
        np.testing.assert_allclose(again.affine, first.affine, atol=1e-12)


def test_codes_and_obliquity():
    assert Volume(numbered(), np.diag([1, 1, 1, 1.0])).orientation.codes == "RAS"
    assert Volume(numbered(), np.diag([-1, -1, 1, 1.0])).orientation.codes == "LPS"
    found = find_orientation(base_affine(10.0))
    assert 5 < found.obliquity_deg <= 10
