"""Kappa: published tables, statsmodels, and the jackknife."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.stats import cohen_kappa, fleiss_kappa

# Fleiss, Psychol Bull 76:378 (1971): 10 subjects, 5 categories, 14 raters.
FLEISS = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]
Z = 1.959963984540054
GRADES = [[22, 2, 2, 0], [5, 7, 14, 0], [0, 2, 36, 0], [0, 1, 17, 10]]


def test_cohen_by_hand():
    e = cohen_kappa([[20, 5], [10, 15]])
    assert e.estimate == pytest.approx(0.4, abs=1e-12)
    assert e.n == 50
    assert e.low < 0.4 < e.high


@pytest.mark.parametrize(("weights", "theirs"), [("none", None), ("linear", "linear")])
@pytest.mark.parametrize("table", [[[20, 5], [10, 15]], GRADES])
def test_cohen_equals_statsmodels(table, weights, theirs):
    rater = pytest.importorskip("statsmodels.stats.inter_rater")
    want = rater.cohens_kappa(np.array(table), wt=theirs)
    e = cohen_kappa(table, weights=weights)
    assert e.estimate == pytest.approx(want.kappa, abs=1e-12)
    assert (e.low, e.high) == pytest.approx((want.kappa_low, want.kappa_upp), abs=1e-9)


def test_quadratic_weights_equal_statsmodels():
    rater = pytest.importorskip("statsmodels.stats.inter_rater")
    want = rater.cohens_kappa(np.array(GRADES), wt="quadratic")
    e = cohen_kappa(GRADES, weights="quadratic")
    assert (e.estimate, e.low) == pytest.approx((want.kappa, want.kappa_low), abs=1e-9)


def test_perfect_agreement_has_the_exact_interval_of_the_agreement():
    e = cohen_kappa([[7, 0], [0, 5]])
    missed, chance = 1 - 0.025 ** (1 / 12), (7**2 + 5**2) / 12**2
    assert (e.estimate, e.low, e.high) == pytest.approx((1, 1 - missed / (1 - chance), 1))
    assert cohen_kappa([[7, 0], [0, 5]], method="score", weights="linear").low == e.low
    f = fleiss_kappa([[3, 0]] * 7 + [[0, 3]] * 5)
    assert (f.estimate, f.low, f.high) == pytest.approx((e.estimate, e.low, e.high))
    assert cohen_kappa([[1, 0], [0, 1]]).low == pytest.approx(1 - 2 * (1 - 0.025**0.5))


@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
@pytest.mark.parametrize(
    "table", [GRADES, [[20, 5], [10, 15]], [[30, 1], [0, 29]], [[0, 9], [8, 0]]]
)
def test_score_interval_is_wilson_s_of_the_disagreement(table, weights):
    """Where kappa is a share over a constant, as with margins that chance fixes."""
    normal, score = (cohen_kappa(table, weights=weights, method=m) for m in ("normal", "score"))
    assert normal.estimate == score.estimate
    assert -1 <= score.low < score.estimate < score.high <= 1
    counts = np.array(table)
    n, k = counts.sum(), len(counts)
    apart = np.abs(np.subtract.outer(np.arange(k), np.arange(k))) / (k - 1)
    graded = {"none": apart > 0, "linear": apart, "quadratic": apart**2}[weights]
    chance = (graded * np.outer(counts.sum(1), counts.sum(0))).sum() / n**2
    # Wilson's limits d solve (d - D)^2 = z^2 d (1 - d) D (1 - D) / (D (1 - D) / v).
    share = (graded * counts).sum() / n
    for limit in (score.low, score.high):
        d = (1 - limit) * chance
        if -1 < limit < 1 and 0 < share < 1 and normal.low > -1:
            v = ((normal.estimate - normal.low) / Z * chance) ** 2
            want = Z**2 * d * (1 - d) / (share * (1 - share)) * v
            assert (d - share) ** 2 == pytest.approx(want, rel=1e-6)


def test_marks_of_few():
    assert "outside the most frequent category" in cohen_kappa([[60, 2], [3, 4]]).reason
    assert "agreed or disagreed on" in cohen_kappa([[30, 2], [3, 30]]).reason
    assert cohen_kappa([[30, 2], [3, 30]], method="score").reason == ""
    assert cohen_kappa([[30, 12], [13, 30]]).reason == ""
    assert "outside" in fleiss_kappa([[3, 0]] * 60 + [[0, 3], [1, 2]]).reason
    assert fleiss_kappa(np.repeat(FLEISS, 4, axis=0)).reason == ""


@pytest.mark.slow
@pytest.mark.parametrize(("n", "kappa"), [(20, 0.8), (73, 0.94)])
def test_score_interval_covers(n, kappa):
    """The normal one covers 88 % and 89 %."""
    rng = np.random.default_rng(0)
    cells = np.diag([0.5, 0.5]) * kappa + 0.25 * (1 - kappa)
    tables = rng.multinomial(n, cells.ravel(), 1500).reshape(-1, 2, 2)
    found = [cohen_kappa(table, method="score") for table in tables]
    assert 0.93 < np.mean([e.low <= kappa <= e.high for e in found]) < 0.98


def test_one_category_is_not_defined():
    for e in (cohen_kappa([[7, 0], [0, 0]]), fleiss_kappa([[3, 0], [3, 0]])):
        assert math.isnan(e.estimate)
        assert "one category" in e.sentence()
    assert cohen_kappa([[0, 0], [0, 0]]).reason == "no cases"


def test_fleiss_published_value():
    e = fleiss_kappa(FLEISS)
    assert e.estimate == pytest.approx(0.2099307, abs=5e-8)
    assert e.n == 10
    rater = pytest.importorskip("statsmodels.stats.inter_rater")
    assert e.estimate == pytest.approx(rater.fleiss_kappa(np.array(FLEISS)), abs=1e-12)


def test_fleiss_interval_is_near_the_jackknife_s():
    """For many cases both are the same to first order."""
    rng = np.random.default_rng(5)
    kinds = rng.dirichlet([0.6, 0.6, 0.6], 400)
    table = np.array([rng.multinomial(6, p) for p in kinds])
    left_out = [fleiss_kappa(np.delete(table, i, 0)).estimate for i in range(len(table))]
    error = math.sqrt(len(table) * np.var(left_out))
    e = fleiss_kappa(table)
    assert (e.high - e.low) / (2 * 1.959963984540054) == pytest.approx(error, rel=0.02)


def test_one_case_has_no_interval():
    e = fleiss_kappa([[3, 2]])
    assert e.defined
    assert "one case has no variance" in e.sentence()


@pytest.mark.parametrize("table", [[[1, 2, 3], [4, 5, 6]], [[1]], [1, 2], [[1.5, 2], [3, 4]], [[]]])
def test_cohen_refuses_what_is_no_table(table):
    with pytest.raises(InputError, match="table"):
        cohen_kappa(table)


def test_fleiss_needs_equally_many_ratings():
    for table in ([[3, 0], [1, 1]], [[1, 0], [0, 1]]):
        with pytest.raises(InputError, match="same number of ratings"):
            fleiss_kappa(table)


def test_other_settings_are_refused():
    with pytest.raises(InputError, match="method is 'wald'; expected normal or score"):
        cohen_kappa(GRADES, method="wald")
    with pytest.raises(InputError, match="weights are 'cubic'"):
        cohen_kappa(GRADES, weights="cubic")
    with pytest.raises(InputError, match="whole numbers"):
        cohen_kappa([[1, -1], [2, 3]])
    with pytest.raises(InputError, match="level"):
        fleiss_kappa(FLEISS, level=2)
