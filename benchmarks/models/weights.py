"""Identify the weights of a model file, whatever its settings are."""

from __future__ import annotations

import hashlib
from pathlib import Path

from spinalcord.training.export import stored_tensors


def sum_of_tensors(path: Path) -> str:
    """Return a checksum of a model's weights: publishing a model changes its settings only."""
    total = hashlib.sha256()
    for name, values in sorted(stored_tensors(path).items()):
        total.update(name.encode() + str(values.shape).encode() + values.tobytes())
    return total.hexdigest()
