"""Several scans a patient, against R's survey."""

from __future__ import annotations

import numpy as np
import pytest
from stats.oracles import R

from spinalcord.errors import InputError
from spinalcord.stats import clustered_proportion, clustered_summary, proportion

pytest.importorskip("scipy", reason="these intervals need SciPy, of the extra stats")


def test_against_survey():
    r = R["clustered"]
    e = clustered_proportion(r["right"], r["patient"])
    assert e.estimate == pytest.approx(r["estimate"], rel=1e-12)
    assert (e.low, e.high) == pytest.approx(r["interval"], rel=1e-6)
    simple = e.estimate * (1 - e.estimate) / e.n
    assert e.details["design_effect"] == pytest.approx(r["se"] ** 2 / simple, rel=1e-9)


def test_doubled_scans_add_nothing():
    right, patient = np.array([1, 1, 0, 1, 0, 1, 1, 1, 0, 1] * 3), np.arange(30)
    once = clustered_proportion(right, patient)
    twice = clustered_proportion(np.repeat(right, 2), np.repeat(patient, 2))
    assert (twice.low, twice.high) == pytest.approx((once.low, once.high), abs=0.01)
    naive = proportion(int(right.sum()) * 2, 60, method="clopper-pearson")
    assert twice.high - twice.low > 1.2 * (naive.high - naive.low)


def test_all_right_counts_patients():
    e = clustered_proportion([1] * 12, list("aaabbbcccddd"))
    exact = proportion(4, 4, method="clopper-pearson")
    assert (e.low, e.high) == (exact.low, exact.high)
    assert e.method == "Clopper-Pearson of patients"


def test_summary_counts():
    found = clustered_summary([1, 1, 0, 0, 1], [1, 0, 0, 1, 1], list("aabbc"))
    assert {name: (e.k, e.n) for name, e in found.items()} == {
        "accuracy": (3, 5), "sensitivity": (2, 3), "specificity": (1, 2), "ppv": (2, 3),
        "npv": (1, 2),
    }  # fmt: skip


def test_one_patient_and_none():
    assert clustered_proportion([1, 0], ["a", "a"]).reason == "one of patients does not vary"
    assert clustered_proportion([], []).reason == "no scans to count"


def test_bad_input():
    with pytest.raises(InputError, match="groups of shape"):
        clustered_proportion([1, 0], ["a"])
    with pytest.raises(InputError, match="0 or 1"):
        clustered_proportion([2], ["a"])
    with pytest.raises(InputError, match="level"):
        clustered_proportion([1], ["a"], level=2)
    with pytest.raises(InputError, match="groups"):
        clustered_summary([1, 0], [1, 0], ["a"])
