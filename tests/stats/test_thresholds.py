"""Thresholds: chosen by brute force, evaluated with a warning where that flatters."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from stats.cases import scored

from spinalcord.errors import InputError, SpinalcordWarning
from spinalcord.stats import Threshold, TwoByTwo, choose_threshold, evaluate, youden_optimism


def shares(truth, s, cut):
    table = TwoByTwo.from_labels(truth, s >= cut)
    return table.tp / table.n_positive, table.tn / table.n_negative, table.n_correct


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("rule", ["youden", "accuracy"])
def test_choice_is_the_best_of_all(rule, ties):
    truth, (s,) = scored(45, 34, ties=ties)
    chosen = choose_threshold(truth, s, split="validation", rule=rule)
    worth = {}
    for cut in [*np.unique(s), math.inf]:
        sensitivity, specificity, correct = shares(truth, s, cut)
        worth[cut] = sensitivity + specificity if rule == "youden" else correct
    best = max(worth.values())
    assert chosen.value == max(cut for cut, w in worth.items() if w > best - 1e-9)
    assert (chosen.split, chosen.n, chosen.rule) == ("validation", 79, rule)


@pytest.mark.parametrize("rule", ["sensitivity", "specificity"])
def test_choice_holds_its_bound(rule):
    truth, (s,) = scored(45, 34)
    chosen = choose_threshold(truth, s, split="v", rule=rule, at_least=0.9)
    i = 0 if rule == "sensitivity" else 1
    held = shares(truth, s, chosen.value)
    assert held[i] >= 0.9
    others = [shares(truth, s, cut) for cut in [*np.unique(s), math.inf]]
    assert held[1 - i] == max(o[1 - i] for o in others if o[i] >= 0.9)
    assert chosen.at_least == 0.9


def test_other_split_is_no_reason_to_warn():
    truth, (s,) = scored(45, 34)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        e = evaluate(Threshold(0.5, "youden", "validation"), truth, s, split="test", positive="MS")
        bare = evaluate(0.5, truth, s, split="test")
    assert e.optimism == bare.optimism == 0
    assert e.table.positive == "MS"
    assert e.table == TwoByTwo.from_labels(truth, s >= 0.5, positive="MS")


def test_same_split_warns_and_says_by_how_much():
    truth, (s,) = scored(45, 34)
    chosen = choose_threshold(truth, s, split="test")
    with pytest.warns(SpinalcordWarning, match=r"chosen \(youden\) on the test cases .* too high"):
        e = evaluate(chosen, truth, s, split="test")
    assert 0.005 < e.optimism < 0.1
    with pytest.warns(SpinalcordWarning):
        assert evaluate(chosen, truth, s, split="test", replicates=200, seed=0) == e


@pytest.mark.slow
def test_optimism_is_that_of_simulated_cohorts():
    """The truth: accuracy on the cohort less accuracy on endless new cases."""
    rng = np.random.default_rng(7)
    truth = np.repeat([1, 0], [45, 34])
    normal = np.vectorize(lambda x: 0.5 * math.erfc(-x / math.sqrt(2)))
    shift, gaps, estimates = 1.5, [], []
    for _ in range(150):
        s = rng.normal(size=79) + shift * truth
        chosen = choose_threshold(truth, s, split="test")
        with pytest.warns(SpinalcordWarning):
            e = evaluate(chosen, truth, s, split="test", replicates=100)
        new = (45 * (1 - normal(chosen.value - shift)) + 34 * normal(chosen.value)) / 79
        gaps.append(e.table.n_correct / 79 - new)
        estimates.append(e.optimism)
    assert np.mean(gaps) > 0.02
    assert 0.55 < np.mean(estimates) / np.mean(gaps) < 1  # as evaluate() says


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": "best"}, "rule is 'best'"),
        ({"rule": "sensitivity"}, "at_least None"),
        ({"rule": "youden", "at_least": 0.9}, "bound only"),
        ({"rule": "specificity", "at_least": 1.5}, "at_least 1.5"),
    ],
)
def test_choice_refuses(options, message):
    with pytest.raises(InputError, match=message):
        choose_threshold([0, 1], [0.2, 0.8], split="v", **options)


def test_cases_are_checked():
    with pytest.raises(InputError, match="expected both"):
        choose_threshold([1, 1], [0.2, 0.8], split="v")
    with pytest.raises(InputError, match="NaN"):
        evaluate(0.5, [0, 1], [0.2, math.nan], split="v")
    with pytest.raises(InputError, match="shape"):
        evaluate(0.5, [0, 1], [0.2], split="v")
    with pytest.raises(InputError, match="replicates"):
        evaluate(Threshold(0.5, "youden", "v"), [0, 1], [0.2, 0.8], split="v", replicates=1)


def test_simulated_optimism():
    """That of the letter's three models, as an independent simulation found it."""
    for area, n, points in [(0.99, (78, 79), 1.5), (0.90, (45, 34), 3.9), (0.85, (45, 33), 4.4)]:
        got = 100 * youden_optimism(area, *n, cohorts=1000)
        assert got == pytest.approx(points, abs=0.5)
    assert youden_optimism(0.85, 4000, 4000, cohorts=100) < 0.005
    for bad in ((1.0, 5, 5), (0.9, 0, 5), (math.nan, 5, 5)):
        with pytest.raises(InputError, match="an AUC of"):
            youden_optimism(*bad)
    with pytest.raises(InputError, match="5 replicates"):
        youden_optimism(0.9, 5, 5, cohorts=5)


def test_threshold_of_infinite_scores_does_what_it_promises():
    """No number lies above infinity: such a case is always called positive."""
    truth, s = [0, 0, 1], np.array([math.inf, math.inf, 0.0])
    chosen = choose_threshold(truth, s, split="v", rule="accuracy")
    worth = {cut: shares(np.array(truth), s, cut)[2] for cut in (math.inf, 0.0)}
    assert worth[chosen.value] == max(worth.values())
    low = choose_threshold([0, 1, 1], [-math.inf, -math.inf, 1.0], split="v", rule="youden")
    assert low.value == 1
