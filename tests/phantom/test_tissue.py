from __future__ import annotations

import numpy as np
import pytest

from spinalcord.phantom.tissue import (
    LESION_TISSUES,
    TISSUES,
    Tissue,
    at_field,
    draw_signals,
    spin_echo,
)

PROTOCOL = {
    "field_t": 3.0, "tr_ms": 3500, "te_ms": 100, "etl": 17, "esp_ms": 9.0, "t1_tr_ms": 600,
    "t1_te_ms": 10,
}  # fmt: skip


def signal(name):
    return spin_echo(TISSUES[name], 3500, 100, 17 * 9)


def test_spin_echo_equals_the_equation():
    got = spin_echo(Tissue(1000, 100, 0.5), 2000, 50, 200)
    np.testing.assert_allclose(got, 0.5 * (1 - np.exp(-1.8)) * np.exp(-0.5), rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "ratio"),
    [("white", 1.0), ("grey", 1.19), ("muscle", 0.24), ("fat", 2.2), ("low_grade", 1.8),
     ("high_grade", 2.4), ("oedema", 2.2), ("plaque", 1.75), ("acute", 2.2), ("marrow", 0.65),
     ("cyst", 3.0), ("haemosiderin", 0.06)],
)  # fmt: skip
def test_ratios_to_the_cord_are_those_expected_at_tr_3500_te_100(name, ratio):
    assert signal(name) / signal("white") == pytest.approx(ratio, rel=0.15, abs=0.06)


def test_csf_is_three_times_the_cord():
    assert 1 / (signal("white") / signal("csf")) == pytest.approx(1 / 0.34, rel=0.05)


def test_lower_field_means_shorter_t1_and_longer_t2():
    low = at_field(TISSUES["white"], 1.5)
    assert low.t1 < TISSUES["white"].t1
    assert low.t2 > TISSUES["white"].t2
    assert at_field(TISSUES["csf"], 1.5) == TISSUES["csf"]


def test_signals_are_relative_to_csf_and_keep_fat_apart():
    signals = draw_signals(np.random.default_rng(0), PROTOCOL)
    assert signals["csf"][0] == pytest.approx(1)
    assert signals["fat"][0] == 0 < signals["fat"][1]
    assert signals["csf"][2] < signals["white"][2]  # T1w


def test_random_contrast_keeps_lesions_between_cord_and_csf_in_order():
    for seed in range(30):
        signals = draw_signals(np.random.default_rng(seed), PROTOCOL, random_contrast=True)
        cord, csf = signals["white"][0], signals["csf"][0]
        assert abs(csf - cord) > 0.2
        place = [(signals[n][0] - cord) / (csf - cord) for n in ("plaque", "cyst")]
        assert 0.1 < place[0] < place[1] < 1.7
        assert all(signals[name][0] > 0 for name in LESION_TISSUES)
