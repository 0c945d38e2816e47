"""Loss functions: Dice plus cross-entropy for masks, cross-entropy for classes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SMOOTH = 1.0
"""Pixels added to numerator and denominator of Dice, so that batches without lesion have a
gradient."""


def mask_loss(logits: Tensor, masks: Tensor, known: Tensor) -> Tensor:
    """Return Dice plus binary cross-entropy, averaged over the outputs.

    Parameters
    ----------
    logits : (n, k, h, w)
    masks : float32 (n, k, h, w)
        0 and 1.
    known : float32 (n, k)
        0 if a mask of an image is unknown: it is ignored for that output.

    Returns
    -------
    float32 scalar
        The Dice term is the mean of two: Dice of all known pixels of the batch together, in which
        patches without lesion count by their false positives, and the mean Dice of the images that
        contain any, in which a small plaque has the same weight as a long tumour.
    """
    logits = logits.float()
    weight = known[:, :, None, None]
    probability = torch.sigmoid(logits) * weight
    both = (probability * masks).sum((2, 3))
    truth = (masks * weight).sum((2, 3))
    total = probability.sum((2, 3)) + truth
    each_dice = 1 - (2 * both + SMOOTH) / (total + SMOOTH)
    holds = (truth > 0).float()
    dice = 0.5 * (1 - (2 * both.sum(0) + SMOOTH) / (total.sum(0) + SMOOTH))
    dice = dice + 0.5 * (each_dice * holds).sum(0) / holds.sum(0).clamp(min=1)
    each = functional.binary_cross_entropy_with_logits(logits, masks, reduction="none")
    seen = known.sum(0)
    pixels = logits.shape[2] * logits.shape[3]
    entropy = (each * weight).sum((0, 2, 3)) / (seen * pixels).clamp(min=1)
    counts = (seen > 0).float()
    return ((dice + entropy) * counts).sum() / counts.sum().clamp(min=1)


def class_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the cross-entropy of (n, classes) logits and int64 (n,) labels."""
    return functional.cross_entropy(logits.float(), labels)


def auxiliary_loss(outputs: Tensor, wanted: Tensor) -> Tensor:
    """Return the smooth L1 loss of (n, k) outputs, averaged over the known values.

    Parameters
    ----------
    outputs, wanted : (n, k)
        NaN in `wanted`: not known.

    Returns
    -------
    float32 scalar
        0 if no value is known.
    """
    known = wanted.isfinite()
    each = functional.smooth_l1_loss(outputs.float(), wanted.nan_to_num(), reduction="none")
    return (each * known).sum() / known.sum().clamp(min=1)


def count_overlap(probability: Tensor, masks: Tensor, known: Tensor, threshold: float) -> Tensor:
    """Count pixels for Dice: (k, 2) float64, twice the overlap and the sum of both."""
    weight = known[:, :, None, None]
    found = (probability >= threshold).double() * weight
    truth = masks.double() * weight
    return torch.stack([2 * (found * truth).sum((0, 2, 3)), (found + truth).sum((0, 2, 3))], 1)
