"""Adjusted factors, against R's brglm2 and a profile maximised by optim."""

from __future__ import annotations

import math

import numpy as np
import pytest
from stats.oracles import R

from spinalcord.errors import InputError
from spinalcord.stats import adjusted_factors


def of_r():
    r = R["adjusted"]
    factors = {"site": r["site"], "field": r["field"], "age": np.array(r["age"], float)}
    return r, adjusted_factors(r["ok"], factors)


def test_against_r():
    r, (site, field, age) = of_r()
    c = r["coefficients"]
    assert site.reference == "A"
    for name in ("B", "C"):
        log_odds = math.log(site.odds_ratios[name].estimate)
        assert log_odds == pytest.approx(c[f"site{name}"], abs=1e-5)
    sign = 1 if field.reference == "1.5T" else -1
    [ratio] = field.odds_ratios.values()
    assert sign * math.log(ratio.estimate) == pytest.approx(c["field3T"], abs=1e-5)
    assert math.log(age.odds_ratios["per unit"].estimate) == pytest.approx(c["age"], abs=1e-6)
    assert site.test.statistic == pytest.approx(r["statistic_site"], abs=1e-4)
    assert site.test.df == 2
    assert site.test.p == pytest.approx(r["p_site"], abs=1e-5)


def test_test_and_interval_agree_for_one_parameter():
    _, (_, field, age) = of_r()
    for found in (field, age):
        [e] = found.odds_ratios.values()
        assert (found.test.p < 0.05) == (not e.low <= 1 <= e.high)


def test_a_subgroup_that_is_all_right_has_an_answer():
    right = [1] * 20 + [1] * 15 + [0] * 10
    [found] = adjusted_factors(right, {"site": ["A"] * 20 + ["B"] * 25})
    [e] = found.odds_ratios.values()
    assert found.reference == "B"  # the larger one
    assert 1 < e.low < e.estimate < e.high < math.inf
    assert found.test.p < 0.01


def test_too_few_errors_say_so():
    [found] = adjusted_factors([1] * 30 + [0] * 3, {"site": ["A", "B", "C"] * 11})
    assert math.isnan(found.test.p)
    assert found.test.reason.startswith("too few answers of the rarer kind (3) for 2")


def test_missing_values_are_counted():
    right = [1, 0] * 20
    site = ["A", "B", "B", "A"] * 10
    site[0] = None
    [found] = adjusted_factors(right, {"site": site})
    assert found.test.effect.n == 39
    assert found.test.effect.details["excluded"] == 1


def test_a_constant_factor_is_named():
    found = adjusted_factors([1, 0] * 20, {"site": ["A"] * 40, "sex": ["F", "M", "M", "F"] * 10})
    assert found[0].test.reason == "the same in all cases"
    assert found[1].test.p > 0.5


def test_bad_input():
    with pytest.raises(InputError, match="one value a case"):
        adjusted_factors([1, 0], {"site": ["A"]})
    with pytest.raises(InputError, match="0 factors"):
        adjusted_factors([1, 0], {})
    with pytest.raises(InputError, match="level"):
        adjusted_factors([1, 0], {"site": ["A", "B"]}, level=1)
