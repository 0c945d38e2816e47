"""The core's statistics as Python sees them: values, refusals, threads."""

from __future__ import annotations

import signal
import threading
import time

import numpy as np
import pytest
from stats.cases import plain_auc, scored

from spinalcord import _core
from spinalcord.errors import InputError

UNIT, STRATA = np.arange(5), np.array([2, 3])
TRUTH = np.array([1, 1, 0, 0, 0], np.uint8)
SCORES = np.array([[0.9, 0.4, 0.4, 0.1, 0.2]])


def draw(scores=SCORES, truth=TRUTH, unit=UNIT, strata=STRATA, **options):
    options = {"replicates": 100, "seed": 1, "threads": 1, **options}
    return _core.auc_bootstrap(scores, truth, unit, strata, **options)


@pytest.mark.parametrize("ties", [False, True])
def test_placements_are_their_definition(ties):
    truth, s = scored(37, 23, models=3, ties=ties)
    got = _core.placements(s, truth.astype(np.uint8))
    for m in range(3):
        for i in range(60):
            others = s[m, truth != truth[i]]
            lower, higher = (s[m, i] > others).mean(), (s[m, i] < others).mean()
            want = (lower if truth[i] else higher) + (s[m, i] == others).mean() / 2
            assert got[m, i] == pytest.approx(want, abs=1e-15)
        assert got[m, truth == 1].mean() == pytest.approx(plain_auc(truth, s[m]), abs=1e-14)


def test_placements_take_infinity_bool_and_strides():
    s = np.array([[np.inf, 7, -np.inf, 7, 0, 7]])[:, ::2]  # inf, -inf, 0
    assert _core.placements(s, np.array([True, False, False])).tolist() == [[1, 1, 1]]


@pytest.mark.parametrize(
    ("scores", "truth", "message"),
    [
        ([[1.0, np.nan]], [0, 1], "score 2 of 2 is NaN"),
        ([[1.0, 2.0]], [1, 1], "2 of 2 cases are positive; expected both classes"),
        ([[1.0, 2.0]], [0, 0], "0 of 2 cases are positive"),
        ([[1.0, 2.0]], [0, 1, 1], "positive"),
        (np.empty((1, 0)), [], "0 cases"),
    ],
)
def test_placements_refuse(scores, truth, message):
    with pytest.raises(InputError, match=message):
        _core.placements(np.array(scores), np.array(truth, np.uint8))


def test_placements_want_float64_in_two_axes():
    with pytest.raises(TypeError, match="float64"):
        _core.placements(SCORES.astype(np.float32), TRUTH)
    with pytest.raises(TypeError, match="2 axes"):
        _core.placements(SCORES[0], TRUTH)


def test_bootstrap_is_the_same_for_any_number_of_threads():
    truth, s = scored(31, 44, models=2, ties=True)
    unit, strata = np.arange(75), np.array([75])
    one = draw(s, truth.astype(np.uint8), unit, strata, replicates=333, seed=7)
    for threads in (2, 3, 5):
        other = draw(
            s, truth.astype(np.uint8), unit, strata, replicates=333, seed=7, threads=threads
        )
        np.testing.assert_array_equal(one, other)
    assert len(np.unique(one[:, 0])) > 50
    longer = draw(s, truth.astype(np.uint8), unit, strata, replicates=500, seed=7)
    np.testing.assert_array_equal(longer[:333], one)
    assert not np.array_equal(
        one, draw(s, truth.astype(np.uint8), unit, strata, replicates=333, seed=8)
    )


def test_bootstrap_stays_within_strata_and_draws_whole_units():
    # Two units per class; a unit's cases share a score, so that AUC tells which were drawn.
    truth = np.repeat([1, 1, 0, 0], 3).astype(np.uint8)
    unit = np.repeat([0, 1, 2, 3], 3)
    s = np.repeat([4.0, 2.0, 3.0, 1.0], 3)[None]
    got = draw(s, truth, unit, np.array([2, 2]), replicates=4000)[:, 0]
    # Positives (4,4), (4,2) twice, (2,2); negatives likewise with 3 and 1.
    values, counts = np.unique(got, return_counts=True)
    assert values.tolist() == [0, 0.5, 0.75, 1]
    pairs = [[(p > q) for p in pos for q in neg] for pos in ((4, 4), (4, 2), (2, 4), (2, 2))
             for neg in ((3, 3), (3, 1), (1, 3), (1, 1))]  # fmt: skip
    means = [np.mean(p) for p in pairs]
    want = {v: means.count(v) / 16 for v in values}
    np.testing.assert_allclose(counts / 4000, [want[v] for v in values], atol=0.03)


def test_sample_without_a_class_is_nan():
    got = draw(
        SCORES[:, :2], np.array([1, 0], np.uint8), np.arange(2), np.array([2]), replicates=400
    )
    assert 0.4 < np.isnan(got).mean() < 0.6
    assert np.unique(got[~np.isnan(got)]).tolist() == [1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"replicates": 0}, "0 replicates"),
        ({"threads": 0}, "0 threads"),
        ({"unit": np.array([0, 1, 2, 3, 5])}, "unit 5; expected 0 to 4"),
        ({"unit": np.array([0, 1, 2, 3, -1])}, "unit -1"),
        ({"unit": np.arange(4)}, "unit"),
        ({"strata": np.array([2, 0])}, "stratum 2 has 0 units"),
        ({"strata": np.array([2, 2**40])}, "stratum 2 has"),
        ({"strata": np.array([], int)}, "0 strata"),
        ({"truth": np.zeros(5, np.uint8)}, "expected both classes"),
        ({"scores": SCORES * np.nan}, "NaN"),
        ({"scores": np.empty((0, 5))}, "0 models"),
    ],
)
def test_bootstrap_refuses(change, message):
    with pytest.raises(InputError, match=message):
        draw(**change)


def test_ctrl_c_stops_a_long_bootstrap(interruptible):
    truth, s = scored(3000, 3000)
    unit, strata = np.arange(6000), np.array([6000])
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    start = time.monotonic()
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        draw(s, truth.astype(np.uint8), unit, strata, replicates=3_000_000)
    assert time.monotonic() - start < 5


def test_ratio_bootstrap_is_the_same_for_any_number_of_threads():
    x = np.random.default_rng(0).normal(size=50)
    options = {"replicates": 500, "seed": 2}
    one = _core.ratio_bootstrap(x, np.ones(50), threads=1, **options)
    np.testing.assert_array_equal(one, _core.ratio_bootstrap(x, np.ones(50), threads=3, **options))
    assert one.std() == pytest.approx(x.std() / np.sqrt(50), rel=0.1)
    for change in ({"replicates": 0}, {"threads": 0}):
        with pytest.raises(InputError, match=r"0 (replicates|threads)"):
            _core.ratio_bootstrap(x, x, **{**options, "threads": 1, **change})


def test_distance_refuses():
    mask = np.ones((2, 3, 4), bool)
    for spacing in ((1, 1, 0), (1, -1, 1), (1, np.inf, 1), (np.nan, 1, 1)):
        with pytest.raises(InputError, match="spacing"):
            _core.distance(mask, spacing)
        with pytest.raises(InputError, match="spacing"):
            _core.surface_distances(mask, mask, spacing)
    with pytest.raises(InputError, match="0 x 3 x 4"):
        _core.distance(mask[:0], (1, 1, 1))
    with pytest.raises(InputError, match="0 threads"):
        _core.distance(mask, (1, 1, 1), threads=0)
    with pytest.raises(TypeError, match="3 axes"):
        _core.distance(mask[0], (1, 1, 1))


def test_surface_distances_refuse():
    mask = np.ones((2, 3, 4), bool)
    with pytest.raises(InputError, match="second mask is empty"):
        _core.surface_distances(mask, ~mask, (1, 1, 1))
    with pytest.raises(InputError, match="first mask is empty"):
        _core.surface_distances(~mask, mask, (1, 1, 1))
    with pytest.raises(InputError, match="b "):
        _core.surface_distances(mask, mask[:1], (1, 1, 1))
    with pytest.raises(InputError, match="0 x 3 x 4"):
        _core.surface_distances(mask[:0], mask[:0], (1, 1, 1))


def blobs(seed, shape=(9, 30, 23), share=0.02):
    return np.random.default_rng(seed).random(shape) < share


@pytest.mark.parametrize("spacing", [(1, 1, 1), (3.3, 0.5, 0.7), (0.2, 4.0, 1.0)])
@pytest.mark.parametrize("threads", [1, 3])
def test_distance_is_exact(spacing, threads):
    mask = blobs(1)
    got = _core.distance(mask, spacing, threads=threads)
    points = np.argwhere(mask) * spacing
    everywhere = np.argwhere(np.ones_like(mask)) * spacing
    want = np.sqrt(((everywhere[:, None] - points[None]) ** 2).sum(-1)).min(1)
    np.testing.assert_allclose(got.ravel(), want, rtol=1e-14, atol=0)
    assert (got > 0).mean() > 0.9


def test_distance_equals_scipy_and_simpleitk():
    ndimage = pytest.importorskip("scipy.ndimage")
    sitk = pytest.importorskip("SimpleITK")
    mask, spacing = blobs(2, (11, 40, 33), 0.003), (3.0, 0.75, 0.6)
    got = _core.distance(mask, spacing)
    np.testing.assert_allclose(
        got, ndimage.distance_transform_edt(~mask, sampling=spacing), rtol=1e-12
    )
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(spacing[::-1])
    theirs = sitk.SignedMaurerDistanceMap(image, False, False, True)  # not squared, in mm
    outside = ~mask
    np.testing.assert_allclose(got[outside], sitk.GetArrayFromImage(theirs)[outside], rtol=1e-5)


def test_distance_to_nothing_is_infinite():
    assert np.isinf(_core.distance(np.zeros((2, 3, 4), bool), (1, 1, 1))).all()


def surface(mask):
    inner = np.pad(mask, 1)
    whole = inner.copy()
    for axis in range(3):
        whole &= np.roll(inner, 1, axis) & np.roll(inner, -1, axis)
    return mask & ~whole[1:-1, 1:-1, 1:-1]


@pytest.mark.parametrize("threads", [1, 2])
def test_surface_distances_are_their_definition(threads):
    ndimage = pytest.importorskip("scipy.ndimage")
    spacing = (3.0, 0.5, 0.8)
    a = ndimage.binary_dilation(blobs(3, share=0.004), iterations=3)
    b = ndimage.binary_dilation(blobs(4, share=0.004), iterations=2)
    got = _core.surface_distances(a, b, spacing, threads=threads)
    for (x, y), distances in zip(((a, b), (b, a)), got, strict=True):
        points, others = np.argwhere(surface(x)) * spacing, np.argwhere(surface(y)) * spacing
        assert len(points) > 100
        want = np.sqrt(((points[:, None] - others[None]) ** 2).sum(-1)).min(1)
        np.testing.assert_allclose(distances, want, rtol=1e-13)


def test_surface_of_a_mask_that_fills_the_volume_is_its_edge():
    full, spot = np.ones((3, 4, 5), bool), np.zeros((3, 4, 5), bool)
    spot[1, 1, 1] = True
    to, fro = _core.surface_distances(full, spot, (1, 1, 1))
    assert to.size == 60 - 1 * 2 * 3
    assert fro.tolist() == [1.0]
