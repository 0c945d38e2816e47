"""Table 1: who the patients are, by diagnosis, with tests by type of variable."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..stats import (
    Comparison,
    Estimate,
    exact_table_p,
    proportion,
    proportion_difference,
)
from ..stats.distributions import chi2_p, f_p, t_quantile
from ..stats.estimate import adjusted, decimal, p_text, undefined
from ..stats.means import is_constant, student_limits
from ..tables.words import FEMALE, MALE, SYNONYMS
from ..tasks import DIAGNOSES
from .cases import Bool, Cases, Float, Words
from .table import COMPARISON, Table, comparison_row, estimate_row

_NUMBERS = {
    "age": ("age, years", 1.0, 1),
    "n_lesions": ("lesions", 1.0, 1),
    "lesion_volume_mm3": ("lesion volume, mL", 1e-3, 2),
}
_SPREAD = ("sd", "median", "minimum", "maximum", "missing")


def table1(cases: Cases, *, level: float = 0.95, notes: Sequence[str] = ()) -> Table:
    """Describe age, sex and lesions of all patients and of each diagnosis.

    Parameters
    ----------
    cases : Cases
    level : float, default 0.95
    notes : sequence of str

    Returns
    -------
    Table
        Means with Student's interval and, in columns of their own, standard deviation, median,
        range and how many are missing; shares with Wilson's interval. Age is compared by Welch's
        analysis of variance, sex by chi-squared, or exactly where a count of less than 5 is
        expected; the effect is the largest difference between two
        diagnoses.
    """
    groups = diagnosis_groups(cases)
    rows: list[dict[str, Any]] = [
        {
            **_blank(characteristic="patients", group=name),
            "n": int(own.sum()),
            "sentence": str(int(own.sum())),
        }
        for name, own in groups.items()
    ]
    for column, (label, unit, digits) in _NUMBERS.items():
        if not cases.has(column):
            continue
        values = cases.numbers(column) * unit
        rows += [_number(label, name, values[own], level, digits) for name, own in groups.items()]
        if column == "age":
            parts = {n: _known(values[own]) for n, own in groups.items() if n != "all"}
            rows += _test(label, _welch(parts, level))
    if cases.has("sex"):
        sex = cases.words("sex")
        female = np.where((sex == FEMALE) | (sex == MALE), sex, "")
        for name, own in groups.items():
            known = female[own & (female != "")]
            share = proportion(int((known == FEMALE).sum()), known.size, level=level, name="female")
            row = estimate_row(share, characteristic="female", group=name)
            rows.append({**_blank(), **row, "missing": int(own.sum()) - known.size})
        rows += _test("female", _chi2(female, groups, level))
    return Table(
        "table1",
        "Table 1. Patients",
        ("characteristic", "group", *COMPARISON, *_SPREAD),
        tuple(rows),
        ("characteristic", "group", "sentence", "method"),
        (
            *notes,
            "differences: the largest between two diagnoses; because it is chosen among several, "
            "its interval is adjusted for their number (Bonferroni)",
        ),
    )


def wide(table: Table) -> Table:
    """Lay table 1 out for reading: a row per characteristic, a column per group.

    Parameters
    ----------
    table : Table
        Result of `table1`.

    Returns
    -------
    Table
    """
    groups = tuple(dict.fromkeys(row["group"] for row in table.rows if row["group"]))
    lines: dict[str, dict[str, str]] = {}
    for row in table.rows:
        line = lines.setdefault(row["characteristic"], {"characteristic": row["characteristic"]})
        if row["group"]:
            line[row["group"]] = _short(row)
        else:
            line["difference"] = f"{row['figure']}: {row['sentence']}"
            if not math.isnan(row["p"]):
                line["difference"] += f"; {p_text(row['p'])} ({row['test']})"
    columns = ("characteristic", *groups)
    if any("difference" in line for line in lines.values()):
        columns += ("difference",)
    notes = (*table.notes, "numbers: mean ± standard deviation; median (range); [interval of mean]")
    return Table(table.name, table.title, columns, tuple(lines.values()), columns, notes)


def diagnosis_groups(cases: Cases) -> dict[str, Bool]:
    """Return the cases of each reference diagnosis: "all", then the four in their order.

    Words that are not known make no group: `Cases.unusable` says how many there are.
    """
    reference = cases.words("reference_diagnosis")
    present = {*reference} & {*SYNONYMS["diagnosis"]}
    names = [*DIAGNOSES, *sorted(present - {*DIAGNOSES})]
    groups = {"all": np.ones(cases.n, bool)}
    return groups | {name: reference == name for name in names if name in present}


def _number(label: str, group: str, values: Float, level: float, digits: int) -> dict[str, Any]:
    known = _known(values)
    n = known.size
    options: dict[str, Any] = {"n": n, "unit": "patients"}
    if n == 0:
        mean = undefined("mean", "no patients with a value", level, **options)
    elif n == 1:
        mean = Estimate(
            "mean", float(known[0]), math.nan, math.nan, level, "none",
            reason="one value does not vary", **options,
        )  # fmt: skip
    elif is_constant(known):
        mean = Estimate(
            "mean", float(known[0]), math.nan, math.nan, level, "none",
            reason=f"all {n} values are the same", **options,
        )  # fmt: skip
    else:
        low, high = student_limits(known, level)
        mean = Estimate("mean", float(known.mean()), low, high, level, "Student's t", **options)
    row = {**_blank(), **estimate_row(mean, characteristic=label, group=group)}
    row["missing"] = int(values.size - n)
    if n:
        row["sd"] = math.nan if n == 1 else 0.0 if is_constant(known) else float(known.std(ddof=1))
        row["median"] = float(np.median(known))
        row["minimum"], row["maximum"] = float(known.min()), float(known.max())
        row["sentence"] = mean.sentence(digits=digits)
    return row


def _short(row: Mapping[str, Any]) -> str:
    missing = f"; {row['missing']} missing" if row["missing"] else ""
    if math.isnan(row["median"]):
        return f"{row['sentence']}{missing}"
    digits = 2 if row["characteristic"].endswith("mL") else 1
    number = {
        key: decimal(row[key], digits)
        for key in ("estimate", "sd", "median", "minimum", "maximum", "low", "high")
    }
    ends = "" if math.isnan(row["low"]) else f" [{number['low']}, {number['high']}]"
    spread = "" if math.isnan(row["sd"]) else f" ± {number['sd']}"
    return (
        f"{number['estimate']}{spread}; {number['median']} ({number['minimum']} to "
        f"{number['maximum']}){ends}{missing}"
    )


def _test(label: str, found: Comparison | None) -> list[dict[str, Any]]:
    if found is None:
        return []
    row = comparison_row(found, math.nan, characteristic=label, group="")
    return [{**_blank(), **row}]


def _welch(parts: Mapping[str, Float], level: float) -> Comparison | None:
    """Welch's analysis of variance (Biometrika 38:330, 1951), with the largest difference."""
    usable = {name: x for name, x in parts.items() if not is_constant(x)}
    if len(usable) < 2:
        return None
    n = np.array([x.size for x in usable.values()], np.float64)
    means = np.array([x.mean() for x in usable.values()])
    errors = np.array([x.var(ddof=1) for x in usable.values()]) / n
    weight = 1 / errors
    centre = float((weight * means).sum() / weight.sum())
    k = len(usable)
    spread = float(((1 - weight / weight.sum()) ** 2 / (n - 1)).sum())
    statistic = float((weight * (means - centre) ** 2).sum()) / (k - 1)
    statistic /= 1 + 2 * (k - 2) / (k * k - 1) * spread
    df2 = (k * k - 1) / (3 * spread)
    i, j = int(means.argmax()), int(means.argmin())
    variance = float(errors[i] + errors[j])
    df = variance**2 / float(errors[i] ** 2 / (n[i] - 1) + errors[j] ** 2 / (n[j] - 1))
    pairs = k * (k - 1) // 2
    half = t_quantile(1 - (1 - level) / pairs, df) * math.sqrt(variance)
    difference, names = float(means[i] - means[j]), list(usable)
    effect = Estimate(
        f"mean, {names[i]} less {names[j]}",
        difference,
        difference - half,
        difference + half,
        level,
        "Welch's t",
        n=int(min(n[i], n[j])),
    )
    effect = adjusted(effect, level, pairs)
    p = f_p(statistic, k - 1, df2)
    return Comparison("age", statistic, k - 1, p, "Welch's analysis of variance", effect)


def _chi2(sex: Words, groups: Mapping[str, Bool], level: float) -> Comparison | None:
    counts = {
        name: (int((sex[own] == FEMALE).sum()), int((sex[own] != "").sum()))
        for name, own in groups.items()
        if name != "all"
    }
    counts = {name: kn for name, kn in counts.items() if kn[1]}
    if len(counts) < 2:
        return None
    k, n = np.array([*counts.values()], np.float64).T
    share = float(k.sum() / n.sum())
    names = sorted(counts, key=lambda name: counts[name][0] / counts[name][1])
    label = f"female, {names[-1]} less {names[0]}"
    pairs = len(names) * (len(names) - 1) // 2
    effect = proportion_difference(
        *counts[names[-1]], *counts[names[0]], level=1 - (1 - level) / pairs, name=label
    )
    effect = adjusted(effect, level, pairs)
    if not 0 < share < 1:
        nan = math.nan
        return Comparison("sex", nan, nan, nan, "none", effect, "all are of one sex")
    if (n * min(share, 1 - share) < 5).any():
        p, method = exact_table_p(np.stack([k, n - k]).astype(np.int64))
        return Comparison("sex", math.nan, math.nan, p, method, effect)
    statistic = float(((k - n * share) ** 2 / (n * share * (1 - share))).sum())
    df = len(counts) - 1
    return Comparison("sex", statistic, df, chi2_p(statistic, df), "chi-squared", effect)


def _blank(**keys: Any) -> dict[str, Any]:
    nan = math.nan
    empty = dict.fromkeys((*COMPARISON, *_SPREAD), nan)
    words = dict.fromkeys(("figure", "method", "reason", "sentence", "test"), "")
    return {**keys, **empty, **words, "k": None, "n": None, "missing": 0}


def _known(values: Float) -> Float:
    return values[~np.isnan(values)]
