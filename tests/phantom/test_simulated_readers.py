from __future__ import annotations

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.phantom.lesion_geometry import DIAGNOSES
from spinalcord.phantom.simulated_readers import ACCURACY, draw_calls, is_difficult

N = 4000


@pytest.fixture(scope="module")
def calls():
    rng = np.random.default_rng(0)
    truth = list(np.resize(DIAGNOSES, N))
    hard = rng.normal(0.5, 0.15, N)
    return truth, hard, draw_calls(rng, truth, hard)


def group(name):
    return name in ("MS", "NMOSD")


def test_accuracies_are_those_set(calls):
    truth, _, found = calls
    pairs = [(t, c) for t, row in zip(truth, found, strict=True) for c in row]
    first = np.mean([group(t) == group(c) for t, c in pairs])
    assert first == pytest.approx(ACCURACY[0], abs=0.01)
    for task, names in ((1, DIAGNOSES[:2]), (2, DIAGNOSES[2:])):
        own = [t == c for t, c in pairs if t in names and c in names]
        assert np.mean(own) == pytest.approx(ACCURACY[task], abs=0.02)


def test_readers_err_together_and_on_hard_cases(calls):
    truth, hard, found = calls
    right = np.array([[t == c for c in row] for t, row in zip(truth, found, strict=True)], float)
    r = np.corrcoef(right.T)
    assert 0.15 < r[np.triu_indices(7, 1)].mean() < 0.6
    share = right.mean(1)
    assert share[hard > np.median(hard)].mean() < share[hard <= np.median(hard)].mean() - 0.05


def test_difficult_means_that_readers_differ():
    assert not is_difficult(["MS"] * 5 + ["NMOSD"] * 2)
    assert is_difficult(["MS"] * 4 + ["NMOSD"] * 3)
    assert not is_difficult(["MS"])


@pytest.mark.parametrize("options", [{"accuracy": (0.4, 0.7, 0.7)}, {"n_readers": 0}])
def test_what_cannot_be_simulated_is_refused(options):
    with pytest.raises(InputError, match="reader"):
        draw_calls(np.random.default_rng(0), ["MS"], np.array([0.5]), **options)
