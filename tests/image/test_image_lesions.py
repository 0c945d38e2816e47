"""Connected components and the lesion table, against SciPy and SimpleITK."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spinalcord import _core
from spinalcord.errors import InputError

OBLIQUE = np.array(
    [
        [3.28, 0.05, -0.11, -40.0],
        [0.27, 0.07, -0.79, 12.5],
        [0.16, -0.79, -0.03, 88.0],
        [0, 0, 0, 1],
    ]
)


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def blobs(rng, shape=(9, 40, 50), share=0.15):
    ndimage = pytest.importorskip("scipy.ndimage")
    noise = ndimage.gaussian_filter(rng.standard_normal(shape), 1.0)
    return (noise > np.quantile(noise, 1 - share)).astype(np.uint8)


@pytest.mark.parametrize("connectivity", [6, 18, 26])
@pytest.mark.parametrize("share", [0.02, 0.15, 0.5])
def test_label_equals_scipy(connectivity, share, rng):
    ndimage = pytest.importorskip("scipy.ndimage")
    mask = blobs(rng, share=share)
    labels, n = _core.label(mask, np.eye(4), connectivity=connectivity)
    rank = {6: 1, 18: 2, 26: 3}[connectivity]
    want, n_want = ndimage.label(mask, ndimage.generate_binary_structure(3, rank))
    assert n == n_want > 2
    assert labels.dtype == np.int32
    pairs = np.unique(np.stack([labels.ravel(), want.ravel()]), axis=1)
    assert pairs.shape[1] == n + 1
    assert len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == n + 1
    sizes = np.bincount(labels.ravel())[1:]
    first = [np.flatnonzero(labels == k)[0] for k in range(1, n + 1)]
    keys = list(zip(-sizes, first, strict=True))
    assert keys == sorted(keys)


def test_label_equals_simpleitk(rng):
    sitk = pytest.importorskip("SimpleITK")
    mask = blobs(rng)
    labels, n = _core.label(mask, np.eye(4))
    want = sitk.RelabelComponent(sitk.ConnectedComponent(sitk.GetImageFromArray(mask), True))
    want = sitk.GetArrayFromImage(want)
    assert n == want.max() > 5
    np.testing.assert_array_equal(np.bincount(labels.ravel()), np.bincount(want.ravel()))


def test_small_components_go():
    mask = np.zeros((2, 3, 9), np.uint8)
    mask[0, 0, :2] = mask[0, 2, 3:6] = mask[1, 0, 8] = 1
    affine = np.diag([2.0, 0.5, 0.5, 1.0])  # 0.5 mm3 a voxel
    for volume, kept in ((0.0, 3), (0.5, 3), (0.51, 2), (1.0, 2), (1.5, 1), (1.6, 0), (1e300, 0)):
        labels, n = _core.label(mask, affine, min_volume_mm3=volume)
        assert n == kept == labels.max(), volume
    labels, n = _core.label(mask, affine, min_volume_mm3=1.0)
    assert labels[0, 2, 3:6].tolist() == [1, 1, 1]
    assert labels[0, 0, :2].tolist() == [2, 2]


def test_rounding_in_the_affine_does_not_cost_a_lesion():
    mask = np.ones((1, 1, 3), np.uint8)
    affine = np.diag(np.float32([0.7, 0.9, 1.1, 1.0])).astype(np.float64)
    assert np.prod(np.diag(affine)) < 0.7 * 0.9 * 1.1
    assert _core.label(mask, affine, min_volume_mm3=3 * 0.7 * 0.9 * 1.1)[1] == 1


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 17), (3, 1, 1), (1, 5, 1)])
def test_thin_volumes(shape):
    labels, n = _core.label(np.ones(shape, np.uint8), np.eye(4))
    assert n == 1
    assert labels.min() == 1
    assert _core.label(np.zeros(shape, bool), np.eye(4))[1] == 0


def test_label_refuses():
    mask = np.ones((2, 2, 2), np.uint8)
    with pytest.raises(InputError, match="connectivity 8"):
        _core.label(mask, np.eye(4), connectivity=8)
    for volume in (-1.0, np.nan, np.inf):
        with pytest.raises(InputError, match="mm3"):
            _core.label(mask, np.eye(4), min_volume_mm3=volume)
    for affine in (np.zeros((4, 4)), np.diag([1, np.nan, 1, 1]), np.diag([1.0, 1, 0, 1])):
        with pytest.raises(InputError, match="singular or not finite"):
            _core.label(mask, affine)
    with pytest.raises(InputError, match="affine has shape"):
        _core.label(mask, np.eye(3))
    with pytest.raises(InputError, match="at least one"):
        _core.label(mask[:0], np.eye(4))
    with pytest.raises(TypeError, match="uint8"):
        _core.label(mask.astype(np.int16), np.eye(4))


def brute_diameter(mask, affine):
    corners = np.argwhere(mask)[:, None] + np.indices((2, 2, 2)).reshape(3, 8).T
    points = np.unique(corners.reshape(-1, 3), axis=0) @ affine[:3, :3].T
    return max(float(np.sqrt(((points - p) ** 2).sum(1)).max()) for p in points)


def table_of(mask, affine, volume, **kwargs):
    labels, n = _core.label(mask, affine)
    return labels, n, _core.lesion_table(labels, n, volume, affine, **kwargs)


@pytest.mark.parametrize("affine", [np.diag([3.3, 0.5, 0.7, 1.0]), OBLIQUE], ids=["box", "oblique"])
def test_table_equals_its_definitions(affine, rng):
    mask, cord = blobs(rng), np.zeros((9, 40, 50), np.uint8)
    cord[2:7, 3:38, 20:29] = 1
    volume = rng.normal(1000.0, 30.0, mask.shape).astype(np.float32)
    labels, n, table = table_of(mask, affine, volume, cord=cord)
    assert n > 10
    spacing = np.sqrt((affine[:3, :3] ** 2).sum(0))
    ratios = []
    for i in range(n):
        lesion = labels == i + 1
        where = np.argwhere(lesion)
        extents = (np.ptp(where, axis=0) + 1) * spacing
        assert table["label"][i] == i + 1
        assert table["n_voxels"][i] == len(where)
        volume_mm3 = len(where) * abs(np.linalg.det(affine[:3, :3]))
        np.testing.assert_allclose(table["volume_mm3"][i], volume_mm3)
        got = [table[k][i] for k in ("depth_mm", "length_mm", "width_mm")]
        np.testing.assert_allclose(got, extents)
        np.testing.assert_allclose(table["max_diameter_mm"][i], brute_diameter(lesion, affine))
        assert table["max_diameter_mm"][i] >= max(got)
        centre = affine[:3, :3] @ where.mean(0) + affine[:3, 3]
        np.testing.assert_allclose(table["centroid_mm"][i], centre)
        values = volume[lesion].astype(np.float64)
        np.testing.assert_allclose(table["mean"][i], values.mean())
        np.testing.assert_allclose(table["sd"][i], values.std(), atol=1e-9)
        np.testing.assert_allclose(table["in_cord_fraction"][i], cord[lesion].mean())
        both, whole = (lesion & (cord > 0)).sum((0, 2)), cord.sum((0, 2))
        ratio = (both[whole > 0] / whole[whole > 0]).max()
        np.testing.assert_allclose(table["max_axial_damage_ratio"][i], ratio)
        ratios.append(ratio)
    assert 0 < max(ratios) < 1
    assert min(ratios) == 0


def test_table_equals_simpleitk(rng):
    sitk = pytest.importorskip("SimpleITK")
    mask = blobs(rng)
    volume = rng.normal(500.0, 50.0, mask.shape).astype(np.float32)
    labels, n, table = table_of(mask, np.diag([3.3, 0.5, 0.7, 1.0]), volume)
    image, intensity = sitk.GetImageFromArray(labels), sitk.GetImageFromArray(volume)
    for one in (image, intensity):
        one.SetSpacing((0.7, 0.5, 3.3))
    shapes, values = sitk.LabelShapeStatisticsImageFilter(), sitk.LabelStatisticsImageFilter()
    shapes.ComputeFeretDiameterOn()
    shapes.Execute(image)
    values.Execute(intensity, image)
    assert "in_cord_fraction" not in table
    for i in range(n):
        k = i + 1
        np.testing.assert_allclose(table["volume_mm3"][i], shapes.GetPhysicalSize(k))
        np.testing.assert_allclose(table["centroid_mm"][i][::-1], shapes.GetCentroid(k), atol=1e-9)
        np.testing.assert_allclose(table["mean"][i], values.GetMean(k))
        low_high = np.reshape(values.GetBoundingBox(k), (3, 2))
        extents = (np.ptp(low_high, axis=1) + 1) * (0.7, 0.5, 3.3)
        got = [table[name][i] for name in ("width_mm", "length_mm", "depth_mm")]
        np.testing.assert_allclose(got, extents)
        # ITK's is between voxel centres: at most one voxel's diagonal less.
        feret, diagonal = shapes.GetFeretDiameter(k), math.hypot(0.7, 0.5, 3.3)
        assert feret < table["max_diameter_mm"][i] <= feret + diagonal + 1e-9


def test_one_voxel():
    mask = np.zeros((3, 4, 5), np.uint8)
    mask[1, 2, 3] = 1
    affine = np.array([[4.0, 0, 0, -10], [0, 0, -2, 20], [0, -0.5, 0, 30], [0, 0, 0, 1]])
    table = table_of(mask, affine, np.full(mask.shape, 7.0, np.float32))[2]
    want = {"label": 1, "n_voxels": 1, "volume_mm3": 4.0, "depth_mm": 4.0, "length_mm": 0.5,
            "width_mm": 2.0, "mean": 7.0, "sd": 0.0}  # fmt: skip
    assert {name: table[name][0] for name in want} == want
    assert table["centroid_mm"].tolist() == [[-6.0, 14.0, 29.0]]
    assert table["max_diameter_mm"][0] == pytest.approx(math.hypot(4, 0.5, 2))


def test_no_lesion_is_an_empty_table():
    volume = np.zeros((2, 3, 4), np.float32)
    table = table_of(np.zeros(volume.shape, np.uint8), np.eye(4), volume, cord=volume.astype(bool))[
        2
    ]
    assert {name: column.shape for name, column in table.items()} == {
        name: (0, 3) if name == "centroid_mm" else (0,)
        for name in ("label", "n_voxels", "volume_mm3", "length_mm", "width_mm", "depth_mm",
                     "max_diameter_mm", "centroid_mm", "mean", "sd", "in_cord_fraction",
                     "max_axial_damage_ratio")
    }  # fmt: skip


def test_a_big_lesion_is_measured_fast():
    """A ball of half a million voxels: all pairs of its surface would be 10^9."""
    s, r, c = np.ogrid[-50:51, -50:51, -50:51]
    ball = (s * s + r * r + c * c <= 50 * 50).astype(np.uint8)
    table = table_of(ball, np.eye(4), ball.astype(np.float32))[2]
    assert 101 < table["max_diameter_mm"][0] < 101 + math.sqrt(3)


def test_table_refuses():
    volume = np.zeros((2, 3, 4), np.float32)
    labels = np.zeros((2, 3, 4), np.int32)
    labels[0, 0, 0] = 2
    with pytest.raises(InputError, match="label 2 found, expected 0 to 1"):
        _core.lesion_table(labels, 1, volume, np.eye(4))
    with pytest.raises(InputError, match="label 1 does not occur"):
        _core.lesion_table(labels, 2, volume, np.eye(4))
    with pytest.raises(InputError, match="labels"):
        _core.lesion_table(labels, -1, volume, np.eye(4))
    labels[0, 0, 1] = 1
    with pytest.raises(InputError, match="volume has shape"):
        _core.lesion_table(labels, 2, volume[1:], np.eye(4))
    with pytest.raises(InputError, match="cord has shape"):
        _core.lesion_table(labels, 2, volume, np.eye(4), cord=np.zeros((2, 3, 5), np.uint8))
    with pytest.raises(InputError, match="singular"):
        _core.lesion_table(labels, 2, volume, np.zeros((4, 4)))
    with pytest.raises(TypeError, match="int32"):
        _core.lesion_table(labels.astype(np.int64), 2, volume, np.eye(4))
