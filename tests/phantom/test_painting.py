from __future__ import annotations

import numpy as np
import pytest

from spinalcord.phantom.acquisition import draw_protocol
from spinalcord.phantom.anatomy import draw_spine
from spinalcord.phantom.lesion_geometry import Part, SyntheticLesion
from spinalcord.phantom.painting import Grid, paint
from spinalcord.phantom.tissue import draw_signals


@pytest.fixture(scope="module")
def painted():
    """Straightened: rows run along s, columns along d, so that shapes can be measured."""
    rng = np.random.default_rng(1)
    protocol = draw_protocol(rng, region="cervical", kind="3d")
    spine = draw_spine(rng, age=35, sex="F")
    s, d = np.meshgrid(np.arange(20, 140, 1.0), np.arange(-40, 40, 0.5), indexing="ij")
    x = spine.at("x", np.array(80.0)) + np.arange(-8.0, 9.0)[:, None]
    grid = Grid(s.astype(np.float32), d.astype(np.float32), x, 0.5, 1.0)
    part = Part("cyst", 80.0, 10.0, ru=0.6, rv=0.6, margin_mm=0.5)
    lesions = [SyntheticLesion("ependymoma", 80.0, 10.0, (part,), 1.25)]
    signals = draw_signals(rng, protocol)
    return spine, grid, signals, paint(rng, spine, grid, lesions, signals, protocol)


def test_the_cord_has_its_calibre_and_swells_around_the_lesion(painted):
    spine, _, _, painting = painted
    area = painting.cord.sum((0, 2)) * 0.5
    want = np.pi / 4 * spine.at("cord_ap", np.array(30.0)) * spine.at("cord_rl", np.array(30.0))
    assert area[10] == pytest.approx(want, rel=0.08)
    assert area[60] > 1.25 * area[10]


def test_the_lesion_has_its_size_and_lies_in_the_cord(painted):
    _, _, _, painting = painted
    (share,) = painting.lesions
    rows = np.nonzero(share.max((0, 2)) > 0.5)[0]
    assert len(rows) == pytest.approx(20, abs=2)
    assert (share <= painting.cord + 1e-5).all()


def test_signals_are_those_of_the_tissues(painted):
    _, _, signals, painting = painted
    lesion, cord = painting.lesions[0] > 0.98, (painting.cord > 0.99) & (painting.lesions[0] == 0)
    assert painting.signal[0][lesion].mean() == pytest.approx(signals["cyst"][0], rel=0.05)
    assert painting.signal[0][cord].mean() == pytest.approx(signals["white"][0], rel=0.1)
    assert np.abs(painting.signal[1][cord]).max() < 1e-3  # no fat in the cord
    assert painting.signal[0].max() < 1.6


def test_fluid_moves_and_cord_does_not(painted):
    painting = painted[3]
    assert painting.moving.max() > 0.8
    assert painting.moving[painting.cord > 0.99].max() < 0.05
