"""Adjusted interactions, against R's brglm2 and a profile maximised by optim."""

from __future__ import annotations

import math

import numpy as np
import pytest
from stats.oracles import R

from spinalcord.errors import InputError
from spinalcord.stats import adjusted_interactions
from spinalcord.stats.interactions import normal_scores


def drawn(n=200, seed=0, worse=1.5):
    """Scores that tell the classes apart less well at site B."""
    rng = np.random.default_rng(seed)
    truth, site = rng.permutation(np.arange(n) % 2), np.where(rng.random(n) < 0.4, "B", "A")
    return truth, rng.normal(size=n) + truth * np.where(site == "A", 2.0, 2.0 - worse), site


def test_against_r():
    r = R["interactions"]
    factors = {"site": r["site"], "field": r["field"]}
    site, field = adjusted_interactions(r["truth"], r["scores"], factors)
    c = r["coefficients"]
    assert site.reference == "A"
    for name in ("B", "C"):
        ratio = math.log(site.odds_ratios[name].estimate)
        assert ratio == pytest.approx(c[f"z:site{name}"], abs=1e-5)
    sign = 1 if field.reference == "1.5T" else -1
    [ratio] = field.odds_ratios.values()
    assert sign * math.log(ratio.estimate) == pytest.approx(c["z:field3T"], abs=1e-5)
    for found, name in ((site, "site"), (field, "field")):
        assert found.test.statistic == pytest.approx(r[f"statistic_{name}"], abs=1e-4)
        assert found.test.p == pytest.approx(r[f"p_{name}"], abs=1e-5)
    assert (site.test.df, field.test.df) == (2, 1)


def test_only_the_order_of_the_scores_counts():
    truth, scores, site = drawn()
    [found] = adjusted_interactions(truth, scores, {"site": site})
    [same] = adjusted_interactions(truth, np.exp(scores), {"site": site})
    assert same.test == found.test
    assert found.test.effect.high < 1
    assert found.test.p < 0.05


def test_infinite_scores():
    truth, scores, site = drawn()
    scores[scores.argsort()[-3:]] = math.inf
    scores[scores.argmin()] = -math.inf
    [found] = adjusted_interactions(truth, scores, {"site": site})
    assert 0 < found.test.effect.low < found.test.effect.high < 1


def test_normal_scores_of_ties():
    low, high, same = normal_scores(np.array([1.0, math.inf, math.inf]))[[0, 1, 2]]
    assert high == same
    assert low == pytest.approx(-0.67449, abs=1e-5)  # the quartile
    assert high == pytest.approx(0.31864, abs=1e-5)  # 2.5 of 4


def test_test_and_interval_agree():
    truth, scores, site = drawn(worse=0.6)
    [found] = adjusted_interactions(truth, scores, {"site": site})
    [e] = found.odds_ratios.values()
    assert (found.test.p < 0.05) == (not e.low <= 1 <= e.high)


def test_too_few_say_so():
    truth, scores, site = drawn(24)
    [found] = adjusted_interactions(truth, scores, {"site": site})
    assert math.isnan(found.test.p)
    assert found.test.reason.startswith("too few patients of the rarer kind (12) for 3 param")


def test_missing_values_are_counted_and_constant_factors_named():
    truth, scores, site = drawn()
    site = site.astype(object)
    site[:3] = None
    found, constant = adjusted_interactions(truth, scores, {"site": site, "field": ["3T"] * 200})
    assert found.test.effect.n == 197
    assert found.test.effect.details["excluded"] == 3
    assert constant.test.reason == "the same in all cases"


def test_bad_input():
    with pytest.raises(InputError, match="scores of shape"):
        adjusted_interactions([1, 0], [1.0], {"site": ["A", "B"]})
    with pytest.raises(InputError, match="no NaN"):
        adjusted_interactions([1, 0], [1.0, math.nan], {"site": ["A", "B"]})
    with pytest.raises(InputError, match="one value a case"):
        adjusted_interactions([1, 0], [1.0, 2.0], {"site": ["A"]})
    with pytest.raises(InputError, match="0 factors"):
        adjusted_interactions([1, 0], [1.0, 2.0], {})
    with pytest.raises(InputError, match="level"):
        adjusted_interactions([1, 0], [1.0, 2.0], {"site": ["A", "B"]}, level=2)
