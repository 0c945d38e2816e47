"""Scenes: what is shown lies where it lies in the body, however the scan is stored."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import SHAPE, make_scene
from volumes import ALL_48, base_affine, restored

from spinalcord.errors import InputError
from spinalcord.pictures.scene import Scene
from spinalcord.scans.volume import Volume


@pytest.mark.parametrize(("order", "flips"), ALL_48)
@pytest.mark.parametrize("oblique_deg", [0.0, 20.0])
def test_the_same_body_makes_the_same_scene(order, flips, oblique_deg):
    scene = make_scene(order, flips, oblique_deg)
    expected = make_scene(oblique_deg=oblique_deg)
    for name in ("scan", "lesion", "heat"):
        np.testing.assert_array_equal(scene.working(name), expected.working(name))
    assert scene.lesion_slices == (1, 3)
    assert scene.n_slices == 5
    np.testing.assert_allclose(scene.spacing_mm, (3.3, 0.7, 0.9))
    stored = scene.scan.stored_slice(1)
    axis = order.index(0)
    assert np.take(scene.lesion.array, stored, axis).any()
    assert stored == (3 if flips[axis] else 1)


def turned(degrees, axis):
    """The working orientation, turned about a body axis (0: R, 1: A, 2: S)."""
    affine = base_affine(spacing=(3.0, 1.0, 1.0))
    a, b = [n for n in range(3) if n != axis]
    angle = np.radians(degrees)
    turn = np.eye(3)
    turn[[a, a, b, b], [a, b, a, b]] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
    affine[:3, :3] = turn @ affine[:3, :3]
    return affine


@pytest.mark.parametrize(
    ("degrees", "axis", "edges"),
    [
        (0, 0, ("S", "I", "A", "P")),
        (10, 0, ("S", "I", "A", "P")),  # not worth a letter
        (30, 0, ("SP", "IA", "AS", "PI")),  # the head leans back
        (-30, 0, ("SA", "IP", "AI", "PS")),
        (25, 2, ("S", "I", "AL", "PR")),  # the face turns to the left
        (-25, 2, ("S", "I", "AR", "PL")),
        (20, 1, ("SL", "IR", "A", "P")),  # the head leans to the left
    ],
)
@pytest.mark.parametrize(("order", "flips"), ALL_48[::5])
def test_letters_follow_the_patient(degrees, axis, edges, order, flips):
    zeros = np.zeros(SHAPE, np.uint8)
    volume = Volume(*restored(zeros, turned(degrees, axis), order, flips))
    assert Scene(volume, volume).edges == edges


@pytest.mark.parametrize(("order", "flips"), ALL_48[::7])
@pytest.mark.parametrize("oblique_deg", [0.0, 20.0])
def test_up_is_superior_and_left_is_anterior(order, flips, oblique_deg):
    """A voxel's place in millimetres decides, not the code under test."""
    affine = base_affine(oblique_deg)
    markers = np.zeros(SHAPE, np.uint8)
    markers[2, 0, 3] = markers[2, 7, 3] = markers[2, 4, 0] = markers[2, 4, 5] = 1
    volume = Volume(*restored(markers, affine, order, flips))
    shown = Scene(volume, volume).working("lesion")[2]
    places = np.argwhere(volume.array) @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    rows, columns = np.nonzero(shown)
    assert rows.size == 4
    # Highest and lowest, front and back, found in the stored volume by RAS+ millimetres alone.
    down = (affine[:3, 1] / 0.7).round(12)
    back = (affine[:3, 2] / 0.9).round(12)
    assert down[2] < -0.9
    assert back[1] < -0.9
    along = np.sort((places @ down - (places @ down).min()) / 0.7)
    np.testing.assert_allclose(along, np.sort(rows) - rows.min(), atol=1e-6)
    across = np.sort((places @ back - (places @ back).min()) / 0.9)
    np.testing.assert_allclose(across, np.sort(columns) - columns.min(), atol=1e-6)


def test_heat_span_is_that_of_the_values():
    values = np.zeros(SHAPE, np.float32)
    lesion = Volume(np.zeros(SHAPE, np.uint8), base_affine())

    def span(array, limit=None):
        return Scene(lesion, lesion, heat=Volume(array, base_affine()), heat_limit=limit).heat_span

    assert span(values) == (0, 0)
    values[0, 0, 0] = 3
    assert span(values) == (0, 3)
    assert span(values, 1.0) == (0, 1)
    values[0, 0, 1] = -5
    assert span(values) == (-5, 5)
    assert Scene(lesion, lesion).heat_span == (0, 0)


def test_grey_span_is_robust_and_never_empty():
    scan = np.zeros(SHAPE, np.int16)
    scan[2] = np.arange(48).reshape(8, 6)
    scan[2, 0, 0] = 30000
    volume = Volume(scan, base_affine())
    scene = Scene(volume, volume.like(np.zeros(SHAPE, np.uint8)))
    low, high = scene.grey_span((1, 2), scene.crop(None))
    assert low == 0
    assert 40 < high <= 30000
    low, high = scene.grey_span((1,), scene.crop(None))
    assert low < high


@pytest.mark.parametrize("name", ["lesion", "cord", "heat"])
def test_another_grid_is_refused(name):
    right = Volume(np.zeros(SHAPE, np.uint8), base_affine())
    moved = Volume(np.zeros(SHAPE, np.uint8), base_affine(3.0))
    with pytest.raises(InputError, match=f"{name} is Volume.*does not lie voxel by voxel"):
        Scene(**{"scan": right, "lesion": right, name: moved})
