"""Mosaics for notebooks: slices in order, letters, and a map's colours with their values."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scenes import make_scene
from volumes import ALL_48

from spinalcord.errors import InputError
from spinalcord.pictures.mosaic import draw_mosaic, slice_title, slices_note
from spinalcord.pictures.rendering import CORD_COLOUR, LESION_COLOUR
from spinalcord.pictures.scene import Scene
from spinalcord.scans.volume import Volume


def volume(array):
    return Volume(array, np.diag([-3.0, -1.0, 1.0, 1.0]))  # LPS: A-P second, S-I third


def made(lesion, **more):
    scan = np.random.default_rng(0).integers(0, 200, lesion.shape).astype(np.int16)
    return Scene(volume(scan), volume(lesion), **more)


@pytest.mark.parametrize(("order", "flips"), ALL_48)
def test_every_storage_makes_the_same_pictures(order, flips):
    mosaic, expected = draw_mosaic(make_scene(order, flips)), draw_mosaic(make_scene())
    assert len(mosaic.pictures) == 2
    for one, other in zip(mosaic.pictures, expected.pictures, strict=True):
        np.testing.assert_array_equal(one.rgb, other.rgb)
    assert mosaic.edges == ("S", "I", "A", "P")
    flipped = flips[order.index(0)]
    assert [p.caption for p in mosaic.pictures] == (
        ["L ← slice 3", "slice 1 → R"] if flipped else ["L ← slice 1", "slice 3 → R"]
    )


def test_html_has_letters_numbers_and_what_colours_mean():
    lesion = np.zeros((5, 30, 40), np.uint8)
    lesion[1:3, 10:14, 20:26] = 1
    heat = np.linspace(-2, 8, lesion.size, dtype=np.float32).reshape(lesion.shape)
    scene = made(
        lesion, cord=volume(lesion), heat=volume(heat), heat_label="attribution for <MS>, logit"
    )
    html = draw_mosaic(scene).to_html()
    assert html.count("data:image/png") == 2
    for letter in "SIAP":
        assert html.count(f">{letter}</span>") == 2
    assert "L ← slice 2" in html  # the stored axis runs from right to left
    assert "slice 1 → R" in html
    assert "-8 <span" in html
    assert "</span> 8</span> attribution for &lt;MS&gt;, logit" in html
    for colour in (LESION_COLOUR, CORD_COLOUR):
        assert f"solid rgb{colour}".replace(" ", "") in html.replace(" ", "")
    assert "all 2 slices with lesion, from the patient" in html.replace("&#x27;", "'")


def test_a_map_of_zeros_says_so():
    lesion = np.zeros((4, 20, 20), np.uint8)
    lesion[1, 5, 5] = 1
    zeros = volume(np.zeros(lesion.shape, np.float32))
    html = draw_mosaic(made(lesion, heat=zeros, heat_label="attribution")).to_html()
    assert "attribution: 0 everywhere" in html


def test_no_lesion_shows_the_middle_slice_whole():
    mosaic = draw_mosaic(made(np.zeros((5, 30, 40), np.uint8)))
    (picture,) = mosaic.pictures
    assert picture.caption == "L ← slice 2 → R"
    assert picture.rgb.shape == (40, 30, 3)
    assert mosaic.note == "1 of 5 slices, none with lesion"


def test_pictures_are_cut_round_the_lesion():
    lesion = np.zeros((3, 100, 200), np.uint8)
    lesion[1, 50:60, 100:140] = 1
    (picture,) = draw_mosaic(made(lesion), margin_mm=10).pictures
    assert picture.rgb.shape == (60, 30, 3)
    (whole,) = draw_mosaic(made(lesion), margin_mm=None).pictures
    assert whole.rgb.shape == (200, 100, 3)


def test_many_slices_are_thinned_out_evenly_and_said():
    lesion = np.zeros((40, 10, 10), np.uint8)
    lesion[5:35, 4, 4] = 1
    lesion[20, 3:7, 3:7] = 1
    scene = made(lesion)
    mosaic = draw_mosaic(scene, most=6)
    numbers = [int(re.search(r"slice (\d+)", p.caption)[1]) for p in mosaic.pictures]
    assert len(numbers) == 6
    assert numbers == sorted(numbers, reverse=True)  # stored from right to left
    assert numbers[0] == 34
    assert numbers[-1] == 5
    assert 20 in numbers
    assert mosaic.note == "6 of 30 slices with lesion, from the patient's left to the right"


def test_notes_and_titles():
    lesion = np.zeros((6, 10, 10), np.uint8)
    lesion[2, 4, 4] = 1
    scene = made(lesion)
    assert slices_note(scene, (3,)) == "the one slice with lesion"
    assert slices_note(scene, (2, 3)) == "2 of 6 slices, from the patient's left to the right"
    assert slice_title(scene, 3, (2, 3, 4)) == "slice 2"


@pytest.mark.parametrize(
    ("slices", "named"), [([], "empty"), ([7], "contains 7"), ([-1], "contains -1"), ([1.5], "1.5")]
)
def test_slices_that_are_not_there(slices, named):
    with pytest.raises(InputError, match=rf"{named}.*expected whole numbers from 0 to 4"):
        draw_mosaic(make_scene(), slices)


@pytest.mark.parametrize("margin", [-1, float("nan")])
def test_margins_below_nothing(margin):
    with pytest.raises(InputError, match="margin_mm is"):
        draw_mosaic(make_scene(), margin_mm=margin)
