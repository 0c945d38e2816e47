"""McNemar, Tango, Cochran, Holm: published values, definitions, statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.stats import cochran_q, discordant, holm, mcnemar, mcnemar_bounds, paired_difference

Z = 1.959963984540054


def test_mcnemar_published():
    """Agresti's table of approval ratings: [[794, 150], [86, 570]]."""
    n = 794 + 150 + 86 + 570
    plain = mcnemar(150, 86, n, method="chi2")
    assert (plain.statistic, plain.df) == (pytest.approx(17.3559, abs=5.1e-5), 1)
    corrected = mcnemar(150, 86, n, method="chi2-corrected")
    assert corrected.statistic == pytest.approx(16.8178, abs=5.1e-5)
    assert mcnemar(150, 86, n).p == pytest.approx(3.716e-5, rel=2e-4)
    assert plain.effect.estimate == pytest.approx(64 / 1600)


def test_mcnemar_of_few():
    assert mcnemar(1, 7, 20).p == pytest.approx(0.0703, abs=5.1e-5)
    assert mcnemar(1, 7, 20, method="mid-p").p == pytest.approx(0.0391, abs=5.1e-5)


@pytest.mark.parametrize("method", ["exact", "mid-p", "chi2", "chi2-corrected"])
def test_mcnemar_without_discordant_cases(method):
    c = mcnemar(0, 0, 12, method=method)
    assert c.p == 1
    assert c.effect.estimate == 0
    assert c.effect.low < 0 < c.effect.high
    none = mcnemar(0, 0, 0, method=method)
    assert math.isnan(none.p)
    assert "no patients to compare" in none.sentence()


@pytest.mark.parametrize(("b", "c"), [(5, 5), (3, 14), (1, 2)])
def test_mcnemar_equals_statsmodels(b, c):
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    table = [[20, b], [c, 9]]
    n = 29 + b + c
    assert mcnemar(b, c, n).p == pytest.approx(tables.mcnemar(table, exact=True).pvalue)
    for method, correction in (("chi2", False), ("chi2-corrected", True)):
        want = tables.mcnemar(table, exact=False, correction=correction)
        if b != c:  # there statsmodels corrects a difference of 0 to 1
            assert mcnemar(b, c, n, method=method).p == pytest.approx(want.pvalue)


def test_discordant():
    assert discordant([1, 1, 0, 0, 1], [1, 0, 1, 0, 0]) == (2, 1, 5)
    with pytest.raises(InputError, match="2 cases of the first reader and 1"):
        discordant([1, 0], [1])
    with pytest.raises(InputError, match="second contains"):
        discordant([1, 0], [1, 3])


def likeliest(b, c, n, delta):
    """log likelihood at p12 - p21 = delta, maximised on a fine grid of p21."""
    q = np.linspace(max(0.0, -delta), (1 - delta) / 2, 200_001)[1:-1]
    rest = 1 - 2 * q - delta
    value = b * np.log(q + delta) + c * np.log(q) + (n - b - c) * np.log(rest)
    return q[np.nanargmax(value)]


@pytest.mark.parametrize(("b", "c", "n"), [(1, 7, 20), (22, 14, 79), (3, 1, 157)])
def test_tango_s_limits_are_where_the_score_is_z(b, c, n):
    e = paired_difference(b, c, n)
    for limit, sign in ((e.low, 1), (e.high, -1)):
        q = likeliest(b, c, n, limit)
        score = (b - c - n * limit) / math.sqrt(n * (2 * q + limit * (1 - limit)))
        assert score == pytest.approx(sign * Z, abs=1e-3)


def test_tango_mirrors():
    e, mirrored = paired_difference(3, 11, 44), paired_difference(11, 3, 44)
    assert (mirrored.low, mirrored.high) == pytest.approx((-e.high, -e.low), abs=1e-9)


def test_tango_at_the_ends():
    e = paired_difference(6, 0, 6)
    assert (e.estimate, e.high) == (1, 1)
    assert 0 < e.low < 1
    assert paired_difference(0, 6, 6).low == -1


@pytest.mark.slow
def test_tango_covers():
    rng = np.random.default_rng(2)
    shares = [0.18, 0.08, 0.74]
    hits = 0
    for b, c, _ in rng.multinomial(79, shares, size=3000):
        e = paired_difference(b, c, 79)
        hits += e.low <= 0.10 <= e.high
    assert 0.94 < hits / 3000 < 0.965


def test_cochran_equals_statsmodels():
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    x = np.random.default_rng(0).random((60, 4)) < [0.6, 0.7, 0.8, 0.65]
    want = tables.cochrans_q(x.astype(int))
    got = cochran_q(x)
    assert (got.statistic, got.p) == (pytest.approx(want.statistic), pytest.approx(want.pvalue))
    assert got.df == 3
    assert got.effect.estimate == (x.sum(0).max() - x.sum(0).min()) / 60


def test_cochran_of_two_is_mcnemar():
    x = np.random.default_rng(1).random((50, 2)) < [0.6, 0.8]
    assert cochran_q(x).p == pytest.approx(mcnemar(*discordant(*x.T), method="chi2").p)


def test_cochran_without_differences():
    assert cochran_q([[1, 1, 1], [0, 0, 0]]).p == 1
    for bad in ([[1], [0]], [1, 0], [[1, 2], [0, 1]]):
        with pytest.raises(InputError, match="two readers or more"):
            cochran_q(bad)


@pytest.mark.parametrize(
    ("n", "model", "readers", "low", "high"),
    [(79, 65, 57, 0.0078, 0.243), (78, 62, 52, 0.0020, 0.164)],
)
def test_bounds_of_the_letter_s_comparisons(n, model, readers, low, high):
    bounds = mcnemar_bounds(n, model, readers)
    assert bounds.low == pytest.approx(low, abs=5.1e-5)
    assert bounds.high == pytest.approx(high, abs=5.1e-4)
    assert bounds.low_counts == (model - readers, 0)
    assert bounds.high_counts[1] == min(n - model, readers)


def test_bounds_hold_every_overlap():
    for method in ("exact", "mid-p", "chi2", "chi2-corrected"):
        for n, a, b in ((10, 7, 5), (30, 11, 25), (25, 20, 20)):
            overlaps = range(max(0, a + b - n), min(a, b) + 1)
            seen = [mcnemar(a - both, b - both, n, method=method).p for both in overlaps]
            bounds = mcnemar_bounds(n, a, b, method=method)
            assert (bounds.low, bounds.high) == (min(seen), max(seen))
    bounds = mcnemar_bounds(10, 7, 5)
    assert "7 against 5 of 10" in bounds.sentence()
    with pytest.raises(InputError, match="11 and 5 correct of 10"):
        mcnemar_bounds(10, 11, 5)
    with pytest.raises(InputError, match="n above 0"):
        mcnemar_bounds(0, 0, 0)
    with pytest.raises(InputError, match="method"):
        mcnemar_bounds(10, 7, 5, method="z")


def test_holm():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1, 1]
    with_nan = holm([0.01, math.nan, 0.02])
    assert with_nan[0] == pytest.approx(0.02)
    assert math.isnan(with_nan[1])
    assert holm([]) == []
    with pytest.raises(InputError, match="0 to 1"):
        holm([1.2])


def test_counts_are_checked():
    with pytest.raises(InputError, match="9 and 3 discordant cases of 10"):
        paired_difference(9, 3, 10)
    with pytest.raises(InputError, match="whole number"):
        mcnemar(1.5, 2, 10)
    with pytest.raises(InputError, match="method is 'z'"):
        mcnemar(1, 2, 10, method="z")
    with pytest.raises(InputError, match="level"):
        mcnemar(1, 2, 10, level=95)
