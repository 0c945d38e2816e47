"""Features of the lesions of each diagnosis.  Sources are listed in `lesion_geometry`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .fields import Waves
from .lesion_geometry import Part, SyntheticLesion

# Share of cases with each optional feature, by diagnosis.  Numbers in brackets refer to the
# references of `lesion_geometry`; values without one, and zeros, are assumptions.
CHANCES: dict[str, dict[str, float]] = {
    # [1] to Miyazawa 1999: 10 to 36 %; [4], [5]: 61 to 90 %.
    "polar_cyst": {"astrocytoma": 0.20, "ependymoma": 0.65, "MS": 0, "NMOSD": 0},
    # [5]; astrocytoma: between none and the 62 % of pilocytic ones [2].
    "inner_cyst": {"astrocytoma": 0.30, "ependymoma": 0.17, "MS": 0, "NMOSD": 0.07},
    # [5]: 10 %, Klekamp: 58 %; astrocytoma: 46 % of pilocytic ones [2], few of others.
    "syrinx": {"astrocytoma": 0.20, "ependymoma": 0.35, "MS": 0, "NMOSD": 0},
    # [5]
    "cap": {"astrocytoma": 0.03, "ependymoma": 0.29, "MS": 0, "NMOSD": 0},
    # Miyazawa 1999 and [1]: 9 and 20 to 29 %.
    "blood": {"astrocytoma": 0.09, "ependymoma": 0.25, "MS": 0, "NMOSD": 0},
    # [5]
    "oedema": {"astrocytoma": 0.75, "ependymoma": 0.85, "MS": 0, "NMOSD": 0},
    # [2]; ependymoma: central in 106 of 106 [5] (Shin); NMOSD: PMID 28067584.
    "eccentric": {"astrocytoma": 0.62, "ependymoma": 0.05, "MS": 1, "NMOSD": 0.05},
    # [1]: 0 of 10, [2]: 85 % of pilocytic ones; [1], [4]: 74 to 87 %; MS [6]; NMOSD: 92 % taper
    # (J Korean Radiol Soc 34:193).
    "clear": {"astrocytoma": 0.15, "ependymoma": 0.80, "MS": 0.87, "NMOSD": 0.10},
    # [8], [9]: 42 to 54 %, MS 3 %.
    "spots": {"astrocytoma": 0, "ependymoma": 0, "MS": 0.03, "NMOSD": 0.48},
    "acute": {"astrocytoma": 0, "ependymoma": 0, "MS": 0.30, "NMOSD": 0.70},
    # [3]; [5]; MS: 10.1111/j.1468-1331.2008.02315.x.
    "enhancing": {"astrocytoma": 0.70, "ependymoma": 1.0, "MS": 0.29, "NMOSD": 0.60},
    # [3]; [5]: 46 %.
    "uniform": {"astrocytoma": 0.05, "ependymoma": 0.50, "MS": 0.70, "NMOSD": 0.10},
    # [5]; NMOSD: 32 % of attacks (JNNP 88:218).
    "ring": {"astrocytoma": 0.10, "ependymoma": 0.19, "MS": 0.15, "NMOSD": 0.50},
}
HIGH_GRADE = 10 / 28  # of adult cord astrocytomas, PMID 11451207
# Columns of the cord in MS: share of lesions, share of the cross-section, direction in degrees
# from posterior [7].
COLUMNS = (("lateral", 0.59, 0.12, (65, 105)), ("posterior", 0.35, 0.16, (0, 30)),
           ("anterior", 0.06, 0.06, (150, 180)))  # fmt: skip


class Features:
    """Draw features one by one, each from the diagnosis or, now and then, its look-alike.

    Parameters
    ----------
    rng : Generator
    lean : callable
        Returns the diagnosis whose description the next feature follows.
    segment_mm : float
    contrast : float
        Factor on the strength of all parts.
    """

    def __init__(
        self, rng: np.random.Generator, lean: Callable[[], str], segment_mm: float, contrast: float
    ) -> None:
        self.rng = rng
        self.lean = lean
        self.segment_mm = segment_mm
        self.contrast = contrast

    def has(self, feature: str) -> bool:
        """Whether the lesion has an optional feature."""
        return bool(self.rng.uniform() < CHANCES[feature][self.lean()])

    def length_mm(self) -> float:
        """Length along the cord."""
        rng, who = self.rng, self.lean()
        if who == "MS":
            if rng.uniform() < 0.05:  # confluent
                return float(self.segment_mm * rng.uniform(3, 5))
            return float(np.clip(rng.lognormal(np.log(16.5), 0.42), 4, 45))
        if who == "NMOSD":
            if rng.uniform() < 0.15:
                return float(self.segment_mm * rng.uniform(1, 2.5))
            return float(np.clip(rng.lognormal(np.log(115), 0.45), 3 * self.segment_mm, 300))
        median, low = (4.5, 1.2) if who == "astrocytoma" else (3.6, 1.0)
        segments = np.clip(rng.lognormal(np.log(median), 0.42), low, 12)
        return float(self.segment_mm * segments)

    def waves(self, length_mm: float) -> Waves:
        """Texture with features of about `length_mm`, longer along the cord."""
        return Waves(self.rng, (1.8 * length_mm, length_mm, length_mm))

    def part(self, tissue: str, s: float, half_mm: float, **options: Any) -> Part:
        """Return a part with its own outline and grain."""
        grain = self.waves(4.0) if options.get("uneven") else None
        outline = self.waves(6.0) if options.get("rough") else None
        options["strength"] = options.get("strength", 1.0) * self.contrast
        return Part(tissue, s, max(half_mm, 1.0), outline=outline, grain=grain, **options)

    def enhancement(self) -> tuple[float, float, float]:
        """Strength, unevenness and shell of the enhancement; zeros where there is none."""
        if not self.has("enhancing"):
            return 0.0, 0.0, 0.0
        level = float(self.rng.uniform(0.4, 1.0))
        if self.has("ring"):
            return level, 0.2, 0.45
        return level, 0.1 if self.has("uniform") else 0.7, 0.0


def draw_count(rng: np.random.Generator, diagnosis: str) -> int:
    """Draw the number of lesions of a patient who has any."""
    if diagnosis == "MS":
        while True:
            n = int(rng.negative_binomial(2, 2 / (2 + 3.3)))
            if 1 <= n <= 12:
                return n
    if diagnosis == "NMOSD":
        return 1 + int(rng.uniform() < 0.35) + int(rng.uniform() < 0.08)
    return 1


def draw_lesion(f: Features, diagnosis: str, s: float, number: int) -> SyntheticLesion:
    """Draw one lesion around s; `number` counts those before it in the same patient."""
    if diagnosis == "MS":
        return _plaque(f, s)
    if diagnosis == "NMOSD":
        return _myelitis(f, s, number)
    return _tumour(f, diagnosis, s)


def _tumour(f: Features, diagnosis: str, s: float) -> SyntheticLesion:
    rng = f.rng
    half = f.length_mm() / 2
    parts: list[Part] = []
    high = f.lean() == "astrocytoma" and rng.uniform() < HIGH_GRADE
    clear = f.has("clear")
    if f.has("syrinx"):
        side = rng.choice((-1.0, 1.0))
        long = rng.uniform(15, 60)
        r = rng.uniform(0.2, 0.4)
        parts.append(f.part("cyst", s + side * (half + long * 0.8), long, ru=r, rv=r,
                            margin_mm=0.7, strength=rng.uniform(0.7, 1)))  # fmt: skip
    if f.has("oedema"):
        beyond = half + rng.uniform(8, 30)
        parts.append(
            f.part("oedema", s + rng.normal(0, 3), beyond, ru=0.75, rv=0.75, rough=0.12,
                   margin_mm=3.5, strength=rng.uniform(0.45, 0.8), uneven=0.3)
        )  # fmt: skip
    u = v = 0.0
    if f.has("eccentric"):
        angle, off = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.45)
        u, v = off * np.sin(angle), off * np.cos(angle)
    r = (0.95 if clear else 0.9) - 0.45 * np.hypot(u, v)
    grade = "high_grade" if high else "low_grade"
    level, patchy, shell = f.enhancement()
    solid = f.part(
        grade, s, half, u=u, v=v, ru=r * rng.uniform(0.9, 1.05), rv=r * rng.uniform(0.9, 1.05),
        margin_mm=rng.uniform(0.5, 1.2) if clear else rng.uniform(2.0, 4.5),
        rough=rng.uniform(0.02, 0.08) if clear else rng.uniform(0.1, 0.22),
        uneven=rng.uniform(0.05, 0.35) if clear else rng.uniform(0.25, 0.6),
        strength=rng.uniform(0.85, 1.0), ends=2.0 if not clear else 2.6,
    )  # fmt: skip
    parts.append(solid)
    if level:
        parts.append(f.part(grade, s, 0.85 * half, u=u, v=v, ru=0.85 * r, rv=0.85 * r,
                            margin_mm=1.5, strength=0.9, rough=0.1, uneven=patchy,
                            enhancement=level, shell=shell))  # fmt: skip
    parts += _tumour_details(f, solid, high)
    swelling = float(np.clip(rng.lognormal(np.log(1.34), 0.10), 1.1, 1.6))
    return SyntheticLesion(diagnosis, s, half, tuple(parts), swelling)


def _tumour_details(f: Features, solid: Part, high: bool) -> list[Part]:
    """Draw cysts, caps, necrosis and blood of a tumour."""
    rng, s, half = f.rng, solid.s, solid.half_mm
    parts: list[Part] = []
    if high and rng.uniform() < 0.6:
        parts.append(_inside(f, solid, "necrosis", rng.uniform(0.25, 0.5), 1.5))
    if f.has("inner_cyst"):
        for _ in range(int(rng.integers(1, 4))):
            parts.append(_inside(f, solid, "cyst", rng.uniform(0.2, 0.45), 0.6))
    if f.has("polar_cyst"):
        for side in ((-1.0,), (1.0,), (-1.0, 1.0))[int(rng.integers(0, 3))]:
            long = rng.uniform(4, 14) if side < 0 else rng.uniform(5, 20)
            r = rng.uniform(0.45, 0.75)
            parts.append(f.part("cyst", s + side * (half + 0.7 * long), long, ru=r, rv=r,
                                margin_mm=0.6, ends=2.5))  # fmt: skip
    if f.has("cap"):
        for side in ((-1.0,), (1.0,), (-1.0, 1.0))[int(rng.integers(0, 3))]:
            parts.append(
                f.part("haemosiderin", s + side * 0.93 * half, rng.uniform(1.0, 2.0), u=solid.u,
                       v=solid.v, ru=0.6 * solid.ru, rv=0.6 * solid.rv, margin_mm=0.8,
                       strength=rng.uniform(0.6, 1), rough=0.15)
            )  # fmt: skip
    if f.has("blood"):
        parts.append(_inside(f, solid, "blood", rng.uniform(0.15, 0.35), 0.8))
    return parts


def _inside(f: Features, solid: Part, tissue: str, r: float, margin_mm: float) -> Part:
    rng = f.rng
    s = solid.s + solid.half_mm * rng.uniform(-0.6, 0.6)
    angle, off = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.4)
    return f.part(
        tissue, s, r * rng.uniform(6, 16), u=solid.u + off * np.sin(angle) * solid.ru,
        v=solid.v + off * np.cos(angle) * solid.rv, ru=r * solid.ru, rv=r * solid.rv,
        margin_mm=margin_mm, rough=0.15, strength=rng.uniform(0.7, 1.0),
    )  # fmt: skip


def _plaque(f: Features, s: float) -> SyntheticLesion:
    rng = f.rng
    half = f.length_mm() / 2
    acute, clear = f.has("acute"), f.has("clear")
    who = f.lean()
    if who == "MS":
        shares = np.array([c[1] for c in COLUMNS])
        name, _, area, degrees = COLUMNS[int(rng.choice(3, p=shares / shares.sum()))]
        area *= rng.uniform(0.55, 1.6)
        angle = np.radians(rng.uniform(*degrees)) * rng.choice((-1.0, 1.0))
        wide = rng.uniform(1.0, 1.5)
        ru, rv = np.sqrt(area) * np.sqrt(wide), np.sqrt(area) / np.sqrt(wide)
        if name == "lateral":
            ru, rv = rv, ru
        off = 1.0 - 0.75 * (ru + rv) / 2
        u, v = off * np.sin(angle), off * np.cos(angle)
    else:
        ru, rv = rng.uniform(0.5, 0.7, 2)
        u, v = rng.normal(0, 0.12, 2)
    margin = rng.uniform(0.5, 1.1) if clear else rng.uniform(2.0, 3.0)
    strength = rng.uniform(0.35, 1.0)
    level, _, shell = f.enhancement()
    spots = f.has("spots")
    parts = [f.part("acute" if acute else "plaque", s, half, u=u, v=v, ru=ru, rv=rv,
                    margin_mm=margin, strength=strength, ends=2.3, rough=0.05,
                    enhancement=level if acute else 0.0, shell=0.0)]  # fmt: skip
    if acute and shell == 0.0 and rng.uniform() < 0.5:  # a core brighter than the rim
        parts.append(f.part("myelitis", s, 0.6 * half, u=u, v=v, ru=0.6 * ru, rv=0.6 * rv,
                            margin_mm=margin, strength=strength))  # fmt: skip
    if spots:
        parts.append(f.part("bright_spot", s, 1.5, u=u, v=v, ru=0.5 * ru, rv=0.5 * rv,
                            margin_mm=0.6))  # fmt: skip
    swelling = float(rng.uniform(1.0, 1.08)) if acute else 1.0
    return SyntheticLesion("MS", s, half, tuple(parts), swelling)


def _myelitis(f: Features, s: float, number: int) -> SyntheticLesion:
    rng = f.rng
    half = f.length_mm() / 2
    if number:
        half = min(half, rng.uniform(10, 35))
    acute, clear = f.has("acute"), f.has("clear")
    who = f.lean()
    if who == "NMOSD":
        (u, v), r = rng.normal(0, 0.07, 2), rng.uniform(0.74, 0.95)
    else:
        angle, r = rng.uniform(-2, 2), rng.uniform(0.4, 0.6)
        u, v = 0.5 * np.sin(angle), 0.5 * np.cos(angle)
    margin = rng.uniform(0.8, 1.5) if clear else rng.uniform(1.8, 3.6)
    level, patchy, shell = f.enhancement()
    parts = [f.part("myelitis" if acute else "plaque", s, half, u=u, v=v,
                    ru=r * rng.uniform(0.93, 1.07), rv=r * rng.uniform(0.93, 1.07),
                    margin_mm=margin, strength=rng.uniform(0.6, 1.0), ends=2.0,
                    rough=rng.uniform(0.05, 0.15), uneven=rng.uniform(0.15, 0.5))]  # fmt: skip
    if level:
        place = s + 0.5 * half * rng.uniform(-1, 1)
        parts.append(f.part("myelitis", place, min(0.6 * half, rng.uniform(8, 30)), u=u, v=v,
                            ru=0.75 * r, rv=0.75 * r, margin_mm=1.5, strength=0.8, uneven=patchy,
                            enhancement=level, shell=shell))  # fmt: skip
    if f.has("spots"):
        for _ in range(int(rng.integers(1, 5))):
            size = rng.uniform(0.15, 0.32)
            parts.append(f.part("bright_spot", s + half * rng.uniform(-0.6, 0.6),
                                rng.uniform(1.2, 4), u=u + rng.normal(0, 0.25),
                                v=v + rng.normal(0, 0.25), ru=size, rv=size,
                                margin_mm=0.7))  # fmt: skip
    if f.has("inner_cyst"):
        parts.append(_inside(f, parts[0], "cyst", rng.uniform(0.2, 0.4), 0.7))
    swelling = rng.uniform(1.04, 1.32) if acute else rng.uniform(0.85, 1.0)
    return SyntheticLesion("NMOSD", s, half, tuple(parts), float(swelling))
