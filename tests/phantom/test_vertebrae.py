from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spinalcord.phantom.anatomy import LEVELS, draw_spine
from spinalcord.phantom.vertebrae import Points, Vertebrae

TISSUES = ("void", "marrow", "fat", "oedema", "annulus", "nucleus", "muscle", "root")


@pytest.fixture(scope="module")
def spine():
    return draw_spine(np.random.default_rng(5), age=40, sex="F")


def column(spine, s, d):
    k = spine.index(s)
    points = Points(s, d, 0.8, {name: values[k] for name, values in spine.profiles.items()})
    return Vertebrae(np.random.default_rng(1), spine, points), points


def test_bodies_and_discs_take_turns(spine):
    front = np.interp(spine.centre("L3"), spine.s, spine.profiles["canal_ap"]) / 2 + 12
    s = np.array([spine.centre("L3"), spine.edges[LEVELS.index("L3") + 1]])
    vertebrae, _ = column(spine, s, np.full(2, -front))
    assert vertebrae.body[0] > 0.9
    assert vertebrae.disc[0] < 0.05
    assert vertebrae.disc[1] > 0.9
    assert vertebrae.body[1] < 0.05


def test_worn_discs_are_darker(spine):
    s = np.full(2, spine.edges[LEVELS.index("L3") + 1])
    level = [None, None]
    for k, grade in enumerate((1, 5)):
        worn = replace(spine, grades=np.full(len(LEVELS), grade))
        level[k] = column(worn, s, np.full(2, -20.0))[0].grade_signal[0]
    assert level[0] > 3 * level[1]


def test_an_operated_level_has_no_process_but_a_wound(spine):
    k = LEVELS.index("L4")
    s = np.linspace(spine.edges[k], spine.edges[k + 1], 60)
    d = np.full(60, np.interp(spine.centre("L4"), spine.s, spine.profiles["canal_ap"]) / 2 + 14)
    removed = np.zeros(len(LEVELS), bool)
    whole = column(replace(spine, removed=removed), s, d)[0]
    removed = removed.copy()
    removed[k] = True
    operated = column(replace(spine, removed=removed), s, d)[0]
    assert whole.spinous.max() > 0.9
    assert whole.wound.max() == 0
    assert operated.wound.max() > 0.5
    assert operated.spinous.sum() < whole.spinous.sum()


def test_painting_fills_bodies_with_marrow(spine):
    signals = {name: np.full(1, 0.3 if name == "marrow" else 0.0) for name in TISSUES}
    s = np.full(1, spine.centre("L2") + 4)
    plain = replace(spine, endplate_mm=np.zeros(len(LEVELS)))
    vertebrae, _ = column(plain, s, np.full(1, -25.0))
    canvas = np.zeros((1, 1), np.float32)
    vertebrae.paint(canvas, np.zeros(1), signals)
    assert 0.1 < canvas[0, 0] < 0.5
