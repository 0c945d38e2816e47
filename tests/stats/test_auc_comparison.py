"""Comparing areas: DeLong's published example, and what must hold of any."""

from __future__ import annotations

import math

import pytest
from stats.cases import ALB, DELONG_TRUTH, KG, TP

from spinalcord.errors import InputError
from spinalcord.stats import compare_all, compare_aucs, compare_aucs_unpaired, delong_se

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
    c = compare_aucs_unpaired(good, bad)
    assert c.effect.estimate == 0.5
    assert c.effect.high == 1  # 0.5 + 1.96 x 0.5 without the cut
    assert -1 < c.effect.low < 0
    assert compare_aucs_unpaired(bad, good).effect.low == -1
    paired = compare_aucs(good[0], [good[1], bad[1]])
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
