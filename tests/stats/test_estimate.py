"""Numbers in words: rounding, sentences, what is not defined."""

from __future__ import annotations

import dataclasses
import json
import math
import pickle

import pytest

from spinalcord.errors import InputError
from spinalcord.stats import Comparison, Estimate, proportion
from spinalcord.stats.estimate import check_level, decimal, p_text, undefined


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
