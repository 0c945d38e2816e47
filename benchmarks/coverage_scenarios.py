"""Simulations of `bench_coverage.py`: cohorts with known true values, and their figures."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import Any, TypeAlias

import numpy as np

from spinalcord import stats
from spinalcord.report import Cohort
from spinalcord.stats import Comparison, Estimate

Found: TypeAlias = dict[str, tuple[Estimate | Comparison, float]]
Size: TypeAlias = tuple[int, int]
Rng: TypeAlias = np.random.Generator
NORMAL = NormalDist()
LARGE = (40, 33)  # the other group where one is small

# Counts come again and again: each is asked once.
proportion = cache(stats.proportion)
mcnemar = cache(stats.mcnemar)


@dataclass(frozen=True)
class Scenario:
    """A kind of cohort.

    Parameters
    ----------
    name : str
    truths : tuple
        True values, in the form that `draw` takes.
    draw : function of (generator, size, truth)
        Simulates one cohort; returns results and their true values by name.
    share : float
        Of the replicates, for what takes long.
    """

    name: str
    truths: tuple[Any, ...]
    draw: Callable[[Rng, Size, Any], Found]
    share: float = 1.0


def shares(rng: Rng, size: Size, p: float) -> Found:
    """Sensitivity of one class, and accuracy of both."""
    n, k = sum(size), int(rng.binomial(size[0], p))
    return {
        "sensitivity (Wilson, exact near the ends)": (proportion(k, size[0]), p),
        "sensitivity (Wilson, modified)": (proportion(k, size[0], method="modified-wilson"), p),
        "sensitivity (Clopper-Pearson)": (proportion(k, size[0], method="clopper-pearson"), p),
        "accuracy (Wilson, exact near the ends)": (proportion(int(rng.binomial(n, p)), n), p),
    }


def two_groups(rng: Rng, size: Size, p: tuple[float, float]) -> Found:
    """Accuracy in two independent groups, of this size both, and one against a large one."""
    out: Found = {}
    for name, sizes in (("", (size, size)), (", against 40 + 33", (size, LARGE))):
        n = [sum(s) for s in sizes]
        group = np.repeat(["a", "b"], n)
        truth = np.ones(sum(n), bool)
        right = rng.random(sum(n)) < np.repeat(p, n)
        (found,) = stats.by_subgroup(truth, right, {"x": group})
        true = p[0] - p[1]
        if found.interaction.effect.name.endswith("b less a"):
            true = -true
        out[f"difference of proportions (Fisher, Newcombe){name}"] = found.interaction, true
    return out


def three_groups(rng: Rng, size: Size, p: float) -> Found:
    """Accuracy in three groups without a difference."""
    n = sum(size)
    right = rng.random(3 * n) < p
    (found,) = stats.by_subgroup(np.ones(3 * n, bool), right, {"x": np.repeat(list("abc"), n)})
    return {"three subgroups, proportions (chi-squared or exact)": (found.interaction, 0.0)}


def paired(rng: Rng, size: Size, p: tuple[float, float]) -> Found:
    """Two readers of the same cases: only the first right, only the second."""
    n = sum(size)
    b, c, _ = (int(x) for x in rng.multinomial(n, [*p, 1 - sum(p)]))
    true = p[0] - p[1]
    return {"paired proportions (McNemar exact, Tango)": (mcnemar(b, c, n), true)}


def three_readers(rng: Rng, size: Size, p: float) -> Found:
    """Three readers that find the same cases hard."""
    hard = rng.normal(size=(sum(size), 1))
    skill = NORMAL.inv_cdf(p) * math.sqrt(2)
    right = hard + rng.normal(size=(sum(size), 3)) < skill
    return {"three readers (Cochran, Tango)": (stats.cochran_q(right), 0.0)}


def _scores(rng: Rng, size: Size, areas: tuple[float, ...], shared: float = 0.0) -> Any:
    """Binormal scores of several models that share a part of their variance."""
    truth = np.repeat([1, 0], size)
    shift = math.sqrt(2) * np.array([NORMAL.inv_cdf(a) for a in areas])[:, None]
    own = rng.normal(size=(len(areas), truth.size)) * math.sqrt(1 - shared)
    return truth, own + rng.normal(size=truth.size) * math.sqrt(shared) + shift * truth


def area(rng: Rng, size: Size, a: float) -> Found:
    """One AUC, and the sensitivity at two false positive rates from its band."""
    truth, s = _scores(rng, size, (a,))
    out: Found = {"AUC (DeLong, logit)": (stats.auc(truth, s[0]), a)}
    one = np.r_[1, np.zeros(size[1], int)], s[0][size[0] - 1 :]
    out["AUC, one positive case"] = stats.auc(*one), a
    return out


def band(rng: Rng, size: Size, a: float) -> Found:
    """Sensitivity at a false positive rate of 0.2, from the pointwise band."""
    truth, s = _scores(rng, size, (a,))
    b = stats.roc_band(truth, s[0], points=6, replicates=100)
    seed_free = Estimate(
        "sensitivity", b.sensitivity[1], b.low[1], b.high[1], b.level, "", reason=b.reason
    )
    true = NORMAL.cdf(math.sqrt(2) * NORMAL.inv_cdf(a) + NORMAL.inv_cdf(0.2))
    return {"ROC band at 1 - specificity 0.2 (Zhou and Qin)": (seed_free, true)}


def unpaired_areas(rng: Rng, size: Size, a: tuple[float, float]) -> Found:
    """AUCs of two groups, of this size both, and one against a large one."""
    out: Found = {}
    for name, other in (("", size), (", against 40 + 33", LARGE)):
        parts = [_scores(rng, s, (x,)) for s, x in zip((size, other), a, strict=True)]
        c = stats.compare_aucs_unpaired(*[(truth, s[0]) for truth, s in parts])
        out[f"difference of AUCs, unpaired{name}"] = c, a[0] - a[1]
    return out


def three_areas(rng: Rng, size: Size, a: float) -> Found:
    """AUCs of three groups, and of three models on the same cases, without a difference."""
    parts = [_scores(rng, size, (a,)) for _ in range(3)]
    truth, s = (np.concatenate(x, axis=-1) for x in zip(*parts, strict=True))
    names = np.repeat(list("abc"), sum(size))
    (found,) = stats.by_subgroup(truth, s[0], {"x": names}, figure="auc")
    return {
        "three subgroups, AUCs (chi-squared)": (found.interaction, 0.0),
        "three models, AUCs (DeLong, chi-squared)": (
            stats.compare_all(*_scores(rng, size, (a, a, a), 0.5)), 0.0),
    }  # fmt: skip


def paired_areas(rng: Rng, size: Size, a: tuple[float, float]) -> Found:
    """AUCs of two models on the same cases."""
    truth, s = _scores(rng, size, a, 0.5)
    return {"difference of AUCs, paired": (stats.compare_aucs(truth, s), a[0] - a[1])}


def kappas(rng: Rng, size: Size, true: tuple[float, tuple[float, ...]]) -> Found:
    """Two readers with the same margins; three readers for Fleiss."""
    kappa, margins = true
    m, n = np.array(margins), sum(size)
    cells = np.diag(m) * kappa + np.outer(m, m) * (1 - kappa)
    table = rng.multinomial(n, cells.ravel()).reshape(m.size, m.size)
    # Each reader names the true category with the root of kappa, else draws from the margins.
    names = rng.choice(m.size, (n, 1), p=m)
    heeds = rng.random((n, 3)) < math.sqrt(kappa)
    codes = np.where(heeds, names, rng.choice(m.size, (n, 3), p=m))
    ratings = np.stack([(codes == c).sum(1) for c in range(m.size)], axis=1)
    return {
        "Cohen's kappa (score)": (stats.cohen_kappa(table, method="score"), kappa),
        "Cohen's kappa (normal)": (stats.cohen_kappa(table), kappa),
        "Fleiss' kappa (Gwet)": (stats.fleiss_kappa(ratings), kappa),
    }


_FIGURES = ("balanced_accuracy", "f1", "mcc", "kappa", "youden", "lr_positive", "lr_negative")


@cache
def _true_figures(cells: tuple[float, ...]) -> dict[str, float]:
    table = stats.TwoByTwo(*(round(1e9 * cell) for cell in cells))
    return {name: table.summary()[name].estimate for name in _FIGURES}


def two_by_two(rng: Rng, size: Size, p: tuple[float, float]) -> Found:
    """All figures of a 2 x 2 table that are not plain proportions."""
    share = size[0] / sum(size)
    cells = (share * p[0], share * (1 - p[0]), (1 - share) * p[1], (1 - share) * (1 - p[1]))
    table = stats.TwoByTwo(*(int(x) for x in rng.multinomial(sum(size), cells)))
    found, true = table.summary(), _true_figures(cells)
    return {f"2 x 2: {name}": (found[name], true[name]) for name in _FIGURES}


def _dice(rng: Rng, n: int, kind: str) -> tuple[Any, float]:
    if kind == "beta(8, 2)":
        return rng.beta(8, 2, n), 0.8
    if kind == "beta(2, 1)":
        return rng.beta(2, 1, n), 2 / 3
    return np.where(rng.random(n) < 0.1, 0.0, rng.beta(8, 2, n)), 0.72  # a tenth is missed


def means(rng: Rng, size: Size, kind: str) -> Found:
    """Mean Dice score."""
    x, true = _dice(rng, sum(size), kind)
    options: dict[str, Any] = {"bounds": (0, 1), "replicates": 500}
    return {
        "mean Dice (bootstrap-t)": (stats.mean(x, method="bootstrap-t", **options), true),
        "mean Dice (percentile)": (stats.mean(x, **options), true),
    }


def distances(rng: Rng, size: Size, missed: float) -> Found:
    """Mean and median of lognormal distances, a part of them infinite for the median."""
    n = sum(size)
    x = np.exp(rng.normal(1, 0.8, n))
    worst = np.where(rng.random(n) < missed, math.inf, x)
    true = math.exp(1 + 0.8 * NORMAL.inv_cdf(0.5 / (1 - missed)))
    how: dict[str, Any] = {"method": "bootstrap-t", "bounds": (0, math.inf), "replicates": 500}
    return {
        "mean HD95 (bootstrap-t)": (stats.mean(x, **how), math.exp(1 + 0.32)),
        "median HD95, missed counted as largest": (stats.median(worst), true),
    }


def lesions(rng: Rng, size: Size, true: tuple[float, float]) -> Found:
    """Lesions found, of patients who differ in how easily."""
    p, alike = true
    n = 1 + rng.poisson(2, sum(size))
    own = rng.beta(p * (1 / alike - 1), (1 - p) * (1 / alike - 1), n.size)
    return {
        "lesion-wise sensitivity (Wilson over patients)": (stats.pooled(rng.binomial(n, own), n), p)
    }


def calibration(rng: Rng, size: Size, spread: float) -> Found:
    """Probabilities that are right."""
    p = 1 / (1 + np.exp(-rng.normal(0, spread, sum(size))))
    truth = rng.random(p.size) < p
    slope, intercept = stats.calibration_line(truth, p)
    true = _true_brier(spread)
    score = stats.brier(truth, p, replicates=500, method="bootstrap-t")
    return {
        "calibration slope (Wald)": (slope, 1.0),
        "calibration intercept (Wald)": (intercept, 0.0),
        "Brier score (bootstrap-t)": (score, true),
    }


@cache
def _true_brier(spread: float) -> float:
    p = 1 / (1 + np.exp(-spread * np.linspace(-8, 8, 100_001)))
    weight = np.exp(-(np.linspace(-8, 8, 100_001) ** 2) / 2)
    return float((p * (1 - p) * weight).sum() / weight.sum())


def modalities(rng: Rng, size: Size, area: float) -> Found:
    """Four readers with two modalities without a difference (Obuchowski-Rockette)."""
    truth = np.repeat([1, 0], size)
    case = rng.normal(0, 0.6, truth.size)
    skill = math.sqrt(2) * NORMAL.inv_cdf(area) + rng.normal(0, 0.25, (1, 4))
    skill = skill + rng.normal(0, 0.15, (2, 4))
    scores = skill[..., None] * truth + case + rng.normal(0, 0.8, (2, 4, truth.size))
    answers = scores > math.sqrt(2) * NORMAL.inv_cdf(area) / 2
    by_answers = stats.compare_modalities_by("accuracy", truth, answers)
    return {
        "two modalities, four readers (MRMC)": (
            stats.compare_modalities(truth, scores).comparison, 0.0),
        "two modalities, four readers, accuracy (MRMC)": (by_answers.comparison, 0.0),
    }  # fmt: skip


def patients(rng: Rng, size: Size, kind: str) -> Found:
    """Table 1: age and sex by diagnosis, four groups that do not differ."""
    n = sum(size)
    ages = rng.normal(45, 14, n) if kind == "normal" else np.exp(rng.normal(3.6, 0.4, n))
    groups = np.arange(n) % 4 if n >= 8 else np.arange(n) % 2
    names = np.array(["astrocytoma", "ependymoma", "MS", "NMOSD"])[groups]
    sex = np.where(rng.random(n) < 0.6, "F", "M")
    table = {"case_id": np.arange(n), "reference_diagnosis": names, "age": ages, "sex": sex}
    rows = Cohort(table).table("table1").rows
    true = 45.0 if kind == "normal" else math.exp(3.6 + 0.08)
    out: Found = {}
    for row in rows:
        if row["estimate"] != row["estimate"] or row["characteristic"] == "patients":
            continue
        effect = Estimate(
            row["figure"], row["estimate"], row["low"], row["high"], row["level"], row["method"],
            n=row["n"], reason=row["reason"],
        )  # fmt: skip
        if row["group"] == "all" and row["characteristic"] == "age, years":
            out[f"table 1: mean age ({row['method']})"] = effect, true
        elif not row["group"]:
            test = Comparison(row["figure"], math.nan, math.nan, row["p"], row["test"], effect)
            out[f"table 1: {row['characteristic']} ({row['test'].partition(',')[0]})"] = test, 0.0
    return out


_PAIRS = ((0.5, 0.5), (0.9, 0.9), (0.97, 0.97), (0.9, 0.7))
_AREAS = ((0.5, 0.5), (0.8, 0.8), (0.95, 0.95), (0.95, 0.8))
SCENARIOS = (
    Scenario("proportions", (0.5, 0.9, 0.95, 0.97, 0.983), shares, 5.0),
    Scenario("two groups", _PAIRS, two_groups),
    Scenario("three groups", (0.5, 0.9, 0.97), three_groups),
    Scenario("paired", ((0.15, 0.15), (0.05, 0.05), (0.2, 0.05)), paired, 5.0),
    Scenario("three readers", (0.7, 0.9, 0.97), three_readers),
    Scenario("AUC", (0.5, 0.8, 0.95), area),
    Scenario("band", (0.7, 0.9), band, 0.5),
    Scenario("unpaired areas", _AREAS, unpaired_areas, 0.5),
    Scenario("three areas", (0.5, 0.8, 0.95), three_areas, 0.5),
    Scenario("paired areas", _AREAS, paired_areas),
    Scenario(
        "kappa",
        ((0.2, (0.5, 0.5)), (0.6, (0.5, 0.5)), (0.9, (0.5, 0.5)), (0.7, (0.8, 0.2)),
         (0.8, (0.25, 0.25, 0.25, 0.25))),
        kappas,
    ),
    Scenario("2 x 2", ((0.8, 0.75), (0.95, 0.9), (0.97, 0.97)), two_by_two),
    Scenario("Dice", ("beta(8, 2)", "beta(2, 1)", "a tenth missed"), means),
    Scenario("distances", (0.0, 0.2), distances),
    Scenario("lesions", ((0.5, 0.3), (0.8, 0.3), (0.95, 0.2)), lesions),
    Scenario("calibration", (1.0, 2.0), calibration),
    Scenario("modalities", (0.8, 0.9), modalities, 0.5),
    Scenario("patients", ("normal", "skewed"), patients, 0.5),
)  # fmt: skip
