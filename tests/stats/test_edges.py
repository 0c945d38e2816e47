"""Edges that every function meets: infinite scores, groups that do not vary, few categories."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from spinalcord import stats
from spinalcord.errors import InputError

TRUTH = np.tile([1, 0, 1, 0, 1, 0, 0, 1], 6)
ORDER = np.arange(48)
SITE = np.where(ORDER % 3, "A", "B")

# What takes scores, of which only the order counts: infinity is a score like any other.
SCORED = {
    "roc_curve": lambda s: stats.roc_curve(TRUTH, s).sensitivity,
    "roc_band": lambda s: stats.roc_band(TRUTH, s, replicates=100).low,
    "delong_covariance": lambda s: stats.delong_covariance(TRUTH, [s])[1],
    "compare_aucs": lambda s: stats.compare_aucs(TRUTH, [s, SMOOTH]),
    "compare_aucs_unpaired": lambda s: stats.compare_aucs_unpaired((TRUTH, s), (TRUTH, SMOOTH)),
    "compare_all": lambda s: stats.compare_all(TRUTH, [s, SMOOTH, -SMOOTH]),
    "by_subgroup": lambda s: stats.by_subgroup(TRUTH, s, {"site": SITE}, figure="auc"),
    "partial_auc": lambda s: stats.partial_auc(TRUTH, s, low=0.5, replicates=100),
    "sensitivity_at": lambda s: stats.sensitivity_at(TRUTH, s, specificity=0.8, replicates=100),
    "adjusted_interactions": lambda s: stats.adjusted_interactions(TRUTH, s, {"site": SITE}),
    "compare_modalities": lambda s: stats.compare_modalities(TRUTH, [[s, SMOOTH], [SMOOTH, s]]),
    "compare_with_readers": lambda s: stats.compare_with_readers(TRUTH, s, [SMOOTH, -s]),
    "choose_threshold": lambda s: (
        (s >= stats.choose_threshold(TRUTH, s, split="validation").value) == TRUTH
    ),
    **{
        f"auc {method}": lambda s, m=method: stats.auc(TRUTH, s, method=m, replicates=200)
        for method in ("delong", "bootstrap", "bca")
    },
}
SMOOTH = np.random.default_rng(3).normal(size=48) + TRUTH


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("name", SCORED)
def test_infinite_scores_are_scores(name, sign):
    s = np.random.default_rng(2).normal(size=48) + TRUTH
    s[:4] = sign * math.inf
    finite = np.where(np.isinf(s), sign * 1e6, s)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got, want = SCORED[name](s), SCORED[name](finite)
    if isinstance(got, np.ndarray):
        np.testing.assert_array_equal(got, want)
    else:
        assert repr(got) == repr(want)  # NaN is the same as NaN there


PROBABILITY = {
    "brier": stats.brier,
    "reliability": stats.reliability,
    "calibration_line": stats.calibration_line,
    "decision_curve": stats.decision_curve,
    "calibration_curve": stats.calibration_curve,
    "calibration_index": stats.calibration_index,
    "observed_to_expected": stats.observed_to_expected,
    "net_benefit": lambda truth, p: stats.net_benefit(truth, p, 0.5),
}


@pytest.mark.parametrize("name", PROBABILITY)
def test_an_infinite_probability_is_refused(name):
    p = np.linspace(0.1, 0.9, 48)
    p[0] = math.inf
    with pytest.raises(InputError):
        PROBABILITY[name](TRUTH, p)


# A value whose mean over n copies is not itself: rounding is no variance.
VALUE, COPIES = next(
    (v, n) for v in np.arange(18, 90, 0.1).round(1) for n in range(3, 9) if np.full(n, v).std() > 0
)
SAME = np.full(COPIES, VALUE)


def test_summaries_of_what_does_not_vary_have_no_interval():
    found = [
        stats.mean(SAME),
        stats.mean(SAME, method="bootstrap-t"),
        stats.mean(SAME / 100, method="bootstrap-t", bounds=(0, 1)),
        stats.median(SAME),
        stats.median([*SAME, *SAME, math.inf]),
        stats.location_shift(SAME, SAME),
        stats.bland_altman(SAME, SAME - 1).bias,
        stats.bland_altman(SAME + np.arange(COPIES), SAME + np.arange(COPIES)).upper,
        stats.icc(np.stack([SAME, SAME], 1)),
        stats.pooled([1] * 5, [2] * 5),
        stats.brier([1] * 5, [0.7] * 5, method="bootstrap-t"),
    ]
    for e in found:
        assert not e.bounded or e.low < e.high
        assert e.reason


def test_a_median_of_misses_is_infinite_for_certain():
    e = stats.median([1.0] + [math.inf] * 9)
    assert e.estimate == e.low == e.high == math.inf
    assert "infinity" in e.sentence()


def test_tests_of_what_does_not_vary_have_no_p_value():
    assert math.isnan(stats.kruskal_wallis({"a": SAME, "b": SAME}).p)
    assert stats.standardised_difference(SAME, SAME) == 0
    assert stats.standardised_difference(SAME, SAME + 1) == -math.inf


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
def test_kappa_where_all_name_one_category(size, weights):
    for i in range(size):
        table = np.zeros((size, size), int)
        table[i, i] = 9
        for method in ("normal", "score"):
            e = stats.cohen_kappa(table, weights=weights, method=method)
            assert math.isnan(e.estimate)
            assert "category" in e.reason
    with np.errstate(all="raise"):
        assert math.isnan(stats.fleiss_kappa([[4] + [0] * (size - 1)] * 5).estimate)


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("method", ["normal", "score"])
def test_kappa_of_perfect_agreement_has_a_width(size, method):
    table = np.diag(np.arange(2, size + 2))
    for weights in ("none", "linear", "quadratic"):
        e = stats.cohen_kappa(table, weights=weights, method=method)
        assert e.estimate == pytest.approx(1)
        assert e.low < 1
        assert e.high == pytest.approx(1)
        assert e.low > -1


@pytest.mark.parametrize("size", [2, 3, 4])
def test_kappa_of_complete_disagreement(size):
    # Each names the category after the other's: kappa is as low as these margins allow.
    table = np.roll(np.eye(size, dtype=int) * 5, 1, axis=1)
    e = stats.cohen_kappa(table, method="score")
    assert e.estimate == pytest.approx(-1 / (size - 1))
    assert -1 <= e.low < e.high
    assert e.low <= e.estimate <= e.high


@pytest.mark.parametrize("size", [3, 4])
def test_kappa_does_not_heed_categories_that_nobody_names(size):
    wide = np.zeros((size, size), int)
    wide[np.ix_([0, size - 1], [0, size - 1])] = [[10, 2], [1, 9]]
    for method in ("normal", "score"):
        a = stats.cohen_kappa(wide, method=method)
        b = stats.cohen_kappa([[10, 2], [1, 9]], method=method)
        assert (a.estimate, a.low, a.high) == pytest.approx((b.estimate, b.low, b.high))


def test_kappa_of_one_case_and_of_none():
    for table in ([[1, 0], [0, 0]], [[0, 1], [0, 0]]):
        e = stats.cohen_kappa(table)
        assert not e.bounded or e.low < e.high
        assert e.reason or e.few
    assert math.isnan(stats.cohen_kappa([[0, 0], [0, 0]]).estimate)
