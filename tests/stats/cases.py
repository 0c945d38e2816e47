"""Scored cases that several test files use."""

from __future__ import annotations

import numpy as np

# DeLong, DeLong and Clarke-Pearson, Biometrics 44:837 (1988): 43 complete rows of alb, tp, totscore
# and popind, as printed in SAS's documentation of PROC LOGISTIC.
_ROWS = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0
1.6 5.6 5 1   3.8 5.7 5 1  3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1
4.3 7.0 4 1   3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0  4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1
3.0 4.7 8 0   4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1  4.3 6.5 4 1
3.2 5.1 5 1   2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1
3.5 6.2 5 1   2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1
3.6 6.6 5 1
"""
_TABLE = np.array(_ROWS.split(), float).reshape(43, 4)
DELONG_TRUTH = _TABLE[:, 3].astype(int)
ALB, TP, KG = _TABLE[:, 0], _TABLE[:, 1], 10 - _TABLE[:, 2]


def scored(n_positive, n_negative, *, models=1, seed=0, ties=False):
    """Labels and scores (models, n), an AUC of about 0.76; with few distinct scores on demand."""
    rng = np.random.default_rng(seed)
    truth = np.repeat([1, 0], [n_positive, n_negative])
    scores = rng.normal(size=(models, truth.size)) + truth
    if ties:
        scores = np.round(2 * scores)
    order = rng.permutation(truth.size)
    return truth[order], np.ascontiguousarray(scores[:, order])


def plain_auc(truth, scores, weights=None):
    """The definition, pair by pair."""
    w = np.ones(len(truth)) if weights is None else np.asarray(weights, float)
    truth = np.asarray(truth, bool)
    gap = scores[truth][:, None] - scores[~truth][None, :]
    wins = (gap > 0) + 0.5 * (gap == 0)
    pairs = w[truth][:, None] * w[~truth][None, :]
    return (pairs * wins).sum() / pairs.sum()
