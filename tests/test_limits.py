"""What makes a lesion: ranges, the model file's defaults, and the way to JSON and back."""

from __future__ import annotations

import json

import pytest

from spinalcord.errors import InputError
from spinalcord.limits import HELP, MOST, LesionLimits, check_number


@pytest.mark.parametrize("value", [0, 0.5, 1, "0.25"])
def test_numbers_in_range_are_taken(value):
    assert check_number("p", value, 0, 1) == float(value)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf"), "x", None, [1, 2]])
def test_other_numbers_are_refused(value):
    with pytest.raises(InputError, match=r"p is .*, expected a number from 0 to 1"):
        check_number("p", value, 0, 1)


@pytest.mark.parametrize("name", list(MOST))
def test_each_limit_has_its_range(name):
    assert getattr(LesionLimits(**{name: MOST[name]}), name) == MOST[name]
    assert getattr(LesionLimits(**{name: 0}), name) == 0.0
    for wrong in (-0.1, MOST[name] * 1.1, float("nan"), "x"):
        with pytest.raises(InputError, match=f"{name} is .*, expected a number from 0 to "):
            LesionLimits(**{name: wrong})


def test_the_model_file_fills_what_is_not_given():
    labels = {"threshold": 0.3, "min_peak": 0.9, "min_in_cord": 0.5, "keep_outside_cord": True}
    filled = LesionLimits(min_peak=0.8).fill(labels, cord="network")
    assert filled == LesionLimits(0.3, 0.0, 0.0, 0.8, 0.5, True)
    # The model file's word on its own cord is none on a cord that a user has drawn.
    assert LesionLimits().fill(labels, cord="given").keep_outside_cord is False
    assert LesionLimits(keep_outside_cord=False).fill(labels, cord="network") == LesionLimits(
        0.3, 0.0, 0.0, 0.9, 0.5, False
    )
    without = LesionLimits().fill(labels, cord="none")
    assert (without.min_in_cord, without.keep_outside_cord) == (None, None)


def test_a_share_in_the_cord_needs_a_cord():
    with pytest.raises(InputError, match=r"min_in_cord is 0\.5, but no cord is known"):
        LesionLimits(min_in_cord=0.5).fill({"threshold": 0.5}, cord="none")


def test_to_json_and_back():
    limits = LesionLimits(threshold=0.4, keep_outside_cord=True)
    assert LesionLimits(**json.loads(json.dumps(limits.to_dict()))) == limits


def test_every_limit_has_its_help():
    assert set(HELP) == set(LesionLimits().to_dict()) == {*MOST, "keep_outside_cord"}


def test_only_limits_are_taken():
    assert LesionLimits.take({"min_peak": 0.5, "series": "1.2"}) == LesionLimits(min_peak=0.5)
