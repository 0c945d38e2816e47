"""Net benefit and its interval, against R's bootstrap."""

from __future__ import annotations

import pytest
from stats.oracles import R

from spinalcord.errors import InputError
from spinalcord.stats import decision_curve, net_benefit


def test_against_r():
    r, c = R["benefit"], R["calibration"]
    e = net_benefit(c["y"], c["p"], r["threshold"])
    assert e.estimate == pytest.approx(r["estimate"], rel=1e-12)
    assert (e.low, e.high) == pytest.approx(r["interval"], abs=0.01)
    curve = decision_curve(c["y"], c["p"], [r["threshold"]])
    assert e.estimate == pytest.approx(float(curve.model[0]))


def test_nobody_is_called():
    e = net_benefit([1, 0, 1, 0], [0.1] * 4, 0.5)
    assert e.estimate == 0
    assert e.low < 0 < e.high


def test_no_cases():
    assert net_benefit([], [], 0.5).reason == "no patients to count"


@pytest.mark.parametrize("threshold", [0, 1, -0.1])
def test_bad_input(threshold):
    with pytest.raises(InputError, match="threshold"):
        net_benefit([1, 0], [0.5, 0.5], threshold)
    with pytest.raises(InputError, match="probabilities"):
        net_benefit([1, 0], [0.5, 2], 0.5)
    with pytest.raises(InputError, match="level"):
        net_benefit([1, 0], [0.5, 0.5], 0.5, level=0)
