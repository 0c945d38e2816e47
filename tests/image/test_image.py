"""Orientation and intensity, through the binding."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from spinalcord import _core
from spinalcord.errors import InputError

ORIENTATIONS = list(
    itertools.product(itertools.permutations(range(3)), itertools.product((False, True), repeat=3))
)
DTYPES = ["bool", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "g"]


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def oriented(array, axes, flips):
    """What `orient` promises, with NumPy."""
    steps = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
    return array.transpose(axes)[steps]


def stored(working, axes, flips):
    """A copy of a working volume as a scanner with other axes would have stored it."""
    steps = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
    return np.ascontiguousarray(working[steps].transpose(np.argsort(axes)))


@pytest.mark.parametrize(("axes", "flips"), ORIENTATIONS)
def test_orient_and_back_in_all_48_orientations(axes, flips, rng):
    array = rng.integers(-1000, 1000, (5, 34, 67)).astype(np.int16)
    working = _core.orient(array, axes, flips)
    assert working.dtype == np.float32
    assert working.flags.c_contiguous
    np.testing.assert_array_equal(working, oriented(array, axes, flips))
    np.testing.assert_array_equal(_core.unorient(working, axes, flips), array)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32, np.bool_])
def test_unorient_keeps_the_dtype(dtype, rng):
    working = rng.integers(0, 2, (4, 3, 5)).astype(dtype)
    back = _core.unorient(working, (2, 0, 1), (True, False, True))
    assert back.dtype == (np.uint8 if dtype == np.bool_ else dtype)
    assert back.shape == (3, 5, 4)
    np.testing.assert_array_equal(_core.orient(back, (2, 0, 1), (True, False, True)), working)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_real_dtype(dtype, order, rng):
    array = rng.integers(0, 100, (3, 4, 5)).astype(np.dtype(dtype).newbyteorder(order))
    np.testing.assert_array_equal(
        _core.orient(array, (1, 2, 0), (False, True, False)),
        oriented(array.astype(np.float32), (1, 2, 0), (False, True, False)),
    )


@pytest.mark.parametrize("dtype", ["c8", "U3", "M8[s]", "i4,i4", "O"])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(InputError, match="real numbers"):
        _core.orient(np.zeros((2, 2, 2), dtype), (0, 1, 2), (0, 0, 0))


def test_strides_of_any_kind(rng):
    big = rng.integers(0, 1000, (8, 9, 10)).astype(np.float64)
    unaligned = np.zeros(8 * 60 + 1, np.uint8)[1:].view(np.float64).reshape(3, 4, 5)
    unaligned[:] = big[:3, :4, :5]
    read_only = big.copy()
    read_only.flags.writeable = False
    for view in (
        big[::2, ::-3, 1::4],
        np.asfortranarray(big),
        np.broadcast_to(big[0, 0], (3, 4, 10)),
        read_only,
        unaligned,
        big[:1, :1, :1],
    ):
        kept = view.copy()
        np.testing.assert_array_equal(
            _core.orient(view, (2, 0, 1), (True, False, False)),
            oriented(kept, (2, 0, 1), (True, False, False)),
        )
        np.testing.assert_array_equal(view, kept)


def test_orient_refuses():
    volume = np.ones((2, 3, 4), np.float32)
    for axes in ((0, 1, 1), (0, 1, 3), (-1, 0, 1), (0, 1, 2**40)):
        with pytest.raises(InputError, match="permutation"):
            _core.orient(volume, axes, (0, 0, 0))
    with pytest.raises(InputError, match="axes has 2 items"):
        _core.orient(volume, (0, 1), (0, 0, 0))
    with pytest.raises(InputError, match="flips has 4 items"):
        _core.orient(volume, (0, 1, 2), (0, 0, 0, 0))
    with pytest.raises(InputError, match="empty"):
        _core.orient(volume[:0], (0, 1, 2), (0, 0, 0))
    with pytest.raises(TypeError, match="3 axes"):
        _core.orient(volume[0], (0, 1, 2), (0, 0, 0))
    with pytest.raises(TypeError, match="ndarray"):
        _core.orient([[[1.0]]], (0, 1, 2), (0, 0, 0))
    with pytest.raises(TypeError, match="uint8, int32 or float32"):
        _core.unorient(volume.astype(float), (0, 1, 2), (0, 0, 0))
    with pytest.raises(InputError, match="permutation"):
        _core.unorient(volume, (2, 1, 2), (0, 0, 0))
    with pytest.raises(InputError, match="empty"):
        _core.unorient(volume[:, :0], (2, 1, 0), (0, 0, 0))
    for dtype, bad in ((np.float32, [np.nan, np.inf]), (np.float64, [1e39, -np.inf])):
        spoilt = volume.astype(dtype)
        spoilt[1, 1, 1:3] = bad
        with pytest.raises(InputError, match="2 NaN or infinite values of 24"):
            _core.orient(spoilt, (2, 1, 0), (1, 1, 1))


def reference(volume, clip):
    z = (volume.astype(np.float64) - volume.mean(dtype=np.float64)) / volume.std(dtype=np.float64)
    z = np.clip(z, -clip, clip)
    return (z - z.min()) / (z.max() - z.min())


@pytest.mark.parametrize(("shape", "clip"), [((3, 5, 7), 5.0), ((21, 17, 33), 1.0), ((2,), 9.0)])
def test_normalize_equals_its_definition(shape, clip, rng):
    volume = rng.gamma(2.0, 300.0, shape).astype(np.float32)
    got = _core.normalize(volume, clip=clip)
    assert got.shape == shape
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, reference(volume, clip), rtol=0, atol=1e-7)
    assert got.min() == 0
    assert got.max() == 1


@pytest.mark.parametrize(("axes", "flips"), ORIENTATIONS)
def test_normalized_copies_have_the_same_bits(axes, flips, rng):
    working = rng.gamma(2.0, 300.0, (5, 11, 13)).astype(np.float32)
    want = _core.normalize(working)
    got = _core.normalize(_core.orient(stored(working, axes, flips), axes, flips))
    np.testing.assert_array_equal(got.view(np.uint32), want.view(np.uint32))


def test_normalize_refuses():
    volume = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    with pytest.raises(InputError, match=r"constant: all 24 voxels are 0\.1"):
        _core.normalize(np.full_like(volume, 0.1))
    with pytest.raises(InputError, match="empty"):
        _core.normalize(volume[:0])
    for clip in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(InputError, match="clip"):
            _core.normalize(volume, clip=clip)
    volume[0, 0, 0] = np.nan
    with pytest.raises(InputError, match="1 NaN"):
        _core.normalize(volume)
    with pytest.raises(TypeError, match="float32"):
        _core.normalize(volume.astype(float))
