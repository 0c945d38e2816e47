"""spinalcord.training.losses: the formulas, on numbers that can be checked by hand."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

losses = pytest.importorskip("spinalcord.training.losses")
class_loss, count_overlap, mask_loss = losses.class_loss, losses.count_overlap, losses.mask_loss


def test_a_perfect_answer_costs_nothing():
    masks = torch.zeros(2, 2, 8, 8)
    masks[0, 0, :4] = 1
    masks[:, 1, 2:6] = 1
    right = mask_loss((masks * 2 - 1) * 50, masks, torch.ones(2, 2))
    wrong = mask_loss((1 - masks * 2) * 50, masks, torch.ones(2, 2))
    assert float(right) < 1e-6
    assert float(wrong) > 10


def test_one_half_everywhere():
    masks = torch.zeros(1, 1, 4, 4)
    masks[..., :2] = 1
    dice = 1 - (2 * 4 + 1) / (8 + 8 + 1)
    want = dice + math.log(2)
    assert float(mask_loss(torch.zeros(1, 1, 4, 4), masks, torch.ones(1, 1))) == pytest.approx(want)


def test_what_is_unknown_does_not_count():
    torch.manual_seed(0)
    logits = torch.randn(3, 2, 8, 8, requires_grad=True)
    masks = (torch.rand(3, 2, 8, 8) > 0.5).float()
    known = torch.tensor([[1.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    loss = mask_loss(logits, masks, known)
    loss.backward()
    loss, grad = loss.detach(), logits.grad
    logits = logits.detach()
    assert not grad[1:, 1].any()
    assert grad[:, 0].any()
    flipped = masks.clone()
    flipped[1:, 1] = 1 - flipped[1:, 1]
    assert float(mask_loss(logits, flipped, known)) == float(loss)
    none = mask_loss(logits, masks, torch.tensor([[1.0, 0.0]] * 3))
    lesion = mask_loss(logits[:, :1], masks[:, :1], torch.ones(3, 1))
    assert float(none) == pytest.approx(float(lesion))


def test_a_small_mask_weighs_as_much_as_a_large_one():
    masks = torch.zeros(2, 1, 16, 16)
    masks[0, 0, :, :12] = 1
    masks[1, 0, :3, :3] = 1
    large, small = masks.clone(), masks.clone()
    large[1] = 0
    small[0] = 0
    known = torch.ones(2, 1)
    missed = [float(mask_loss((m * 2 - 1) * 50, masks, known)) for m in (large, small)]
    entropy = [50 * 9 / 512, 50 * 192 / 512]
    dice = [m - e for m, e in zip(missed, entropy, strict=True)]
    assert dice[0] > 0.2
    assert dice[1] > 0.2


def test_class_loss():
    assert float(class_loss(torch.zeros(3, 4), torch.tensor([0, 1, 3]))) == pytest.approx(
        math.log(4)
    )


def test_counts():
    masks = torch.zeros(1, 1, 4, 4)
    masks[..., :2] = 1
    p = torch.zeros(1, 1, 4, 4)
    p[:, :, :2] = 0.5
    assert count_overlap(p, masks, torch.ones(1, 1), 0.5).tolist() == [[8.0, 16.0]]
    assert count_overlap(p, masks, torch.zeros(1, 1), 0.5).tolist() == [[0.0, 0.0]]


def test_unknown_auxiliary_values_do_not_count():
    outputs = torch.tensor([[1.0, 5.0], [3.0, 7.0]], requires_grad=True)
    wanted = torch.tensor([[0.5, math.nan], [0.0, math.nan]])
    loss = losses.auxiliary_loss(outputs, wanted)
    assert float(loss.detach()) == pytest.approx((0.5 * 0.25 + 2.5) / 2)
    loss.backward()
    assert outputs.grad[:, 1].tolist() == [0, 0]
    assert float(losses.auxiliary_loss(outputs, wanted * math.nan)) == 0
