"""spinalcord.training.mining: mistakes of both kinds, and patches where they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spinalcord.training.settings import Settings

torch = pytest.importorskip("torch", reason="torch is not installed")
cache = pytest.importorskip("spinalcord.training.cache")
mining = pytest.importorskip("spinalcord.training.mining")
problems = pytest.importorskip("spinalcord.training.problems")


@pytest.fixture
def entry(patch_entries):
    return next(e for e in patch_entries if e.cord and e.lesion)


def truth(entry):
    bits = entry.targets()
    return np.stack([(bits & cache.LESION) > 0, (bits & cache.CORD) > 0], 1).astype(np.float32)


def test_the_truth_has_no_mistakes_nor_has_an_outline_two_pixels_wider(entry):
    maps = truth(entry)
    assert not mining.mistakes(entry, maps).any()
    maps[1, 1, 4:44, 14:26] = 1  # the cord fills columns 16 to 23
    assert not mining.mistakes(entry, maps).any()
    maps[1, 1, 4:44, 13] = 1
    assert mining.mistakes(entry, maps).sum() == 40


def test_missed_and_false_lesions_and_false_cord_are_mistakes(entry):
    maps = truth(entry)
    lesion = int(maps[:, 0].sum())
    maps[:, 0] = 0
    assert mining.mistakes(entry, maps).sum() == lesion
    maps = truth(entry)
    maps[2, 0, 5:9, 30] = 1
    maps[0, 1, 40:45, 30] = 1
    assert mining.mistakes(entry, maps).sum() == 4 + 5
    unknown = replace(entry, has_cord=False)
    assert mining.mistakes(unknown, maps).sum() == 4
    # Nobody has drawn on slice 2: a lesion there is no mistake; the cord on slice 0 still is.
    skipped = replace(entry, unannotated=frozenset({2}))
    assert mining.mistakes(skipped, maps).sum() == 5


def test_the_largest_mistakes_become_places(entry, monkeypatch):
    maps = truth(entry)
    maps[2, 0, 5:15, 30:32] = 1
    maps[0, 0, 40, 30] = 1  # too small
    monkeypatch.setattr(mining, "probabilities", lambda network, e: maps)
    ((found, (index, (row, column))),) = mining.mine(None, [entry], 0)
    assert found is entry
    assert index == 2
    assert 5 <= row < 15
    assert 30 <= column < 32


def test_a_share_of_the_patches_lies_there(patch_entries, entry, monkeypatch):
    settings = Settings(batch=4, patch=(32, 32), mined=0.5)
    problem = problems.make_problem("segmentation", patch_entries, settings)
    before = problem.draw(3)
    place = (entry, (2, (20, 30)))
    monkeypatch.setattr(problems, "mine", lambda network, entries, seed: [place])
    problem.mine(None, 7)
    assert problem.hard == [[patch_entries.index(entry), 2, 20, 30]]
    rng = np.random.default_rng(0)
    drawn = [problem._train._place(rng, 0.99, (32, 32)) for _ in range(300)]
    there = [at for e, index, at in drawn if e is entry and index == 2 and abs(at[0] - 20) <= 8]
    assert 0.4 < len(there) / 300 < 0.65
    # What a checkpoint holds brings the same batches back.
    again = problems.make_problem("segmentation", patch_entries, settings)
    np.testing.assert_array_equal(again.draw(3).images, before.images)
    again.hard = problem.hard
    np.testing.assert_array_equal(again.draw(3).images, problem.draw(3).images)
    assert not np.array_equal(again.draw(3).images, before.images)
