"""Intervals of proportions: published values, a definition each, statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.stats import proportion, proportion_difference
from spinalcord.stats.proportions import METHODS, combine

# Newcombe, Stat Med 17:857 (1998), table I; Agresti-Coull and Jeffreys recomputed independently.
PUBLISHED = [
    (81, 263, "wilson", 0.2553, 0.3662),
    (81, 263, "clopper-pearson", 0.2527, 0.3676),
    (81, 263, "agresti-coull", 0.2552, 0.3663),
    (81, 263, "jeffreys", 0.2545, 0.3656),
    (15, 148, "wilson", 0.0624, 0.1605),
    (15, 148, "clopper-pearson", 0.0578, 0.1617),
    (0, 20, "wilson", 0.0, 0.1611),
    (0, 20, "clopper-pearson", 0.0, 0.1684),
    (1, 29, "wilson", 0.0061, 0.1718),
    (1, 29, "clopper-pearson", 0.0009, 0.1776),
]
# Of the letter's counts, in percent.
LETTER = [
    (150, 157, "wilson", 91.1, 97.8),
    (76, 78, "wilson", 91.1, 99.3),
    (74, 79, "wilson", 86.0, 97.3),
    (65, 79, "wilson", 72.4, 89.1),
    (34, 45, "wilson", 61.3, 85.8),
    (31, 34, "wilson", 77.0, 97.0),
    (62, 78, "wilson", 69.2, 87.0),
    (36, 45, "wilson", 66.2, 89.1),
    (26, 33, "wilson", 62.2, 89.3),
    (150, 157, "clopper-pearson", 91.0, 98.2),
    (76, 78, "clopper-pearson", 91.0, 99.7),
    (74, 79, "clopper-pearson", 85.8, 97.9),
]
NEEDS_SCIPY = ("clopper-pearson", "jeffreys")


def interval(k, n, method):
    if method in NEEDS_SCIPY:
        pytest.importorskip("scipy")
    e = proportion(k, n, method=method)
    assert e.low <= e.estimate <= e.high
    return e.low, e.high


@pytest.mark.parametrize(("k", "n", "method", "low", "high"), PUBLISHED)
def test_published_intervals(k, n, method, low, high):
    assert interval(k, n, method) == pytest.approx((low, high), abs=5.1e-5)


@pytest.mark.parametrize(("k", "n", "method", "low", "high"), LETTER)
def test_intervals_of_the_letter_s_counts(k, n, method, low, high):
    assert [100 * x for x in interval(k, n, method)] == pytest.approx((low, high), abs=0.051)


@pytest.mark.parametrize("n", [1, 5, 157])
def test_default_is_wilson_but_exact_at_the_ends(n):
    stats = pytest.importorskip("scipy.stats")
    for k in (0, n):
        e = proportion(k, n)
        exact = stats.binomtest(k, n).proportion_ci(method="exact")
        assert e.method == "Clopper-Pearson"
        assert (e.low, e.high) == pytest.approx(tuple(exact), abs=1e-12)
        assert proportion(k, n, method="wilson").method == "Wilson"
    assert proportion(4, 8).method == "Wilson"


def test_default_is_exact_toward_an_end_that_is_near():
    stats = pytest.importorskip("scipy.stats")
    for n in (4, 7, 9, 20, 157, 5000):
        for k in {1, 2, 3, n - 3, n - 2, n - 1}:
            for level in (0.9, 0.95):
                e = proportion(k, n, level=level)
                exact = stats.binomtest(k, n).proportion_ci(level, method="exact")
                wilson = proportion(k, n, level=level, method="wilson")
                low = exact.low if k <= 3 else wilson.low
                high = exact.high if n - k <= 3 else wilson.high
                assert (e.low, e.high) == pytest.approx((low, high), abs=1e-11)
                assert e.low <= wilson.low
                assert e.high >= wilson.high
    assert proportion(4, 20).method == proportion(16, 20).method == "Wilson"
    assert proportion(3, 20).method == proportion(17, 20).method == "Wilson, exact near the end"


@pytest.mark.parametrize("n", [10, 20, 33, 40, 73, 79, 157])
def test_default_covers_every_true_share(n):
    # Whatever the true share: exact coverage on both sides of every limit, and between.
    stats = pytest.importorskip("scipy.stats")
    k = np.arange(n + 1)
    limits = np.array([(e.low, e.high) for e in (proportion(int(i), n) for i in k)])
    near = np.concatenate([limits.ravel() - 1e-9, limits.ravel() + 1e-9, np.linspace(0, 1, 501)])
    true = near[(near > 0) & (near < 1)][:, None]
    held = (limits[:, 0] <= true) & (true <= limits[:, 1])
    coverage = (stats.binom.pmf(k, n, true) * held).sum(1)
    assert coverage.min() >= 0.914


def test_ends_are_exactly_0_and_1():
    pytest.importorskip("scipy")
    for method in METHODS:
        assert proportion(0, 7, method=method).low == 0
        assert proportion(7, 7, method=method).high == 1


def test_all_methods_agree_with_statsmodels():
    sm = pytest.importorskip("statsmodels.stats.proportion")
    names = {
        "wilson": "wilson",
        "clopper-pearson": "beta",
        "agresti-coull": "agresti_coull",
        "jeffreys": "jeffreys",
    }
    for ours, theirs in names.items():
        for k, n in ((1, 3), (5, 12), (149, 157)):
            for level in (0.9, 0.95, 0.99):
                e = proportion(k, n, level=level, method=ours)
                want = sm.proportion_confint(k, n, 1 - level, theirs)
                assert (e.low, e.high) == pytest.approx(want, abs=1e-12)


def test_the_letter_s_manner():
    assert proportion(150, 157).sentence() == "96 % (150 of 157) [95 % CI: 91 %, 98 %]"
    e = proportion(6, 7)
    assert e.sentence() == "86 % (6 of 7) [95 % CI: 49 %, 100 %]; fewer than 10 patients"


def test_none_of_none_is_not_defined():
    e = proportion(0, 0)
    assert math.isnan(e.estimate)
    assert e.sentence() == "not defined (0 of 0): no patients to count"


def test_difference_of_independent_groups():
    # Newcombe, Stat Med 17:873 (1998), table II, method 10.
    for counts, low, high in [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((5, 56, 0, 29), -0.0381, 0.1926),
    ]:
        e = proportion_difference(*counts)
        assert (e.low, e.high) == pytest.approx((low, high), abs=5.1e-5)
    mirrored = proportion_difference(48, 80, 56, 70)
    assert (mirrored.low, mirrored.high) == pytest.approx((-0.3339, -0.0524), abs=5.1e-5)
    assert not proportion_difference(0, 0, 1, 2).defined


def test_sum_mirrors_difference():
    # a + b = a - (1 - b) + 1, and the limits of 1 - b are those of b, mirrored.
    a, b = proportion(30, 40, method="wilson"), proportion(15, 25, method="wilson")
    other = proportion(10, 25, method="wilson")
    total, difference = combine(a, b, sign=1), combine(a, other, sign=-1)
    assert [x - 1 for x in total] == pytest.approx(difference, abs=1e-12)


@pytest.mark.parametrize(("k", "n"), [(-1, 3), (4, 3), (1.5, 3), (True, 3), ("1", 3)])
def test_counts_must_be_counts(k, n):
    with pytest.raises(InputError, match="expected"):
        proportion(k, n)


def test_other_methods_and_levels_are_refused():
    with pytest.raises(InputError, match="expected one of default, wilson"):
        proportion(1, 2, method="wald")
    with pytest.raises(InputError, match="level"):
        proportion(1, 2, level=95)


def test_modified_wilson_against_the_published_rule():
    # Brown, Cai and DasGupta (2001): limits by the Poisson distribution where k is 1 to 2 from an
    # end, 1 to 3 with more than 50 cases: the mean whose distribution has 95 % below k.
    chi2 = pytest.importorskip("scipy.stats").chi2
    for k, n in ((1, 10), (2, 50), (3, 51)):
        plain, other = (proportion(k, n, method=m) for m in ("wilson", "modified-wilson"))
        assert other.low == pytest.approx(chi2.ppf(0.05, 2 * k) / 2 / n)
        assert other.high == plain.high
        assert other.method == "Wilson, modified"
        turned = proportion(n - k, n, method="modified-wilson")
        assert (turned.low, turned.high) == pytest.approx((1 - other.high, 1 - other.low))
    for k, n in ((3, 50), (4, 51), (25, 50)):
        plain, other = (proportion(k, n, method=m) for m in ("wilson", "modified-wilson"))
        assert (other.low, other.high) == (plain.low, plain.high)
    assert proportion(10, 10, method="modified-wilson").low == pytest.approx(0.025**0.1)


@pytest.mark.parametrize("n", [10, 20, 40, 73, 157])
def test_coverage_near_the_ends(n):
    # In full: over all counts, by the binomial distribution.
    binom = pytest.importorskip("scipy.stats").binom
    shares = 1 - np.geomspace(1e-4, 0.5, 300)
    weight = binom.pmf(np.arange(n + 1)[:, None], n, shares)

    def least(method):
        ends = [proportion(k, n, method=method) for k in range(n + 1)]
        low, high = (np.array([getattr(e, end) for e in ends])[:, None] for end in ("low", "high"))
        return (weight * ((low <= shares) & (shares <= high))).sum(0).min()

    assert 0.83 < least("wilson") < 0.86  # the dip that the documentation names
    assert least("default") > 0.914
    assert least("modified-wilson") > 0.915
    assert least("clopper-pearson") > 0.9499
