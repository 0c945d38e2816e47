"""Further simulations of `bench_coverage.py`: operating points, groups of readers, measurements."""

from __future__ import annotations

import math
import unittest.mock
from dataclasses import replace

import numpy as np
from coverage_scenarios import NORMAL, Found, Rng, Scenario, Size

from spinalcord import stats
from spinalcord.errors import InputError
from spinalcord.stats import Comparison, Estimate, group_tests


def operating_points(rng: Rng, size: Size, a: float) -> Found:
    """Binormal scores: sensitivity at a specificity of 0.8, partial area, odds ratio at a cut."""
    shift = math.sqrt(2) * NORMAL.inv_cdf(a)
    truth = np.repeat([1, 0], size)
    scores = rng.normal(size=truth.size) + shift * truth
    cut = NORMAL.inv_cdf(0.8)
    sensitivity = 1 - NORMAL.cdf(cut - shift)
    table = stats.TwoByTwo.from_labels(truth, scores > cut)
    odds = sensitivity / (1 - sensitivity) * 4
    options = {"replicates": 100}
    at = stats.sensitivity_at(truth, scores, specificity=0.8, **options)
    part = stats.partial_auc(truth, scores, low=0.8, **options)
    return {
        "sensitivity at specificity 0.8 (Zhou and Qin)": (at, sensitivity),
        "partial AUC (bootstrap)": (part, _partial(shift)),
        "diagnostic odds ratio (exact)": (stats.diagnostic_odds_ratio(table), odds),
    }


def _partial(shift: float) -> float:
    """McClish's area over specificities of 0.8 to 1 of normal scores."""
    rates = np.linspace(1e-9, 0.2, 2001)
    y = np.array([1 - NORMAL.cdf(NORMAL.inv_cdf(1 - x) - shift) for x in rates])
    area = float(((y[1:] + y[:-1]) / 2 * np.diff(rates)).sum())
    return (1 + (area - 0.02) / (0.2 - 0.02)) / 2


def paired_predictive(rng: Rng, size: Size, p: tuple[float, float]) -> Found:
    """Two tests of the same patients, equally good, whose errors are correlated."""
    truth = np.repeat([1, 0], size)
    right = np.where(truth == 1, p[0], p[1])
    common = rng.random(truth.size)
    calls = []
    for _ in range(2):
        own = np.where(rng.random(truth.size) < 0.5, common, rng.random(truth.size))
        calls.append(np.where(own < right, truth, 1 - truth))
    found = stats.compare_tests(truth, *calls)
    return {f"paired {name}": (found[name], 0.0) for name in ("ppv", "npv")}


def reader_group(rng: Rng, size: Size, p: float) -> Found:
    """A model no better than the mean of all readers, of whom five were asked."""
    n, ability = sum(size), rng.normal(0, 0.25, 6)
    ability[0] = 0.0
    case = rng.normal(size=n)
    cut = NORMAL.inv_cdf(p) * math.sqrt(2)
    # The mean reader's share right is that of an able reader with the readers' spread.
    level = cut * math.sqrt(1 + 0.25**2 / 2)
    right = case + rng.normal(size=(6, n)) < np.where(
        np.arange(6)[:, None] == 0, cut, level + ability[:, None]
    )
    test = stats.compare_with_readers(
        np.ones(n, int), right[0], right[1:], figure="accuracy"
    ).comparison
    return {"model against five readers as a group": (test, 0.0)}


def agreement(rng: Rng, size: Size, p: float) -> Found:
    """Two readers who agree by chance, or knowingly in a share p of the cases."""
    n = sum(size)
    category = rng.random((2, n)) < 0.3
    known = rng.random(n) < p
    category[1] = np.where(known, category[0], category[1])
    counts = np.stack([(category == value).sum(0) for value in (0, 1)], 1)
    observed = p + (1 - p) * (0.3**2 + 0.7**2)
    chance = 2 * 0.3 * 0.7
    return {"AC1": (stats.gwet_ac1(counts), (observed - chance) / (1 - chance))}


def measured(rng: Rng, size: Size, noise: float) -> Found:
    """Two measurements of the same things, the second higher by 0.5."""
    n = sum(size)
    true = rng.normal(0, 1, n)
    x = true[:, None] + rng.normal(0, noise, (n, 2)) + np.array([0.0, 0.5])
    found = stats.bland_altman(x[:, 0], x[:, 1])
    spread = 1.959963984540054 * noise * math.sqrt(2)
    consistency = 1 / (1 + noise**2)
    others = x + rng.normal(0, 0.35, 2)  # raters drawn from many
    return {
        "bias (Student)": (found.bias, -0.5),
        "limit of agreement (Zou)": (found.upper, -0.5 + spread),
        "ICC(3, 1)": (stats.icc(x, kind="consistency"), consistency),
        # The raters' mean square is that of these two, 0 and 0.5: half the squared difference.
        "ICC(2, 1), these two raters": (
            stats.icc(x, fixed_raters=True), 1 / (1 + 0.5**2 / 2 + noise**2)),
        "ICC(2, 1), raters like these two": (
            stats.icc(others - [0.0, 0.5]), 1 / (1 + 0.35**2 + noise**2)),
    }  # fmt: skip


def shifted(rng: Rng, size: Size, shift: float) -> Found:
    """Skewed values of two groups."""
    a, b = rng.gamma(2, 1, size[0]) + shift, rng.gamma(2, 1, size[1])
    test = stats.kruskal_wallis({"a": a, "b": b})
    return {
        "shift (Hodges-Lehmann)": (stats.location_shift(a, b), shift),
        "Kruskal-Wallis": (test, shift),
    }


def categories(rng: Rng, size: Size, shares: tuple[float, ...]) -> Found:
    """Numbers, and words of three kinds, in four diagnoses that do not differ."""
    n = sum(size)
    group = rng.permutation(np.arange(n) % 4)
    words, numbers = rng.choice(len(shares), n, p=shares), np.exp(rng.normal(size=n))
    table = [[int(((group == g) & (words == w)).sum()) for g in range(4)] for w in range(3)]
    ranks = stats.kruskal_wallis({str(g): numbers[group == g] for g in range(4)})
    p, how = stats.exact_table_p(table) if n <= 20 else _drawn_p(table)
    none = Estimate("no effect", math.nan, math.nan, math.nan, 0.95, "none", n=n)
    return {
        "four groups, numbers (Kruskal-Wallis)": (ranks, 0.0),
        "four groups, three categories (Freeman and Halton)": (
            Comparison("table", math.nan, math.nan, p, how, none), 0.0),
    }  # fmt: skip


def _drawn_p(table: list[list[int]]) -> tuple[float, str]:
    """The exact test from 1,000 drawn tables: to go through all takes most of a second each."""
    x = np.array(table, np.int64)
    x = group_tests._ordered(x[x.sum(1) > 0][:, x.sum(0) > 0])
    with unittest.mock.patch.object(group_tests, "DRAWN", 1000):
        return group_tests._drawn_p(x, 0), "Fisher-Freeman-Halton, 1000 tables drawn"


def at_the_margin(rng: Rng, size: Size, p: float) -> Found:
    """A model worse than the mean reader by the very margin: one-sided, it passes in 2.5 %."""
    n, margin = sum(size), 0.1
    right = rng.random((5, n)) < np.r_[p - margin, np.full(4, p)][:, None]

    def gap(level: float) -> Estimate:
        return stats.compare_with_readers(
            np.ones(n, int), right[0], right[1:], figure="accuracy", level=level
        ).comparison.effect

    test = stats.noninferiority(gap, margin, alpha=0.05)
    nan = math.nan
    test = replace(test, effect=replace(test.effect, low=nan, high=nan))
    return {"non-inferiority at the margin, one-sided 5 %": (test, 0.0)}


def interaction(rng: Rng, size: Size, worse: float) -> Found:
    """Scores that separate the classes as well at both sites, or less well at the second."""
    truth = np.repeat([1, 0], (3 * size[0], 3 * size[1]))
    site, sex = rng.random(truth.size) < 0.4, rng.random(truth.size) < 0.5
    site[:2] = False, True
    scores = rng.normal(size=truth.size) + truth * (1.5 - worse * site)
    found = stats.adjusted_interactions(truth, scores, {"site": site * 1.0, "sex": sex * 1.0})[0]
    effect = found.test.effect
    if effect.bounded:  # the logarithm, which is 0 where the sites are alike
        ends = {end: math.log(getattr(effect, end)) for end in ("estimate", "low", "high")}
        effect = replace(effect, **ends)
    return {"adjusted interaction (Firth, profile)": (replace(found.test, effect=effect), worse)}


def smooth_curve(rng: Rng, size: Size, spread: float) -> Found:
    """Probabilities that are right: the smooth calibration curve's band in the middle."""
    p = 1 / (1 + np.exp(-rng.normal(0, spread, sum(size))))
    nan, truth = math.nan, rng.random(p.size) < p
    try:
        found = stats.calibration_curve(truth, p, points=3, replicates=100)
    except InputError as error:  # too few for a curve, which the report says
        none = Estimate("observed", nan, nan, nan, 0.95, "none", reason=str(error))
        return {"calibration curve's band (bootstrap)": (none, nan)}
    i = found.probability.size // 2
    ends, value = (found.low[i], found.high[i]), found.observed[i]
    band = Estimate("observed", value, *ends, 0.95, "bootstrap", n=p.size, reason=found.reason)
    return {"calibration curve's band (bootstrap)": (band, float(found.probability[i]))}


def benefit(rng: Rng, size: Size, threshold: float) -> Found:
    """Probabilities that are right: what acting on them is worth, and how many were expected."""
    p = 1 / (1 + np.exp(-rng.normal(0, 1.5, sum(size))))
    truth = rng.random(p.size) < p
    grid = np.linspace(-12, 12, 20_001)
    weight = np.exp(-(grid**2) / (2 * 1.5**2))
    prob = 1 / (1 + np.exp(-grid))
    gain = np.where(prob >= threshold, prob - threshold / (1 - threshold) * (1 - prob), 0.0)
    true = float((gain * weight).sum() / weight.sum())
    return {
        "net benefit": (stats.net_benefit(truth, p, threshold), true),
        "O:E (Wilson)": (stats.observed_to_expected(truth, p), 1.0),
        "ICI against chance": (stats.calibration_index(truth, p, replicates=100), 0.0),
    }


def several_scans(rng: Rng, size: Size, true: tuple[float, float]) -> Found:
    """One to four scans a patient, alike within patients."""
    p, alike = true
    n = rng.integers(1, 5, sum(size))
    own = rng.beta(p * (1 / alike - 1), (1 - p) * (1 / alike - 1), n.size)
    patient = np.repeat(np.arange(n.size), n)
    right = rng.random(patient.size) < own[patient]
    return {"share of scans (Korn-Graubard)": (stats.clustered_proportion(right, patient), p)}


def adjusted_odds_ratio(rng: Rng, size: Size, odds: float) -> Found:
    """A site that matters or not, adjusted for sex."""
    n = 3 * sum(size)
    site, sex = rng.random(n) < 0.5, rng.random(n) < 0.5
    logit = 0.8 + math.log(odds) * site + 0.5 * sex
    right = rng.random(n) < 1 / (1 + np.exp(-logit))
    site[:2] = False, True
    found = stats.adjusted_factors(
        right, {"site": np.where(site, 1.0, 0.0), "sex": np.where(sex, 1.0, 0.0)}
    )[0]
    ratio = found.odds_ratios.get("per unit", found.test.effect)
    return {"adjusted odds ratio (Firth, profile)": (ratio, odds)}


FURTHER = (
    Scenario("operating points", (0.8, 0.95), operating_points, 0.5),
    Scenario("paired predictive values", ((0.8, 0.8), (0.95, 0.9)), paired_predictive),
    Scenario("readers as a group", (0.7, 0.9), reader_group),
    Scenario("AC1", (0.3, 0.8), agreement),
    Scenario("measurements", (0.2, 1.0), measured),
    Scenario("shift", (0.0, 1.0), shifted, 0.5),
    Scenario("categories", ((0.4, 0.4, 0.2), (0.8, 0.15, 0.05)), categories, 0.5),
    Scenario("margin", (0.7, 0.9), at_the_margin, 0.5),
    Scenario("interactions", (0.0,), interaction, 0.5),
    Scenario("smooth curve", (1.0,), smooth_curve, 0.5),
    Scenario("net benefit", (0.2, 0.5), benefit, 0.5),
    Scenario("several scans", ((0.8, 0.3), (0.95, 0.2)), several_scans),
    Scenario("adjusted", (1.0, 3.0), adjusted_odds_ratio, 0.5),
)
