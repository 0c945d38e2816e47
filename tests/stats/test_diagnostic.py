"""The 2 x 2 table: each figure against its definition, scikit-learn and a simulation."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.stats import TwoByTwo

MODEL1 = TwoByTwo(76, 2, 74, 5, positive="demyelination")
MODEL2 = TwoByTwo(34, 11, 31, 3, positive="ependymoma")


def labels(table):
    truth = np.repeat([1, 1, 0, 0], [table.tp, table.fn, table.tn, table.fp])
    called = np.repeat([1, 0, 0, 1], [table.tp, table.fn, table.tn, table.fp])
    return truth, called


def test_figures_by_hand():
    s = MODEL1.summary()
    assert {name: (e.k, e.n) for name, e in s.items() if e.k is not None} == {
        "accuracy": (150, 157),
        "sensitivity": (76, 78),
        "specificity": (74, 79),
        "ppv": (76, 81),
        "npv": (74, 76),
        "precision": (76, 81),
        "recall": (76, 78),
    }
    se, sp = 76 / 78, 74 / 79
    assert s["balanced_accuracy"].estimate == pytest.approx((se + sp) / 2)
    assert s["youden"].estimate == pytest.approx(se + sp - 1)
    assert s["lr_positive"].estimate == pytest.approx(se / (1 - sp))
    assert s["lr_negative"].estimate == pytest.approx((1 - se) / sp)
    assert s["f1"].estimate == pytest.approx(152 / 159)
    assert all(e.details["positive"] == "demyelination" for e in s.values())
    assert all(e.low < e.estimate < e.high for e in s.values())


def test_figures_equal_scikit_learn_s():
    metrics = pytest.importorskip("sklearn.metrics")
    truth, called = labels(MODEL2)
    s = MODEL2.summary()
    for name, want in {
        "accuracy": metrics.accuracy_score,
        "balanced_accuracy": metrics.balanced_accuracy_score,
        "f1": metrics.f1_score,
        "mcc": metrics.matthews_corrcoef,
        "kappa": metrics.cohen_kappa_score,
        "precision": metrics.precision_score,
        "recall": metrics.recall_score,
    }.items():
        assert s[name].estimate == pytest.approx(want(truth, called), abs=1e-12)


def test_from_labels_is_the_way_back():
    truth, called = labels(MODEL2)
    made = TwoByTwo.from_labels(truth, called, positive="ependymoma")
    assert made == MODEL2
    assert (made.n, made.n_positive, made.n_negative, made.n_correct) == (79, 45, 34, 65)


def test_mcc_variance_is_that_of_the_delta_method():
    """Against numerical derivatives of MCC by the four shares."""
    counts = np.array([34.0, 11.0, 31.0, 3.0])

    def mcc(p):
        tp, fn, tn, fp = p
        product = (tp + fn) * (tn + fp) * (tp + fp) * (tn + fn)
        return (tp * tn - fp * fn) / math.sqrt(product)

    n, p = counts.sum(), counts / counts.sum()
    gradient = [(mcc(p + h) - mcc(p - h)) / 2e-6 for h in 1e-6 * np.eye(4)]
    variance = ((p * np.square(gradient)).sum() - (p @ gradient) ** 2) / n
    e = MODEL2.summary()["mcc"]
    half = (math.atanh(e.high) - math.atanh(e.low)) / 2
    error = half / 1.959963984540054 * (1 - e.estimate**2)
    assert error == pytest.approx(math.sqrt(variance), rel=1e-5)


@pytest.mark.slow
def test_intervals_cover():
    """In 2000 simulated cohorts the intervals hold the truth about as often as they say."""
    rng = np.random.default_rng(3)
    n1, n0, se, sp = 60, 50, 0.8, 0.75
    share = n1 / (n1 + n0)
    cells = np.array([share * se, share * (1 - se), (1 - share) * sp, (1 - share) * (1 - sp)])
    truth = TwoByTwo(*np.round(1e6 * cells).astype(int)).summary()
    names = ("balanced_accuracy", "youden", "f1", "mcc", "kappa", "lr_positive", "lr_negative")
    hits = dict.fromkeys(names, 0)
    for table in rng.multinomial(n1 + n0, cells, size=2000):
        s = TwoByTwo(*table).summary()
        for name in names:
            hits[name] += s[name].low <= truth[name].estimate <= s[name].high
    assert all(0.93 <= count / 2000 <= 0.97 for count in hits.values()), hits


def test_predictive_values_at_another_prevalence():
    ppv, npv = MODEL2.predictive_values(0.1)
    se, sp = 34 / 45, 31 / 34
    assert ppv.estimate == pytest.approx(0.1 * se / (0.1 * se + 0.9 * (1 - sp)))
    assert npv.estimate == pytest.approx(0.9 * sp / (0.9 * sp + 0.1 * (1 - se)))
    assert ppv.low < ppv.estimate < ppv.high
    own, _ = MODEL2.predictive_values(45 / 79)
    assert own.estimate == pytest.approx(34 / 37)
    assert own.details["prevalence"] == 45 / 79


def test_predictive_value_interval_by_mercaldo_s_formula():
    ppv, _ = MODEL2.predictive_values(0.1)
    se, sp = 34 / 45, 31 / 34
    variance = (1 - se) / (se * 45) + sp / ((1 - sp) * 34)
    logit = math.log(0.1 * se / (0.9 * (1 - sp)))
    want = [1 / (1 + math.exp(-(logit + s * 1.959963984540054 * variance**0.5))) for s in (-1, 1)]
    assert (ppv.low, ppv.high) == pytest.approx(want, abs=1e-12)


@pytest.mark.parametrize("table", [(0, 0, 5, 3), (4, 3, 0, 0), (0, 0, 0, 0)])
def test_an_empty_class_is_said(table):
    s = TwoByTwo(*table).summary()
    for name in ("balanced_accuracy", "youden", "lr_positive", "lr_negative"):
        assert math.isnan(s[name].estimate)
        assert s[name].reason == "one class is empty"
    ppv, npv = TwoByTwo(*table).predictive_values(0.5)
    assert not ppv.defined
    assert not npv.defined
    json.dumps({name: e.to_dict() for name, e in s.items()}, allow_nan=False)


def test_perfect_and_hopeless_tests_have_no_invented_numbers():
    s = TwoByTwo(5, 0, 6, 0).summary()
    assert s["mcc"].estimate == 1
    assert math.isnan(s["mcc"].low)
    assert not s["lr_positive"].defined
    assert s["lr_negative"].estimate == 0
    assert "numerator" in s["lr_negative"].sentence()
    ppv, _ = TwoByTwo(5, 0, 6, 0).predictive_values(0.2)
    assert ppv.estimate == 1
    assert "sensitivity or specificity is 0 or 1" in ppv.sentence()
    nobody = TwoByTwo(0, 5, 6, 0).summary()
    assert not nobody["ppv"].defined
    assert not nobody["mcc"].defined
    assert not TwoByTwo(0, 5, 6, 0).predictive_values(0.2)[0].defined
    assert not TwoByTwo(0, 0, 6, 0).summary()["f1"].defined


@pytest.mark.parametrize("counts", [(1, 2, 3, -1), (1, 2, 3, 0.5), (1, 2, 3, None)])
def test_counts_must_be_counts(counts):
    with pytest.raises(InputError, match=r"fp is .*whole number"):
        TwoByTwo(*counts)


def test_labels_must_be_labels():
    with pytest.raises(InputError, match="2 true labels and 3"):
        TwoByTwo.from_labels([0, 1], [0, 1, 1])
    with pytest.raises(InputError, match="predicted contains something other"):
        TwoByTwo.from_labels([0, 1], [0, 0.7])
    with pytest.raises(InputError, match="truth contains something other"):
        TwoByTwo.from_labels([[0, 1]], [0, 1])


@pytest.mark.parametrize("prevalence", [0, 1, 30, math.nan])
def test_prevalence_lies_between_0_and_1(prevalence):
    with pytest.raises(InputError, match="prevalence"):
        MODEL1.predictive_values(prevalence)


def test_settings_are_checked():
    with pytest.raises(InputError, match="level"):
        MODEL1.summary(level=1)
    with pytest.raises(InputError, match="method"):
        MODEL1.summary(method="wald")
