"""What the parity tests compute: seeded networks, seeded inputs, and PyTorch's word on them.

Shared by `make_golden.py`, which stores PyTorch's outputs, and by the tests, which compare the
core with what is stored and, where torch is installed, with PyTorch itself.  Neither weights nor
inputs are stored: equal seeds give equal bits.
"""

from __future__ import annotations

import numpy as np


def images(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    """Draw float32 images (n, c, h, w) in [0, 1] that differ in contrast and in grain."""
    rng = np.random.Generator(np.random.PCG64(seed))
    n, c, h, w = shape
    out = np.empty(shape, np.float32)
    for i, j in np.ndindex(n, c):
        grain = int(rng.integers(1, 9))
        coarse = rng.random((-(-h // grain), -(-w // grain)))
        image = np.kron(coarse, np.ones((grain, grain)))[:h, :w]
        low, high = np.sort(rng.random(2))
        out[i, j] = low + (high - low) * (0.8 * image + 0.2 * rng.random((h, w)))
    return out
