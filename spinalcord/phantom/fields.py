"""Smooth random fields and soft edges, for anatomy, lesions and artefacts."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


def coverage(distance_mm: Array, width_mm: Any) -> Array:
    """Turn a signed distance (negative inside) into a share of `width_mm`, smooth at both ends.

    With the width of a pixel this is partial volume, with a wider one an ill-defined margin.
    """
    t = np.clip(0.5 - distance_mm / width_mm, 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))


def ellipse_distance(x: Array, y: Array, a: Any, b: Any) -> Array:
    """Signed distance to an ellipse with half axes `a`, `b`, to first order at the edge."""
    p, q = x / a, y / b
    f = np.sqrt(p * p + q * q) + 1e-6
    slope = np.sqrt((p / a) ** 2 + (q / b) ** 2) / f + 1e-3
    return np.asarray((f - 1.0) / slope)


def paint_over(canvas: Array, alpha: Array, colour: Array, texture: Any = 1.0) -> None:
    """Paint with opacity `alpha` (n,) onto `canvas` (channels, n), in place."""
    for channel, value in zip(canvas, colour, strict=True):
        channel += alpha * (value * texture - channel)


def smooth_noise(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    spacing_mm: tuple[float, ...],
    length_mm: tuple[float, ...],
) -> Array:
    """Draw a field of mean 0 and about unit variance, correlated over `length_mm` per axis.

    Random values on a lattice of that pitch, interpolated by cubic B-splines along one axis
    after another.

    Parameters
    ----------
    rng : Generator
    shape : ints
    spacing_mm, length_mm : floats
        One per axis.

    Returns
    -------
    float32 array of `shape`
    """
    weights = [
        _spline_weights(n, step, max(length, 0.5 * step))
        for n, step, length in zip(shape, spacing_mm, length_mm, strict=True)
    ]
    field = rng.standard_normal([w.shape[1] for w in weights], dtype=np.float32)
    for axis, matrix in enumerate(weights):
        field = np.moveaxis(np.tensordot(matrix, field, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(field)


def _spline_weights(n: int, step: float, length: float) -> Array:
    position = np.arange(n) * (step / length)
    n_knots = int(np.ceil(position[-1])) + 4
    t = np.abs(position[:, None] + 1.5 - np.arange(n_knots)[None, :])
    near = 2.0 / 3.0 - t**2 + 0.5 * t**3
    far = np.clip(2.0 - t, 0.0, None) ** 3 / 6.0
    weights = np.where(t < 1.0, near, far)
    return np.asarray(weights / np.sqrt((weights**2).sum(1, keepdims=True)), np.float32)


class Waves:
    """A random texture that can be asked for at any point: a sum of plane waves.

    Parameters
    ----------
    rng : Generator
    length_mm : three floats
        Shortest half wavelength along each coordinate; the longest is three times that.
    n : int
        Number of waves.
    """

    def __init__(
        self, rng: np.random.Generator, length_mm: tuple[float, float, float], n: int = 9
    ) -> None:
        direction = rng.standard_normal((n, 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        rate = np.pi / (np.asarray(length_mm) * rng.uniform(1.0, 3.0, (n, 1)))
        self._k = (direction * rate).astype(np.float32)
        self._phase = rng.uniform(0, 2 * np.pi, n).astype(np.float32)

    def __call__(self, a: Array, b: Array, c: Array) -> Array:
        """Return the value at points (mm), with mean 0 and unit variance."""
        total = np.zeros(np.broadcast(a, b, c).shape, np.float32)
        for (ka, kb, kc), phase in zip(self._k, self._phase, strict=True):
            total += np.cos(ka * a + kb * b + kc * c + phase)
        return np.asarray(total * np.float32(np.sqrt(2.0 / len(self._phase))))
