"""Areas under ROC curves: published values, definitions, scikit-learn."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from stats.cases import ALB, DELONG_TRUTH, KG, TP, plain_auc, scored

from spinalcord.errors import InputError
from spinalcord.stats import auc, delong_covariance, delong_se, hanley_mcneil_se, roc_curve

Z = 1.959963984540054


def logit_se(e):
    """The standard error behind an interval on the logit scale."""
    logits = [math.log(x / (1 - x)) for x in (e.low, e.high)]
    return (logits[1] - logits[0]) / (2 * Z) * e.estimate * (1 - e.estimate)


@pytest.mark.parametrize(
    ("scores", "area", "error"), [(ALB, 0.7366, 0.0927), (TP, 0.6478, 0.1000), (KG, 0.7258, 0.1028)]
)
def test_delong_s_areas(scores, area, error):
    e = auc(DELONG_TRUTH, scores)
    assert e.estimate == pytest.approx(area, abs=5.1e-5)
    assert logit_se(e) == pytest.approx(error, abs=5.1e-5)
    assert (e.n, e.method) == (43, "DeLong, logit")


def test_smallest_example():
    e = auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    assert e.estimate == 0.75
    assert logit_se(e) == pytest.approx(0.353553, abs=5e-7)


def test_hanley_mcneil():
    """Their ratings: 58 normal and 51 abnormal images in five categories, area .893."""
    truth = np.repeat([0, 1], [58, 51])
    ratings = np.repeat([1, 2, 3, 4, 5, 1, 2, 3, 4, 5], [33, 6, 6, 11, 2, 3, 2, 2, 11, 33])
    area = auc(truth, ratings).estimate
    assert area == pytest.approx(0.893, abs=5.1e-4)
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + 50 * (q1 - area**2) + 57 * (q2 - area**2)
    assert hanley_mcneil_se(area, 51, 58) == pytest.approx(math.sqrt(variance / (51 * 58)))
    assert hanley_mcneil_se(0.893, 51, 58) == pytest.approx(0.0325, abs=5.1e-5)
    assert hanley_mcneil_se(1.0, 5, 5) == 0
    for bad in ((1.1, 5, 5), (0.5, 0, 5), (math.nan, 5, 5)):
        with pytest.raises(InputError, match="an AUC of"):
            hanley_mcneil_se(*bad)


@pytest.mark.parametrize("ties", [False, True])
def test_equals_scikit_learn(ties):
    metrics = pytest.importorskip("sklearn.metrics")
    truth, s = scored(70, 55, ties=ties)
    assert auc(truth, s[0]).estimate == pytest.approx(metrics.roc_auc_score(truth, s[0]), abs=1e-14)
    curve = roc_curve(truth, s[0])
    x, y, cut = metrics.roc_curve(truth, s[0], drop_intermediate=False)
    np.testing.assert_allclose(curve.false_positive_rate, x, atol=1e-15)
    np.testing.assert_allclose(curve.sensitivity, y, atol=1e-15)
    np.testing.assert_array_equal(curve.threshold, cut)
    assert (curve.n_positive, curve.n_negative) == (70, 55)


def test_area_under_the_curve_is_the_auc():
    truth, s = scored(30, 41, ties=True)
    c = roc_curve(truth, s[0])
    x, y = c.false_positive_rate, c.sensitivity
    area = (np.diff(x) * (y[1:] + y[:-1]) / 2).sum()
    assert area == pytest.approx(plain_auc(truth, s[0]))
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)


@pytest.mark.parametrize("n", [(4, 6), (1, 3), (45, 34)])
def test_perfect_area_has_newcombe_s_interval(n):
    """Its limit solves (1 - t)^2 = z^2 V(t), V Hanley and McNeil's with the mean sample size."""
    truth = np.repeat([1, 0], n)
    e = auc(truth, truth * 2.0)
    assert (e.estimate, e.high, e.method) == (1, 1, "Newcombe, method 5")
    t, m = e.low, sum(n) / 2 - 1
    v = t * (1 - t) * (1 + m * (1 - t) / (2 - t) + m * t / (1 + t)) / (n[0] * n[1])
    assert (1 - t) ** 2 == pytest.approx(Z**2 * v, rel=1e-9)
    worst = auc(truth, -truth)
    assert (worst.estimate, worst.low, worst.high) == pytest.approx((0, 0, 1 - e.low))


def test_constant_scores_are_one_half_with_an_interval():
    e = auc([0, 1, 0, 1, 1], np.ones(5))
    assert e.estimate == 0.5
    assert e.low < 0.5 < e.high


@pytest.mark.slow
def test_intervals_cover():
    """DeLong's logit interval holds the true area in 95 % of simulated cohorts."""
    rng = np.random.default_rng(1)
    truth = np.repeat([1, 0], [45, 34])
    area = 0.5 * math.erfc(-1.5 / 2)  # of two unit normals 1.5 apart
    hits = 0
    for _ in range(1500):
        e = auc(truth, rng.normal(size=79) + 1.5 * truth)
        hits += e.low <= area <= e.high
    assert 0.935 < hits / 1500 < 0.97


def test_bootstrap_methods():
    exact = logit_se(auc(DELONG_TRUTH, ALB))
    for method, name in (("bootstrap", "bootstrap, percentile"), ("bca", "bootstrap, BCa")):
        e = auc(DELONG_TRUTH, ALB, method=method, seed=3)
        assert e.estimate == auc(DELONG_TRUTH, ALB).estimate
        assert (e.high - e.low) / (2 * Z) == pytest.approx(exact, rel=0.1)
        assert e.method == name
        assert e.details["seed"] == 3
        assert e.details["replicates"] == 2000
        assert e == auc(DELONG_TRUTH, ALB, method=method, seed=3, threads=1)
        assert e.low != auc(DELONG_TRUTH, ALB, method=method, seed=4, replicates=501).low


def test_the_letter_s_scheme():
    """Median, and the 26th and 976th of 1000 sorted replicates."""
    from spinalcord.stats.resampling import Sample, resample_auc

    e = auc(DELONG_TRUTH, ALB, method="letter", seed=5)
    sample = Sample.of(DELONG_TRUTH.astype(bool), ALB[None], None)
    drawn = np.sort(resample_auc(sample, replicates=1000, seed=5)[:, 0])
    assert (e.low, e.high) == (drawn[25], drawn[975])
    assert e.estimate == np.median(drawn)
    assert e.details["replicates"] == 1000


def test_patients_with_several_cases():
    truth, s = scored(30, 30)
    again = np.repeat(np.arange(60), 3)
    alone = auc(truth, s[0], method="bootstrap")
    tripled = auc(truth[again], s[0][again], method="bootstrap", groups=again)
    assert tripled.low == pytest.approx(alone.low, abs=0.02)
    assert tripled.details["drawn"] == "patients within classes"
    for method in ("delong", "letter"):
        with pytest.raises(InputError, match="takes cases as independent"):
            auc(truth, s[0], method=method, groups=again[:60])


def test_an_empty_class_is_not_defined():
    e = auc([1, 1], [0.2, 0.4], name="AUC of x", positive="NMOSD")
    assert e.sentence() == "not defined: one class is empty"
    assert e.details["positive"] == "NMOSD"
    for call in (delong_covariance, lambda truth, s: delong_se(truth, s[0])):
        with pytest.raises(InputError, match="expected both"):
            call([1, 1], [[1, 2], [3, 4]])
    with pytest.raises(InputError, match="axes"):
        delong_covariance([0, 1], [1, 2])
    with pytest.raises(InputError, match="expected both"):
        roc_curve([0, 0], [1, 2])


@pytest.mark.parametrize(
    ("truth", "scores", "options", "message"),
    [
        ([0, 1], [1, 2, 3], {}, "2 labels and scores of shape"),
        ([0, 2], [1, 2], {}, "something other"),
        ([0, 1], [1, math.nan], {}, "1 of 2 scores are NaN"),
        ([0, 1], [1, 2], {"method": "t-test"}, "method is 't-test'"),
        ([0, 1], [1, 2], {"level": 0}, "level"),
        ([0, 1], [1, 2], {"method": "letter", "level": 0.9}, "level of 0.95"),
        ([0, 1], [1, 2], {"method": "letter", "replicates": 500}, "1000 replicates"),
        ([0, 1], [1, 2], {"method": "bca", "replicates": 5}, "5 replicates"),
        ([0, 1], [1, 2], {"method": "bca", "seed": -1}, "seed"),
    ],
)
def test_refusals(truth, scores, options, message):
    with pytest.raises(InputError, match=message):
        auc(truth, scores, **options)


def test_covariance_is_delong_s():
    areas, covariance = delong_covariance(DELONG_TRUTH, [ALB, TP, KG])
    assert areas == pytest.approx([0.7366, 0.6478, 0.7258], abs=5.1e-5)
    assert np.sqrt(np.diag(covariance)) == pytest.approx([0.0927, 0.1000, 0.1028], abs=5.1e-5)
    assert delong_se(DELONG_TRUTH, TP) == pytest.approx(covariance[1, 1] ** 0.5)
    assert delong_se([0, 1], [0, 1]) == 0


@pytest.mark.parametrize("inf", [math.inf, -math.inf])
def test_tied_infinite_scores_are_one_point(inf):
    truth = np.array([1, 0, 1, 0, 1, 0, 0, 1])
    s = np.array([inf, inf, inf, inf, 0.7, 0.2, 0.9, 0.4])
    finite = np.where(np.isinf(s), np.sign(inf) * 1e6, s)
    for order in (slice(None), slice(None, None, -1)):
        got, want = roc_curve(truth[order], s[order]), roc_curve(truth[order], finite[order])
        np.testing.assert_array_equal(got.sensitivity, want.sensitivity)
        np.testing.assert_array_equal(got.false_positive_rate, want.false_positive_rate)
        assert got.threshold[1 if inf > 0 else -1] == inf
    for method in ("delong", "bootstrap", "bca", "letter"):
        a, b = (auc(truth, x, method=method) for x in (s, finite))
        assert (a.estimate, a.low, a.high) == (b.estimate, b.low, b.high)


def test_one_case_in_a_class_is_marked_and_wide():
    e = auc([1, *[0] * 20], [15.5, *range(20)])
    assert e.estimate == 0.8
    assert e.high - e.low > 0.6
    assert "single case" in e.sentence()
    assert not e.reliable
    assert "single case" in auc([1, 0, 0], [2, 1, 3], method="bootstrap").reason


def test_few_looks_at_the_smaller_class():
    truth, s = scored(4, 60)
    e = auc(truth, s[0])
    assert (e.n, e.smallest) == (64, 4)
    assert e.sentence().endswith("fewer than 10 patients in the smallest class")


@pytest.mark.parametrize(("n", "area"), [((2, 40), 0.5), ((3, 40), 0.8), ((2, 10), 0.5)])
@pytest.mark.slow
def test_intervals_of_a_small_class_cover(n, area):
    """DeLong's alone covers 79 % with two cases against forty."""
    rng = np.random.default_rng(7)
    truth = np.repeat([1, 0], n)
    shift = math.sqrt(2) * NormalDist().inv_cdf(area)
    hits = 0
    for _ in range(1000):
        e = auc(truth, rng.normal(size=truth.size) + shift * truth)
        hits += e.low <= area <= e.high
    assert hits / 1000 > 0.94
