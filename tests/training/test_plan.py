"""spinalcord.training.plan: what follows from a cohort, and that what is given holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from spinalcord.errors import InputError
from spinalcord.training.patients import list_cases

torch = pytest.importorskip("torch", reason="torch is not installed")
plan = pytest.importorskip("spinalcord.training.plan")

USUAL = plan.Geometry(40, 0.9, 250.0, 180.0, 13.0, 4.0, (70.0, 20.0))


def test_a_usual_cohort():
    settings, decisions = plan.choose_settings(USUAL, 200, {"device": "cpu"})
    masks, start = settings["segmentation"], settings["diagnosis"]
    assert masks.pixel_mm == 1.0  # that of the shipped weights is near enough
    assert (masks.patch, masks.aspect, masks.batch) == ((144, 144), 2.25, 8)
    assert (start.pixel_mm, start.window) == (0.7, (160, 96))
    assert masks.steps == 100  # 800 slices with lesion
    assert (masks.keep, masks.schedule) == ("best", "cosine")
    assert settings["ms_vs_nmosd"].lr < start.lr
    assert {d.what for d in decisions} >= {"pixel size", "patch", "window", "batch"}
    assert all(d.why and d.option.startswith("--") for d in decisions)
    folds, _ = plan.choose_settings(USUAL, 200, {"device": "cpu"}, folds=True)
    assert {s.keep for s in folds.values()} == {"last"}


@pytest.mark.parametrize(
    ("spacing", "pixel", "fine"),
    [(0.3, 0.7, 0.5), (0.57, 0.7, 0.55), (0.74, 0.75, 0.7), (1.1, 1.0, 0.7), (2.0, 1.2, 0.7)],
)
def test_pixels_follow_the_scans_within_bounds(spacing, pixel, fine):
    settings, _ = plan.choose_settings(replace(USUAL, pixel_mm=spacing), 9, {"device": "cpu"})
    assert settings["segmentation"].pixel_mm == pixel
    assert settings["ms_vs_nmosd"].pixel_mm == fine


def test_stretched_windows_are_whole_slices():
    settings, decisions = plan.choose_settings(USUAL, 9, {"device": "cpu", "mode": "stretch"})
    assert settings["ms_vs_nmosd"].preprocessing("ms_vs_nmosd")["size"] == [256, 256]
    assert {d.what: d.value for d in decisions}["window"].startswith("256 x 256")


def test_small_scans_have_small_patches():
    small = replace(USUAL, rows_mm=50.0, columns_mm=40.0)
    settings, _ = plan.choose_settings(small, 9, {"device": "cpu"})
    assert settings["segmentation"].patch == (48, 48)


def test_what_is_given_holds_and_is_told_so():
    given = {"device": "cpu", "pixel_mm": 0.8, "window": (64, 32), "batch": 5, "lr": 1e-5}
    settings, decisions = plan.choose_settings(USUAL, 200, given)
    assert {s.pixel_mm for s in settings.values()} == {0.8}
    assert {s.batch for s in settings.values()} == {5}
    assert {s.lr for s in settings.values()} == {1e-5}
    assert settings["segmentation"].window is None
    assert settings["diagnosis"].window == (64, 32)
    told = {d.what: d.why for d in decisions}
    assert told["window"] == told["pixel size"] == told["batch"] == "given"
    assert told["patch"] != "given"
    with pytest.raises(InputError, match="window is 33 x 32"):
        plan.choose_settings(USUAL, 200, {"window": (33, 32)})


def test_the_geometry_is_read_from_the_scans(bids):
    cases, _ = list_cases(bids, "segmentation")
    found = plan.look_at(cases)
    assert (found.n, found.pixel_mm) == (13, 1.0)
    assert (found.rows_mm, found.columns_mm) == (48.0, 40.0)
    assert found.slices == 3
    assert found.lesion_slices == pytest.approx(12 / 13)
    assert found.lesion_mm == (8.0, 6.0)
    empty = plan.look_at([c for c in cases if not c.diagnosis])
    assert empty.lesion_mm == (0.0, 0.0)


@pytest.mark.slow
def test_steps_are_measured_and_memory_is_told():
    settings, _ = plan.choose_settings(
        USUAL, 9, {"device": "cpu", "precision": "f32", "patch": (32, 32), "aspect": 2.0,
                   "batch": 2, "window": (32, 32)},
    )  # fmt: skip
    for target in ("segmentation", "diagnosis"):
        assert 0 < plan.measure_steps(settings[target], target, 1) < 60
    used, whose = plan.memory_in_use(torch.device("cpu"))
    assert used > 0 or "not measured" in whose


def test_a_full_disk_is_told_before_the_training(tmp_path):
    needed = plan.disk_bytes(USUAL, 1.0, 100, 5)
    assert 1e8 < needed < 1e10
    with pytest.raises(InputError, match=r"are needed and 0\.0 GB are free"):
        plan.check_disk(needed, 1000, tmp_path)
    plan.check_disk(needed, needed, tmp_path)
