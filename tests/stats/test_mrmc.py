"""Multi-reader, multi-case: published results, definitions, simulated studies without effect."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.stats import auc, compare_aucs, compare_modalities
from spinalcord.stats.mrmc import analyse_readings, mean_covariances

# Van Dyke et al. 1993 (two techniques, five readers, 114 cases): the readers' AUCs and DeLong's
# covariances as published by Smith and Hillis, SPIE 11316 (2020). Their ratings are not needed.
AREAS = np.array(
    [
        [0.9196457, 0.8587762, 0.9038647, 0.9731079, 0.8297907],
        [0.9478261, 0.9053140, 0.9217391, 0.9993559, 0.9299517],
    ]
)
COVARIANCES = {"Var": 0.0007921325, "Cov1": 0.000342009, "Cov2": 0.0003395265, "Cov3": 0.0002358497}


def study(readers=4, n=(30, 40), effect=0.0, modalities=2, seed=0):
    """Scores that share a case's difficulty, a reader's skill and their interactions."""
    rng = np.random.default_rng(seed)
    truth = np.repeat([1, 0], n)
    case = rng.normal(0, 0.6, truth.size)
    skill = rng.normal(1.4, 0.25, (1, readers)) + rng.normal(0, 0.15, (modalities, readers))
    skill = skill + effect * np.arange(modalities)[:, None]
    noise = rng.normal(0, 0.8, (modalities, readers, truth.size))
    return truth, skill[..., None] * truth + case + noise


def test_published_study():
    pytest.importorskip("scipy")
    m = analyse_readings(AREAS, COVARIANCES, ("1", "2"), level=0.95, options={"n": 114})
    assert m.components["MS(T)"] == pytest.approx(0.004796171, rel=1e-5)
    assert m.components["MS(T:R)"] == pytest.approx(0.0005510306, rel=1e-5)
    assert m.comparison.statistic == pytest.approx(4.484854, rel=1e-5)
    assert m.comparison.df == pytest.approx(15.06611, rel=1e-5)
    assert m.comparison.p == pytest.approx(0.05123303, rel=1e-5)
    (d,) = m.differences
    assert d.estimate == pytest.approx(-0.04380032, rel=1e-5)
    assert (d.low, d.high) == pytest.approx((-0.0878671960, 0.0002665519), abs=1e-6)


def test_areas_and_covariances_are_delong_s():
    pytest.importorskip("scipy")
    truth, s = study(readers=3)
    m = compare_modalities(truth, s, modalities=("T2", "T2 and T1c"))
    for i in range(2):
        for j in range(3):
            assert m.areas[i][j] == pytest.approx(auc(truth, s[i, j]).estimate, abs=1e-14)
    # Var + Var - 2 Cov1 is the mean variance of a reader's paired difference.
    variances = []
    for j in range(3):
        effect = compare_aucs(truth, s[:, j]).effect
        variances.append(((effect.high - effect.low) / (2 * 1.959963984540054)) ** 2)
    c = m.components
    assert 2 * c["Var"] - 2 * c["Cov1"] == pytest.approx(np.mean(variances))
    assert c["Var"] > c["Cov2"] > 0
    assert m.differences[0].name == "AUC, T2 less T2 and T1c"


def test_mean_covariances_by_hand():
    x = np.arange(16.0).reshape(2, 2, 2, 2)
    got = mean_covariances(x)
    assert got["Var"] == np.mean([x[i, j, i, j] for i in (0, 1) for j in (0, 1)])
    assert got["Cov1"] == np.mean([x[0, 0, 1, 0], x[1, 0, 0, 0], x[0, 1, 1, 1], x[1, 1, 0, 1]])
    assert got["Cov2"] == np.mean([x[0, 0, 0, 1], x[0, 1, 0, 0], x[1, 0, 1, 1], x[1, 1, 1, 0]])
    assert got["Cov3"] == np.mean([x[0, 0, 1, 1], x[1, 1, 0, 0], x[0, 1, 1, 0], x[1, 0, 0, 1]])


def test_two_modalities_give_the_t_test():
    stats = pytest.importorskip("scipy.stats")
    m = compare_modalities(*study(effect=0.3))
    (d,) = m.differences
    half = (d.high - d.low) / 2
    t = d.estimate / (half / stats.t.ppf(0.975, m.comparison.df))
    assert t**2 == pytest.approx(m.comparison.statistic)
    assert (m.comparison.p < 0.05) == (d.low > 0 or d.high < 0)


def test_three_modalities():
    pytest.importorskip("scipy")
    m = compare_modalities(*study(modalities=3))
    assert [d.name for d in m.differences] == ["AUC, 1 less 2", "AUC, 1 less 3", "AUC, 2 less 3"]
    assert m.comparison.effect == m.differences[0]


@pytest.mark.slow
def test_level_is_held():
    pytest.importorskip("scipy")
    p = [compare_modalities(*study(seed=seed)).comparison.p for seed in range(600)]
    assert 0.02 < np.mean(np.array(p) < 0.05) < 0.075


def test_readers_that_do_not_vary_give_no_p():
    truth, s = study(readers=2)
    m = compare_modalities(truth, s[:, [0, 0]])
    assert math.isnan(m.comparison.p)
    assert "readers do not vary" in m.comparison.sentence()
    assert "readers do not vary" in m.differences[0].sentence()


@pytest.mark.parametrize("shape", [(1, 3, 70), (2, 1, 70), (2, 70)])
def test_two_of_each_are_needed(shape):
    with pytest.raises(InputError, match="two or more"):
        compare_modalities(study()[0], np.zeros(shape))


def test_settings_are_checked():
    truth, s = study()
    with pytest.raises(InputError, match="3 names for 2"):
        compare_modalities(truth, s, modalities=("a", "b", "c"))
    with pytest.raises(InputError, match="level"):
        compare_modalities(truth, s, level=0)
    with pytest.raises(InputError, match="expected both"):
        compare_modalities(np.ones(70), s)
