"""Tissues around the spine: skin, fat, muscle, neck, chest and abdomen."""

from __future__ import annotations

from typing import Any

import numpy as np

from .anatomy import Spine
from .fields import Array, coverage, smooth_noise


def draw_background(
    rng: np.random.Generator,
    spine: Spine,
    s: Array,
    d: Array,
    x: Array,
    pixel_mm: float,
    step_mm: float,
    signals: dict[str, Array],
    protocol: dict[str, Any],
) -> Array:
    """Draw everything but the spine, one image per slice.

    Parameters
    ----------
    rng : Generator
    spine : Spine
    s, d : (rows, columns) float32
        Place of each pixel in the spine, mm.
    x : (slices,) float
        Place of each slice, mm towards the right.
    pixel_mm, step_mm : float
        In the plane and between slices.
    signals, protocol : dict

    Returns
    -------
    (channels, slices, rows, columns) float32
    """
    shape = (len(x), *s.shape)
    spacing = (step_mm, pixel_mm, pixel_mm)
    coarse = smooth_noise(rng, shape, spacing, (14.0, 16.0, 12.0))
    streak = smooth_noise(rng, shape, spacing, (5.0, 12.0, 1.4))
    grain = smooth_noise(rng, shape, spacing, (3.0, 2.5, 2.0))
    fine = smooth_noise(rng, shape, spacing, (4.0, 3.0, 3.0))
    thick = float(rng.gamma(5.0, 2.2) + 3)
    # Thin over the neck, thickest below the cervicothoracic hump and over the lumbar spine.
    fat_mm = thick * np.interp(
        s, (-40, 10, 70, 130, 200, 420, 560), (0.8, 0.5, 0.5, 1.1, 0.8, 0.8, 1.5)
    )
    skin = spine.at("skin", s) + 0.5 * (fat_mm - 12)
    front = -_front(rng, s)
    n_channels = len(signals["fat"])
    out = np.empty((n_channels, *shape), np.float32)
    behind = coverage(-(d - 2), 6.0)
    body = coverage(np.maximum(d - skin, front - d), 1.5 * pixel_mm)
    viscera = _viscera(rng, s, d, spine)
    for k in range(len(x)):
        edge = skin + 1.5 * coarse[k] - 0.004 * x[k] ** 2
        fatty = coverage(edge - fat_mm + 1.2 * coarse[k] - d, 2.0) + coverage(
            d - front - 5 - 2 * coarse[k], 3.0
        )
        fascia = coverage(np.abs(edge - fat_mm + 1.2 * coarse[k] - d) - 0.8, 1.5)
        strands = 0.06 + 0.22 * np.clip(streak[k] - 0.4, 0, 2) * (1 + 0.5 * coarse[k])
        strands = np.clip(strands + 0.25 * np.clip(coarse[k] - 0.5, 0, 2), 0.02, 0.85)
        # Interspinous fat near the midline, muscle beside it.
        strands = strands * (1.0 + 0.9 * np.exp(-((x[k] / 7.0) ** 2)))
        strands = strands + 0.25 * np.clip(fine[k] - 0.5, 0, 2)
        share = np.clip(np.where(d > 0, strands, 0.55 * strands), 0, 0.9)
        grainy = 1 + 0.09 * grain[k] + 0.10 * streak[k]
        for c in range(n_channels):
            muscle = signals["muscle"][c] * np.clip(grainy + 0.3 * fine[k], 0.2, 3)
            fat = signals["fat"][c] * grainy
            image = muscle + share * (fat * 0.75 - muscle)
            if viscera is not None:
                image = np.where(
                    d < 0, _blend(image, viscera, signals, c, coarse[k], streak[k]), image
                )
            image = image + np.clip(fatty, 0, 1) * (fat * 0.85 - image)
            image = image + 0.7 * fascia * behind * (signals["void"][c] - image)
            out[c, k] = image * body
    _saturate(out, d, protocol)
    return out


def _blend(
    image: Array, viscera: dict[str, Array], signals: dict[str, Array], c: int, coarse: Array,
    streak: Array,
) -> Array:  # fmt: skip
    """Paint airways, vessels and organs over the anterior part of the body."""
    organ = np.clip(0.5 + 0.8 * coarse + 0.3 * streak, 0, 1)
    mixed = signals["muscle"][c] * 1.2 + organ * (signals["mucosa"][c] - signals["muscle"][c])
    image = image + viscera["organ"] * (mixed - image)
    image = image + viscera["void"] * (signals["void"][c] * 0.6 - image)
    return np.asarray(image * (1 - viscera["air"]))


def _front(rng: np.random.Generator, s: Array) -> Array:
    """Return how far the body extends in front of the canal, mm: throat, chest, abdomen."""
    at = (-70, 20, 55, 75, 120, 160, 260, 420, 600)
    reach = (150, 140, 92, 72, 74, 110, 170, 190, 200)
    reach_mm = np.array(reach) * np.exp(rng.normal(0, 0.08))
    return np.asarray(np.interp(s, at, reach_mm), np.float32)


def _viscera(rng: np.random.Generator, s: Array, d: Array, spine: Spine) -> dict[str, Array]:
    front = -(spine.at("sac_ap", s) / 2 + spine.at("body_depth", s) + 2)
    ahead = front - d  # distance in front of the vertebral bodies
    neck, chest = coverage(s - 130, 30.0), coverage(140 - s, 30.0)
    gullet = 5 + np.interp(s, (0, 70, 100, 160), (3, 4, 10, 12))
    wide = rng.uniform(5, 8)
    airway = coverage(np.abs(ahead - gullet - wide) - wide * 0.8, 2.0) * coverage(8 - s, 8.0)
    airway = airway * coverage(s - rng.uniform(170, 230), 15.0)
    vessel = coverage(np.abs(ahead - rng.uniform(9, 16)) - rng.uniform(7, 11), 2.0)
    vessel = vessel * coverage(230 - s, 30.0)
    lung = chest * coverage(28 - ahead, 12.0) * coverage(s - 420, 40.0) * rng.uniform(0.4, 0.95)
    organ = np.clip(0.55 * neck * coverage(gullet - ahead, 6.0) + 0.8 * coverage(380 - s, 60.0)
                    * coverage(18 - ahead, 8.0), 0, 1)  # fmt: skip
    return {"air": np.clip(airway + lung, 0, 1), "void": vessel, "organ": organ}


def _saturate(out: Array, d: Array, protocol: dict[str, Any]) -> None:
    """Darken the tissue under the saturation band in front of the spine."""
    width = protocol["saturation_mm"]
    if width > 0:
        band = coverage(np.abs(d + 42 + width / 2) - width / 2, 8.0)
        out *= 1 - 0.75 * band
