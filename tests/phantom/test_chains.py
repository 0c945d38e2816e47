from __future__ import annotations

import numpy as np

from spinalcord.phantom.chains import Chain, LopsidedLesion, draw_chains
from spinalcord.phantom.diseases import Features

BALLS = np.array([[-6.0, 0.0, 0.0, 0.3], [0.0, 0.0, 0.0, 0.3], [6.0, 0.1, 0.0, 0.3]])


def test_a_chain_is_full_along_its_balls_and_gone_outside():
    part = Chain("plaque", 0.0, 9.0, balls=BALLS, stretch_mm=20.0, power=4.0, strength=0.8)
    s = np.array([0.0, 3.0, 0.0, 60.0])
    share = part.share(s, np.array([0.0, 0.0, 0.95, 0.0]), np.zeros(4), np.full(4, 5.0))
    assert (share[:2] > 0.7).all()
    assert (share[2:] < 0.02).all()


def test_power_makes_the_margin_steep():
    across = np.linspace(0, 1, 200)
    widths = []
    for power in (1.2, 4.0):
        part = Chain("plaque", 0.0, 9.0, balls=BALLS[1:2], stretch_mm=20.0, power=power)
        share = part.share(across * 0, across, across * 0, np.full(200, 6.0))
        share = share / share[0]
        widths.append(np.mean((share > 0.1) & (share < 0.9)))
    assert widths[1] < widths[0]


def test_the_cord_swells_more_towards_one_end():
    lesion = LopsidedLesion("NMOSD", 100.0, 20.0, (Chain("myelitis", 100.0, 20.0),), 1.3)
    wide = lesion.widening(np.array([90.0, 100.0, 110.0, 220.0]))
    assert wide[1] == np.float32(1.3)
    assert wide[0] != wide[2]
    assert abs(wide[3] - 1) < 1e-3


def test_ms_is_off_centre_and_nmosd_central():
    rng = np.random.default_rng(4)

    def offs(diagnosis):
        f = Features(rng, lambda: diagnosis, 20.0, 1.0)
        first = (draw_chains(f, diagnosis, 0.0, 0).parts[0] for _ in range(100))
        return np.array([np.hypot(p.u, p.v) for p in first])

    assert np.median(offs("MS")) > 0.5
    assert np.median(offs("NMOSD")) < 0.2
