"""Decoys: beside the cord, within the scan, measured where they lie."""

from __future__ import annotations

import numpy as np
import pytest
from phantom.test_host import tube

from spinalcord.errors import InputError
from spinalcord.phantom.decoys import check_decoy, draw_elsewhere, share_of_tube
from spinalcord.phantom.host import measure_host


@pytest.fixture(scope="module")
def scan():
    """A tilted cord with 60 in front of it and 20 behind."""
    image, cord = tube(noise=2.0, tilt=20.0)
    front = np.arange(80) < 36 + np.tan(np.radians(20)) * (np.arange(100)[:, None] - 50)
    image += 40 * (front & (image < 50))
    return image, measure_host(image, cord, (1.0, 1.0, 1.0))


@pytest.mark.slow
@pytest.mark.parametrize(("decoy", "sign", "level"), [("vertebra", -1, 60), ("muscle", 1, 20)])
def test_the_line_lies_in_front_or_behind(scan, decoy, sign, level):
    image, host = scan
    edge = np.median(host.b * host.sac)
    sides = []
    for seed in range(8):
        other = draw_elsewhere(np.random.default_rng(seed), host, image, decoy)
        away = other.line - host.line
        np.testing.assert_array_equal(away[:, 1], 0)
        inside = (other.line[:, 2] > 6.5) & (other.line[:, 2] < 72.5)
        assert inside.sum() > 40
        assert (sign * away[inside, 2] > edge + 7.9).all()
        sides.append(away[50, 0])
        assert np.median(other.cord[inside]) == pytest.approx(level, abs=3)
        np.testing.assert_allclose(other.csf - other.cord, host.csf - host.cord)
        assert (other.sac == 1).all()
    assert min(sides) < 0 < max(sides)


def test_the_line_never_leaves_the_scan(scan):
    image, host = scan
    image, narrow = image[12:21], host  # as if the cord lay at the edge of few slices
    other = draw_elsewhere(np.random.default_rng(0), narrow, image, "muscle")
    assert (other.line[:, 0] >= 1).all()
    assert (other.line[:, 0] <= 7).all()
    assert (other.line[:, 2] <= 73).all()


def test_the_tube_has_the_cord_s_size(scan):
    image, host = scan
    other = draw_elsewhere(np.random.default_rng(1), host, image, "vertebra")
    centre = other.line[50]
    offsets = np.array([[0, 0, 0], [5, 0, 0], [6, 0, 0], [7.5, 0, 0], [0, 0, 7.0]])
    share = share_of_tube(other, other.locate(centre + offsets))
    np.testing.assert_array_equal(share[[0, 3, 4]], [1, 0, 0])
    assert share[1] > 0.9
    assert 0.05 < share[2] < 0.95


def test_other_places_are_refused():
    check_decoy(None, True)
    check_decoy("muscle", False)
    with pytest.raises(InputError, match="'liver': vertebra or muscle"):
        check_decoy("liver", False)
    with pytest.raises(InputError, match="'muscle' and sham"):
        check_decoy("muscle", True)
