"""Readers as a random group, against Obuchowski and Rockette's formulas over pROC's covariances."""

from __future__ import annotations

import math

import numpy as np
import pytest
from stats.oracles import R

from spinalcord.errors import InputError
from spinalcord.stats import compare_modalities, compare_modalities_by, compare_with_readers

pytest.importorskip("scipy", reason="this analysis needs SciPy, of the extra stats")


def held(test, expected):
    assert test.effect.estimate == pytest.approx(expected["estimate"], rel=1e-9)
    assert test.statistic == pytest.approx(expected["statistic"], rel=1e-6)
    assert test.df == pytest.approx(expected["df"], rel=1e-6)
    assert test.p == pytest.approx(expected["p"], rel=1e-6)
    assert (test.effect.low, test.effect.high) == pytest.approx(expected["interval"], rel=1e-6)


def test_areas_against_r():
    r = R["readers"]
    held(compare_with_readers(r["truth"], r["model"], r["readers"]).comparison, r["auc"])


def test_sensitivity_against_r():
    r = R["readers"]
    model, readers = np.array(r["model"]) > r["cut"], np.array(r["readers"]) > r["cut"]
    found = compare_with_readers(r["truth"], model, readers, figure="sensitivity")
    held(found.comparison, r["sensitivity"])
    assert found.comparison.effect.n == 40


def test_modalities_against_r():
    r = R["modalities"]
    answers = np.array(r["answers"], float).T.reshape(2, 3, 50)
    found = compare_modalities_by("sensitivity", np.ones(50, int), answers)
    test = found.comparison
    assert test.statistic == pytest.approx(r["statistic"], rel=1e-6)
    assert test.df == pytest.approx(r["df"], rel=1e-6)
    assert test.p == pytest.approx(r["p"], rel=1e-6)
    assert found.differences[0].estimate == pytest.approx(r["difference"])
    assert found.differences[0].name == "sensitivity, 1 less 2"


def test_specificity_is_sensitivity_of_the_other_class():
    rng = np.random.default_rng(2)
    truth = np.repeat([1, 0], [20, 30])
    answers = (rng.random((2, 3, 50)) < np.where(truth, 0.8, 0.2)).astype(float)
    a = compare_modalities_by("specificity", truth, answers)
    b = compare_modalities_by("sensitivity", 1 - truth, 1 - answers)
    assert a.comparison.p == b.comparison.p
    auc = compare_modalities_by("auc", truth, answers)
    assert auc.comparison.p == compare_modalities(truth, answers).comparison.p


def test_readers_who_do_not_vary_leave_the_cases():
    rng = np.random.default_rng(3)
    truth = np.ones(40, int)
    model = (rng.random(40) < 0.9).astype(float)
    reader = (rng.random(40) < 0.6).astype(float)
    test = compare_with_readers(truth, model, [reader, reader], figure="sensitivity").comparison
    assert math.isinf(test.df)
    gaps = model - reader
    assert test.statistic == pytest.approx(gaps.mean() / (gaps.std(ddof=1) / math.sqrt(40)))


def test_nothing_varies_or_too_few():
    ones = np.ones((3, 20))
    test = compare_with_readers(ones[0], ones[0], ones[1:], figure="sensitivity").comparison
    assert test.reason == "neither readers nor cases vary"
    test = compare_with_readers([1, 1, 0], [1, 1, 0], [[1, 0, 0], [1, 1, 1]]).comparison
    assert math.isnan(test.p)
    assert "too few" in test.reason


@pytest.mark.slow
def test_type_i_error_is_near_its_level():
    rng, rejected = np.random.default_rng(11), 0
    for _ in range(600):
        truth = np.repeat([1, 0], 30)
        case, skill = rng.normal(0, 0.6, 60), rng.normal(1.2, 0.2, (6, 1))
        skill[0] = 1.2
        s = case + rng.normal(0, 0.8, (6, 60)) + skill * truth
        rejected += compare_with_readers(truth, s[0], s[1:]).comparison.p < 0.05
    assert rejected / 600 < 0.08


@pytest.mark.parametrize(
    ("model", "readers"),
    [([1, 0], [[1, 0]]), ([1], [[1, 0], [0, 1]]), ([1, 0.5], [[1, 0], [0, 1]])],
)
def test_bad_answers(model, readers):
    with pytest.raises(InputError):
        compare_with_readers([1, 0], model, readers, figure="accuracy")


def test_bad_settings():
    two = np.zeros((2, 2, 4))
    with pytest.raises(InputError, match="figure"):
        compare_modalities_by("f1", [1, 0, 1, 0], two)
    with pytest.raises(InputError, match="names"):
        compare_modalities_by("accuracy", [1, 0, 1, 0], two, modalities=("a",))
    with pytest.raises(InputError, match="shape"):
        compare_modalities_by("accuracy", [1, 0], two[0])
    with pytest.raises(InputError, match="no case"):
        compare_modalities_by("sensitivity", [0] * 4, two)
    with pytest.raises(InputError, match="labels"):
        compare_modalities_by("accuracy", [1, 0], two)
    with pytest.raises(InputError, match="level"):
        compare_with_readers([1, 0], [1, 0], [[1, 0], [1, 0]], level=0)


@pytest.mark.parametrize(("n", "reason"), [(39, "fewer than 40 cases that count"), (40, "")])
def test_few_cases_are_marked(n, reason):
    right = np.random.default_rng(0).random((4, n)) < 0.8
    test = compare_with_readers(np.ones(n, int), right[0], right[1:], figure="accuracy").comparison
    assert test.reason == test.effect.reason == reason
    assert test.reliable == (not reason)
