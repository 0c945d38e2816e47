"""Subgroups: counts by hand, tests against SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.stats import (
    auc,
    by_subgroup,
    compare_aucs_unpaired,
    delong_se,
    exact_table_p,
    proportion_difference,
)

RNG = np.random.default_rng(0)
N = 200
TRUTH = RNG.random(N) < 0.5
SEX = np.where(RNG.random(N) < 0.4, "M", "F")
AGE = RNG.choice(["child", "adult", "old"], N)
CALLED = np.where(RNG.random(N) < np.where(SEX == "M", 0.65, 0.9), TRUTH, ~TRUTH)
SCORES = RNG.normal(size=N) + np.where(SEX == "M", 0.5, 1.5) * TRUTH


@pytest.mark.parametrize("figure", ["accuracy", "sensitivity", "specificity"])
def test_two_subgroups(figure):
    stats = pytest.importorskip("scipy.stats")
    (s,) = by_subgroup(TRUTH, CALLED, {"sex": SEX}, figure=figure)
    of = {"accuracy": TRUTH | True, "sensitivity": TRUTH, "specificity": ~TRUTH}[figure]
    table = []
    for name in ("F", "M"):
        own = (name == SEX) & of
        e = s.estimates[name]
        assert (e.k, e.n) == ((CALLED == TRUTH)[own].sum(), own.sum())
        table.append([e.k, e.n - e.k])
    assert s.interaction.p == pytest.approx(stats.fisher_exact(table)[1])
    assert s.interaction.effect.estimate > 0
    assert s.interaction.effect.name == f"{figure}, F less M"
    assert (s.factor, s.figure, s.n_missing) == ("sex", figure, 0)


def test_three_subgroups():
    stats = pytest.importorskip("scipy.stats")
    (s,) = by_subgroup(TRUTH, CALLED, {"age": AGE})
    table = [[e.k, e.n - e.k] for e in s.estimates.values()]
    want = stats.chi2_contingency(table, correction=False)
    assert s.interaction.statistic == pytest.approx(want.statistic)
    assert (s.interaction.df, s.interaction.p) == (2, pytest.approx(want.pvalue))
    assert list(s.estimates) == ["adult", "child", "old"]


def test_several_factors_are_adjusted():
    sex, age = by_subgroup(TRUTH, CALLED, {"sex": SEX, "age": AGE})
    assert sex.p_adjusted == pytest.approx(min(1, 2 * sex.interaction.p))
    assert age.p_adjusted >= age.interaction.p


def test_areas_of_two():
    (s,) = by_subgroup(TRUTH, SCORES, {"sex": SEX}, figure="auc")
    parts = [(TRUTH[name == SEX], SCORES[name == SEX]) for name in ("F", "M")]
    assert s.estimates["F"] == auc(*parts[0])
    assert s.interaction.p == pytest.approx(compare_aucs_unpaired(*parts).p)


def test_areas_of_more():
    stats = pytest.importorskip("scipy.stats")
    (s,) = by_subgroup(TRUTH, SCORES, {"age": AGE}, figure="auc")
    parts = [(TRUTH[name == AGE], SCORES[name == AGE]) for name in ("adult", "child", "old")]
    areas = np.array([auc(*part).estimate for part in parts])
    weight = np.array([delong_se(*part) for part in parts]) ** -2.0
    q = (weight * (areas - np.average(areas, weights=weight)) ** 2).sum()
    assert s.interaction.statistic == pytest.approx(q)
    assert s.interaction.p == pytest.approx(stats.chi2.sf(q, 2))


def test_area_without_variance_has_no_test():
    truth, scores = [0, 1] * 6, [0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1, 0]
    (s,) = by_subgroup(truth, scores, {"x": list("aaaabbbbcccc")}, figure="auc")
    assert math.isnan(s.interaction.p)
    assert "no variance" in s.interaction.reason
    assert math.isnan(s.p_adjusted)


def test_missing_subgroups_are_counted():
    (s,) = by_subgroup([0, 1, 1, 0, 1], [0, 1, 0, 0, 1], {"x": ["a", None, math.nan, "", 3]})
    assert s.n_missing == 3
    assert list(s.estimates) == ["3", "a"]


def test_one_subgroup_has_no_interaction():
    for figure, answer in (("accuracy", [0, 1]), ("auc", [0.1, 0.9])):
        (s,) = by_subgroup([0, 1], answer, {"x": ["a", "a"]}, figure=figure)
        assert s.estimates["a"].estimate == 1
        assert math.isnan(s.interaction.p)
        assert "fewer than two subgroups" in s.interaction.sentence()


def test_all_right_everywhere_is_no_difference():
    (s,) = by_subgroup([0, 1, 0], [0, 1, 0], {"x": ["a", "b", "c"]})
    assert (s.interaction.statistic, s.interaction.p) == (0, 1)


@pytest.mark.parametrize(
    ("answer", "factors", "options", "message"),
    [
        ([0], {}, {}, "2 labels and answers"),
        ([0, 2], {}, {}, "answer contains"),
        ([0, 1], {"x": ["a"]}, {}, "factor x has shape"),
        ([0, 1], {}, {"figure": "f1"}, "figure is 'f1'"),
        ([0, math.nan], {"x": ["a", "a"]}, {"figure": "auc"}, "NaN"),
        ([0, 1], {"x": ["a", "b"]}, {"level": 0}, "level"),
    ],
)
def test_refusals(answer, factors, options, message):
    with pytest.raises(InputError, match=message):
        by_subgroup([0, 1], answer, factors, **options)


def test_several_subgroups_with_few_errors_have_an_exact_test():
    truth = np.ones(40, bool)
    called = np.r_[[1] * 9, 0, [1] * 15, [1] * 10, [0] * 5].astype(bool)
    (s,) = by_subgroup(truth, called, {"x": ["a"] * 10 + ["b"] * 15 + ["c"] * 15})
    assert s.interaction.method == "Fisher-Freeman-Halton"
    table = [[e.k for e in s.estimates.values()], [e.n - e.k for e in s.estimates.values()]]
    assert s.interaction.p == pytest.approx(exact_table_p(table)[0])


def test_the_largest_of_several_differences_has_an_adjusted_interval():
    (s,) = by_subgroup(TRUTH, CALLED, {"age": AGE})
    effect = s.interaction.effect
    assert effect.level == 0.95
    assert effect.method == "Newcombe, Bonferroni for 3 differences"
    best, worst = sorted(s.estimates.values(), key=lambda e: e.estimate)[::-2]
    want = proportion_difference(best.k, best.n, worst.k, worst.n, level=1 - 0.05 / 3)
    assert (effect.low, effect.high) == (want.low, want.high)


def test_small_subgroups_have_no_chi_squared_test_of_their_areas():
    rng = np.random.default_rng(0)
    truth, names = np.arange(66) % 2, np.repeat(["a", "b", "c"], [30, 30, 6])
    (s,) = by_subgroup(truth, rng.normal(size=66), {"x": names}, figure="auc")
    assert "fewer than 20 cases in a class" in s.interaction.reason
    assert math.isnan(s.interaction.p)
