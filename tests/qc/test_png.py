"""PNG with a table of colours: what an independent reader makes of it."""

from __future__ import annotations

import numpy as np
import pytest
from pngs import decode

from spinalcord.qc.png import encode


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (64, 3)])
def test_pixels_and_colours_come_back(shape):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 200, shape, dtype=np.uint8)
    colours = rng.integers(0, 256, (200, 4), dtype=np.uint8)
    np.testing.assert_array_equal(decode(encode(pixels, colours)), colours[pixels])


def test_the_same_picture_is_the_same_file():
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    colours = np.full((64, 4), 255, np.uint8)
    assert encode(pixels, colours) == encode(pixels.copy(), colours.copy())
