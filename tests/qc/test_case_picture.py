"""Pictures of cases: which slices, what each layer shows, how large the file is."""

from __future__ import annotations

import numpy as np
import pytest
from pngs import decode

from spinalcord.qc.case_picture import (
    BESIDE_MM,
    MAX_PIXELS,
    MAX_TILES,
    MAX_TILES_WITHOUT,
    choose_slices,
    draw_case,
)

RED, GREEN = (255, 84, 60), (90, 220, 120)


def mask_of(shape, *boxes):
    mask = np.zeros(shape, np.uint8)
    for box in boxes:
        mask[tuple(slice(*pair) for pair in box)] = 1
    return mask


def layer(picture, name):
    """(tiles, rows, columns, 4) of one layer."""
    layout = picture.layout
    rows, columns = layout["size"]
    sheet, gap = decode(picture.png), layout["gap"]
    top = layout["layers"].index(name) * (rows + gap)
    return np.stack([
        sheet[top : top + rows, left : left + columns]
        for left in (i * (columns + gap) for i in range(len(layout["slices"])))
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("inside", "n", "expected"),
    [
        ([4], 10, [3, 4, 5]),
        ([0, 5], 10, [0, 1, 4, 5, 6]),
        (range(3, 14), 20, list(range(3, 14))),  # with neighbours there would be 13
        ([], 4, [0, 1, 2, 3]),
        ([], 21, list(range(6, 15))),
    ],
)
def test_slices_are_those_with_lesion_and_their_neighbours(inside, n, expected):
    mask = np.zeros((n, 4, 4), np.uint8)
    mask[list(inside), 1, 2] = 1
    assert choose_slices(mask) == (expected, len(list(inside)))
    assert len(expected) <= (MAX_TILES if len(list(inside)) else MAX_TILES_WITHOUT)


def test_many_slices_are_thinned_out_evenly_with_both_ends():
    chosen, inside = choose_slices(np.ones((52, 2, 2), np.uint8))
    assert (chosen[0], chosen[-1], len(chosen), inside) == (0, 51, MAX_TILES, 52)
    assert set(np.diff(chosen)) <= {4, 5}


def test_layers_lie_over_each_other():
    shape = (5, 60, 50)
    scan = np.random.default_rng(0).normal(100, 10, shape).astype(np.float32)
    lesion = mask_of(shape, ((2, 3), (20, 30), (25, 32)))
    reference = mask_of(shape, ((2, 3), (22, 30), (25, 32)))
    heat = np.zeros(shape, np.float32)
    heat[2, 25, 28], heat[1, 25, 28], heat[2, 40, 28] = 4, 2, -9
    picture = draw_case(scan, (3.0, 1.0, 1.0), lesion, reference=reference, maps={"t": heat})
    assert picture.layout == {
        "layers": ["scan", "lesion", "reference", "t"], "size": [60, 50], "gap": 2,
        "slices": [1, 2, 3], "n_lesion_slices": 1, "pixel_mm": 1.0,
    }  # fmt: skip
    grey = layer(picture, "scan")
    assert (grey[..., 3] == 255).all()
    assert (grey[..., 0] == grey[..., 1]).all()
    assert len(np.unique(grey[1, ..., 0])) > 60
    # Brighter is brighter, to a grey level; the ends are clipped.
    values = np.sort(scan[2].ravel())[100:-100]
    order = np.argsort(scan[2].ravel())[100:-100]
    assert values[0] < values[-1]
    assert (np.diff(grey[1, ..., 0].ravel()[order].astype(int)) >= 0).all()
    drawn = layer(picture, "lesion")
    edge = np.zeros((60, 50), bool)
    edge[20:30, 25:32] = True
    edge[21:29, 26:31] = False
    np.testing.assert_array_equal(drawn[1, ..., 3] == 255, edge)
    assert (drawn[1][edge][:, :3] == RED).all()
    assert not drawn[[0, 2], ..., 3].any()
    assert (layer(picture, "reference")[1, 22, 25:32, :3] == GREEN).all()
    warm = layer(picture, "t")
    assert warm[1, 25, 28].tolist() == [255, 255, 0, 255]  # the most in the case
    assert 0 < warm[0, 25, 28, 3] < 255  # half of it: one scale for all slices
    assert np.count_nonzero(warm[..., 3]) == 2  # what speaks against it is not shown


def test_columns_far_from_lesions_are_cut():
    shape = (3, 40, 400)
    lesion = mask_of(shape, ((1, 2), (10, 20), (200, 204)))
    picture = draw_case(np.random.default_rng(0).random(shape, np.float32), (3, 1, 1), lesion)
    assert picture.layout["size"] == [40, 4 + 2 * BESIDE_MM]
    assert layer(picture, "lesion")[1, 10, int(BESIDE_MM), 3] == 255


def test_no_scan_makes_a_large_file():
    scan = np.random.default_rng(0).random((20, 800, 800), np.float32)  # noise: the worst
    everywhere = np.ones(scan.shape, np.uint8)
    for mask in (everywhere, 0 * everywhere):
        picture = draw_case(scan, (2.0, 0.4, 0.4), mask)
        rows, columns = picture.layout["size"]
        assert rows * columns * len(picture.layout["slices"]) < 1.05 * MAX_PIXELS
        assert rows == columns
        assert 50_000 < len(picture.png) < 1.1 * MAX_PIXELS
        assert picture.layout["n_lesion_slices"] == (20 if mask.any() else 0)


@pytest.mark.parametrize("at", range(6))
def test_no_lesion_vanishes_between_pixels(at):
    scan = np.random.default_rng(0).random((9, 900, 900), np.float32)
    lesion = mask_of(scan.shape, ((0, 9), (300, 303), (0, 900)))  # makes the picture coarse
    lesion[4] = 0
    lesion[4, 500 + at, 400 + at] = 1
    picture = draw_case(scan, (2.0, 0.3, 0.3), lesion)
    assert picture.layout["pixel_mm"] > 0.8
    assert layer(picture, "lesion")[4, ..., 3].any()


def test_pixels_are_square_and_slices_have_the_scan_s_numbers():
    scan = np.random.default_rng(0).random((4, 30, 40), np.float32)
    lesion = mask_of(scan.shape, ((1, 2), (10, 12), (0, 40)))
    picture = draw_case(scan, (3.0, 2.0, 1.0), lesion, number=lambda index: 3 - index)
    assert picture.layout["size"] == [60, 40]
    assert picture.layout["slices"] == [3, 2, 1]


def test_empty_layers_are_not_drawn_and_a_constant_scan_is_drawn():
    shape = (3, 20, 20)
    nothing = np.zeros(shape, np.uint8)
    heat = -np.ones(shape, np.float32)
    picture = draw_case(
        np.ones(shape, np.float32), (3, 1, 1), nothing, reference=nothing, maps={"t": heat}
    )
    assert picture.layout["layers"] == ["scan"]
    assert (layer(picture, "scan")[..., 0] == 0).all()
