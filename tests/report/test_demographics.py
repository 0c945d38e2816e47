"""Table 1 against SciPy and counting."""

from __future__ import annotations

import math

import numpy as np
import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.report import demographics
from spinalcord.stats import exact_table_p

pytest.importorskip("scipy", reason="intervals of means need SciPy, of the extra report")


def rows(table, **keys):
    return [r for r in table.rows if all(r[k] == v for k, v in keys.items())]


def test_means_and_spread():
    table = cohorts.drawn(40)
    table["age"][0] = "n/a"  # an astrocytoma
    got = Cohort(table).table("table1")
    ages = np.array(table["age"][4::4])
    (row,) = rows(got, characteristic="age, years", group="astrocytoma")
    from scipy import stats

    want = stats.ttest_1samp(ages, 0).confidence_interval()
    assert (row["n"], row["missing"]) == (9, 1)
    assert row["estimate"] == pytest.approx(ages.mean())
    assert (row["low"], row["high"]) == pytest.approx((want.low, want.high))
    assert row["sd"] == pytest.approx(ages.std(ddof=1))
    assert (row["median"], row["maximum"]) == (np.median(ages), ages.max())


def test_age_is_compared_by_welch():
    table = cohorts.drawn(60)
    got = Cohort(table).table("table1")
    (row,) = rows(got, characteristic="age, years", group="")
    from scipy import stats

    parts = [np.array(table["age"][i::4]) for i in range(4)]
    try:
        want = stats.f_oneway(*parts, equal_var=False).pvalue
    except TypeError:
        pytest.skip("this SciPy has no Welch's analysis of variance")
    assert row["p"] == pytest.approx(want, rel=1e-9)
    means = [part.mean() for part in parts]
    pair = stats.ttest_ind(
        parts[int(np.argmax(means))], parts[int(np.argmin(means))], equal_var=False
    )
    # One of six differences, chosen after the fact.
    want = pair.confidence_interval(1 - 0.05 / 6)
    assert (row["low"], row["high"]) == pytest.approx(tuple(want))


def test_sex_is_counted_and_compared():
    table = cohorts.drawn(60)
    table["sex"][:3] = ["female", "m", ""]
    got = Cohort(table).table("table1")
    (every,) = rows(got, characteristic="female", group="all")
    assert every["n"] == 59
    assert every["k"] == sum(s[:1].lower() == "f" for s in table["sex"])
    (row,) = rows(got, characteristic="female", group="")
    from scipy import stats

    counts = [
        [sum(table["sex"][i::4][j][:1].lower() == s for j in range(15)) for i in range(4)]
        for s in "fm"
    ]
    assert row["p"] == pytest.approx(stats.chi2_contingency(counts).pvalue, rel=1e-9)


def test_patients_of_one_sex_give_no_p():
    got = Cohort(cohorts.drawn(20, sex=["F"] * 20)).table("table1")
    (row,) = rows(got, characteristic="female", group="")
    assert math.isnan(row["p"])
    assert row["reason"] == "all are of one sex"


def test_one_value_and_none():
    table = {
        "case_id": list("abc"),
        "reference_diagnosis": ["MS", "MS", "NMOSD"],
        "age": [3, "", ""],
    }
    got = Cohort(table).table("table1")
    reasons = [r["reason"] for r in rows(got, characteristic="age, years")]
    assert reasons == ["one value does not vary"] * 2 + ["no patients with a value"]


def test_wide_has_a_column_for_each_group():
    got = demographics.wide(Cohort(cohorts.drawn(40)).table("table1"))
    assert got.columns[:3] == ("characteristic", "all", "astrocytoma")
    lines = {row["characteristic"]: row for row in got.rows}
    assert lines["patients"]["NMOSD"] == "10"
    assert "±" in lines["age, years"]["all"]
    assert "Welch" in lines["age, years"]["difference"]


@pytest.mark.parametrize("value", [18.1, 33.3, 40.0])
def test_equal_ages_have_no_variance_and_no_test(value):
    """The mean of equal decimals need not be that decimal; what is left is rounding."""
    for n in range(2, 9):
        other = [31.2, 40.5, 38.8, 52.1, 44.0, 29.9]
        ages = [value] * n + other
        groups = ["MS"] * n + ["NMOSD"] * 6
        table = {"case_id": range(n + 6), "reference_diagnosis": groups, "age": ages}
        got = Cohort(table).table("table1")
        assert not rows(got, characteristic="age, years", group="")
        (row,) = rows(got, characteristic="age, years", group="MS")
        assert (row["estimate"], row["sd"]) == (value, 0)
        assert row["reason"] == f"all {n} values are the same"


def test_few_of_a_sex_are_compared_exactly():
    table = cohorts.drawn(20, sex=["F"] * 16 + ["M"] * 4)
    got = Cohort(table).table("table1")
    (row,) = rows(got, characteristic="female", group="")
    counts = [[table["sex"][i::4].count(s) for i in range(4)] for s in "FM"]
    assert row["p"] == pytest.approx(exact_table_p(counts)[0])
    assert row["test"] == "Fisher-Freeman-Halton"
