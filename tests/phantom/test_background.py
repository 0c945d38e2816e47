from __future__ import annotations

import numpy as np

from spinalcord.phantom.acquisition import draw_protocol
from spinalcord.phantom.anatomy import draw_spine
from spinalcord.phantom.background import draw_background
from spinalcord.phantom.tissue import draw_signals


def test_air_behind_the_skin_then_fat_then_muscle():
    rng = np.random.default_rng(2)
    protocol = {**draw_protocol(rng, region="cervical", kind="2d"), "saturation_mm": 0.0}
    spine = draw_spine(rng, age=50, sex="M")
    s, d = np.meshgrid(np.arange(150, 300, 1.0), np.arange(-60, 110, 1.0), indexing="ij")
    signals = {k: v[:2] for k, v in draw_signals(rng, protocol).items()}
    image = draw_background(rng, spine, s, d, np.array([-8.0, 12.0]), 1.0, 4.0, signals, protocol)
    assert image.shape == (2, 2, *s.shape)
    assert np.isfinite(image).all()
    total = image.sum(0)
    skin = spine.at("skin", s)
    outside = d > skin + 25
    assert outside.any()
    assert total[:, outside].max() < 1e-6
    assert np.median(image[1][:, (d > 12) & (d < 18)]) < 0.4 * signals["fat"][1]
    brightest = image[1].mean((0, 1)).argmax()
    assert d[0, brightest] > 25  # fat under the skin
