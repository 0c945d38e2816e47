"""What the core takes as an array, and in which words it refuses the rest."""

from __future__ import annotations

import sys
import tracemalloc

import numpy as np
import pytest

from spinalcord import _core
from spinalcord.errors import InputError

FRAME = np.array([0.5, 2.0, 0.5, 2.0])


@pytest.fixture
def images():
    return np.random.default_rng(1).random((3, 8, 6), np.float32)


def test_layout_makes_no_difference(images):
    want = _core.resample(images, (4, 3), FRAME)
    wide = np.zeros((3, 16, 6), np.float32)
    wide[:, ::2] = images
    read_only = images.copy()
    read_only.flags.writeable = False
    buffer = np.zeros(images.nbytes + 1, np.uint8)[1:]
    unaligned = buffer.view(np.float32).reshape(images.shape)
    unaligned[:] = images
    for same in (
        np.asfortranarray(images),
        wide[:, ::2],
        images[::-1].copy()[::-1],
        images.astype(">f4"),
        read_only,
        unaligned,
    ):
        np.testing.assert_array_equal(_core.resample(same, (4, 3), FRAME), want)


def test_arguments_are_left_alone(images):
    kept = images.copy()
    frame = FRAME.copy()
    got = _core.resample(images, (8, 6), np.array([0.0, 1.0, 0.0, 1.0]))
    assert not np.shares_memory(got, images)
    np.testing.assert_array_equal(images, kept)
    np.testing.assert_array_equal(frame, FRAME)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32, np.uint8, bool, complex])
def test_no_dtype_is_converted_in_silence(images, dtype):
    with pytest.raises(TypeError, match=f"images must have dtype float32, not {np.dtype(dtype)}"):
        _core.resample(images.astype(dtype), (4, 3), FRAME)


def test_bool_is_uint8():
    mask = np.random.default_rng(2).random((4, 5, 6)) > 0.6
    got, n = _core.label(mask, np.eye(4))
    want, _ = _core.label(mask.astype(np.uint8), np.eye(4))
    assert n > 0
    np.testing.assert_array_equal(got, want)


def test_wrong_kinds(images):
    with pytest.raises(TypeError, match="images must be an ndarray, not list"):
        _core.resample(images.tolist(), (4, 3), FRAME)
    with pytest.raises(TypeError, match="images must have 3 axes, not 4"):
        _core.resample(images[None], (4, 3), FRAME)
    with pytest.raises(TypeError, match="size must be a sequence of 2 numbers, not int"):
        _core.resample(images, 4, FRAME)
    with pytest.raises(TypeError):
        _core.resample(images, (4.0, 3), FRAME)
    with pytest.raises(TypeError):
        _core.resample(images, (4, 3), FRAME, kernel="area")
    with pytest.raises(InputError, match=r"filter is 'cubic', expected one of linear, area"):
        _core.resample(images, (4, 3), FRAME, filter="cubic")
    with pytest.raises(InputError, match="outside is 'wrap'"):
        _core.resample(images, (4, 3), FRAME, outside="wrap")


def test_an_array_of_wrong_extents_is_refused_without_a_copy():
    labels = np.zeros((4, 5, 6), np.int32)
    volume = np.zeros((64, 64, 65), np.float32).T
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"volume .*\(65, 64, 64\)"):
            _core.lesion_table(labels, 0, volume, np.eye(4))
        assert tracemalloc.get_traced_memory()[1] < volume.nbytes / 4
    finally:
        tracemalloc.stop()


def test_huge_extents_are_refused(images):
    line = np.broadcast_to(np.float32(0), (1, 40000, 1))
    with pytest.raises(InputError, match="32768"):
        _core.resample(line, (4, 3), FRAME)
    with pytest.raises(InputError, match="32768"):
        _core.resample(images, (2**62, 3), FRAME)
    with pytest.raises(InputError, match="out of range"):
        _core.resample(images, (2**64, 3), FRAME)
    with pytest.raises(InputError, match="memory"):
        _core.orient(np.broadcast_to(np.uint8(0), (2**20, 2**20, 2**20)), (0, 1, 2), (0, 0, 0))


def test_no_reference_is_lost(images):
    """Neither by results nor by refusals."""
    mask = (images > 0.5).astype(np.uint8)
    affine, size, slices = np.eye(4), (4, 3), np.arange(3)
    frames = np.tile(FRAME, (3, 1))
    held = (images, mask, affine, FRAME, size, slices, frames)

    def use():
        _core.resample(images, size, FRAME)
        labels, n = _core.label(mask, affine)
        _core.lesion_table(labels, n, images, affine, cord=mask)
        _core.prepare_classification(images, mask, images, (1, 1, 1), mode="letter", size=size)
        _core.prepare_segmentation(images, (1, 1, 1), mode="physical")
        _core.restore_map(images, slices, frames, size, images.shape)
        _core.restore(images, FRAME, size)
        _core.unorient(_core.orient(images, (2, 1, 0), (0, 1, 0)), (2, 1, 0), (0, 1, 0))
        _core.normalize(images)
        for call in (
            lambda: _core.label(mask, affine, connectivity=5),
            lambda: _core.lesion_table(labels, n, images[1:], affine, cord=mask),
            lambda: _core.restore_map(images, slices, frames[1:], size, images.shape),
            lambda: _core.prepare_classification(images, mask[1:], None, (1, 1, 1), mode="letter"),
        ):
            with pytest.raises(InputError):
                call()

    use()
    before = [sys.getrefcount(x) for x in held]
    for _ in range(5):
        use()
    assert [sys.getrefcount(x) for x in held] == before
