"""Bounds of the chain's accuracy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.stats import Branch, Confusion, chain_bounds
from spinalcord.tasks import DIAGNOSES


def test_bounds_are_those_of_every_overlap():
    n, first, second = 6, 4, 3
    seen = set()
    for right in itertools.combinations(range(n), second):
        seen.add(len(set(range(first)) & set(right)))
    assert Branch(n, first, second).bounds == (min(seen), max(seen))
    assert Branch(10, 2, 3).bounds == (0, 2)


def test_bounds_of_the_letter():
    low, high = chain_bounds(Branch(79, 74, 65), Branch(78, 76, 62))
    assert (low.k, high.k, low.n) == (120, 127, 157)
    assert low.sentence(digits=1).startswith("76.4 % (120 of 157)")
    assert high.sentence(digits=1).startswith("80.9 % (127 of 157)")


def test_counts_are_checked():
    with pytest.raises(InputError, match="more correct than cases"):
        Branch(5, 6, 1)
    with pytest.raises(InputError, match="below 0"):
        Branch(5, -1, 1)
    with pytest.raises(InputError, match="level"):
        chain_bounds(Branch(5, 3, 1), level=0)


def test_confusion():
    truth = ["MS", "MS", "NMOSD", "astrocytoma", "ependymoma", "ependymoma"]
    predicted = ["MS", "NMOSD", "NMOSD", "ependymoma", "ependymoma", "MS"]
    c = Confusion.from_labels(truth, predicted)
    assert c.classes == DIAGNOSES
    assert c.counts == ((0, 1, 0, 0), (0, 1, 1, 0), (0, 0, 1, 1), (0, 0, 0, 1))
    assert c.n == 6
    s = c.summary()
    assert (s["accuracy"].k, s["accuracy"].n) == (3, 6)
    assert (s["sensitivity, MS"].k, s["sensitivity, MS"].n) == (1, 2)
    assert (s["ppv, ependymoma"].k, s["ppv, ependymoma"].n) == (1, 2)
    assert not s["ppv, astrocytoma"].defined
    assert list(s)[:3] == ["accuracy", "kappa", "sensitivity, astrocytoma"]


def test_confusion_equals_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    truth, predicted = rng.choice(DIAGNOSES, (2, 80))
    c = Confusion.from_labels(truth, predicted)
    want = metrics.confusion_matrix(truth, predicted, labels=DIAGNOSES)
    np.testing.assert_array_equal(c.counts, want)
    assert c.summary()["kappa"].estimate == pytest.approx(
        metrics.cohen_kappa_score(truth, predicted)
    )


def test_confusion_refuses():
    with pytest.raises(InputError, match="1 true diagnoses and 2"):
        Confusion.from_labels(["MS"], ["MS", "MS"])
    with pytest.raises(InputError, match="'infarct' is none of astrocytoma, "):
        Confusion.from_labels(["MS"], ["infarct"])
    with pytest.raises(InputError, match="method"):
        Confusion.from_labels(["MS"], ["MS"]).summary(method="wald")
