"""The lesions drawn follow the tables: counts, lengths, places, features."""

from __future__ import annotations

import numpy as np
import pytest

from spinalcord.phantom.lesion_geometry import DIAGNOSES, LOOK_ALIKE, SEGMENT_MM, sample_lesions

N = 300


@pytest.fixture(scope="module")
def patients():
    rng = np.random.default_rng(11)
    return {
        d: [sample_lesions(rng, d, (0, 430), difficulty=0) for _ in range(N)] for d in DIAGNOSES
    }


def lengths(patients, diagnosis):
    return np.array([2 * case[0].half_mm for case in patients[diagnosis]]) / SEGMENT_MM


def share_with(patients, diagnosis, tissue):
    return np.mean([any(p.tissue == tissue for p in c[0].parts) for c in patients[diagnosis]])


@pytest.mark.parametrize(
    ("diagnosis", "low", "high"),
    [("astrocytoma", 4, 5.2), ("ependymoma", 3.2, 4.1), ("MS", 0.7, 1.0), ("NMOSD", 4.2, 6.0)],
)
def test_median_length_in_segments(patients, diagnosis, low, high):
    assert low < np.median(lengths(patients, diagnosis)) < high


def test_ms_is_short_and_nmosd_long_but_not_always(patients):
    assert 0.01 < np.mean(lengths(patients, "MS") >= 3) < 0.10
    assert 0.08 < np.mean(lengths(patients, "NMOSD") < 3) < 0.22


def test_counts(patients):
    counts = {d: np.array([len(c) for c in patients[d]]) for d in DIAGNOSES}
    assert (counts["astrocytoma"] == 1).all()
    assert (counts["ependymoma"] == 1).all()
    assert 2 <= np.median(counts["MS"]) <= 4
    assert 0.65 < np.mean(counts["MS"] >= 2) < 0.9  # of those with any
    assert 1.2 < counts["NMOSD"].mean() < 1.7


def test_place_in_the_cross_section(patients):
    def core(diagnosis):
        return [c[0].parts[0] for c in patients[diagnosis]]

    ms = core("MS")
    angle = np.degrees([np.arctan2(abs(p.u), p.v) for p in ms])
    assert np.mean((angle > 60) & (angle < 110)) == pytest.approx(0.59, abs=0.1)
    assert np.mean(angle < 35) == pytest.approx(0.35, abs=0.1)
    assert np.mean([p.ru * p.rv < 0.5 for p in ms]) > 0.97
    nmosd = core("NMOSD")
    assert np.mean([p.ru * p.rv > 0.5 for p in nmosd]) > 0.9
    assert np.mean([np.hypot(p.u, p.v) < 0.25 for p in nmosd]) > 0.9


def test_tumours_swell_and_ependymoma_is_central_with_cysts_and_caps(patients):
    def solid(diagnosis):
        cases = (c[0].parts for c in patients[diagnosis])
        return [next(p for p in parts if p.tissue.endswith("grade")) for parts in cases]

    off = {d: np.array([np.hypot(p.u, p.v) for p in solid(d)]) for d in DIAGNOSES[:2]}
    assert np.mean(off["astrocytoma"] > 0.15) == pytest.approx(0.62, abs=0.1)
    assert np.mean(off["ependymoma"] > 0.15) < 0.1
    assert all(c[0].swelling >= 1.1 for d in DIAGNOSES[:2] for c in patients[d])
    assert share_with(patients, "ependymoma", "haemosiderin") == pytest.approx(0.29, abs=0.08)
    assert share_with(patients, "astrocytoma", "haemosiderin") < 0.08
    assert share_with(patients, "ependymoma", "cyst") > share_with(patients, "astrocytoma", "cyst")
    margin = {d: np.median([p.margin_mm for p in solid(d)]) for d in DIAGNOSES[:2]}
    assert margin["ependymoma"] < 1.3 < margin["astrocytoma"]


def test_bright_spots_are_for_nmosd(patients):
    assert share_with(patients, "NMOSD", "bright_spot") == pytest.approx(0.48, abs=0.1)
    assert share_with(patients, "MS", "bright_spot") < 0.08


def test_difficulty_borrows_features_of_the_look_alike_and_lowers_contrast(patients):
    rng = np.random.default_rng(4)
    hard = [sample_lesions(rng, "MS", (0, 430), difficulty=1.0) for _ in range(N)]
    long = np.mean([2 * c[0].half_mm > 3 * SEGMENT_MM for c in hard])
    assert long > np.mean(lengths(patients, "MS") >= 3) + 0.1
    strength = [
        np.mean([c[0].parts[0].strength for c in cases]) for cases in (patients["MS"], hard)
    ]
    assert strength[1] < 0.9 * strength[0]
    assert LOOK_ALIKE["MS"] == "NMOSD"
