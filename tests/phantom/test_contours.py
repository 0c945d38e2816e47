from __future__ import annotations

import numpy as np
import pytest

from spinalcord.phantom.contours import Contour, PlateauLesion, draw_contours
from spinalcord.phantom.diseases import Features


def test_a_contour_is_full_in_its_middle_and_gone_outside():
    part = Contour("plaque", 50.0, 10.0, u=0.2, v=0.1, ru=0.4, rv=0.4, margin_mm=0.5, strength=0.8)
    s = np.array([50.0, 50.0, 66.0])
    share = part.share(s, np.array([0.2, 0.9, 0.2]), np.full(3, 0.1), np.full(3, 5.0))
    np.testing.assert_allclose(share, [0.8, 0, 0], atol=1e-3)


def test_harmonics_bend_the_outline():
    bends = np.array([[0.0, 0.0, 0.0], [0.3, 0.0, 0.0]])  # an ellipse, wide along v = 0
    part = Contour("plaque", 0.0, 10.0, ru=0.5, rv=0.5, margin_mm=0.3, bends=bends)
    zero, at = np.zeros(2), np.array([0.58, 0.0])
    share = part.share(zero, at, at[::-1], np.full(2, 6.0))
    assert share[0] > 0.9
    assert share[1] < 0.1


def test_the_cord_swells_along_a_plateau():
    lesion = PlateauLesion("NMOSD", 100.0, 20.0, (Contour("myelitis", 100.0, 20.0),), 1.3)
    s = np.array([100.0, 113.0, 140.0])
    np.testing.assert_allclose(lesion.widening(s), [1.3, 1.3, 1.0], atol=1e-6)


@pytest.mark.parametrize(("diagnosis", "low", "high"), [("astrocytoma", 0.5, 0.75),
                                                        ("ependymoma", 0.0, 0.15)])  # fmt: skip
def test_tumours_are_as_eccentric_as_described(diagnosis, low, high):
    rng = np.random.default_rng(3)
    off = []
    for _ in range(200):
        lesion = draw_contours(Features(rng, lambda: diagnosis, 20.0, 1.0), diagnosis, 0.0, 0)
        solid = next(p for p in lesion.parts if p.tissue in ("low_grade", "high_grade"))
        off.append(np.hypot(solid.u, solid.v))
    assert low < np.mean(np.array(off) > 0.15) < high
