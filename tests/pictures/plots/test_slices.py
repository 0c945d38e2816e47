"""Slices on axes: what is painted at a place of the body shows there, with the right letters."""

from __future__ import annotations

import numpy as np
import pytest
from volumes import ALL_48, base_affine, restored

from spinalcord.errors import InputError
from spinalcord.pictures.plots import draw_slice
from spinalcord.pictures.plots.slices import edge_lines, extent_mm
from spinalcord.pictures.scene import Crop, Scene
from spinalcord.scans.volume import Volume

SHAPE = (5, 24, 16)
SPACING = (3.3, 0.7, 1.4)  # 24 rows of 0.7 mm against 16 columns of 1.4 mm
AT = (3, 5, 12)  # right of the middle, high up, far back


def painted(order, flips, oblique_deg, at=AT):
    array = np.zeros(SHAPE, np.int16)
    array[at] = 100
    stored, affine = restored(array, base_affine(oblique_deg, SPACING), order, flips)
    return Scene(Volume(stored, affine), Volume((stored > 0).astype(np.uint8), affine))


def rendered(figure):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(int)


def letters(ax):
    return {t.get_text(): t.get_position() for t in ax.texts if "mm" not in t.get_text()}


@pytest.mark.parametrize(("order", "flips"), ALL_48[::6])
@pytest.mark.parametrize("oblique_deg", [0.0, 12.0])
def test_a_painted_voxel_shows_at_its_place(figure, order, flips, oblique_deg):
    scene = painted(order, flips, oblique_deg)
    assert scene.main_slice == AT[0]
    ax = draw_slice(scene, ax=figure.add_subplot(), margin_mm=None, outline=False)
    places = letters(ax)
    assert set(places) == {"S", "I", "A", "P"}
    assert places["S"][1] > 0.9 > 0.1 > places["I"][1]
    assert places["A"][0] < 0.1 < 0.9 < places["P"][0]
    for artist in [*ax.texts, *ax.lines]:
        artist.remove()
    image = rendered(figure)
    box = ax.get_window_extent()
    top = image.shape[0] - box.y1
    white = np.argwhere((image > 200).all(axis=2))
    inside = white[
        (white[:, 0] > top + 1) & (white[:, 0] < top + box.height - 1)
        & (white[:, 1] > box.x0 + 1) & (white[:, 1] < box.x1 - 1)
    ]  # fmt: skip
    assert len(inside) > 4
    down, across = inside.mean(axis=0)
    assert (down + 0.5 - top) / box.height == pytest.approx((AT[1] + 0.5) / SHAPE[1], abs=0.01)
    assert (across + 0.5 - box.x0) / box.width == pytest.approx((AT[2] + 0.5) / SHAPE[2], abs=0.01)
    assert box.width / box.height == pytest.approx(16 * 1.4 / (24 * 0.7), rel=0.01)
    # That row 5 of 24 is high and column 12 of 16 far back is known from the affine alone.
    steps = base_affine(oblique_deg, SPACING)[:3]
    assert steps[2, 1] < 0
    assert steps[1, 2] < 0
    flipped = flips[order.index(0)]
    stored = SHAPE[0] - 1 - AT[0] if flipped else AT[0]
    assert ax.get_title() == f"L ← slice {stored} → R"


@pytest.mark.parametrize("margin_mm", [None, 4.0])
@pytest.mark.parametrize(("order", "flips"), ALL_48[::7])
def test_the_outline_is_that_of_the_voxel(figure, order, flips, margin_mm):
    scene = painted(order, flips, 20.0)
    ax = draw_slice(scene, ax=figure.add_subplot(), margin_mm=margin_mm)
    (lines,) = [c for c in ax.collections if c.get_gid() == "lesion"]
    points = np.concatenate(lines.get_segments())
    assert len(lines.get_segments()) == 4
    np.testing.assert_allclose(points.min(axis=0), [12 * 1.4, 5 * 0.7])
    np.testing.assert_allclose(points.max(axis=0), [13 * 1.4, 6 * 0.7])
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert left < right
    assert top < bottom  # rows count downwards
    assert ax.get_aspect() == 1
    x, y = ax.transData.transform(points.mean(axis=0))
    frame = ax.transAxes.inverted().transform((x, y))
    if margin_mm is None:
        np.testing.assert_allclose(frame, [12.5 / 16, 1 - 5.5 / 24], atol=1e-6)
        assert (right, bottom) == pytest.approx((16 * 1.4, 24 * 0.7))
    else:
        assert right - left == pytest.approx((1 + 2 * 3) * 1.4)
        assert bottom == pytest.approx((6 + 6) * 0.7)


def test_an_oblique_scan_says_so(figure):
    scene = painted((0, 1, 2), (False, False, False), 40.0)
    assert {*scene.edges} != {"S", "I", "A", "P"}
    ax = draw_slice(scene, ax=figure.add_subplot())
    assert set(letters(ax)) == {*scene.edges}


def test_edges_of_shapes():
    mask = np.zeros((4, 5), bool)
    mask[0, 0] = mask[3, 4] = mask[1:3, 2] = True
    lines = edge_lines(mask, 2.0, 3.0)
    assert lines.shape == (4 + 4 + 6, 2, 2)
    lengths = np.abs(lines[:, 1] - lines[:, 0]).sum(axis=1)
    assert sorted(lengths.tolist()) == [2.0] * 8 + [3.0] * 6
    assert lines.min() == 0
    assert lines[..., 0].max() == 15
    assert lines[..., 1].max() == 8
    assert edge_lines(np.zeros((2, 2)), 1, 1).shape == (0, 2, 2)


def test_extent_is_in_millimetres():
    scene = painted((0, 1, 2), (False, False, False), 0.0)
    assert extent_mm(scene, Crop(slice(2, 12), slice(1, 5))) == pytest.approx((1.4, 7, 8.4, 1.4))


def test_scale_bar_is_as_long_as_it_says(figure, scene):
    ax = draw_slice(scene, ax=figure.add_subplot(), margin_mm=None)
    (line,) = [one for one in ax.lines if one.get_gid() == "scale"]
    (words,) = [t.get_text() for t in ax.texts if "mm" in t.get_text()]
    assert np.ptp(line.get_xdata()) == pytest.approx(int(words.removesuffix(" mm")))
    assert words == "10 mm"


def test_heat_lies_where_the_map_is(figure, scene):
    values = np.zeros(scene.scan.shape, np.float32)
    values[2, 30, 20], values[2, 31, 20] = 4, -2
    shown = Scene(scene.scan, scene.lesion, heat=scene.scan.like(values))
    ax = draw_slice(shown, ax=figure.add_subplot(), margin_mm=None, opacity=0.5)
    _, heat = ax.images
    colours = np.asarray(heat.get_array())
    assert np.argwhere(colours[..., 3] > 0).tolist() == [[30, 20], [31, 20]]
    assert colours[30, 20, 3] == pytest.approx(0.35)
    assert colours[30, 20, 0] > colours[30, 20, 2]
    assert colours[31, 20, 2] > colours[31, 20, 0]
    assert heat.get_extent() == ax.images[0].get_extent()


def test_new_axes_belong_to_pyplot(pyplot, scene):
    ax = draw_slice(scene)
    assert ax.figure.number in pyplot.get_fignums()


@pytest.mark.parametrize("index", [-1, 6])
def test_no_such_slice(figure, scene, index):
    with pytest.raises(InputError, match=f"slice {index}, expected one from 0 to 5"):
        draw_slice(scene, index, ax=figure.add_subplot())


@pytest.mark.parametrize("opacity", [-0.1, 1.1, float("nan")])
def test_no_such_opacity(figure, scene, opacity):
    with pytest.raises(InputError, match="opacity is"):
        draw_slice(scene, ax=figure.add_subplot(), opacity=opacity)
