"""spinalcord.training.sampling: batches by seed and step, balanced, and where they should be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spinalcord.errors import InputError

pytest.importorskip("torch", reason="torch is not installed")

from spinalcord.training import sampling
from spinalcord.training.sampling import (
    LESION_FREE,
    LESION_SHARE,
    PatchSampler,
    WindowSampler,
    cut,
)

CLASS = {"astrocytoma": 0, "ependymoma": 1, "MS": 2, "NMOSD": 3}


def test_cut_pads_with_zeros():
    image = np.arange(1, 26).reshape(5, 5)
    np.testing.assert_array_equal(cut(image, (2, 2), (4, 4)), image[0:4, 0:4])
    np.testing.assert_array_equal(cut(image, (2, 2), (4, 2)), image[0:4, 1:3])
    corner = cut(image, (0, 0), (4, 4))
    np.testing.assert_array_equal(corner[2:, 2:], image[:2, :2])
    assert corner.sum() == image[:2, :2].sum()
    assert not cut(image, (100, 2), (4, 4)).any()


def test_patches_depend_on_seed_and_step_alone(patch_entries):
    sampler = PatchSampler(patch_entries, 4, (32, 64), 5)
    late = sampler.draw(7)
    again = PatchSampler(patch_entries, 4, (32, 64), 5).draw(7)
    np.testing.assert_array_equal(late.images, again.images)
    np.testing.assert_array_equal(late.masks, again.masks)
    assert late.images.any()
    other = PatchSampler(patch_entries, 4, (32, 64), 6).draw(7)
    assert other.images.shape != late.images.shape or not np.array_equal(other.images, late.images)


def test_patches_lie_around_lesions_cord_and_anywhere(patch_entries):
    batches = [PatchSampler(patch_entries, 10, (32, 48), 0).draw(k) for k in range(20)]
    assert {b.size for b in batches} == {(32, 32), (48, 48)}
    assert all(b.images.shape == (10, 3, *b.size) for b in batches)
    with_lesion = np.concatenate([b.masks[:, 0].any((1, 2)) for b in batches])
    assert 0.25 <= with_lesion.mean() < 0.9
    known = np.concatenate([b.known for b in batches])
    assert known[:, 0].all()
    assert 0.3 < known[:, 1].mean() < 0.9
    cord = np.concatenate([b.masks[:, 1].any((1, 2)) for b in batches])
    assert not (cord & (known[:, 1] == 0)).any()


def test_cases_without_lesion_are_drawn_too(patch_entries):
    sampler = PatchSampler(patch_entries, 10, (32, 32), 0)
    rng = np.random.default_rng(0)
    drawn = [sampler._place(rng, u, (32, 32))[0].case.diagnosis for u in np.linspace(0, 0.99, 400)]
    n = int(LESION_SHARE * 400)
    around_lesions, elsewhere = drawn[:n], drawn[n + 2 :]
    assert "" not in around_lesions
    # Though but one case of thirteen.
    assert np.mean([d == "" for d in elsewhere]) == pytest.approx(LESION_FREE, abs=0.08)


def test_a_margin_is_cut_in_addition(patch_entries):
    batch = PatchSampler(patch_entries, 2, (32, 32), 0, margin=0.25).draw(0)
    assert batch.size == (32, 32)
    assert batch.images.shape[-1] == 48


def test_narrow_patches(patch_entries):
    batch = PatchSampler(patch_entries, 2, (64, 64), 0, margin=0.25, aspect=2.25).draw(0)
    assert batch.size == (64, 32)
    assert batch.images.shape[-2:] == (96, 64)
    assert PatchSampler(patch_entries, 2, (32, 32), 0, aspect=2.0).draw(0).size == (32, 16)


def test_patches_are_cut_from_what_segment_sees(patch_entries):
    """Each channel of each patch is a part of that channel of a whole prepared slice."""
    sampler = PatchSampler(patch_entries, 8, (32, 32), 3)
    rng = np.random.default_rng(0)
    for u in np.linspace(0, 0.99, 25):
        entry, index, centre = sampler._place(rng, u, (32, 32))
        patch = entry.patch(index, lambda s, centre=centre: cut(s, centre, (32, 32)))
        whole = entry.images()[index]
        for channel in range(3):
            np.testing.assert_array_equal(patch[channel], cut(whole[channel], centre, (32, 32)))


def test_patches_beside_the_cord(patch_entries):
    """The cord lies in slice 1 of 3: its outermost slices are that, and its neighbours beside."""
    entry = next(e for e in patch_entries if e.cord)
    rng = np.random.default_rng(0)
    places = [sampling._beside_cord(entry, rng, (32, 16)) for _ in range(200)]
    assert {index for index, _ in places} == {0, 1, 2}
    columns = [column for _, (_, column) in places]
    assert min(columns) >= 16 - 4
    assert max(columns) <= 23 + 4


def test_patches_beyond_the_ends_of_the_cord(patch_entries):
    entry = next(e for e in patch_entries if e.cord)
    assert entry.ends == ((4, 19), (43, 19))
    assert sampling._beyond(entry) == (0, 0)  # 4 rows above and below
    tall = replace(entry, shape=(3, 96, 48), ends=((30, 19), (60, 19)))
    assert sampling._beyond(tall) == (30, 35)
    rng = np.random.default_rng(0)
    rows = np.array([sampling._beyond_cord(tall, rng, (32, 16))[1][0] for _ in range(200)])
    assert ((rows < 30) | (rows > 60)).all()
    assert (rows < 30).any()
    assert (rows > 60).any()


def test_windows_are_balanced(window_entries):
    labels = [CLASS[e.case.diagnosis] for e in window_entries]
    sampler = WindowSampler(window_entries, labels, 8, 1)
    batch = sampler.draw(3)
    np.testing.assert_array_equal(np.bincount(batch.labels), [2, 2, 2, 2])
    assert batch.images.shape == (8, 2, 256, 256)
    assert batch.masks.any((1, 2, 3)).all()
    np.testing.assert_array_equal(batch.images, sampler.draw(3).images)


def test_what_cannot_be_drawn_from_is_refused(patch_entries, window_entries):
    with pytest.raises(InputError, match="no slice"):
        PatchSampler([], 2, (32, 32), 0)
    with pytest.raises(InputError, match="a class has no slice"):
        WindowSampler(window_entries[:1], [1], 4, 0)
    labels = [CLASS[e.case.diagnosis] for e in window_entries]
    with pytest.raises(InputError, match="is too small for 4 classes"):
        WindowSampler(window_entries, labels, 3, 0)
