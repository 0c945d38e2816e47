from __future__ import annotations

import numpy as np

from spinalcord.phantom.fields import Waves, coverage, ellipse_distance, smooth_noise


def test_coverage_goes_from_one_to_zero_over_its_width():
    share = coverage(np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), 2.0)
    np.testing.assert_allclose(share, [1, 1, 0.5, 0, 0])


def test_distance_to_a_circle_is_right_near_its_edge():
    x = np.linspace(3.5, 4.5, 11)
    np.testing.assert_allclose(ellipse_distance(x, 0 * x, 4.0, 4.0), x - 4, atol=0.01)
    assert ellipse_distance(np.array(0.0), np.array(7.5), 4.0, 7.0) > 0.4


def test_noise_has_unit_variance_and_the_length_asked_for():
    noise = smooth_noise(np.random.default_rng(0), (40, 300, 300), (1, 1, 1), (1, 4, 12))
    assert noise.dtype == np.float32
    assert abs(noise.std() - 1) < 0.1
    rows = np.mean(noise[:, 4:] * noise[:, :-4])
    columns = np.mean(noise[:, :, 4:] * noise[:, :, :-4])
    assert rows < 0.6 < columns < 1


def test_waves_have_unit_variance_anywhere():
    waves = Waves(np.random.default_rng(1), (5.0, 5.0, 5.0))
    points = np.random.default_rng(2).uniform(-200, 200, (3, 20000))
    values = waves(*points)
    assert abs(values.mean()) < 0.05
    assert abs(values.std() - 1) < 0.05
