"""Comparing areas: DeLong's published example, and what must hold of any."""

from __future__ import annotations

import math

import numpy as np
import pytest
from stats.cases import ALB, DELONG_TRUTH, KG, TP

from spinalcord.errors import InputError
from spinalcord.stats import auc, compare_all, compare_aucs, compare_aucs_unpaired, delong_se

Z = 1.959963984540054


def test_delong_s_comparison():
    c = compare_aucs(DELONG_TRUTH, [ALB, KG])
    assert c.effect.estimate == pytest.approx(0.0108, abs=5.1e-5)
    assert (c.effect.high - c.effect.low) / (2 * Z) == pytest.approx(0.0953, abs=5.1e-5)
    assert c.p == pytest.approx(0.9102, abs=5.1e-5)


def test_delong_s_joint_test():
    c = compare_all(DELONG_TRUTH, [ALB, TP, KG])
    assert c.statistic == pytest.approx(2.5340, abs=5.1e-5)
    assert (c.df, c.p) == (2, pytest.approx(0.2817, abs=5.1e-5))
    assert c.effect.estimate == pytest.approx(0.7366 - 0.6478, abs=1e-4)


def test_joint_test_of_two_is_the_paired_one():
    both = compare_aucs(DELONG_TRUTH, [ALB, KG])
    joint = compare_all(DELONG_TRUTH, [ALB, KG])
    assert joint.statistic == pytest.approx(both.statistic**2)
    assert joint.p == pytest.approx(both.p)


def test_joint_test_heeds_a_model_given_twice():
    c = compare_all(DELONG_TRUTH, [ALB, KG, ALB])
    assert c.df == 1
    assert c.p == pytest.approx(compare_aucs(DELONG_TRUTH, [ALB, KG]).p)
    same = compare_all(DELONG_TRUTH, [ALB, ALB])
    assert (same.statistic, same.p) == (0, 1)
    assert compare_all([0, 1], [[0, 1], [1, 0]]).reason == "the areas do not vary"


def test_identical_curves():
    c = compare_aucs(DELONG_TRUTH, [ALB, ALB])
    assert (c.statistic, c.p, c.effect.estimate) == (0, 1, 0)


def test_constant_but_different_areas_have_no_p():
    c = compare_aucs([0, 0, 1, 1], [[1, 2, 3, 4], [4, 3, 2, 1]])
    assert c.effect.estimate == 1
    assert math.isnan(c.p)
    assert "neither area varies" in c.sentence()


def test_unpaired_comparison():
    c = compare_aucs_unpaired((DELONG_TRUTH, ALB), (DELONG_TRUTH, KG))
    error = math.hypot(delong_se(DELONG_TRUTH, ALB), delong_se(DELONG_TRUTH, KG))
    assert (c.effect.high - c.effect.low) / (2 * Z) == pytest.approx(error)
    assert c.effect.n == 86


def test_limits_stay_within_what_areas_can_differ_by():
    good, bad = ([0, 0, 1, 1], [1, 3, 2, 4]), ([0, 0, 1, 1], [4, 2, 3, 1])
    c = compare_aucs_unpaired(good, bad, method="delong")
    assert c.effect.estimate == 0.5
    assert c.effect.high == 1  # 0.5 + 1.96 x 0.5 without the cut
    assert -1 < c.effect.low < 0
    assert compare_aucs_unpaired(bad, good, method="delong").effect.low == -1
    paired = compare_aucs(good[0], [good[1], bad[1]], method="delong")
    assert (paired.effect.estimate, paired.effect.high) == (0.5, 1)


def test_comparisons_refuse_other_numbers_of_models():
    with pytest.raises(InputError, match="scores of 3 models; expected 2"):
        compare_aucs(DELONG_TRUTH, [ALB, TP, KG])
    with pytest.raises(InputError, match="expected at least 2"):
        compare_all(DELONG_TRUTH, [ALB])
    with pytest.raises(InputError, match="axes"):
        compare_all(DELONG_TRUTH, ALB)


def test_an_empty_class_is_refused():
    for call in (compare_aucs, compare_all):
        with pytest.raises(InputError, match="expected both"):
            call([1, 1], [[1, 2], [3, 4]])
    with pytest.raises(InputError, match="expected both"):
        compare_aucs_unpaired(([0, 1], [1, 2]), ([0, 0], [1, 2]))
    with pytest.raises(InputError, match="level"):
        compare_aucs_unpaired(([0, 1], [1, 2]), ([0, 1], [1, 2]), level=0)


def test_perfect_small_groups_are_not_taken_as_known_exactly():
    """Two against two cases tell nothing; DeLong's variance of an area of 1 is 0."""
    children = [0, 0, 1, 1], [1, 2, 3, 4]
    adults = np.repeat([0, 1], 40), np.r_[np.arange(40), np.arange(30, 70)]
    c = compare_aucs_unpaired(children, adults)
    assert compare_aucs_unpaired(children, adults, method="delong").p < 0.05
    assert c.p > 0.2
    assert c.effect.low < 0 < c.effect.high
    assert c.effect.few
    both = compare_aucs_unpaired(children, children)
    assert (both.effect.estimate, both.p) == (0, 1)
    assert both.effect.low < -0.3
    assert both.effect.high > 0.3


def test_square_and_add_by_hand():
    first, second = (DELONG_TRUTH, ALB), (DELONG_TRUTH, TP)
    a, b = auc(*first), auc(*second)
    c = compare_aucs_unpaired(first, second, method="square-and-add")
    d = a.estimate - b.estimate
    below = math.hypot(a.estimate - a.low, b.high - b.estimate)
    above = math.hypot(a.high - a.estimate, b.estimate - b.low)
    assert (c.effect.low, c.effect.high) == pytest.approx((d - below, d + above))


@pytest.mark.parametrize("method", ["delong", "square-and-add"])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("paired", [True, False])
def test_p_and_interval_agree_at_every_level(method, seed, paired):
    rng = np.random.default_rng(seed)
    truth = np.repeat([0, 1], [12, 9])
    s = rng.normal(size=(2, 21)) + truth * np.array([[0.3], [1.8]])

    def compare(level):
        if paired:
            return compare_aucs(truth, s, method=method, level=level)
        return compare_aucs_unpaired((truth, s[0]), (truth, s[1]), method=method, level=level)

    p = compare(0.95).p
    assert 0 < p < 1
    for level, excluded in ((1 - p - 1e-6, True), (1 - p + 1e-6, False)):
        effect = compare(level).effect
        assert (effect.low > 0 or effect.high < 0) == excluded


def test_the_default_is_delong_s_where_its_normal_approximation_holds():
    truth = np.repeat([0, 1], [10, 12])
    near = np.r_[np.arange(10), np.arange(3, 15)]
    assert compare_aucs_unpaired((truth, near), (truth, -near)).method == "DeLong, unpaired"
    far = np.r_[np.arange(10), np.arange(9, 21)]  # an area within 1/10 of 1
    for pair in ((near, far), (far, near)):
        c = compare_aucs(truth, pair)
        assert c.method == c.effect.method == "square-and-add"
    few = truth[1:], near[1:]
    assert compare_aucs_unpaired(few, few).method == "square-and-add"


def test_paired_perfect_models_have_a_width():
    c = compare_aucs([0, 0, 1, 1], [[1, 2, 3, 4], [1, 2, 5, 6]])
    assert (c.effect.estimate, c.p) == (0, 1)
    assert c.effect.low < -0.3
    alike = compare_aucs(DELONG_TRUTH, [ALB, ALB])
    assert "both rank all cases alike" in alike.sentence()


def test_one_case_of_a_class_has_no_test():
    one = [0, 0, 0, 1], [1, 2, 4, 3]
    c = compare_aucs_unpaired(one, (DELONG_TRUTH, ALB))
    assert math.isnan(c.p)
    assert "single case" in c.reason
    assert c.effect.bounded
    assert not c.effect.reliable
    assert "single case" in compare_aucs([0, 0, 0, 1], [[1, 2, 4, 3], [2, 1, 3, 4]]).sentence()


def test_joint_test_of_few_is_marked_and_its_effect_adjusted():
    c = compare_all(DELONG_TRUTH, [ALB, TP, KG])
    assert "fewer than 20 cases in a class" in c.sentence()
    assert c.effect.level == 0.95
    assert "Bonferroni for 3 differences" in c.effect.method
    alone = compare_aucs(DELONG_TRUTH, [ALB, TP], level=1 - 0.05 / 3).effect
    assert (c.effect.low, c.effect.high) == (alone.low, alone.high)
    assert compare_all(np.repeat([0, 1], 20), np.arange(80).reshape(2, 40) % 7).reason == ""


def test_another_method_is_refused():
    for call in (
        lambda: compare_aucs(DELONG_TRUTH, [ALB, TP], method="wald"),
        lambda: compare_aucs_unpaired((DELONG_TRUTH, ALB), (DELONG_TRUTH, TP), method="wald"),
    ):
        with pytest.raises(InputError, match="method is 'wald'; expected one of default, delong"):
            call()
