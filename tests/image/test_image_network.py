"""Preparation for the networks and the way back, against PyTorch and SimpleITK."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from spinalcord import _core
from spinalcord.errors import InputError

SAME = np.array([0.0, 1.0, 0.0, 1.0])


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def smooth(shape):
    """A volume without an edge that a coarser grid could not hold."""
    s, r, c = np.meshgrid(*(np.arange(n) / 9.0 for n in shape), indexing="ij")
    return (0.5 + 0.2 * np.sin(r + s) + 0.2 * np.cos(1.3 * c - s)).astype(np.float32)


def letter_frame(rows, cols, h, w):
    return np.array([0.5 * rows / h - 0.5, rows / h, 0.5 * cols / w - 0.5, cols / w])


SIZES = [(384, 216, 256, 256), (7, 5, 13, 4), (1, 1, 3, 2), (9, 1, 1, 8), (256, 256, 256, 256)]


@pytest.mark.parametrize(("rows", "cols", "h", "w"), SIZES)
def test_letter_equals_torch(rows, cols, h, w, rng):
    torch = pytest.importorskip("torch")
    volume = rng.random((3, rows, cols), np.float32)
    images, frame = _core.prepare_segmentation(volume, (1, 1, 1), mode="letter", size=(h, w))
    assert images.shape == (3, 1, h, w)
    np.testing.assert_allclose(frame, letter_frame(rows, cols, h, w))
    want = torch.nn.functional.interpolate(
        torch.from_numpy(volume)[:, None], (h, w), mode="bilinear", align_corners=False
    )
    np.testing.assert_allclose(images, want.numpy(), rtol=0, atol=3e-5)
    back = _core.restore(images[:, 0], frame, (rows, cols))
    want = torch.nn.functional.interpolate(
        torch.from_numpy(images), (rows, cols), mode="bilinear", align_corners=False
    )
    np.testing.assert_allclose(back, want.numpy()[:, 0], rtol=0, atol=3e-5)


@pytest.mark.parametrize(("rows", "cols", "h", "w"), SIZES)
def test_nearest_equals_torch(rows, cols, h, w, rng):
    torch = pytest.importorskip("torch")
    mask = rng.integers(0, 9, (2, rows, cols)).astype(np.float32)
    got = _core.resample(mask, (h, w), letter_frame(rows, cols, h, w), filter="nearest")
    want = torch.nn.functional.interpolate(
        torch.from_numpy(mask)[:, None], (h, w), mode="nearest-exact"
    )
    np.testing.assert_array_equal(got, want.numpy()[:, 0])


@pytest.mark.parametrize(("h", "w", "kh", "kw"), [(8, 6, 2, 3), (15, 15, 5, 1), (4, 4, 4, 4)])
def test_area_equals_torch_over_whole_pixels(h, w, kh, kw, rng):
    torch = pytest.importorskip("torch")
    images = rng.integers(0, 64, (2, h * kh, w * kw)).astype(np.float32)
    got = _core.resample(images, (h, w), letter_frame(h * kh, w * kw, h, w))
    want = torch.nn.functional.avg_pool2d(torch.from_numpy(images), (kh, kw))
    np.testing.assert_allclose(got, want.numpy(), rtol=1e-6)


def area_matrix(n_src, n, start, step):
    """Share of source pixel k in pixel i: the overlap of their boxes."""
    low = start + np.arange(n)[:, None] * step - step / 2
    k = np.arange(n_src)[None]
    share = np.clip(np.minimum(low + step, k + 0.5) - np.maximum(low, k - 0.5), 0, None)
    return share / share.sum(1, keepdims=True)


@pytest.mark.parametrize("spacing", [(0.3, 0.45), (0.7, 0.9999), (0.53, 0.21)])
def test_area_equals_its_definition(spacing, rng):
    volume = rng.random((2, 67, 101), np.float32)
    images, frame = _core.prepare_segmentation(volume, (4.0, *spacing), mode="physical")
    used = [int(np.ceil(n * mm - 0.01)) for n, mm in zip((67, 101), spacing, strict=True)]
    down = area_matrix(67, used[0], frame[0], frame[1])
    along = area_matrix(101, used[1], frame[2], frame[3])
    want = np.einsum("ir,nrc,jc->nij", down, volume, along)
    np.testing.assert_allclose(images[:, 0, : used[0], : used[1]], want, rtol=0, atol=1e-6)
    assert not images[:, 0, used[0] :].any()
    assert not images[:, 0, :, used[1] :].any()
    assert all(n % 16 == 0 for n in images.shape[2:])


def test_at_its_own_spacing_a_volume_is_copied_and_padded(rng):
    volume = rng.random((3, 33, 48), np.float32)
    images, frame = _core.prepare_segmentation(volume, (5, 0.8, 0.8), mode="physical", pixel_mm=0.8)
    assert images.shape == (3, 1, 48, 48)
    np.testing.assert_array_equal(frame, SAME)
    np.testing.assert_array_equal(images[:, 0, :33], volume)
    assert not images[:, 0, 33:].any()
    np.testing.assert_array_equal(_core.restore(images[:, 0], frame, (33, 48)), volume)


def itk_slice(sitk, array, spacing):
    image = sitk.GetImageFromArray(array)  # rows, columns -> y, x
    image.SetSpacing(spacing[::-1])
    return image


@pytest.mark.parametrize(
    ("spacing", "pixel_mm"), [((1.3, 1.7), 1.0), ((1.0, 2.5), 0.8), ((1.1, 1.1), 1.0)]
)
def test_enlarging_equals_simpleitk_in_millimetres(spacing, pixel_mm):
    """Not the same index arithmetic: ITK is told where the pixels lie in space."""
    sitk = pytest.importorskip("SimpleITK")
    volume = smooth((2, 41, 57))
    images, frame = _core.prepare_segmentation(
        volume, (3.0, *spacing), mode="physical", pixel_mm=pixel_mm
    )
    used = [int(np.ceil(n * mm / pixel_mm - 0.01)) for n, mm in zip((41, 57), spacing, strict=True)]
    middle = [(n - 1) / 2 * mm for n, mm in zip((41, 57), spacing, strict=True)]
    origin = [m - (n - 1) / 2 * pixel_mm for m, n in zip(middle, used, strict=True)]
    np.testing.assert_allclose(frame[::2] * spacing, origin, atol=1e-9)
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize(used[::-1])
    resampler.SetOutputSpacing([pixel_mm, pixel_mm])
    resampler.SetOutputOrigin(origin[::-1])
    resampler.SetInterpolator(sitk.sitkLinear)
    resampler.SetUseNearestNeighborExtrapolator(True)
    for got, source in zip(images[:, 0], volume, strict=True):
        want = sitk.GetArrayFromImage(resampler.Execute(itk_slice(sitk, source, spacing)))
        inner = (slice(2, used[0] - 2), slice(2, used[1] - 2))
        np.testing.assert_allclose(got[inner], want[inner], rtol=0, atol=1e-5)
        assert np.ptp(want[inner]) > 0.3


@pytest.mark.parametrize("mode", ["letter", "physical"])
@pytest.mark.parametrize("spacing", [(0.5, 0.6), (1.0, 1.0), (1.9, 1.2), (0.4, 2.2)])
def test_there_and_back_keeps_the_place(mode, spacing):
    """A blob comes back with its centre where it was: no drift, no half pixel."""
    r, c = np.meshgrid(np.arange(160.0), np.arange(121.0), indexing="ij")
    blob = np.exp(-(((r - 101.3) / 9) ** 2) - ((c - 33.7) / 9) ** 2).astype(np.float32)
    images, frame = _core.prepare_segmentation(blob[None], (3.0, *spacing), mode=mode)
    back = _core.restore(images[:, 0], frame, blob.shape)[0]
    for weights in (blob, back):
        centre = [(axis * weights).sum() / weights.sum() for axis in (r, c)]
        np.testing.assert_allclose(centre, [101.3, 33.7], atol=0.02)
    assert np.abs(back - blob).max() < 0.1


def test_padding_does_not_bleed_into_the_scan():
    volume = np.ones((1, 20, 33), np.float32)
    images, frame = _core.prepare_segmentation(volume, (1, 0.9, 1.1), mode="physical")
    probability = np.where(images[:, 0] > 0, 0.25, 1.0).astype(np.float32)
    assert (probability == 1.0).any()
    np.testing.assert_array_equal(_core.restore(probability, frame, (20, 33)), 0.25)


def lesion_case(rng):
    t2 = rng.random((6, 90, 70), np.float32)
    t1c = rng.random((6, 90, 70), np.float32)
    mask = np.zeros((6, 90, 70), np.uint8)
    mask[1, 10:15, 20:31] = 1
    mask[4, 80:90, 0:3] = 255
    mask[4, 70, 60] = 1
    return t2, mask, t1c


def test_classification_windows_are_crops_of_the_scan(rng):
    t2, mask, t1c = lesion_case(rng)
    images, slices, frames = _core.prepare_classification(
        t2, mask, t1c, (3, 1, 1), mode="physical", size=(32, 40)
    )
    assert slices.tolist() == [1, 4]
    assert images.shape == (2, 3, 32, 40)
    # Boxes' middles: (12, 25) and (79.5, 1), the second's columns 0 to 60 being too wide for
    # the window and cut to 0 to 2; the windows' middles are 15.5 and 19.5 pixels in.
    assert frames.tolist() == [[-3.0, 1.0, 6.0, 1.0], [69.0, 1.0, -18.0, 1.0]]
    padded = np.pad(
        np.stack([t1c, t2, (mask > 0).astype(np.float32)], 1), [(0,), (0,), (64,), (64,)]
    )
    for image, s, (top, _, left, _) in zip(images, slices, frames, strict=True):
        y, x = int(top) + 64, int(left) + 64
        np.testing.assert_array_equal(image, padded[s, :, y : y + 32, x : x + 40])
    assert images[0, 2].sum() == 5 * 11
    without, _, _ = _core.prepare_classification(
        t2, mask, None, (3, 1, 1), mode="physical", size=(32, 40)
    )
    assert not without[:, 0].any()
    np.testing.assert_array_equal(without[:, 1:], images[:, 1:])


def test_a_window_is_cut_from_the_segmentation_networks_pixels(rng):
    t2, mask, _ = lesion_case(rng)
    whole, frame = _core.prepare_segmentation(t2, (3, 0.6, 1.4), mode="physical")
    images, slices, frames = _core.prepare_classification(
        t2, mask, None, (3, 0.6, 1.4), mode="physical", size=(24, 16)
    )
    for image, s, window in zip(images, slices, frames, strict=True):
        top, left = np.rint((window - frame)[[0, 2]] / frame[[1, 3]]).astype(int)
        np.testing.assert_allclose(
            window, frame + np.multiply(frame[[1, 1, 3, 3]], [top, 0, left, 0])
        )
        crop = np.pad(whole[s, 0], 32)[top + 32 : top + 56, left + 32 : left + 48]
        np.testing.assert_allclose(image[1], crop, rtol=0, atol=1e-6)
        assert image[2].any()


def test_classification_as_the_letter_did(rng):
    torch = pytest.importorskip("torch")
    t2, mask, t1c = lesion_case(rng)
    images, slices, frames = _core.prepare_classification(
        t2, mask, t1c, (3, 0.6, 1.4), mode="letter", size=(64, 96)
    )
    np.testing.assert_allclose(frames, [letter_frame(90, 70, 64, 96)] * 2)
    channels = torch.from_numpy(np.stack([t1c, t2], 1)[slices])
    want = torch.nn.functional.interpolate(channels, (64, 96), mode="bilinear")
    np.testing.assert_allclose(images[:, :2], want.numpy(), rtol=0, atol=1e-5)
    lesion = torch.from_numpy((mask[slices] > 0).astype(np.float32))[:, None]
    want = torch.nn.functional.interpolate(lesion, (64, 96), mode="nearest-exact")
    np.testing.assert_array_equal(images[:, 2:], want.numpy())
    assert want.any()


def test_no_lesion_is_no_image(rng):
    t2, mask, t1c = lesion_case(rng)
    images, slices, frames = _core.prepare_classification(
        t2, np.zeros_like(mask), t1c, (3, 1, 1), mode="physical"
    )
    assert (images.shape, slices.shape, frames.shape) == ((0, 3, 256, 256), (0,), (0, 4))
    cam = _core.restore_map(np.zeros((0, 8, 8), np.float32), slices, frames, (256, 256), t2.shape)
    assert cam.shape == t2.shape
    assert not cam.any()


def test_a_map_comes_back_under_its_window(rng):
    torch = pytest.importorskip("torch")
    t2, mask, _ = lesion_case(rng)
    _, slices, frames = _core.prepare_classification(
        t2, mask, None, (3, 1, 1), mode="physical", size=(32, 64)
    )
    maps = rng.random((2, 4, 8), np.float32)
    cam = _core.restore_map(maps, slices, frames, (32, 64), t2.shape)
    full = torch.nn.functional.interpolate(
        torch.from_numpy(maps)[:, None], (32, 64), mode="bilinear", align_corners=False
    ).numpy()[:, 0]
    want = np.zeros((6, 90 + 128, 70 + 128), np.float32)
    for s, (top, _, left, _), one in zip(slices, frames, full, strict=True):
        y, x = int(top) + 64, int(left) + 64
        want[s, y : y + 32, x : x + 64] = one
    want = want[:, 64:-64, 64:-64]
    assert np.count_nonzero(want) > 2000
    np.testing.assert_allclose(cam, want, rtol=0, atol=1e-6)


@pytest.mark.parametrize("mode", ["letter", "physical"])
def test_a_mask_of_a_reoriented_copy_is_the_same_anatomy(mode, rng):
    """Bit for bit, from stored voxels to the stored mask."""
    array = rng.gamma(2.0, 100.0, (7, 40, 51)).astype(np.float32)
    spacing = (3.3, 0.7, 0.9)

    def mask_of(stored, axes, flips):
        working = _core.normalize(_core.orient(stored, axes, flips))
        images, frame = _core.prepare_segmentation(working, spacing, mode=mode, size=(64, 48))
        probability = _core.restore(images[:, 0], frame, working.shape[1:])
        mask = (probability >= np.float32(0.3)).astype(np.uint8)
        labels, _ = _core.label(mask, np.diag([*spacing, 1.0]), min_volume_mm3=20.0)
        return _core.unorient((labels > 0).astype(np.uint8), axes, flips)

    want = mask_of(array, (0, 1, 2), (False, False, False))
    assert 0.05 < want.mean() < 0.95
    for axes in itertools.permutations(range(3)):
        for flips in itertools.product((False, True), repeat=3):
            steps = tuple(slice(None, None, -1 if f else 1) for f in flips)
            stored = array[steps].transpose(np.argsort(axes))
            got = mask_of(stored, axes, flips)
            np.testing.assert_array_equal(got, want[steps].transpose(np.argsort(axes)))


def test_outside_and_nearest_on_small_integers():
    image = np.array([[[1, 2], [3, 4]]], np.float32)
    frame = np.array([-1.0, 1.0, -1.0, 1.0])
    edge = _core.resample(image, (4, 4), frame, filter="nearest", outside="edge")
    assert edge[0].tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    zero = _core.resample(image, (4, 4), frame, filter="linear")
    assert zero[0].tolist() == [[0, 0, 0, 0], [0, 1, 2, 0], [0, 3, 4, 0], [0, 0, 0, 0]]


def test_shapes_and_numbers_that_are_refused(rng):
    volume = rng.random((2, 9, 8), np.float32)
    for kwargs, message in (
        ({"mode": "other"}, "mode is 'other'"),
        ({"mode": "letter", "size": (0, 5)}, "size contains 0"),
        ({"mode": "letter", "size": (5000, 5)}, "1 to 4096"),
        ({"mode": "letter", "size": (5, 2**70)}, "out of range"),
        ({"mode": "letter", "size": (5, 6, 7)}, "size has 3 items"),
        ({"mode": "physical", "pixel_mm": 0.0}, "positive lengths"),
        ({"mode": "physical", "pixel_mm": np.nan}, "positive lengths"),
        ({"mode": "physical", "pixel_mm": 1e-3}, "more than 4096 pixels"),
    ):
        with pytest.raises(InputError, match=message):
            _core.prepare_segmentation(volume, (1, 1, 1), **kwargs)
    with pytest.raises(InputError, match="positive lengths"):
        _core.prepare_segmentation(volume, (1, np.inf, 1), mode="physical")
    with pytest.raises(InputError, match="spacing_mm has 2"):
        _core.prepare_segmentation(volume, (1, 1), mode="physical")
    with pytest.raises(TypeError, match="mode"):
        _core.prepare_segmentation(volume, (1, 1, 1))
    with pytest.raises(TypeError):
        _core.prepare_segmentation(volume, (1, "a", 1), mode="physical")
    for bad in (volume[:, :0], volume[:, :, :0]):
        with pytest.raises(InputError, match="at least one"):
            _core.prepare_segmentation(bad, (1, 1, 1), mode="physical")


def test_not_finite_is_refused_everywhere(rng):
    volume = rng.random((2, 9, 8), np.float32)
    mask = np.ones((2, 9, 8), np.uint8)
    volume[1, 2, 3] = np.nan
    _, slices, frames = _core.prepare_classification(
        np.zeros_like(volume), mask, None, (1, 1, 1), mode="letter"
    )
    calls = (
        lambda: _core.prepare_segmentation(volume, (1, 1, 1), mode="letter"),
        lambda: _core.restore(volume, SAME, (9, 8)),
        lambda: _core.resample(volume, (9, 8), SAME),
        lambda: _core.prepare_classification(volume, mask, None, (1, 1, 1), mode="letter"),
        lambda: _core.prepare_classification(
            np.zeros_like(volume), mask, volume, (1, 1, 1), mode="letter"
        ),
        lambda: _core.restore_map(volume, slices, frames, (256, 256), volume.shape),
    )
    for call in calls:
        with pytest.raises(InputError, match="1 NaN or infinite"):
            call()


def test_restore_refuses(rng):
    images = rng.random((2, 16, 16), np.float32)
    with pytest.raises(InputError, match="show nothing"):
        _core.restore(images, np.array([100.0, 1.0, 0.0, 1.0]), (9, 8))
    for frame in ([0.0, 0.0, 0.0, 1.0], [0.0, -1.0, 0.0, 1.0], [np.nan, 1.0, 0.0, 1.0]):
        with pytest.raises(InputError):
            _core.restore(images, np.array(frame), (9, 8))
        with pytest.raises(InputError, match="positive step"):
            _core.resample(images, (9, 8), np.array(frame))
    for shape in ((0, 8), (40000, 8), (2**40, 2**40), (-1, 8)):
        with pytest.raises(InputError, match="1 to 32768"):
            _core.restore(images, SAME, shape)
    with pytest.raises(InputError, match="frame has shape"):
        _core.restore(images, SAME[:3], (9, 8))
    with pytest.raises(TypeError, match="3 axes"):
        _core.restore(images[0], SAME, (9, 8))


def test_restore_map_refuses(rng):
    maps, frames = rng.random((1, 2, 2), np.float32), SAME[None]
    for slices in ([-1], [3]):
        with pytest.raises(InputError, match="expected 0 to 2"):
            _core.restore_map(maps, np.array(slices), frames, (8, 8), (3, 9, 8))
    with pytest.raises(InputError, match="slices has shape"):
        _core.restore_map(maps, np.array([0, 1]), frames, (8, 8), (3, 9, 8))
    with pytest.raises(InputError, match="size contains 0"):
        _core.restore_map(maps, np.array([0]), frames, (0, 8), (3, 9, 8))
    with pytest.raises(InputError, match="positive step"):
        _core.restore_map(maps, np.array([0]), -frames, (8, 8), (3, 9, 8))
    with pytest.raises(InputError, match="frames has shape"):
        _core.restore_map(maps, np.array([0]), SAME[None].repeat(2, 0), (8, 8), (3, 9, 8))


def test_classification_refuses_other_shapes(rng):
    t2, mask, t1c = lesion_case(rng)
    with pytest.raises(InputError, match=r"mask has shape \(6, 90, 69\), expected \(6, 90, 70\)"):
        _core.prepare_classification(t2, mask[..., 1:], t1c, (1, 1, 1), mode="letter")
    with pytest.raises(InputError, match="t1c has shape"):
        _core.prepare_classification(t2, mask, t1c[1:], (1, 1, 1), mode="letter")
    with pytest.raises(TypeError, match="uint8"):
        _core.prepare_classification(t2, mask.astype(int), t1c, (1, 1, 1), mode="letter")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["errsm_11", "errsm_18"])
def test_a_real_scan_comes_back(scans, name):
    nibabel = pytest.importorskip("nibabel")
    image = nibabel.load(scans / "nifti_cord" / name / "t2.nii.gz")
    volume = _core.normalize(_core.orient(np.asanyarray(image.dataobj), (2, 1, 0), (0, 1, 0)))
    for pixel_mm in (1.0, 0.7):
        images, frame = _core.prepare_segmentation(
            volume, (1, 1, 1), mode="physical", pixel_mm=pixel_mm
        )
        back = _core.restore(images[:, 0], frame, volume.shape[1:])
        assert np.corrcoef(back.ravel(), volume.ravel())[0, 1] > 0.98


def test_many_threads_get_the_same_bits(rng):
    volume = rng.random((8, 120, 90), np.float32)

    def there_and_back(_):
        images, frame = _core.prepare_segmentation(volume, (3, 0.7, 1.3), mode="physical")
        return images, _core.restore(images[:, 0], frame, volume.shape[1:])

    images, back = there_and_back(0)
    with ThreadPoolExecutor(4) as pool:
        for got in pool.map(there_and_back, range(12)):
            np.testing.assert_array_equal(got[0], images)
            np.testing.assert_array_equal(got[1], back)


@pytest.mark.parametrize("step", [0.3, 1.0, 1.25, 3.5, 50.0])
def test_neighbours_equal_numpy(step, rng):
    images = rng.random((6, 3, 4), np.float32)
    stacked = _core.with_context(images, step)
    assert stacked.shape == (6, 3, 3, 4)
    np.testing.assert_array_equal(stacked[:, 1], images)
    slices = np.arange(6)
    for channel, sign in ((0, -1), (2, 1)):
        for row, column in itertools.product(range(3), range(4)):
            want = np.interp(slices + sign * step, slices, images[:, row, column])
            np.testing.assert_allclose(stacked[:, channel, row, column], want, atol=1e-6)


def test_neighbours_of_one_slice_are_itself(rng):
    image = rng.random((1, 2, 3), np.float32)
    np.testing.assert_array_equal(_core.with_context(image, 1.5)[0], image[[0, 0, 0]])


def test_neighbours_need_slices_and_a_step():
    with pytest.raises(InputError, match="at least one of each"):
        _core.with_context(np.zeros((0, 2, 2), np.float32), 1.0)
    for step in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(InputError, match="positive number"):
            _core.with_context(np.zeros((2, 2, 2), np.float32), step)
    with pytest.raises(TypeError):
        _core.with_context(np.zeros((2, 2), np.float32), 1.0)
