"""Decoys: the contrast of a lesion placed outside the cord, where it is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import InputError
from .fields import Array, coverage
from .host import Host, running_percentile
from .moving import Place

DECOYS = ("vertebra", "muscle")


def check_decoy(decoy: str | None, sham: bool) -> None:
    """Check where a decoy is to lie.

    Raises
    ------
    InputError
        Another place; both decoy and sham.
    """
    if decoy is not None and (decoy not in DECOYS or sham):
        also = " and sham" if sham else ""
        raise InputError(f"decoy {decoy!r}{also}: {' or '.join(DECOYS)} is expected, without sham")


def draw_elsewhere(rng: np.random.Generator, host: Host, image: Array, decoy: str) -> Host:
    """Draw a line beside the cord, and measure the scan along it.

    Parameters
    ----------
    rng : Generator
    host : Host
        The cord's.
    image : (slices, rows, columns) float32
    decoy : str
        One of `DECOYS`.

    Returns
    -------
    Host
        `cord` is the intensity of what lies there, and `csf` as much brighter as fluid is than
        the cord; no fluid gives way around it.
    """
    edge = float(np.median(host.b * host.sac))  # mm of CSF; beyond it lie bone, fat and muscle
    if decoy == "vertebra":
        side, back = rng.uniform(-5, 5), -edge - rng.uniform(8, 14)
    else:
        side, back = rng.uniform(9, 17) * rng.choice((-1, 1)), edge + rng.uniform(14, 24)
    # Shift the line across slices and columns only, and keep it within the scan.
    spacing, shape = np.array(host.spacing_mm), np.array(image.shape)
    line = host.line + np.array([side, 0.0, back])
    last = (shape - 1) * spacing
    for axis, margin in ((0, min(spacing[0], last[0] / 2)), (2, min(6.0, last[2] / 2))):
        line[:, axis] = np.clip(line[:, axis], margin, last[axis] - margin)
    s = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    bare = replace(host, line=line, s=s, sac=np.ones(len(s)))
    level = running_percentile(bare, image, 1.0, 50.0)
    return replace(bare, cord=level, csf=level + host.csf - host.cord)


def share_of_tube(host: Host, place: Place) -> Array:
    """Share of each voxel that lies within the line's half axes, with an edge of a pixel."""
    s, _, u, v, _ = place
    radius_mm = (host.profile("a", s) + host.profile("b", s)) / 2
    return coverage((np.hypot(u, v) - 1) * radius_mm, max(host.spacing_mm[1:]))
