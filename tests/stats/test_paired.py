"""Two tests of the same patients, against R (geepack, base) and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from stats.oracles import R

from spinalcord.errors import InputError
from spinalcord.stats import compare_tests


def test_against_r():
    r = R["paired"]
    found = compare_tests(r["truth"], r["first"], r["second"])
    assert found["sensitivity"].p == pytest.approx(r["mcnemar_sens"], rel=1e-9)
    assert found["specificity"].p == pytest.approx(r["mcnemar_spec"], rel=1e-9)
    assert found["ppv"].effect.estimate == pytest.approx(r["ppv"], rel=1e-9)
    assert found["ppv"].statistic == pytest.approx(r["wgs_ppv"], rel=1e-9)
    assert found["npv"].statistic == pytest.approx(r["wgs_npv"], rel=1e-9)
    # The Wald test by generalised estimating equations is another one of the same hypothesis.
    assert found["ppv"].statistic == pytest.approx(r["gee_wald_ppv"], rel=0.01)


def test_interval_holds_the_estimate_and_agrees_with_the_test_in_the_main():
    rng = np.random.default_rng(3)
    disagree = 0
    for _ in range(200):
        truth = np.repeat([1, 0], 40)
        a, b = (rng.random((2, 80)) < np.where(truth, 0.8, 0.25)).astype(int)
        for test in compare_tests(truth, a, b).values():
            e = test.effect
            assert e.low <= e.estimate <= e.high
            disagree += (test.p < 0.05) != (not e.low <= 0 <= e.high)
    assert disagree < 24  # of 800


def test_the_same_test_twice():
    truth, a = [1, 1, 1, 0, 0, 0], [1, 1, 0, 0, 0, 1]
    for test in compare_tests(truth, a, a).values():
        assert test.p == 1
        assert test.effect.estimate == 0
        assert test.effect.low <= 0 <= test.effect.high


def test_what_is_not_defined_says_why():
    found = compare_tests([1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0])
    assert math.isnan(found["ppv"].p)
    assert found["ppv"].reason == "one test never gives this answer"


@pytest.mark.parametrize(
    "arguments", [([1, 0], [1], [1, 0]), ([1, 2], [1, 0], [1, 0]), ([1, 0], [1, 0.5], [0, 1])]
)
def test_bad_input(arguments):
    with pytest.raises(InputError):
        compare_tests(*arguments)
    with pytest.raises(InputError, match="level"):
        compare_tests([1, 0], [1, 0], [1, 0], level=1)
