"""Sample sizes and power, against pROC, psych and base R."""

from __future__ import annotations

import math

import pytest
from stats.oracles import R

from spinalcord.errors import InputError
from spinalcord.stats import (
    kappa_power,
    mcnemar_power,
    patients_for_kappa,
    patients_for_paired,
    patients_for_proportion,
)
from spinalcord.stats.planning import _kappa_variance


def test_precision_against_r():
    assert patients_for_proportion(0.9, 0.05).n == R["planning"]["wilson"]
    half = patients_for_proportion(0.9, 0.05, share=0.25)
    assert half.n == 4 * R["planning"]["wilson"]
    assert half.half_width <= 0.05


def test_mcnemar_against_r():
    assert mcnemar_power(0.2, 0.05, 40) == pytest.approx(R["planning"]["mcnemar"], rel=1e-9)
    assert mcnemar_power(0, 0, 40) == 0
    plan = patients_for_paired(0.2, 0.05)
    # The exact test is less powerful than the formula's.
    assert 0.7 < mcnemar_power(0.2, 0.05, plan.n) < plan.power < 0.81


def test_kappa_against_r():
    r = R["planning"]
    assert kappa_power(0.8, 0.5, 0.4, 60) == pytest.approx(r["kappa"], rel=1e-9)
    kappa = (0.92 - 0.52) / 0.48
    assert math.sqrt(_kappa_variance(kappa, 0.4)) == pytest.approx(r["kappa_se"], rel=1e-6)
    plan = patients_for_kappa(0.8, 0.5, 0.1)
    assert plan.half_width <= 0.1
    assert "139 patients for an interval of +/- 0.100" in plan.sentence()


def test_sentences():
    assert patients_for_paired(0.2, 0.05, share=0.5).sentence() == (
        "shares of 0.2 and 0.05 that one test alone gets right: 170 patients (85 who count, 85 "
        "others) for a power of 80 % (Connor)"
    )


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (patients_for_proportion, (1.2, 0.05)),
        (patients_for_proportion, (0.9, 0.0)),
        (patients_for_proportion, (0.5, 1e-5)),
        (mcnemar_power, (0.8, 0.5, 10)),
        (mcnemar_power, (0.2, 0.1, 0)),
        (patients_for_paired, (0.2, 0.2)),
        (patients_for_kappa, (1.0, 0.5, 0.1)),
        (patients_for_kappa, (0.8, 0.5, 0)),
        (kappa_power, (0.8, 0.5, 0, 10)),
        (kappa_power, (0.8, 0.5, 0.5, 0)),
    ],
)
def test_bad_input(function, arguments):
    with pytest.raises(InputError):
        function(*arguments)


def test_bad_settings():
    with pytest.raises(InputError, match="power"):
        patients_for_paired(0.2, 0.1, power=1)
    with pytest.raises(InputError, match="level"):
        patients_for_proportion(0.9, 0.05, level=1)
