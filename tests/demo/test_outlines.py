"""Outlines follow the voxels, and a slice shows both of them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from spinalcord.demo.outlines import LEGEND, STYLE, draw_lesions, outline
from spinalcord.pictures.scene import Scene
from spinalcord.scans.volume import Volume


def segments(path):
    """The unit edges of a path: ('H', row, column) above a voxel, ('V', row, column) left of it."""
    found = set()
    for x, y, kind, to in re.findall(r"M(\d+) (\d+)([HV])(\d+)", path):
        x, y, to = int(x), int(y), int(to)
        steps = range(x if kind == "H" else y, to)
        assert len(steps) > 0
        found |= {("H", y, k) if kind == "H" else ("V", k, x) for k in steps}
    return found


@pytest.mark.parametrize("seed", range(5))
def test_outline_has_every_edge_once(seed):
    mask = np.random.default_rng(seed).random((7, 9)) < 0.4
    padded = np.pad(mask, 1)
    expected = set()
    for row in range(8):
        for column in range(10):
            here = padded[row + 1, column + 1]
            if column < 9 and here != padded[row, column + 1]:
                expected.add(("H", row, column))
            if row < 7 and here != padded[row + 1, column]:
                expected.add(("V", row, column))
    assert segments(outline(mask)) == expected
    assert outline(mask).count("M") <= len(expected)


def test_outline_of_a_box_is_four_lines():
    mask = np.zeros((6, 8), np.uint8)
    mask[2:5, 1:4] = 1
    assert outline(mask) == "M1 2H4M1 5H4M1 2V5M4 2V5"
    assert outline(mask * 0) == ""
    assert outline(np.ones((2, 3))) == "M0 0H3M0 2H3M0 0V2M3 0V2"


@pytest.fixture
def masks():
    drawn, found = np.zeros((2, 9, 60, 50), np.uint8)
    drawn[3:6, 20:30, 20:25] = 1
    found[4:7, 22:32, 20:25] = 1
    return drawn, found


def scene(drawn, found):
    affine = np.array([[3.0, 0, 0, 0], [0, 0, -1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    scan = np.random.default_rng(0).random(drawn.shape, np.float32)
    return Scene(Volume(scan, affine), Volume(drawn | found, affine))


def test_all_slices_of_either_are_shown_around_the_lesion(masks):
    html = draw_lesions(scene(*masks), *masks)
    assert html.count("<figure>") == 1 + 4
    assert html.count("data:image/png;base64,") == 5
    labels = re.findall(r'aria-label="([^"]+)"', html)
    assert [("no drawn" in label, "no found" in label) for label in labels[1:]] == [
        (False, True), (False, False), (False, False), (True, False),
    ]  # fmt: skip
    # The first is the whole slice; the others begin 25 mm above and before the lesion.
    whole, *near = re.findall(r'class="outline drawn" transform="[^"]+" d="([^"]*)"', html)
    assert whole.startswith("M20 20H25")
    assert near[0].startswith("M20 20H25")
    assert near[-1] == ""
    assert "all 4 slices with lesion" in html


def test_outline_lies_where_the_voxels_are_drawn(masks):
    html = draw_lesions(scene(*masks), *masks)
    for w, h, sx, sy in re.findall(r'viewBox="0 0 (\d+) (\d+)".*?scale\(([\d.]+) ([\d.]+)\)', html)[
        2:
    ]:  # after the legend's two
        rows, columns = int(h) / float(sy), int(w) / float(sx)
        assert (rows, columns) == pytest.approx((57, 50), rel=0.2)


def test_without_lesion_the_whole_slice_is_shown(masks):
    nothing = masks[0] * 0
    html = draw_lesions(scene(nothing, nothing), nothing, nothing)
    assert html.count("<figure>") == 1
    assert "no drawn lesion, no found lesion" in html


def test_the_two_outlines_differ_in_colour_and_width():
    styles = dict(re.findall(r"\.(drawn|found) \{ (.*?) \}", STYLE))
    assert len(styles) == 2
    colours = [re.search(r"rgb\(([^)]+)\)", text)[1] for text in styles.values()]
    widths = [float(re.search(r"width: ([\d.]+)px", text)[1]) for text in styles.values()]
    assert colours[0] != colours[1]
    assert widths[0] > 2 * widths[1]
    assert "drawn: wide" in LEGEND
    assert "found: narrow" in LEGEND
