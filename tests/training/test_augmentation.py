"""spinalcord.training.augmentation: seeded, in range, and masks move with images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

augmentation = pytest.importorskip("spinalcord.training.augmentation")
Augmentation, blur, crop = augmentation.Augmentation, augmentation.blur, augmentation.crop
disturb = augmentation.disturb

STILL = Augmentation(
    rotation_deg=0, shift=0, zoom=0, flip=0, elastic=0, brightness=0, contrast=0, gamma=0,
    blur=0, noise=0, salt=0, chance=0,
)  # fmt: skip
MOVES = replace(STILL, rotation_deg=30, shift=0.1, zoom=0.3, flip=0.5, elastic=0.02, chance=0.5)


def example(n=4, side=48):
    rng = np.random.default_rng(0)
    masks = np.zeros((n, 1, side, side), np.float32)
    masks[:, :, 14:30, 20:26] = 1
    images = 0.3 + 0.1 * rng.random((n, 2, side, side), np.float32)
    return torch.from_numpy(images), torch.from_numpy(masks)


@pytest.mark.slow
def test_nothing_drawn_is_a_crop():
    images, masks = example()
    for size in ((32, 32), (40, 16)):
        x, m = STILL(images, masks, size, np.random.default_rng(0))
        torch.testing.assert_close(x, crop(images, size), atol=1e-5, rtol=0)
        torch.testing.assert_close(m, crop(masks, size))


def test_equal_seeds_give_equal_images():
    images, masks = example()
    first = Augmentation()(images, masks, (32, 32), np.random.default_rng(1))
    again = Augmentation()(images, masks, (32, 32), np.random.default_rng(1))
    other = Augmentation()(images, masks, (32, 32), np.random.default_rng(2))
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])
    assert not torch.equal(images[0], first[0][0, :, :1, :1])


def test_values_stay_in_range():
    images, masks = example(16)
    x, m = Augmentation(chance=1)(images, masks, (48, 48), np.random.default_rng(3))
    assert torch.isfinite(x).all()
    assert float(x.min()) >= 0
    assert float(x.max()) <= 1
    assert set(torch.unique(m).tolist()) == {0.0, 1.0}


def test_the_mask_moves_with_the_image():
    _, masks = example(12)
    shape = 0.2 + 0.6 * masks
    x, m = MOVES(shape, masks, (48, 48), np.random.default_rng(4))
    assert not torch.equal(m, masks)
    assert m.sum() > 0
    inside = x > 0
    assert torch.equal((x[inside] >= 0.5), (m[inside] > 0))


def test_a_flip_mirrors():
    images, masks = example()
    x, _ = replace(STILL, flip=1)(images, masks, (48, 48), np.random.default_rng(0))
    torch.testing.assert_close(x, images.flip(2, 3), atol=1e-5, rtol=0)


def test_a_turn_leaves_the_middle_where_it_is():
    images, masks = example(1)
    smooth = blur(images, torch.full((1, 2, 1, 1), 3.0))
    turned, _ = replace(STILL, rotation_deg=90)(smooth, masks, (48, 48), np.random.default_rng(0))
    assert not torch.allclose(turned, smooth, atol=0.02)
    middle = slice(23, 25)
    torch.testing.assert_close(
        turned[:, :, middle, middle].mean((2, 3)),
        smooth[:, :, middle, middle].mean((2, 3)),
        atol=0.01,
        rtol=0,
    )


def test_what_is_absent_stays_absent():
    images, masks = example()
    images[:, 0] = 0
    images[:, :, :5] = 0
    still = replace(Augmentation(chance=1), rotation_deg=0, shift=0, zoom=0, flip=0, elastic=0)
    x, _ = still(images, masks, (48, 48), np.random.default_rng(5))
    assert not x[:, 0].any()
    assert not x[:, :, :4].any()
    assert x[:, 1, 6:].any()


def test_blur_is_a_gaussian_of_each_channels_own():
    x = torch.zeros(1, 2, 31, 31)
    x[:, :, 15, 15] = 1
    y = blur(x, torch.tensor([0.0, 2.0]).reshape(1, 2, 1, 1))
    torch.testing.assert_close(y[0, 0], x[0, 0])
    steps = torch.arange(31.0) - 15
    spread = float((y[0, 1].sum(0) * steps**2).sum())
    assert abs(float(y[0, 1].sum()) - 1) < 1e-5
    assert abs(spread - 4) < 0.2


def test_disturbed_outlines_stay_near_the_old():
    _, masks = example(n=32)
    drawn = disturb(masks, 1.0, np.random.default_rng(3))
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    overlap = 2 * (drawn * masks).sum((1, 2, 3)) / (drawn + masks).sum((1, 2, 3))
    assert 0.4 < float(overlap.min()) < 1
    assert 0.8 < float(overlap.mean()) < 0.98
    sizes = drawn.sum((1, 2, 3))
    assert float(sizes.min()) < float(masks[0].sum()) < float(sizes.max())
    assert not drawn[:, :, :4].any()
    again = disturb(masks, 1.0, np.random.default_rng(3))
    assert torch.equal(drawn, again)
    assert torch.equal(disturb(masks, 0.0, np.random.default_rng(3)), masks)


def test_a_mask_is_never_lost():
    masks = torch.zeros(8, 1, 32, 32)
    masks[:, :, 16, 16] = 1
    drawn = disturb(masks, 1.0, np.random.default_rng(0))
    assert (drawn.sum((1, 2, 3)) > 0).all()
