"""The drawing style `contours`: lesions as closed curves around the cord's axis.

Each cross-section is a circle deformed by harmonics that rotate along the cord.  The ends close
like a sine rather than an ellipsoid, margins are logistic, the contrast varies log-normally, and
the cord swells along a plateau.  Frequencies of features, lengths and positions follow `diseases`;
the way of drawing does not, so that a network trained on both styles cannot rely on either.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from .diseases import Features
from .fields import Array, Waves
from .lesion_geometry import Part, SyntheticLesion


@dataclass(frozen=True)
class Contour(Part):
    """One body of tissue within a bent outline.

    Attributes
    ----------
    bends : (k, 3) float
        Amplitude (relative to the radius), phase and turn (radians per mm) of the harmonics
        1 to k.
    plateau : float
        Share of the length over which the outline keeps its size.
    """

    bends: Array = field(default_factory=lambda: np.zeros((0, 3)), repr=False)
    plateau: float = 0.3

    def share(self, s: Array, u: Array, v: Array, radius_mm: Array, blur_mm: float = 0.3) -> Array:
        """Share of each point that this part fills, 0 to 1; see `Part.share`."""
        x, y = (u - self.u) / self.ru, (v - self.v) / self.rv
        along = s - self.s
        t = np.abs(along) / self.half_mm
        size = np.sin(np.pi / 2 * np.clip((1 - t) / (1 - self.plateau), 0.0, 1.0))
        angle = np.arctan2(y, x)
        bent = np.ones(len(s))
        for order, (amplitude, phase, turn) in enumerate(self.bends, 1):
            bent += amplitude * np.cos(order * angle + phase + turn * along)
        reach = min(self.ru, self.rv) * radius_mm
        depth_mm = np.minimum((size * bent - np.hypot(x, y)) * reach, (1 - t) * self.half_mm)
        width = max(self.margin_mm, blur_mm)
        alpha = self.strength / (1 + np.exp(np.clip(-5.0 * depth_mm / width, -30, 30)))
        if self.grain is not None and self.uneven:
            wave = self.grain(s, u * radius_mm, v * radius_mm)
            alpha = alpha * np.exp(self.uneven * (wave - 1.0))
        return np.where(t < 1.4, np.clip(alpha, 0, 1), 0).astype(np.float32)


class PlateauLesion(SyntheticLesion):
    """A lesion around which the cord keeps its swelling, then returns within a few millimetres."""

    blend: ClassVar[str] = "scaled"

    def widening(self, s: Array) -> Array:
        """Factor on the cord's radius at s."""
        t = np.clip((np.abs(s - self.s) - 0.7 * self.half_mm) / (0.5 * self.half_mm + 5), 0, 1)
        return (1 + (self.swelling - 1) * (1 - t * t * (3 - 2 * t))).astype(np.float32)


def draw_contours(f: Features, diagnosis: str, s: float, number: int) -> SyntheticLesion:
    """Draw one lesion around s; `number` counts those before it in the same patient."""
    draw = {"astrocytoma": _tumour, "ependymoma": _tumour, "MS": _plaque, "NMOSD": _myelitis}
    half = f.length_mm() / 2
    if diagnosis == "NMOSD" and number:
        half = min(half, f.rng.uniform(10, 35))
    parts, swelling = draw[diagnosis](f, s, half)
    return PlateauLesion(diagnosis, s, half, tuple(parts), float(swelling))


def _body(f: Features, tissue: str, s: float, half: float, **options: Any) -> Contour:
    """Return a contour with its own deformation and texture."""
    rough = options.pop("bend", 0.12)
    bends = np.stack([
        f.rng.normal(0, rough, 4) / np.arange(1, 5) ** 0.5, f.rng.uniform(0, 2 * np.pi, 4),
        f.rng.normal(0, 0.05, 4),
    ], axis=1)  # fmt: skip
    grain = Waves(f.rng, (9.0, 3.0, 3.0), 12) if options.get("uneven") else None
    options["strength"] = options.get("strength", 1.0) * f.contrast
    return Contour(tissue, s, max(half, 1.0), grain=grain, bends=bends, **options)


def _tumour(f: Features, s: float, half: float) -> tuple[list[Part], float]:
    rng = f.rng
    clear = f.has("clear")
    angle, off = rng.uniform(0, 2 * np.pi), rng.uniform(0.28, 0.5) if f.has("eccentric") else 0.04
    u, v, r = off * np.cos(angle), off * np.sin(angle), rng.uniform(0.62, 0.9) - 0.5 * off
    parts: list[Part] = []
    if f.has("oedema"):
        parts.append(_body(f, "oedema", s + rng.normal(0, 3), half + rng.uniform(6, 30), ru=0.55,
                           rv=0.6, margin_mm=rng.uniform(2, 4), strength=0.8,
                           plateau=0.1))  # fmt: skip
    if f.has("syrinx"):
        end = s + (half + rng.uniform(8, 22)) * rng.choice((-1, 1))
        parts.append(_body(f, "cyst", end, rng.uniform(8, 24), ru=0.24, rv=0.2, margin_mm=0.5))
    level, _, _ = f.enhancement()
    solid = _body(
        f, "high_grade" if rng.uniform() < 0.35 else "low_grade", s, half, u=u, v=v, ru=r,
        rv=r * rng.uniform(0.85, 1.15), margin_mm=rng.uniform(0.4, 1.1) if clear else
        rng.uniform(2.2, 5.0), bend=0.05 if clear else 0.16, uneven=0.12 if clear else 0.32,
        plateau=rng.uniform(0.3, 0.7) if clear else rng.uniform(0.0, 0.3),
        enhancement=level, strength=rng.uniform(0.8, 1.0),
    )  # fmt: skip
    parts.append(solid)
    if f.has("inner_cyst"):
        parts += [_body(f, "cyst", s + half * rng.uniform(-0.6, 0.6), rng.uniform(2, 9), u=u, v=v,
                        ru=rng.uniform(0.2, 0.4), rv=rng.uniform(0.2, 0.4), margin_mm=0.7)
                  for _ in range(int(rng.integers(1, 3)))]  # fmt: skip
    for side in (-1, 1):
        if f.has("polar_cyst") and rng.uniform() < 0.7:
            long = rng.uniform(4, 16)
            parts.append(_body(f, "cyst", s + side * (half + 0.8 * long), long, ru=0.6, rv=0.6,
                               margin_mm=0.7, plateau=0.5))  # fmt: skip
        if f.has("cap"):
            parts.append(_body(f, "haemosiderin", s + side * half, rng.uniform(1, 2), u=u, v=v,
                               ru=0.55, rv=0.55, margin_mm=0.8))  # fmt: skip
    if f.has("blood"):
        parts.append(_body(f, "blood", s + half * rng.uniform(-0.5, 0.5), rng.uniform(2, 6), u=u,
                           v=v, ru=0.25, rv=0.25, margin_mm=1.0))  # fmt: skip
    return parts, np.clip(rng.normal(1.34, 0.13), 1.08, 1.65)


def _plaque(f: Features, s: float, half: float) -> tuple[list[Part], float]:
    rng = f.rng
    acute = f.has("acute")
    if f.lean() == "MS":
        degrees = rng.choice((0.0, 85.0, 165.0), p=(0.35, 0.59, 0.06)) + rng.normal(0, 14)
        angle = np.radians(degrees) * rng.choice((-1, 1))
        r = rng.uniform(0.26, 0.46)
        off = 1.0 - 0.85 * r
        u, v = off * np.sin(angle), off * np.cos(angle)
    else:
        u, v, r = 0.0, 0.0, rng.uniform(0.5, 0.7)
    margin = rng.uniform(0.4, 1.0) if f.has("clear") else rng.uniform(1.8, 3.2)
    level = f.enhancement()[0] if acute else 0.0
    body = _body(f, "acute" if acute else "plaque", s, half, u=u, v=v, ru=r, rv=r, bend=0.1,
                 margin_mm=margin, plateau=rng.uniform(0.2, 0.6), enhancement=level,
                 strength=rng.uniform(0.45, 1.0), uneven=0.08)  # fmt: skip
    return [body], rng.uniform(1.0, 1.07) if acute else 1.0


def _myelitis(f: Features, s: float, half: float) -> tuple[list[Part], float]:
    rng = f.rng
    acute = f.has("acute")
    if f.lean() == "NMOSD":
        u, v, r = rng.normal(0, 0.06), rng.normal(0, 0.06), rng.uniform(0.74, 0.95)
    else:
        angle, r = rng.uniform(-2, 2), rng.uniform(0.35, 0.55)
        u, v = 0.55 * np.sin(angle), 0.55 * np.cos(angle)
    margin = rng.uniform(0.8, 1.6) if f.has("clear") else rng.uniform(1.8, 4.0)
    level = f.enhancement()[0]
    parts: list[Part] = [_body(
        f, "myelitis" if acute else "plaque", s, half, u=u, v=v, ru=r, rv=r, margin_mm=margin,
        strength=rng.uniform(0.6, 1.0), uneven=rng.uniform(0.1, 0.35), enhancement=level,
        plateau=rng.uniform(0.0, 0.35), bend=0.08,
    )]  # fmt: skip
    if f.has("spots"):
        parts += [_body(f, "bright_spot", s + half * rng.uniform(-0.65, 0.65), rng.uniform(1.5, 5),
                        u=u + rng.normal(0, 0.2), v=v + rng.normal(0, 0.2), ru=0.22, rv=0.26,
                        margin_mm=0.8) for _ in range(int(rng.integers(1, 4)))]  # fmt: skip
    return parts, rng.uniform(1.04, 1.3) if acute else rng.uniform(0.86, 1.0)
