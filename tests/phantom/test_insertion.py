from __future__ import annotations

import warnings

import nibabel
import numpy as np
import pytest

import spinalcord as sc
from spinalcord.errors import InputError, SpinalcordWarning
from spinalcord.phantom import DIAGNOSES, insert_lesion, make_case
from spinalcord.scans.writing import save_volume


@pytest.fixture(scope="module")
def hosts():
    return [make_case(None, seed, region="cervical", kind="3d") for seed in (31, 32)]


@pytest.fixture(scope="module")
def host(hosts):
    return hosts[0]


@pytest.mark.slow
@pytest.mark.parametrize("diagnosis", DIAGNOSES)
def test_a_lesion_is_put_into_the_cord_and_nowhere_else(host, diagnosis):
    result = insert_lesion(host.t2, host.cord, diagnosis, 2, difficulty=0)
    volume, lesion, parameters = result
    before, after = host.t2.array.astype(float), volume.array.astype(float)
    inside, cord = lesion.array > 0, result.cord.array > 0
    assert volume.array.dtype == host.t2.array.dtype
    assert inside.any()
    assert not (inside & ~cord).any()
    assert after[inside].mean() > 1.15 * np.median(before[host.cord.array > 0])
    assert (before != after).mean() < 0.05
    assert parameters["lesions"][0]["visible"]
    assert not host.lesion.array.any()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bits(host):
    one, two = (insert_lesion(host.t2, host.cord, "NMOSD", 6) for _ in range(2))
    np.testing.assert_array_equal(one.volume.array, two.volume.array)
    np.testing.assert_array_equal(one.lesion.array, two.lesion.array)
    assert one.parameters == two.parameters


@pytest.mark.slow
@pytest.mark.parametrize("style", ["ellipsoids", "contours", "chains"])
def test_every_style_puts_a_bright_lesion_into_the_cord(host, style):
    result = insert_lesion(host.t2, host.cord, "ependymoma", 4, difficulty=0, style=style)
    inside, cord = result.lesion.array > 0, result.cord.array > 0
    after = result.volume.array.astype(float)
    assert result.parameters["style"] == style
    assert inside.any()
    assert not (inside & ~cord).any()
    assert after[inside].mean() > 1.15 * np.median(host.t2.array[host.cord.array > 0])


@pytest.mark.slow
def test_a_stricter_rule_leaves_fewer_masks_and_the_same_scan(host):
    low, high = (
        insert_lesion(host.t2, host.cord, "MS", 5, style="ellipsoids", visible=v) for v in (0.1, 1)
    )
    np.testing.assert_array_equal(low.volume.array, high.volume.array)
    assert low.lesion.array.any()
    assert not high.lesion.array.any()


@pytest.mark.slow
def test_a_mask_in_a_file_is_read_as_a_mask(host, tmp_path):
    paths = [tmp_path / name for name in ("t2.nii.gz", "cord.nii.gz")]
    save_volume(host.t2, paths[0])
    # Stored in another axis order, with shares of voxels in place of 0 and 1.
    turned = host.cord.array.transpose(1, 2, 0).astype(np.float32) * 0.75
    affine = host.cord.affine[:, [1, 2, 0, 3]]
    save_volume(sc.Volume(turned, affine), paths[1])
    with warnings.catch_warnings():
        warnings.simplefilter("error", SpinalcordWarning)  # "this looks like a mask"
        got = insert_lesion(*paths, "MS", 9)
    want = insert_lesion(host.t2, host.cord, "MS", 9)
    assert want.lesion.array.any()
    np.testing.assert_array_equal(got.lesion.array, want.lesion.array)
    np.testing.assert_array_equal(got.volume.array, want.volume.array)


@pytest.mark.slow
def test_tumours_widen_the_cord(host):
    result = insert_lesion(host.t2, host.cord, "ependymoma", 4, difficulty=0)
    wider = result.cord.array.sum() / host.cord.array.sum()
    assert 1.01 < wider < 1.8


@pytest.mark.slow
@pytest.mark.parametrize("orientation", ["PSR", "LAS", "ASL"])
def test_every_orientation_gives_the_same_lesion(host, orientation):
    other = make_case(None, 31, region="cervical", kind="3d", orientation=orientation)
    one = insert_lesion(host.t2, host.cord, "MS", 9)
    two = insert_lesion(other.t2, other.cord, "MS", 9)
    assert two.volume.orientation.codes == orientation
    for a, b in ((one.volume, two.volume), (one.lesion, two.lesion), (one.cord, two.cord)):
        np.testing.assert_array_equal(a.sagittal().array, b.sagittal().array)


@pytest.mark.slow
def test_a_sham_moves_voxels_but_keeps_contrast_calibre_and_noise(host):
    result = insert_lesion(host.t2, host.cord, "astrocytoma", 4, sham=True)
    before, after = host.t2.array.astype(float), result.volume.array.astype(float)
    moved = (before != after) & (host.cord.array > 0)
    assert moved.sum() > 300
    assert not result.lesion.array.any()
    assert after[moved].mean() == pytest.approx(before[moved].mean(), rel=0.02)
    assert after[moved].std() == pytest.approx(before[moved].std(), rel=0.08)
    assert (
        abs(int(result.cord.array.sum()) - int(host.cord.array.sum()))
        < 0.02 * host.cord.array.sum()
    )


@pytest.mark.slow
@pytest.mark.parametrize("decoy", ["vertebra", "muscle"])
def test_a_decoy_is_as_bright_as_a_lesion_but_beside_the_cord(host, decoy):
    result = insert_lesion(host.t2, host.cord, "ependymoma", 4, difficulty=0, decoy=decoy)
    before = host.t2.sagittal().array.astype(float)
    after = result.volume.sagittal().array.astype(float)
    cord = host.cord.sagittal().array > 0
    assert not result.lesion.array.any()
    np.testing.assert_array_equal(result.cord.array, host.cord.array)
    np.testing.assert_array_equal(after[cord], before[cord])
    brighter = after - before > 0.3 * np.median(before[cord])
    assert brighter.sum() > 300
    # In each row in front of all cord, or behind it.
    rows = [r for r in range(cord.shape[1]) if brighter[:, r].any() and cord[:, r].any()]
    assert len(rows) > 10
    for row in rows:
        columns = np.nonzero(brighter[:, row].any(0))[0]
        own = np.nonzero(cord[:, row].any(0))[0]
        if decoy == "vertebra":
            assert np.median(columns) < own[0] - 2
        else:
            assert np.median(columns) > own[-1] + 2
    assert result.parameters["decoy"] == decoy
    assert not any(row["visible"] for row in result.parameters["lesions"])


@pytest.mark.slow
def test_a_feather_softens_the_margin_of_the_same_lesion(host):
    plain, same, soft = (
        insert_lesion(host.t2, host.cord, "MS", 9, difficulty=0, feather_mm=f)
        for f in (None, (1.2, 1.2), (4, 5))
    )
    pixel = max(host.t2.sagittal_spacing_mm[1:])
    assert plain.parameters["feather_mm"] == pytest.approx(1.2 * pixel, abs=1e-3)
    assert 4 <= soft.parameters["feather_mm"] <= 5
    assert soft.parameters["lesions"][0]["s_mm"] == plain.parameters["lesions"][0]["s_mm"]
    steps = [np.abs(np.diff(r.volume.array.astype(float) - host.t2.array, axis=1)).max()
             for r in (plain, soft)]  # fmt: skip
    assert steps[1] < 0.8 * steps[0]
    if pixel == 1:
        np.testing.assert_array_equal(same.volume.array, plain.volume.array)
    for bad in ((0, 1), (2, 1), (1, 11)):
        with pytest.raises(InputError, match="feather_mm"):
            insert_lesion(host.t2, host.cord, "MS", 9, feather_mm=bad)


def features(volume, cord, low, high):
    """Local statistics of the cord between two rows: level, spread, roughness, correlation."""
    scan = volume.sagittal().array.astype(float)[:, low:high]
    inside = cord[:, low:high]
    level = scan[inside].mean()
    out = [scan[inside].std() / level]
    for axis in range(3):
        n = scan.shape[axis]
        parts = [np.take(scan, range(k, n - 2 + k), axis) for k in range(3)]
        mid = np.take(inside, range(1, n - 1), axis)
        bend = (parts[0] - 2 * parts[1] + parts[2])[mid] / level
        step = (parts[1] - parts[0])[mid] / level
        out += [np.median(np.abs(bend)), np.median(np.abs(step)), np.percentile(np.abs(bend), 90)]
    return out


def scored(x, y):
    """Logistic regression, left-out scores over five folds."""
    x = (x - x.mean(0)) / x.std(0)
    x = np.column_stack([x, np.ones(len(x))])
    scores = np.empty(len(y))
    fold = np.arange(len(y)) // 2 % 5
    for k in range(5):
        w = np.zeros(x.shape[1])
        train = fold != k
        for _ in range(400):
            p = 1 / (1 + np.exp(-x[train] @ w))
            w -= 0.1 * (x[train].T @ (p - y[train]) / train.sum() + 0.02 * w)
        scores[~train] = x[~train] @ w
    return scores


def auc(scores, y):
    a, b = scores[y == 1][:, None], scores[y == 0][None]
    return float(np.mean((a > b) + 0.5 * (a == b)))


@pytest.mark.slow
def test_a_small_classifier_cannot_tell_a_sham_from_an_untouched_scan(hosts):
    rows, y = [], []
    for case in hosts:
        cord = case.cord.sagittal().array > 0
        for seed in range(24):
            name = DIAGNOSES[seed % 4]
            sham = insert_lesion(case.t2, case.cord, name, seed, sham=True).volume
            changed = (sham.sagittal().array != case.t2.sagittal().array).any((0, 2))
            touched = np.nonzero(changed)[0]
            low, high = touched[0], touched[-1] + 1
            # The untouched twin is the same stretch: place and anatomy tell nothing.
            rows.append(features(sham, cord, low, high))
            rows.append(features(case.t2, cord, low, high))
            y += [1, 0]
    rows, y = np.array(rows), np.array(y)
    value = auc(scored(rows, y), y)
    assert 0.4 <= value <= 0.6, value


@pytest.mark.slow
def test_the_small_classifier_does_see_what_is_there(hosts):
    """Smoothing in place of a sham is found, so the test above could fail."""
    case = hosts[0]
    cord = case.cord.sagittal().array > 0
    scan = case.t2.sagittal()
    smooth = scan.array.astype(np.float32)
    smooth[:, 1:-1] = (smooth[:, :-2] + 2 * smooth[:, 1:-1] + smooth[:, 2:]) / 4
    blurred = scan.like(smooth)
    rows, y = [], []
    for start in range(20, 160, 5):
        rows += [
            features(blurred, cord, start, start + 40),
            features(scan, cord, start, start + 40),
        ]
        y += [1, 0]
    assert auc(scored(np.array(rows), np.array(y)), np.array(y)) > 0.9


def test_masks_that_do_not_fit_are_refused(host):
    elsewhere = np.eye(4)
    elsewhere[:3, 3] = 5000
    with pytest.raises(InputError, match="nor where the scan is"):
        insert_lesion(host.t2, sc.Volume(np.ones((9, 9, 9)), elsewhere), "MS", 0)
    with pytest.raises(InputError, match="covers 9 mm head to foot; at least 40 mm are expected"):
        insert_lesion(host.t2, sc.Volume(np.ones((9, 9, 9)), np.eye(4)), "MS", 0)
    with pytest.raises(InputError, match="NaN"):
        insert_lesion(host.t2, host.cord.like(np.full(host.cord.shape, np.nan)), "MS", 0)
    with pytest.raises(InputError, match="40 mm"):
        insert_lesion(host.t2, host.cord.like(np.zeros(host.cord.shape, np.uint8)), "MS", 0)
    with pytest.raises(InputError, match="flu"):
        insert_lesion(host.t2, host.cord, "flu", 0)
    with pytest.raises(InputError, match="and sham"):
        insert_lesion(host.t2, host.cord, "MS", 0, sham=True, decoy="muscle")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["errsm_11", "errsm_21"])
def test_a_real_scan_takes_a_lesion(scans, name):
    folder = scans / "nifti_cord" / name
    scan = sc.read(folder / "t2.nii.gz")
    mask = sc.Volume.from_any(nibabel.load(folder / "t2_manual_segmentation.nii.gz"))
    result = insert_lesion(scan, mask, "NMOSD", 3, difficulty=0, style="ellipsoids")
    inside = result.lesion.array > 0
    assert inside.sum() > 100
    assert result.volume.array[inside].mean() > 1.2 * np.median(scan.array[mask.array > 0])
