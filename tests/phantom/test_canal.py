from __future__ import annotations

import numpy as np
import pytest

from spinalcord.phantom.anatomy import LEVELS, draw_spine
from spinalcord.phantom.canal import CaudaEquina, Surroundings
from spinalcord.phantom.vertebrae import Points, Vertebrae

SIGNALS = {"root": np.zeros(1), "fat": np.ones(1), "ligament": np.zeros(1)}


def points_of(spine, s, d):
    k = spine.index(s)
    return Points(s, d, 0.8, {name: values[k] for name, values in spine.profiles.items()})


@pytest.fixture(scope="module")
def bundle():
    """Share of roots in the sac's midline, (rows from 80 mm above the conus down, depths)."""
    total = 0.0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        spine = draw_spine(rng, age=40, sex="F")
        below, depth = np.arange(-80.0, 141.0, 4), np.linspace(-0.9, 0.9, 19)
        s, part = (q.ravel() for q in np.meshgrid(spine.conus + below, depth, indexing="ij"))
        k = spine.index(s)
        p = spine.profiles
        d = p["sac_d"][k] + part * p["sac_ap"][k] / 2
        roots = CaudaEquina(rng, spine, points_of(spine, s, d))
        canvas = np.ones((1, len(s)), np.float32)
        roots.paint(canvas, np.ones(len(s)), np.zeros(len(s)), SIGNALS)
        total = total + (1 - canvas[0]).reshape(len(below), len(depth)) / 10
    return below, depth, total


def test_roots_lie_at_the_back_and_begin_along_the_last_of_the_cord(bundle):
    below, depth, share = bundle
    under = (below > 0) & (below < 60)
    assert share[under][:, depth > 0.5].mean() > 0.5
    assert share[under][:, depth < -0.5].mean() < 0.15
    assert share[below < -56].max() == 0


def test_the_bundle_thins_out_downwards(bundle):
    below, _, share = bundle
    thick = share.mean(1)
    upper, lower = thick[(below >= 0) & (below < 30)], thick[below > 110]
    assert upper.mean() > 1.3 * lower.mean()
    assert lower.mean() > 0.05


def test_fat_lies_behind_the_lumbar_sac_and_not_in_the_neck():
    rng = np.random.default_rng(2)
    spine = draw_spine(rng, age=40, sex="M")
    for level, fatty in (("L4", True), ("C4", False)):
        k = LEVELS.index(level)
        s = np.full(60, spine.edges[k + 1])
        p = spine.profiles
        i = spine.index(s[:1])[0]
        back = float(p["sac_d"][i] + p["sac_ap"][i] / 2)
        points = points_of(spine, s, back + np.linspace(0.5, 6.0, 60))
        vertebrae = Vertebrae(rng, spine, points)
        canvas = np.zeros((1, 60), np.float32)
        around = Surroundings(rng, spine, points, vertebrae)
        around.paint(canvas, np.zeros(60), SIGNALS, np.ones(60))
        assert (canvas.max() > 0.5) == fatty
