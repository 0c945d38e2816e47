"""The drawing style `chains`: lesions as clouds of soft balls strung along a random walk.

The balls' densities add up and saturate: outline, margin and texture all come from one cloud
instead of being drawn separately.  Swelling follows the cloud's thickness and is asymmetric.  The
style is held out: `mixed` never draws it, so that models trained on the other styles can be tested
on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from .diseases import Features
from .fields import Array
from .lesion_geometry import Part, SyntheticLesion


@dataclass(frozen=True)
class Chain(Part):
    """One cloud of balls.

    Attributes
    ----------
    balls : (n, 4) float
        s (mm), u, v (half axes of the cord) and radius (half axes) of each.
    stretch_mm : float
        Length of a ball along the cord for a radius of 1.
    power : float
        Steepness of the margin: 1 fades, 4 is sharp.
    """

    balls: Array = field(default_factory=lambda: np.zeros((0, 4)), repr=False)
    stretch_mm: float = 8.0
    power: float = 2.0

    def share(self, s: Array, u: Array, v: Array, radius_mm: Array, blur_mm: float = 0.3) -> Array:
        """Share of each point that this part fills, 0 to 1; see `Part.share`."""
        density = np.zeros(len(s))
        for at, x, y, r in self.balls:
            wide = np.hypot(r, 0.4 * blur_mm / np.maximum(radius_mm, 1.0))
            near = np.flatnonzero(np.abs(s - at) < 2.6 * self.stretch_mm * r + 2 * blur_mm)
            rest = (
                ((u[near] - x) / wide[near]) ** 2 + ((v[near] - y) / wide[near]) ** 2
                + ((s[near] - at) / np.hypot(self.stretch_mm * r, 0.4 * blur_mm)) ** 2
            )  # fmt: skip
            density[near] += np.exp(-0.5 * rest)
        cloud = density**self.power
        return np.asarray(self.strength * cloud / (cloud + 0.45**self.power), np.float32)


class LopsidedLesion(SyntheticLesion):
    """A lesion around which the cord swells more towards one end."""

    blend: ClassVar[str] = "mottled"

    def widening(self, s: Array) -> Array:
        """Factor on the cord's radius at s."""
        t = (s - self.s) / (0.75 * self.half_mm + 5.0)
        side = 0.35 * np.sin(self.s)  # the end is drawn at random, like the position
        bell = np.exp(-(t**2)) * (1 + side * np.tanh(t))
        return np.asarray(1 + (self.swelling - 1) * np.clip(bell, 0, 1), np.float32)


def draw_chains(f: Features, diagnosis: str, s: float, number: int) -> SyntheticLesion:
    """Draw one lesion around s; `number` counts those before it in the same patient."""
    rng = f.rng
    half = f.length_mm() / 2
    if diagnosis == "NMOSD" and number:
        half = min(half, rng.uniform(10, 35))
    if diagnosis in ("astrocytoma", "ependymoma"):
        return _tumour(f, diagnosis, s, half)
    acute, clear = f.has("acute"), f.has("clear")
    level = f.enhancement()[0] if acute else 0.0
    tissue = "plaque" if not acute else "acute" if diagnosis == "MS" else "myelitis"
    if f.lean() == "MS":
        r = rng.uniform(0.18, 0.30)
        angle = np.radians(rng.choice((10.0, 88.0, 160.0), p=(0.35, 0.59, 0.06)))
        angle = angle * rng.choice((-1, 1)) + rng.normal(0, 0.2)
        off = rng.uniform(0.62, 0.8)
        u, v, spread = off * np.sin(angle), off * np.cos(angle), 0.05
    else:
        u, v, r, spread = rng.normal(0, 0.06), rng.normal(0, 0.06), rng.uniform(0.38, 0.52), 0.14
    power = rng.uniform(3.0, 5.0) if clear else rng.uniform(1.2, 2.2)
    parts: list[Part] = [_cloud(f, tissue, s, half, u, v, r, spread, power=power,
                                strength=rng.uniform(0.5, 1.0), enhancement=level)]  # fmt: skip
    if f.has("spots"):
        parts += [_cloud(f, "bright_spot", s + half * rng.uniform(-0.6, 0.6), rng.uniform(1, 4),
                         u, v, 0.14, 0.1, power=3.0)
                  for _ in range(int(rng.integers(1, 4)))]  # fmt: skip
    if diagnosis == "MS":
        swelling = rng.uniform(1.0, 1.06) if acute else 1.0
    else:
        swelling = rng.uniform(1.05, 1.3) if acute else rng.uniform(0.87, 1.0)
    return LopsidedLesion(diagnosis, s, half, tuple(parts), float(swelling))


def _tumour(f: Features, diagnosis: str, s: float, half: float) -> SyntheticLesion:
    rng = f.rng
    clear, eccentric = f.has("clear"), f.has("eccentric")
    angle, off = rng.uniform(0, 2 * np.pi), rng.uniform(0.25, 0.45) if eccentric else 0.03
    u, v = off * np.cos(angle), off * np.sin(angle)
    r, spread = (0.44, 0.05) if clear else (0.36, 0.17)
    power = rng.uniform(3.0, 5.0) if clear else rng.uniform(1.0, 1.8)
    parts: list[Part] = []
    if f.has("oedema"):
        parts.append(_cloud(f, "oedema", s, half + rng.uniform(6, 26), 0.0, 0.0, 0.3, 0.1,
                            power=1.2, strength=0.8))  # fmt: skip
    if f.has("syrinx"):
        end = s + rng.choice((-1, 1)) * (half + rng.uniform(6, 20))
        parts.append(_cloud(f, "cyst", end, rng.uniform(6, 20), 0.0, 0.0, 0.13, 0.02, power=4.0))
    grade = "high_grade" if rng.uniform() < 0.35 else "low_grade"
    parts.append(_cloud(f, grade, s, half, u, v, r, spread, power=power,
                        enhancement=f.enhancement()[0],
                        strength=rng.uniform(0.8, 1.0)))  # fmt: skip
    if f.has("inner_cyst"):
        parts.append(_cloud(f, "cyst", s + half * rng.uniform(-0.5, 0.5), rng.uniform(2, 8), u, v,
                            0.2, 0.1, power=3.0))  # fmt: skip
    for side in (-1, 1):
        if f.has("polar_cyst") and rng.uniform() < 0.7:
            long = rng.uniform(3, 12)
            parts.append(_cloud(f, "cyst", s + side * (half + long), long, 0.0, 0.0, 0.38, 0.02,
                                power=4.0))  # fmt: skip
        if f.has("cap"):
            parts.append(_cloud(f, "haemosiderin", s + side * half, 1.5, u, v, 0.3, 0.1, power=3.0))
    if f.has("blood"):
        parts.append(_cloud(f, "blood", s + half * rng.uniform(-0.5, 0.5), 3.0, u, v, 0.15, 0.1))
    swelling = np.clip(rng.gamma(30, 1.34 / 30), 1.08, 1.7)
    return LopsidedLesion(diagnosis, s, half, tuple(parts), float(swelling))


def _cloud(
    f: Features, tissue: str, s: float, half: float, u: float, v: float, r: float, spread: float,
    **options: Any,
) -> Chain:  # fmt: skip
    """Place balls of about radius r along the cord, from s - half to s + half.

    `spread` is the standard deviation of their centres across the cord.
    """
    rng = f.rng
    stretch = max(min(9.0, 0.7 * half / r), 1.5)
    inner = max(half - 1.1 * stretch * r, 0.0)
    n = max(int(np.ceil(2 * inner / (0.9 * stretch * r))), 1) + 1
    at = s + np.linspace(-inner, inner, n) + rng.normal(0, 0.15 * stretch * r, n)
    walk = np.cumsum(rng.normal(0, 1, (n, 2)), axis=0) / np.sqrt(n) * spread
    places = walk + rng.normal(0, spread, (n, 2)) * 0.6 + (u, v)
    balls = np.column_stack([at, places, r * np.exp(rng.normal(0, 0.1 + 0.8 * spread, n))])
    options["strength"] = options.get("strength", 1.0) * f.contrast
    wide = min(1.5 * r, 0.95)
    return Chain(tissue, s, max(half, 1.0), u=u, v=v, ru=wide, rv=wide, margin_mm=1.5,
                 balls=balls, stretch_mm=stretch, **options)  # fmt: skip
