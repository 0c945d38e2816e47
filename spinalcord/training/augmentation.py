"""Augment images as in the letter: drawn per image, computed for a whole batch.

Rotation, flips, shift, zoom and elastic deformation move image and masks in a single interpolation;
brightness, contrast, gamma, blur, Gaussian and salt-and-pepper noise change the image. What is
exactly 0 stays 0: padding beyond the scan, and a contrast-enhanced T1w that is absent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Augmentation:
    """Strength of the augmentations.

    Parameters
    ----------
    rotation_deg, shift, zoom : float
        Largest rotation; largest shift as a fraction of height and width; zoom is drawn between
        exp(-zoom) and exp(zoom).
    flip : float
        Probability of mirroring each of the two axes, head to foot and front to back.
    elastic : float
        Standard deviation of the displacements on a coarse grid, as a fraction of the smaller side.
    brightness, contrast, gamma : float
        Largest offset; contrast and gamma are drawn between exp(-x) and exp(x).
    blur : float
        Largest standard deviation in pixels.
    noise, salt : float
        Largest standard deviation; largest fraction of pixels that turn black or white.
    chance : float
        Probability of each change of intensity, and of elastic deformation.
    """

    rotation_deg: float = 15.0
    shift: float = 0.08
    zoom: float = 0.2
    flip: float = 0.1
    elastic: float = 0.015
    brightness: float = 0.1
    contrast: float = 0.3
    gamma: float = 0.4
    blur: float = 1.2
    noise: float = 0.05
    salt: float = 0.01
    chance: float = 0.3

    def __call__(
        self, images: Tensor, masks: Tensor, size: tuple[int, int], rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Augment a batch.

        Parameters
        ----------
        images : float32 (n, channels, h, w)
            In [0, 1].
        masks : float32 (n, m, h, w)
            0 and 1.
        size : (int, int)
            Rows and columns of the results, cut from the middle after moving.
        rng : numpy Generator
            The same state gives the same results on the same device.

        Returns
        -------
        images : float32 (n, channels, *size)
            In [0, 1].
        masks : float32 (n, m, *size)
            0 and 1.
        """
        grid = self.grid(len(images), images.shape[-2:], size, rng, images.device)
        moved = functional.grid_sample(
            torch.cat([images, masks], 1), grid, padding_mode="zeros", align_corners=False
        )
        channels = images.shape[1]
        return self.recolour(moved[:, :channels], rng), (moved[:, channels:] >= 0.5).float()

    def grid(
        self,
        n: int,
        shape: tuple[int, ...] | torch.Size,
        size: tuple[int, int],
        rng: np.random.Generator,
        device: torch.device,
    ) -> Tensor:
        """Draw where each pixel of the results comes from: (n, *size, 2) as x, y."""
        turn = np.radians(rng.uniform(-self.rotation_deg, self.rotation_deg, n))
        scale = np.exp(rng.uniform(-self.zoom, self.zoom, n))
        flips = np.where(rng.random((n, 2)) < self.flip, -1.0, 1.0)
        shift = rng.uniform(-self.shift, self.shift, (n, 2)) * np.array(size[::-1])
        cos, sin = np.cos(turn) * scale, np.sin(turn) * scale
        matrix = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], 1)
        matrix = matrix * flips[:, None, :]
        bends = rng.normal(size=(n, 2, 6, 6)) * (self.elastic * min(size))
        bends *= rng.random((n, 1, 1, 1)) < self.chance
        rows, columns = (
            torch.arange(extent, dtype=torch.float32, device=device) - (extent - 1) / 2
            for extent in size
        )
        y, x = torch.meshgrid(rows, columns, indexing="ij")
        turned = torch.einsum("nij,jhw->nihw", _tensor(matrix, device), torch.stack([x, y]))
        bent = functional.interpolate(
            _tensor(bends, device), size, mode="bicubic", align_corners=True
        )
        where = turned + bent + _tensor(shift, device)[:, :, None, None]
        half = torch.tensor([shape[1] / 2, shape[0] / 2], device=device)
        return where.permute(0, 2, 3, 1) / half

    def recolour(self, images: Tensor, rng: np.random.Generator) -> Tensor:
        """Change the intensities of each channel of each image independently."""
        n, channels = images.shape[:2]
        device = images.device
        inside = images != 0

        def drawn(low: float, high: float, without: float) -> Tensor:
            values = rng.uniform(low, high, (n, channels, 1, 1))
            values[rng.random(values.shape) >= self.chance] = without
            return torch.from_numpy(values.astype(np.float32))

        def amount(low: float, high: float, without: float) -> Tensor:
            return drawn(low, high, without).to(device)

        counts = inside.sum((2, 3), keepdim=True).clamp(min=1)
        mean = images.sum((2, 3), keepdim=True) / counts
        x = (images - mean) * torch.exp(amount(-self.contrast, self.contrast, 0.0)) + mean
        x = (x + amount(-self.brightness, self.brightness, 0.0)).clamp(0, 1)
        x = x ** torch.exp(amount(-self.gamma, self.gamma, 0.0))
        x = blur(x, drawn(0.2, max(self.blur, 0.2), 0.0))
        generator = torch.Generator(device).manual_seed(int(rng.integers(1 << 62)))
        normal = torch.randn(x.shape, generator=generator, device=device)
        x = x + normal * amount(0.0, self.noise, 0.0)
        dice = torch.rand(x.shape, generator=generator, device=device)
        share = amount(0.0, self.salt, 0.0)
        x = torch.where(dice < share / 2, torch.zeros_like(x), x)
        x = torch.where(dice > 1 - share / 2, torch.ones_like(x), x)
        return x.clamp(0, 1) * inside


def blur(images: Tensor, sigma: Tensor) -> Tensor:
    """Blur each channel of each image with a Gaussian of its own.

    Parameters
    ----------
    images : float32 (n, channels, h, w)
    sigma : float32 (n, channels, 1, 1)
        Standard deviations in pixels; 0 leaves a channel unchanged. On the CPU, so that the kernel
        size is known without waiting for a GPU.

    Returns
    -------
    float32 (n, channels, h, w)
    """
    n, channels, h, w = images.shape
    radius = math.ceil(3 * float(sigma.max()))
    if radius == 0:
        return images
    steps = torch.arange(-radius, radius + 1, dtype=torch.float32, device=images.device)
    widths = sigma.to(images.device).reshape(-1, 1).clamp(min=1e-3)
    kernel = torch.exp(-0.5 * (steps / widths) ** 2)
    kernel = (kernel / kernel.sum(1, keepdim=True))[:, None]
    flat = images.reshape(1, n * channels, h, w)
    padded = functional.pad(flat, (radius,) * 4, mode="replicate")
    padded = functional.conv2d(padded, kernel[:, :, :, None], groups=n * channels)
    padded = functional.conv2d(padded, kernel[:, :, None, :], groups=n * channels)
    return padded.reshape(n, channels, h, w)


def disturb(masks: Tensor, chance: float, rng: np.random.Generator) -> Tensor:
    """Redraw outlines as another reader or a network might: larger, smaller, ragged.

    Each chosen mask is blurred, a smooth random field is added, and the sum is cut at a random
    level; a mask that would become empty is returned unchanged.

    Parameters
    ----------
    masks : float32 (n, 1, h, w)
        0 and 1.
    chance : float
        Probability for each mask.
    rng : numpy Generator

    Returns
    -------
    float32 (n, 1, h, w)
        0 and 1.
    """
    n, _, h, w = masks.shape
    device = masks.device
    soft = blur(masks, torch.from_numpy(rng.uniform(0.5, 2.5, (n, 1, 1, 1)).astype(np.float32)))
    field = _tensor(rng.normal(0, 0.2, (n, 1, h // 8 + 1, w // 8 + 1)), device)
    field = functional.interpolate(field, (h, w), mode="bicubic", align_corners=True)
    # No new lesion far from the old one: the field acts only where the outline is blurred.
    edge = 4 * soft * (1 - soft)
    drawn = (soft + field * edge >= _tensor(rng.uniform(0.25, 0.7, (n, 1, 1, 1)), device)).float()
    chosen = _tensor(rng.random((n, 1, 1, 1)) < chance, device).bool()
    chosen = chosen & (drawn.sum((1, 2, 3), keepdim=True) > 0)
    return torch.where(chosen, drawn, masks)


def crop(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Cut the middle (.., *size) out of images."""
    top, left = ((have - want) // 2 for have, want in zip(images.shape[-2:], size, strict=True))
    return images[..., top : top + size[0], left : left + size[1]]


def _tensor(values: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(np.asarray(values, np.float32)).to(device)
