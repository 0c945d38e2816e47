from __future__ import annotations

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.phantom.acquisition import acquire, coil_map, draw_protocol

N = 128


def protocol(**changes):
    plain = {
        "phase_axis": 0, "resolution": (1.0, 1.0), "etl": 0, "esp_ms": 9.0, "shift_px": 0.0,
        "ghost": 0.0, "coil_mm": 80.0, "fov_mm": 200.0,
    }  # fmt: skip
    return {**plain, **changes}


def scan(water, fat=None, moving=None, noise_sd=0.0, seed=0, **changes):
    fat = np.zeros_like(water) if fat is None else fat
    flat = np.ones((1, *water.shape[1:]), np.float32)
    rng = np.random.default_rng(seed)
    return acquire(rng, water, fat, moving, protocol(**changes), noise_sd, flat)


def flat(value):
    return np.full((4, N, N), value, np.float32)


def test_uniform_signal_stays_and_noise_has_the_level_asked_for():
    np.testing.assert_allclose(scan(flat(10)), 10, rtol=1e-5)
    image = scan(flat(100), noise_sd=2.0, resolution=(0.7, 0.9))
    assert image.mean() == pytest.approx(100, rel=0.01)
    assert image.std() == pytest.approx(2.0, rel=0.05)


def test_noise_on_air_is_that_of_a_magnitude():
    image = scan(flat(0), noise_sd=2.0)
    assert image.mean() == pytest.approx(2 * np.sqrt(np.pi / 2), rel=0.03)  # Rayleigh


def test_fat_shifts_along_the_readout():
    fat = flat(0)
    fat[:, 40:80, 40:80] = 1
    moved = scan(flat(0), fat, shift_px=2.0)
    centre = (moved[0].sum(0) * np.arange(N)).sum() / moved[0].sum()
    assert centre == pytest.approx(59.5 + 2, abs=0.3)


def test_truncation_blurs_and_rings():
    edge = flat(0)
    edge[:, 64:] = 1
    sharp, coarse = scan(edge), scan(edge, resolution=(0.5, 1.0))
    assert np.diff(coarse[0, :, 64])[60:68].max() < 0.75 * np.diff(sharp[0, :, 64])[60:68].max()
    assert coarse[0, 64:100, 64].max() > 1.01


def test_what_moves_leaves_ghosts():
    spot = flat(0)
    spot[:, 60:64, 60:64] = 1
    still, moving = scan(spot), scan(spot, moving=spot, ghost=0.1)
    far = np.ones(N, bool)
    far[40:84] = False
    assert moving[0, far, 60:64].max() > still[0, far, 60:64].max() + 0.02


def test_coils_see_the_back_best():
    d = np.tile(np.linspace(-80, 45, N, dtype=np.float32), (N, 1))
    z = np.zeros((N, N), np.float32)
    seen = coil_map(np.random.default_rng(0), d, z, protocol())[0]
    assert 2 < seen[:, -1].mean() / seen[:, 10].mean() < 8


def test_protocols_are_physical():
    rng = np.random.default_rng(0)
    drawn = [draw_protocol(rng) for _ in range(300)]
    assert all(0.5 <= p["pixel_mm"] <= 1.0 for p in drawn)
    assert all(p["tr_ms"] > p["etl"] * p["esp_ms"] + 1500 for p in drawn)
    assert {p["region"] for p in drawn} == {"cervical", "thoracic", "lumbar"}
    assert 0.08 < np.mean([p["kind"] == "3d" for p in drawn]) < 0.21


@pytest.mark.parametrize("option", [{"region": "sacral"}, {"kind": "4d"}])
def test_unknown_options_are_refused(option):
    with pytest.raises(InputError, match="expected"):
        draw_protocol(np.random.default_rng(0), **option)
