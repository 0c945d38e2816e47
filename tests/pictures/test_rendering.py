"""Pictures: valid PNG, true proportions, outlines where the mask is."""

from __future__ import annotations

import base64
import re
import struct
import zlib

import numpy as np
import pytest

from spinalcord.pictures.rendering import (
    LESION_COLOUR,
    MAX_SIDE,
    Picture,
    heat_colours,
    render_slice,
)
from spinalcord.pictures.scene import Crop


def decode(png):
    """Read our own kind of PNG: 8-bit RGB, filter 0, checked chunk by chunk."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, []
    while at < len(png):
        (nbytes,) = struct.unpack(">I", png[at : at + 4])
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + nbytes]
        (checksum,) = struct.unpack(">I", png[at + 8 + nbytes : at + 12 + nbytes])
        assert checksum == zlib.crc32(kind + data)
        chunks.append((kind, data))
        at += 12 + nbytes
    assert [kind for kind, _ in chunks] == [b"IHDR", b"IDAT", b"IEND"]
    columns, rows, *rest = struct.unpack(">2I5B", chunks[0][1])
    assert rest == [8, 2, 0, 0, 0]
    lines = np.frombuffer(zlib.decompress(chunks[1][1]), np.uint8).reshape(rows, -1)
    assert not lines[:, 0].any()
    return lines[:, 1:].reshape(rows, columns, 3)


def test_png_holds_the_pixels():
    rgb = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(decode(Picture(rgb, "x").to_png()), rgb)


def test_html_escapes_its_caption():
    html = Picture(np.zeros((2, 2, 3), np.uint8), '<b> & "c"').to_html()
    assert "&lt;b&gt; &amp; &quot;c&quot;" in html
    data = re.search(r"base64,([^\"]+)", html)[1]
    assert decode(base64.b64decode(data)).shape == (2, 2, 3)


@pytest.mark.parametrize(
    ("shape", "spacing", "size"),
    [
        ((3, 40, 30), (3, 1, 1), (40, 30)),
        ((3, 40, 30), (3, 2, 1), (80, 30)),
        ((3, 40, 30), (3, 0.5, 1), (40, 60)),
        ((3, 1000, 500), (3, 0.5, 0.5), (MAX_SIDE, MAX_SIDE // 2)),
        ((1, 1, 1), (3, 1, 1), (1, 1)),
    ],
)
def test_proportions_are_those_of_the_body(shape, spacing, size):
    scan = np.random.default_rng(0).random(shape, np.float32)
    picture = render_slice(scan, spacing, 0, "x")
    assert picture.rgb.shape == (*size, 3)
    assert picture.rgb.dtype == np.uint8


def test_outline_is_the_border_of_the_mask():
    scan = np.random.default_rng(0).random((2, 20, 20), np.float32)
    mask = np.zeros(scan.shape, np.uint8)
    mask[1, 5:10, 4:12] = 1
    plain = render_slice(scan, (3, 1, 1), 1, "x").rgb
    drawn = render_slice(scan, (3, 1, 1), 1, "x", outlines=((mask, LESION_COLOUR),)).rgb
    expected = np.zeros((20, 20), bool)
    expected[5:10, 4:12] = True
    expected[6:9, 5:11] = False
    np.testing.assert_array_equal((drawn != plain).any(axis=2), expected)
    assert (drawn[expected] == LESION_COLOUR).all()


def test_heat_shows_where_positive():
    scan = np.random.default_rng(0).random((1, 20, 20), np.float32)
    heat = np.zeros(scan.shape, np.float32)
    heat[0, 3, 4], heat[0, 10, 10] = 2, -5
    plain = render_slice(scan, (3, 1, 1), 0, "x").rgb.astype(int)
    warm = render_slice(scan, (3, 1, 1), 0, "x", heat=heat).rgb.astype(int)
    changed = (warm != plain).any(axis=2)
    assert changed[3, 4]
    assert changed.sum() == 1
    none = render_slice(scan, (3, 1, 1), 0, "x", heat=-abs(heat)).rgb
    np.testing.assert_array_equal(none, plain)


def test_constant_slice_is_drawn():
    assert not render_slice(np.ones((1, 4, 4), np.float32), (1, 1, 1), 0, "x").rgb.any()


def test_signed_heat_has_two_colours_and_one_scale():
    scan = np.full((1, 20, 20), 5, np.float32)
    heat = np.zeros(scan.shape, np.float32)
    heat[0, 3, 4], heat[0, 10, 10], heat[0, 15, 15] = 2, -2, 1
    rgb = render_slice(scan, (3, 1, 1), 0, "x", heat=heat, heat_span=(-2, 2)).rgb.astype(int)
    assert rgb[3, 4, 0] > rgb[3, 4, 2]  # for: yellow
    assert rgb[10, 10, 2] > rgb[10, 10, 0]  # against: blue
    assert 0 < rgb[15, 15].sum() < rgb[3, 4].sum()
    assert rgb.any(axis=2).sum() == 3
    none = render_slice(scan, (3, 1, 1), 0, "x", heat=heat, heat_span=(-2, 2), opacity=0)
    assert not none.rgb.any()


def test_heat_colours_are_told_apart_in_grey():
    weights = np.array([0.299, 0.587, 0.114])
    for_, against, zero = heat_colours(np.array([1.0, -1.0, 0.0]), (-1, 1))
    assert zero[3] == 0
    tissue = 0.4

    def over(colour):
        return float(colour[3] * (colour[:3] @ weights) + (1 - colour[3]) * tissue)

    assert over(for_) > tissue + 0.2
    assert over(against) < tissue - 0.05
    assert not heat_colours(np.zeros(3), (0, 0))[:, 3].any()


def test_a_frame_cuts_before_scaling():
    scan = np.random.default_rng(0).random((1, 40, 30), np.float32)
    mask = np.zeros(scan.shape, np.int16)
    mask[0, 11, 6] = 7
    frame = Crop(slice(10, 30), slice(5, 15))
    picture = render_slice(
        scan, (3, 2, 1), 0, "x", outlines=((mask, LESION_COLOUR),), frame=frame, grey_span=(0, 1)
    )
    assert picture.rgb.shape == (40, 10, 3)
    assert np.argwhere((picture.rgb == LESION_COLOUR).all(axis=2)).tolist() == [[2, 1], [3, 1]]
    assert render_slice(scan, (3, 1, 1), 0, "x", max_side=20).rgb.shape == (20, 15, 3)
