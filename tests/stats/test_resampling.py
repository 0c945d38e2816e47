"""The bootstrap's scheme, and its intervals where their exact values are known."""

from __future__ import annotations

import numpy as np
import pytest
from stats.cases import plain_auc, scored

from spinalcord.errors import InputError
from spinalcord.stats.resampling import (
    Sample,
    bca_limits,
    check_drawing,
    percentile_limits,
    resample_auc,
    resample_ratio,
)


def test_units_of_a_class_are_neighbours():
    labels = np.array([True, False, True, False, False])
    sample = Sample.of(labels, np.zeros((1, 5)), None)
    assert sample.strata.tolist() == [3, 2]
    assert sorted(sample.unit[~labels]) == [0, 1, 2]
    assert sorted(sample.unit[labels]) == [3, 4]
    assert sample.drawn == "cases within classes"


def test_patients_of_one_class_are_drawn_within_it():
    labels = np.array([1, 0, 1, 0, 0], bool)
    sample = Sample.of(labels, np.zeros((1, 5)), ["b", "a", "b", "c", "a"])
    assert sample.strata.tolist() == [2, 1]
    assert sample.unit[0] == sample.unit[2] == 2
    assert sample.unit[1] == sample.unit[4]
    assert sample.drawn == "patients within classes"


def test_patients_with_both_classes_are_drawn_from_all():
    sample = Sample.of(np.array([1, 0, 1, 0], bool), np.zeros((1, 4)), [7, 7, 8, 9])
    assert sample.strata.tolist() == [3]
    assert sample.unit.tolist() == [0, 0, 1, 2]
    assert sample.drawn == "patients"


def test_stratified_bootstrap_of_a_proportion_is_binomial():
    """Negatives score 0 and k of n positives 1, so that the AUC is (1 + K / n) / 2."""
    stats = pytest.importorskip("scipy.stats")
    k, n = 34, 45
    labels = np.repeat([True, False], [n, 34])
    scores = np.repeat([1.0, 0.0], [k, n - k + 34])[None]
    sample = Sample.of(labels, scores, None)
    drawn = resample_auc(sample, replicates=100_000, seed=11)[:, 0]
    counts = np.rint((2 * drawn - 1) * n)
    np.testing.assert_allclose(2 * drawn - 1, counts / n, atol=1e-12)
    exact = stats.binom(n, k / n)
    seen = np.bincount(counts.astype(int), minlength=n + 1) / len(drawn)
    assert np.abs(np.cumsum(seen) - exact.cdf(np.arange(n + 1))).max() < 0.006  # p > .001
    for level in (0.9, 0.95, 0.99):
        ends = exact.ppf([(1 - level) / 2, (1 + level) / 2])
        assert percentile_limits(drawn, level) == pytest.approx((1 + ends / n) / 2, abs=0.6 / n)


def test_replicates_are_aucs_of_weighted_cases():
    """Their mean and variance over all samples follow from the units' influences."""
    truth, s = scored(40, 60, models=2, ties=True)
    sample = Sample.of(truth.astype(bool), s, None)
    drawn = resample_auc(sample, replicates=20_000, seed=2)
    for m in range(2):
        assert drawn[:, m].mean() == pytest.approx(plain_auc(truth, s[m]), abs=0.002)
    together = np.corrcoef(drawn.T)[0, 1]
    apart = np.corrcoef(drawn[:, 0], resample_auc(sample, replicates=20_000, seed=3)[:, 1])[0, 1]
    assert abs(apart) < 0.05 < abs(together) + 1  # the same samples for both models
    first = resample_auc(Sample.of(truth.astype(bool), s[:1], None), replicates=20_000, seed=2)
    np.testing.assert_array_equal(first[:, 0], drawn[:, 0])


def test_whole_patients_widen_the_interval():
    truth, s = scored(40, 40)
    again = np.repeat(np.arange(80), 4)
    labels, scores = truth[again].astype(bool), np.ascontiguousarray(s[:, again])
    by_case = resample_auc(Sample.of(labels, scores, None), replicates=3000, seed=0)
    by_patient = resample_auc(Sample.of(labels, scores, again), replicates=3000, seed=0)
    assert by_patient.std() / by_case.std() == pytest.approx(2, rel=0.1)


def test_bca_equals_scipy_s_for_one_stratum():
    """Of all patients, each with one case of either class: SciPy can draw that, too."""
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(4)
    pos, neg = rng.normal(1.3, 1, 40), rng.normal(0, 1, 40)
    labels = np.tile([True, False], 40)
    scores = np.stack([pos, neg], 1).reshape(1, 80)
    sample = Sample.of(labels, scores, np.repeat(np.arange(40), 2))
    drawn = resample_auc(sample, replicates=20_000, seed=0)[:, 0]
    value = plain_auc(labels, scores[0])
    got = bca_limits(sample, drawn, value, 0.95)

    def statistic(a, b, axis=-1):
        return (a[..., :, None] > b[..., None, :]).mean((-1, -2))

    want = stats.bootstrap(
        (pos, neg), statistic, paired=True, n_resamples=5000, method="BCa", batch=100, rng=rng
    ).confidence_interval
    assert got == pytest.approx((want.low, want.high), abs=0.01)
    percentile = percentile_limits(drawn, 0.95)
    assert got[0] < percentile[0]  # the correction does something


def test_bca_at_the_end_is_the_percentile():
    labels = np.array([1, 1, 0, 0], bool)
    sample = Sample.of(labels, np.array([[3.0, 4, 1, 2]]), None)
    drawn = resample_auc(sample, replicates=100, seed=0)[:, 0]
    assert bca_limits(sample, drawn - 0.1, 1.0, 0.95) == pytest.approx((0.9, 0.9))


def test_settings_are_checked():
    sample = Sample.of(np.array([True, False]), np.array([[1.0, 0.0]]), None)
    with pytest.raises(InputError, match="99 replicates"):
        resample_auc(sample, replicates=99, seed=0)
    for seed in (-1, 2**64):
        with pytest.raises(InputError, match="seed"):
            resample_auc(sample, replicates=100, seed=seed)
    with pytest.raises(InputError, match=r"groups of shape \(3,\) for 2 cases"):
        Sample.of(np.array([True, False]), np.zeros((1, 2)), [1, 2, 3])


def test_ratio_of_sums():
    drawn = resample_ratio([1, 0, 3], [2, 0, 4], replicates=5000, seed=0)
    # Of 27 samples one holds the second unit alone: there is no ratio then.
    assert np.isnan(drawn).mean() == pytest.approx(1 / 27, abs=0.01)
    assert set(np.unique(drawn[~np.isnan(drawn)]).round(9)) == {
        round(x, 9) for x in (1 / 2, 3 / 4, 4 / 6, 5 / 8, 7 / 10)
    }
    for top, bottom, message in (
        ([], [], "0 units"),
        ([1], [1, 2], "denominator"),
        ([np.nan], [1], "nan"),
    ):
        with pytest.raises(InputError, match=message):
            resample_ratio(top, bottom, replicates=100, seed=0)
    with pytest.raises(InputError, match="5 replicates"):
        resample_ratio([1], [1], replicates=5, seed=0)
    with pytest.raises(InputError, match="seed"):
        check_drawing(100, -1)
