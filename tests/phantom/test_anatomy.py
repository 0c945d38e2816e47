from __future__ import annotations

import numpy as np
import pytest

from spinalcord.phantom.anatomy import LEVELS, draw_spine


@pytest.fixture(scope="module")
def spines():
    rng = np.random.default_rng(7)
    return [draw_spine(rng, age=40, sex=sex) for sex in "MF" * 100]


def calibre(spines, level, name):
    return np.array([float(s.at(name, np.array(s.centre(level)))) for s in spines])


@pytest.mark.parametrize(
    ("level", "ap", "rl"),
    [("C2", 7.8, 11.6), ("C4", 7.4, 12.7), ("C7", 6.4, 10.6), ("T4", 5.7, 8.0), ("T8", 6.1, 7.8)],
)
def test_cord_calibres_are_those_of_the_table(spines, level, ap, rl):
    assert calibre(spines, level, "cord_ap").mean() == pytest.approx(ap, rel=0.06)
    assert calibre(spines, level, "cord_rl").mean() == pytest.approx(rl, rel=0.06)
    assert 0.02 < calibre(spines, level, "cord_rl").std() / rl < 0.1


def test_cord_fills_58_percent_of_the_sac_at_c5(spines):
    parts = [calibre(spines, "C5", n) for n in ("cord_ap", "cord_rl", "sac_ap", "sac_rl")]
    share = parts[0] * parts[1] / (parts[2] * parts[3])
    assert share.mean() == pytest.approx(0.58, abs=0.14)


def test_conus_lies_at_l1_and_within_t12_to_l3(spines):
    levels = [s.level(s.conus) for s in spines]
    assert set(levels) <= {"T12", "L1", "L2", "L3"}
    assert 0.35 < np.mean([level == "L1" for level in levels]) < 0.75


def test_cord_lies_to_the_front_in_the_chest_and_to_the_back_at_its_end(spines):
    assert calibre(spines, "T6", "cord_d").mean() < -1
    assert calibre(spines, "L1", "cord_d").mean() > 0


@pytest.mark.slow
def test_men_have_the_larger_cord_and_age_thins_it():
    def mean(age, sex):
        rng = np.random.default_rng(3)
        spines = [draw_spine(rng, age=age, sex=sex) for _ in range(60)]
        return calibre(spines, "C3", "cord_ap").mean()

    assert mean(30, "F") < mean(30, "M")
    assert mean(80, "F") < mean(30, "F")


def test_locate_finds_points_laid_off_from_the_line(spines):
    spine = spines[0]
    for d in (-20.0, 0.0, 15.0):
        s = np.arange(0.0, 450.0, 7.0)
        k = spine.index(s)
        z = spine.z[k] + d * np.sin(spine.tangent[k])
        y = spine.y[k] + d * np.cos(spine.tangent[k])
        found_s, found_d = spine.locate(z, y)
        np.testing.assert_allclose(found_s, s, atol=0.8)
        np.testing.assert_allclose(found_d, d, atol=0.5)


def test_levels_are_named_from_the_top(spines):
    spine = spines[0]
    assert spine.level(-5) == "C0"
    assert [spine.level(spine.centre(name)) for name in LEVELS] == list(LEVELS)


def test_one_in_five_has_a_scoliosis_that_moves_the_cord_by_more_than_8_mm(spines):
    reach = np.array([np.ptp(spine.x) for spine in spines])
    assert 0.08 < np.mean(reach > 12) < 0.32
    assert np.median(reach) < 8


def test_stenosis_comes_with_age_and_never_squeezes_the_cord():
    narrow = {}
    for age in (25, 75):
        rng = np.random.default_rng(8)
        spines = [draw_spine(rng, age=age, sex="F") for _ in range(60)]
        narrow[age] = [(s.profiles["sac_ap"] / s.profiles["canal_ap"]).min() for s in spines]
        for spine in spines:
            p, inside = spine.profiles, (spine.s > 0) & (spine.s < spine.conus)
            free = p["sac_ap"] / 2 - np.abs(p["cord_d"] - p["sac_d"]) - p["cord_ap"] / 2
            assert free[inside].min() > -0.3
    assert np.mean(narrow[75]) < np.mean(narrow[25]) - 0.1
    assert np.min(narrow[75]) < 0.6


def test_few_were_operated_on(spines):
    removed = np.mean([spine.removed.any() for spine in spines])
    assert 0.01 < removed < 0.13
    assert all(spine.removed.any() or not spine.screws.any() for spine in spines)
