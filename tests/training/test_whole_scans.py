"""spinalcord.training.whole_scans: whole scans, what is false in them, and one score."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
scans = pytest.importorskip("spinalcord.training.whole_scans")
cache = pytest.importorskip("spinalcord.training.cache")


@pytest.fixture
def ill(patch_entries):
    return next(e for e in patch_entries if e.cord and e.lesion)


@pytest.fixture
def free(patch_entries):
    return next(e for e in patch_entries if not e.lesion)


def drawn(entry):
    """Maps that are the truth."""
    bits = entry.targets()
    return np.stack([(bits & cache.LESION) > 0, (bits & cache.CORD) > 0], 1).astype(np.float32)


def test_the_truth_is_perfect(ill):
    found = scans.measure_scan(ill, drawn(ill), 1.0, 0.5)
    assert (found.group, found.dice, found.dice_cord) == (ill.case.diagnosis, 1.0, 1.0)
    assert found.false_cord_mm3 == 0
    assert np.isnan(found.false_mm3)
    assert found.score == 1


def test_what_is_false_is_measured_in_mm3(free):
    maps = np.zeros((3, 2, *free.shape[1:]), np.float32)
    maps[0, 1, :10, 5] = 1  # cord in a slice without
    maps[0, 0, :4, 5:7] = 1  # lesion on and beside it
    maps[2, 0, 30:, 30:] = 1  # lesion away from any cord: segment leaves it out
    found = scans.measure_scan(replace(free, has_cord=True), maps, 2.0, 0.5)
    assert found.group == "lesion_free"
    assert found.false_mm3 == pytest.approx(8 * 4 * 3.3)
    assert found.false_cord_mm3 == pytest.approx(10 * 4 * 3.3)
    assert found.dice == 0
    assert found.score == pytest.approx(100 / (100 + 8 * 4 * 3.3))
    quiet = scans.measure_scan(free, 0 * maps, 2.0, 0.5)
    assert (quiet.false_mm3, quiet.score) == (0, 1)


def test_slices_that_were_not_annotated_do_not_count(ill, free):
    maps = drawn(ill)
    maps[2, :, 5:15, 18:22] = 1  # on a slice without lesion
    assert scans.measure_scan(ill, maps, 1.0, 0.5).dice < 1
    skipped = scans.measure_scan(replace(ill, unannotated=frozenset({2})), maps, 1.0, 0.5)
    assert (skipped.group, skipped.dice) == (ill.case.diagnosis, 1.0)
    maps = np.zeros((3, 1, *free.shape[1:]), np.float32)
    maps[[0, 2], 0, 0, 0] = 1
    found = scans.measure_scan(replace(free, unannotated=frozenset({0})), maps, 1.0, 0.5)
    assert found.false_mm3 == pytest.approx(3.3)


def test_a_lesion_of_a_network_without_cord_counts_wherever_it_lies(free):
    maps = np.zeros((3, 1, *free.shape[1:]), np.float32)
    maps[2, 0, 0, 0] = 1
    found = scans.measure_scan(free, maps, 1.0, 0.5)
    assert found.false_mm3 == pytest.approx(3.3)
    assert np.isnan(found.dice_cord)


def test_groups_weigh_the_same():
    nan = float("nan")
    made = [
        scans.ScanFigures("MS", 0.2, nan, 50.0, 0.9),
        scans.ScanFigures("MS", 0.4, nan, nan, nan),
        scans.ScanFigures("lesion_free", 0.0, 100.0, 30.0, 0.7),
        scans.ScanFigures("lesion_free", 1.0, 0.0, 10.0, 0.8),
    ]
    figures = scans.summarise(made)
    assert figures == pytest.approx({
        "score": (0.3 + 0.75) / 2, "dice_MS": 0.3, "lesion_free_with_lesion": 0.5,
        "false_mm3": 50.0, "false_cord_mm3": 20.0, "dice_cord": 0.8,
    })  # fmt: skip
    assert set(scans.summarise(made[:2])) == {"score", "dice_MS", "false_cord_mm3", "dice_cord"}


def test_scans_come_from_every_group_in_turn(patch_entries):
    chosen = scans.choose_scans(patch_entries, 5)
    names = {"lesion_free" if not e.lesion else e.case.diagnosis for e in chosen}
    assert names == {"MS", "NMOSD", "astrocytoma", "ependymoma", "lesion_free"}
    assert scans.choose_scans(patch_entries, 5) == chosen
    assert len(scans.choose_scans(patch_entries, 500)) == len(patch_entries)


def test_a_network_is_judged_by_its_file_which_does_not_stay(patch_entries, tmp_path):
    from spinalcord.training.export import describe
    from spinalcord.training.settings import Settings
    from spinalcord.training.torch_networks import build

    settings = Settings().preprocessing("segmentation")
    metadata = describe("segmentation", ["lesion", "cord"], "tiny", settings)
    module = build("multiresunet", in_channels=3, outputs=2, final_norm=False)
    with scans.opened(module, metadata, tmp_path, "f32") as network:
        figures = scans.judge_scans(network, patch_entries[:3])
    assert 0 <= figures["score"] <= 1
    assert {k for k in figures if k.startswith("dice_")} == {
        "dice_cord", *(f"dice_{e.case.diagnosis}" for e in patch_entries[:3])
    }  # fmt: skip
    assert not list(tmp_path.iterdir())
