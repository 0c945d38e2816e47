"""Numbers in words: rounding, sentences, what is not defined."""

from __future__ import annotations

import dataclasses
import json
import math
import pickle

import pytest

from spinalcord.errors import InputError
from spinalcord.stats import Comparison, Estimate, proportion
from spinalcord.stats.estimate import check_level, decimal, p_text, percent_text, undefined


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.5, 0, "1"),
        (2.5, 0, "3"),
        (94.5, 0, "95"),
        (-2.5, 0, "-3"),
        (-0.2, 0, "0"),
        (0.125, 2, "0.13"),
        (100 * 0.285, 0, "29"),  # 28.499999999999996 in binary
        (1.0, 2, "1.00"),
        (math.inf, 2, "infinity"),
        (-math.inf, 2, "-infinity"),
        (math.nan, 2, "not defined"),
    ],
)
def test_halves_are_rounded_away_from_zero(value, digits, text):
    assert decimal(value, digits) == text


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0002, "p < .001"), (0.0078125, "p = .008"), (0.2434, "p = .243"), (1.0, "p = 1.0")],
)
def test_p_values_in_print(p, text):
    assert p_text(p) == text


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0499, "p = .0499"),
        (0.0496, "p = .0496"),
        (0.04999996, "p = .04999996"),
        (0.05 - 1e-12, "p < .050"),
        (0.05, "p = .050"),
        (0.0503, "p = .0503"),
        (0.0097, "p = .0097"),
        (0.0998, "p = .0998"),
        (0.000999, "p < .001"),
        (0.9996, "p > .999"),
        (0.9994, "p = .999"),
        (math.nan, "p not defined"),
    ],
)
def test_p_values_stay_on_their_side_of_a_limit(p, text):
    assert p_text(p) == text


def test_p_values_of_any_size_stay_on_their_side():
    for limit in (0.001, 0.01, 0.05, 0.1, 1.0):
        for gap in (3e-3, 4e-4, 5e-5, 5e-6, 5e-7, 5e-8, 5e-9):
            for p in (limit - gap, limit + gap):
                if not 0 <= p <= 1:
                    continue
                sign, number = p_text(p).removeprefix("p ").split()
                printed = float(number)
                if sign == "=":
                    assert (printed < limit) == (p < limit), (p, p_text(p))
                    assert abs(printed - p) <= 5.1e-4
                else:
                    assert (p < printed) if sign == "<" else (p > printed)


@pytest.mark.parametrize(
    ("level", "text"),
    [
        (0.95, "95"),
        (0.975, "97.5"),
        (0.995, "99.5"),
        (1 - 0.05 / 3, "98.33"),
        (0.999999, "99.9999"),
    ],
)
def test_levels_are_not_rounded_to_another(level, text):
    assert percent_text(level) == text
    e = Estimate("x", 0.5, 0.2, 0.8, level, "m")
    assert f"[{text} % CI:" in e.sentence()


def test_a_limit_that_is_not_zero_is_not_printed_as_zero():
    e = Estimate("x", 0.2, 0.0021, 0.4, 0.95, "m", n=50)
    assert e.sentence() == "0.20 [95 % CI: 0.002, 0.40]"
    points = dataclasses.replace(e, low=-0.002, style="points")
    assert "CI: -0.2 points, 40 points" in points.sentence()
    assert "CI: 0.00, " in dataclasses.replace(e, low=1e-17).sentence()
    assert "CI: 0.00, " in dataclasses.replace(e, low=0.0).sentence()


def test_marks_of_a_small_sample():
    e = Estimate("AUC", 0.9, 0.7, 0.98, 0.95, "m", n=40, smallest=3)
    assert e.sentence().endswith("; fewer than 10 patients in the smallest class")
    assert (e.few, e.reliable) == (True, False)
    assert e.to_dict()["smallest"] == 3
    marked = Estimate("mean", 0.9, 0.7, 0.98, 0.95, "m", n=20, reason="fewer than 30 patients")
    assert marked.sentence() == (
        "0.90 [95 % CI: 0.70, 0.98]; too small to say: fewer than 30 patients"
    )
    assert (marked.bounded, marked.reliable) == (True, False)
    assert dataclasses.replace(marked, reason="").reliable
    few = dataclasses.replace(marked, n=9, reason="fewer than 10 patients")
    assert few.sentence().count("fewer than 10 patients") == 1
    c = Comparison("a", 1.0, 1, 0.03, "DeLong", marked, "fewer than 20 cases in a class")
    assert not c.reliable
    assert c.sentence().endswith("(DeLong; too small to say: fewer than 20 cases in a class)")


def test_values_that_are_not_defined_are_said_beside_the_number():
    e = Estimate("HD95", 5.0, 3.0, 7.0, 0.95, "m", n=40, details={"undefined": 4})
    assert e.sentence() == "5.00 [95 % CI: 3.00, 7.00]; not defined in 4 of 44 patients"


def test_sentences_of_each_style():
    e = Estimate("x", 0.0123, -0.02, 0.05, 0.9, "m", n=50)
    assert e.sentence() == "0.01 [90 % CI: -0.02, 0.05]"
    assert e.sentence(digits=3) == "0.012 [90 % CI: -0.020, 0.050]"
    points = dataclasses.replace(e, style="points")
    assert points.sentence() == "1 point [90 % CI: -2 points, 5 points]"
    assert dataclasses.replace(e, n=9).sentence().endswith("; fewer than 10 patients")
    assert "fewer" not in dataclasses.replace(e, n=10).sentence()


def test_undefined_says_why_and_is_null_in_json():
    e = undefined("ppv", "nobody was called positive", 0.95, n=0, k=0)
    assert not e.defined
    assert e.sentence() == "not defined (0 of 0): nobody was called positive"
    out = json.loads(json.dumps(e.to_dict(), allow_nan=False))
    assert out["estimate"] is out["low"] is out["high"] is None
    assert out["reason"] == "nobody was called positive"


def test_estimate_without_interval_says_why():
    e = Estimate("x", 0.5, math.nan, math.nan, 0.95, "none", reason="one case")
    assert e.sentence() == "0.50 [no interval: one case]"


def test_comparison_never_gives_p_without_effect():
    effect = proportion(3, 4)
    c = Comparison("a", 1.5, 1, 0.2, "test", effect)
    assert effect.sentence() in c.sentence()
    assert c.sentence().endswith("; p = .200 (test)")
    assert c.to_dict()["effect"]["k"] == 3
    none = Comparison("a", math.nan, math.nan, math.nan, "test", effect, "no cases")
    assert none.sentence().endswith("; no p-value: no cases")
    assert none.to_dict()["p"] is None


def test_results_are_frozen_and_pickle():
    e = proportion(3, 4, positive="NMOSD")
    with pytest.raises(dataclasses.FrozenInstanceError):
        e.n = 5
    assert pickle.loads(pickle.dumps(e)) == e
    assert e.to_dict()["positive"] == "NMOSD"


@pytest.mark.parametrize("level", [0, 1, -0.5, 95, math.nan])
def test_level_lies_between_0_and_1(level):
    with pytest.raises(InputError, match="confidence level"):
        check_level(level)
