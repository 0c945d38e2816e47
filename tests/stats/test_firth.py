"""Firth's logistic regression: what holds whatever the data, and where plain regression fails."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spinalcord.stats import firth


def test_one_share_has_half_a_case_more_on_each_side():
    # With a constant alone, Firth's penalty is Jeffreys' prior: (k + 1/2) / (n + 1).
    y = np.array([1.0] * 7)
    found = firth.fit(np.ones((7, 1)), y)
    assert found is not None
    assert 1 / (1 + math.exp(-found[0][0])) == pytest.approx(7.5 / 8)


def test_profile_limits_lie_where_the_likelihood_has_fallen():
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(60), rng.normal(size=60)])
    y = (rng.random(60) < 1 / (1 + np.exp(-x[:, 1]))).astype(float)
    beta, top = firth.fit(x, y)
    for side in (-1, 1):
        limit = firth.profile_limit(x, y, 1, beta, top, 0.95, side)
        assert side * (limit - beta[1]) > 0
        fixed = firth.fit(x, y, fixed=np.array([1]), start=np.array([0.0, limit]))
        assert 2 * (top - fixed[1]) == pytest.approx(3.841459, abs=1e-5)


def test_columns_that_repeat_each_other_have_no_answer():
    x = np.column_stack([np.ones(20), np.arange(20.0), np.arange(20.0)])
    assert firth.fit(x, np.arange(20) % 2.0) is None
