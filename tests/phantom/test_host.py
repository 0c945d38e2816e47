from __future__ import annotations

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.phantom.host import measure_host, near_line, running_percentile


def tube(spacing=(1.0, 1.0, 1.0), noise=0.0, tilt=0.0, seed=0):
    """A cord of 12 x 8 mm in fluid of 18 x 14 mm, straight down or tilted to the back."""
    shape = (32, 100, 80)
    x, z, y = (np.arange(n).reshape(s) * mm for n, s, mm in zip(
        shape, [(-1, 1, 1), (1, -1, 1), (1, 1, -1)], spacing, strict=True))  # fmt: skip
    y = y - 40 - np.tan(np.radians(tilt)) * (z - 50)
    x = x - 16
    scale = np.cos(np.radians(tilt))
    cord = (x / 6) ** 2 + (y * scale / 4) ** 2 <= 1
    sac = (x / 9) ** 2 + (y * scale / 7) ** 2 <= 1
    image = np.where(cord, 100.0, np.where(sac, 300.0, 20.0))
    image = image + np.random.default_rng(seed).normal(0, noise, shape)
    return image.astype(np.float32), cord


@pytest.mark.parametrize("tilt", [0.0, 25.0])
def test_the_tube_is_measured(tilt):
    image, cord = tube(noise=5.0, tilt=tilt)
    host = measure_host(image, cord, (1.0, 1.0, 1.0))
    middle = slice(20, -20)
    np.testing.assert_allclose(host.a[middle], 6, rtol=0.06)
    np.testing.assert_allclose(host.b[middle], 4, rtol=0.08)
    np.testing.assert_allclose(host.cord[middle], 100, rtol=0.05)
    np.testing.assert_allclose(host.csf[middle], 300, rtol=0.06)
    np.testing.assert_allclose(host.sac[middle], np.sqrt(9 * 7 / 24), rtol=0.12)


@pytest.mark.parametrize("sd", [3.0, 10.0])
def test_noise_is_measured(sd):
    image, cord = tube(noise=sd)
    assert measure_host(image, cord, (1.0, 1.0, 1.0)).noise_sd == pytest.approx(sd, rel=0.12)


def test_points_are_located_along_and_across():
    image, cord = tube(tilt=20.0)
    host = measure_host(image, cord, (1.0, 1.0, 1.0))
    on = host.line[50]
    s, _, u, v, tangent = host.locate(np.stack([on, on + np.array([3.0, 0, 0])]))
    np.testing.assert_allclose(s, host.s[50], atol=0.3)
    np.testing.assert_allclose(u, [0, 0.5], atol=0.03)
    np.testing.assert_allclose(v, 0, atol=0.03)
    np.testing.assert_allclose(np.linalg.norm(tangent, axis=1), 1, atol=1e-6)
    back = on + 2.0 * np.array([0, -tangent[0, 2], tangent[0, 1]])
    assert host.locate(back[None])[3][0] == pytest.approx(0.5, abs=0.04)


def test_percentiles_are_taken_along_the_line():
    image, cord = tube()
    image[:, 60:] *= 2
    host = measure_host(image, cord, (1.0, 1.0, 1.0))
    level = running_percentile(host, image, 0.6, 50.0)
    assert level.shape == host.s.shape
    np.testing.assert_allclose(level[:45], 100)
    np.testing.assert_allclose(level[75:], 200)


def test_near_line_holds_the_cord():
    image, cord = tube()
    host = measure_host(image, cord, (1.0, 1.0, 1.0))
    near = np.zeros(cord.shape, bool)
    near[tuple(near_line(host, cord.shape, 1.5).T)] = True
    assert (near | ~cord).all()
    assert near.mean() < 0.3


def test_short_masks_and_holes_are_refused():
    image, cord = tube()
    short, holed = cord.copy(), cord.copy()
    short[:, 30:] = False
    holed[:, 40:55] = False
    with pytest.raises(InputError, match="40 mm"):
        measure_host(image, short, (1.0, 1.0, 1.0))
    with pytest.raises(InputError, match="hole"):
        measure_host(image, holed, (1.0, 1.0, 1.0))
