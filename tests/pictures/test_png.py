"""spinalcord.pictures.png: what an independent reader makes of it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from pngs import decode

from spinalcord.pictures.png import encode_rgb, encode_table


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (64, 3)])
def test_pixels_and_colours_come_back(shape):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 200, shape, dtype=np.uint8)
    colours = rng.integers(0, 256, (200, 4), dtype=np.uint8)
    np.testing.assert_array_equal(decode(encode_table(pixels, colours)), colours[pixels])


def test_the_same_picture_is_the_same_file():
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    colours = np.full((64, 4), 255, np.uint8)
    assert encode_table(pixels, colours) == encode_table(pixels.copy(), colours.copy())


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (64, 3)])
def test_true_colours_come_back(shape):
    rgb = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    read = pytest.importorskip("matplotlib.image").imread(io.BytesIO(encode_rgb(rgb)), "png")
    np.testing.assert_array_equal(np.rint(255 * read), rgb)
