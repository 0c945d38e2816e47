"""The same body in any storage, as a scene."""

from __future__ import annotations

import numpy as np
from volumes import base_affine, restored

from spinalcord.pictures.scene import Scene
from spinalcord.scans.volume import Volume

SHAPE = (5, 8, 6)


def make_scene(order=(0, 1, 2), flips=(False, False, False), oblique_deg=0.0):
    """Lesion in slices 1 and 3, the same body in any storage."""
    scan = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)
    lesion = np.zeros(SHAPE, np.uint8)
    lesion[1, 2, 3] = lesion[3, 5, 1] = 1
    affine = base_affine(oblique_deg)
    return Scene(
        *(Volume(*restored(array, affine, order, flips)) for array in (scan, lesion)),
        heat=Volume(*restored(scan.astype(np.float32), affine, order, flips)),
    )
