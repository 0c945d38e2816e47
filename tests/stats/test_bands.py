"""The band around the ROC curve."""

from __future__ import annotations

import numpy as np
import pytest
from stats.cases import scored

from spinalcord.errors import InputError
from spinalcord.stats import proportion, roc_band, roc_curve


@pytest.mark.parametrize("ties", [False, True])
def test_curve_in_the_band(ties):
    truth, (s,) = scored(45, 34, ties=ties)
    band = roc_band(truth, s, points=35)  # a multiple of 1/34: the curve's own steps
    curve = roc_curve(truth, s)
    for x, y in zip(band.false_positive_rate, band.sensitivity, strict=True):
        here = np.isclose(curve.false_positive_rate, x)
        if here.any():
            assert y == pytest.approx(curve.sensitivity[here].max())
    assert (band.low <= band.sensitivity).all()
    assert (band.sensitivity <= band.high).all()
    assert (np.diff(band.sensitivity) >= 0).all()
    assert (band.sensitivity[-1], band.low[-1]) == (1, 1)
    assert (band.n_positive, band.n_negative, band.level) == (45, 34, 0.95)


def test_band_at_a_rate_of_0_is_binomial_where_negatives_do_not_vary():
    truth = np.repeat([1, 0], [40, 20])
    s = np.repeat([2.0, 0.0, 1.0], [30, 10, 20])
    band = roc_band(truth, s, replicates=5000)
    # Zhou and Qin's interval is then Agresti and Coull's.
    binomial = proportion(30, 40, method="agresti-coull")
    assert band.low[0] == pytest.approx(binomial.low, abs=0.004)
    assert band.high[0] == pytest.approx(binomial.high, abs=0.004)
    assert band.sensitivity[0] == 0.75


@pytest.mark.slow
def test_band_covers_pointwise():
    normal = pytest.importorskip("scipy.stats").norm
    rng = np.random.default_rng(0)
    truth = np.repeat([1, 0], [80, 80])
    grid, hits = np.linspace(0, 1, 11)[2:9], np.zeros(7)
    want = normal.sf(normal.isf(grid) - 1.2)
    for _ in range(200):
        s = rng.normal(size=160) + 1.2 * truth
        band = roc_band(truth, s, points=11, replicates=200)
        hits += (band.low[2:9] <= want) & (want <= band.high[2:9])
    assert (hits / 200 > 0.88).all(), hits / 200


def test_band_is_repeatable():
    truth, (s,) = scored(20, 20)
    one, again = roc_band(truth, s, seed=3), roc_band(truth, s, seed=3)
    np.testing.assert_array_equal(one.low, again.low)
    assert not np.array_equal(one.low, roc_band(truth, s, seed=4).low)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"points": 1}, "1 points"),
        ({"replicates": 10}, "10 replicates"),
        ({"seed": -1}, "seed"),
        ({"level": 2}, "level"),
    ],
)
def test_settings_are_checked(options, message):
    with pytest.raises(InputError, match=message):
        roc_band([0, 1], [0.1, 0.9], **options)


def test_cases_are_checked():
    with pytest.raises(InputError, match="expected both"):
        roc_band([1, 1], [0.1, 0.9])


def test_band_has_a_width_where_every_positive_is_found():
    truth, s = np.repeat([1, 0], 12), np.repeat([2.0, 1.0], 12)
    band = roc_band(truth, s, points=5)
    assert band.sensitivity.tolist() == [1] * 5
    every, none = (proportion(k, 12, method="agresti-coull") for k in (12, 0))
    assert band.low == pytest.approx([every.low] * 4 + [1])
    assert (band.high == 1).all()
    hopeless = roc_band(truth, -s, points=5)
    assert hopeless.sensitivity[0] == 0
    assert hopeless.high[0] == pytest.approx(none.high)
    assert band.reason == "approximate: fewer than 50 cases in a class"
    assert roc_band(*(np.repeat(x, 5) for x in (truth, s)), replicates=100).reason == ""


def test_band_takes_tied_infinite_scores():
    truth = [1, 0, 1, 0, 1, 0, 0, 1]
    s = np.array([np.inf, np.inf, np.inf, np.inf, 0.7, 0.2, 0.9, 0.4])
    got, want = roc_band(truth, s), roc_band(truth, np.where(np.isinf(s), 9, s))
    np.testing.assert_array_equal(got.low, want.low)
    np.testing.assert_array_equal(got.sensitivity, want.sensitivity)
