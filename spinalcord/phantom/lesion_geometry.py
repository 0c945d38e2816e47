"""Lesions by diagnosis in cord coordinates, for phantoms and real scans.

A point of the cord is (s, u, v): s along it in millimetres, u to the right and v to the back in
units of the cord's half axes, so that the cord is u^2 + v^2 <= 1.  A lesion is a list of parts,
painted one over the other, and a profile of swelling.

The lesions follow published descriptions.  Frequencies come from small surgical or academic series
with differing definitions and are only approximate.

Astrocytoma: 4 to 7 segments, ill-defined in 10 of 10 [1]_, eccentric in 62 % (pilocytic) [2]_,
uneven, polar cysts in 1 of 10 [1]_ to 36 %, no enhancement in about 30 % [3]_.

Ependymoma: 3.7 segments [4]_, central, clear margins in 74 to 87 %, polar cysts in 61 to 90 %,
haemosiderin cap in 29 %, oedema beyond in 85 %, always enhancing [5]_.

MS: median three lesions of 0.8 segment [6]_, on 4.3, 8.5 and 11.3 mm2 of the anterior, lateral
and posterior cord (6, 59 and 35 % of lesions) [7]_, sharp, no swelling; diffuse in 13 %.

NMOSD: three or more segments in 80 to 86 %, median 11.4 cm [8]_, central and more than half of the
cross-section in 95 %, tapered hazy ends, bright spots in 42 to 54 % [9]_, swelling when acute.

References
----------
.. [1] J Korean Radiol Soc 1997;37:393.
.. [2] BMC Med Imaging 2018, 10.1186/s12880-018-0296-y.
.. [3] Seo 2010, PMC7963982.
.. [4] Sun 2003, PMID 14569827.
.. [5] Kobayashi 2018, 10.1097/BRS.0000000000002496.
.. [6] Bot 2004 (MS); count model: negative binomial, mean 3.3, size 2.
.. [7] Kearney 2013 (MS, axial); Galler 2016, AJNR 37:963: the sagittal plane shows 66 %.
.. [8] thaiscience 10996974 (n = 27); short ones: PMC4552048, PMID 28067584.
.. [9] Yonezu 2014, 10.1177/1352458513495581.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ..errors import InputError
from .fields import Array, Waves, coverage

DIAGNOSES = ("astrocytoma", "ependymoma", "MS", "NMOSD")
LOOK_ALIKE = {
    "astrocytoma": "ependymoma", "ependymoma": "astrocytoma", "MS": "NMOSD", "NMOSD": "MS"
}  # fmt: skip
SEGMENT_MM = 20.0  # used where the levels of a scan are unknown
STYLES = ("ellipsoids", "contours", "chains")
"""The ways of drawing a lesion."""
_DRAWN_BY = {
    "ellipsoids": ("diseases", "draw_lesion"),
    "contours": ("contours", "draw_contours"),
    "chains": ("chains", "draw_chains"),
}
HELD_OUT_STYLE = "chains"
"""Never drawn by `mixed`, so that what is learned can be tested on lesions drawn another way."""


@dataclass(frozen=True)
class Part:
    """One body of tissue in the cord.

    Attributes
    ----------
    tissue : str
    s, half_mm : float
        Centre and half length along the cord.
    u, v, ru, rv : float
        Centre and half axes of its widest cross-section, in units of the cord's half axes.
    margin_mm : float
        Width over which it fades.
    strength : float
        Its share of a voxel that lies wholly in it.
    ends : float
        2 for an ellipsoid; larger is blunter.
    rough, uneven : float
        Amplitude of a wavy outline (relative to the radius) and of patchiness of the strength.
    enhancement : float
        0 to 1, on contrast-enhanced T1w.
    shell : float
        Where positive, only a shell of this relative thickness is drawn.
    """

    tissue: str
    s: float
    half_mm: float
    u: float = 0.0
    v: float = 0.0
    ru: float = 0.8
    rv: float = 0.8
    margin_mm: float = 1.0
    strength: float = 1.0
    ends: float = 2.0
    rough: float = 0.0
    uneven: float = 0.0
    enhancement: float = 0.0
    shell: float = 0.0
    outline: Waves | None = field(default=None, repr=False)
    grain: Waves | None = field(default=None, repr=False)

    def share(self, s: Array, u: Array, v: Array, radius_mm: Array, blur_mm: float = 0.3) -> Array:
        """Share of each point that this part fills, 0 to 1.

        Parameters
        ----------
        s, u, v : (n,)
        radius_mm : (n,)
            The cord's there.
        blur_mm : float
            No margin is narrower: the resolution of the scan.
        """
        t = np.abs((s - self.s) / self.half_mm)
        across = ((u - self.u) / self.ru) ** 2 + ((v - self.v) / self.rv) ** 2
        f = np.sqrt(across + t**self.ends)
        if self.outline is not None and self.rough:
            f = f + self.rough * self.outline(s, u * radius_mm, v * radius_mm)
        if self.shell:
            f = 1.0 + np.abs(f - 1.0 + self.shell / 2) - self.shell / 2
        reach = np.minimum(self.half_mm, min(self.ru, self.rv) * radius_mm)
        alpha = self.strength * coverage((f - 1.0) * reach, max(self.margin_mm, blur_mm))
        if self.grain is not None and self.uneven:
            patch = self.grain(s, u * radius_mm, v * radius_mm)
            alpha = alpha * np.clip(1.0 - self.uneven * (0.5 + 0.5 * patch), 0.1, 1.0)
        return alpha.astype(np.float32)


@dataclass(frozen=True)
class SyntheticLesion:
    """Parts from the outermost to the innermost, and how the cord swells around them.

    `swelling` is the largest factor on the cord's radius (below 1 where it is thin).
    """

    diagnosis: str
    s: float
    half_mm: float
    parts: tuple[Part, ...]
    swelling: float = 1.0
    blend: ClassVar[str] = "added"
    """How its contrast joins a real scan: added, scaled (with the scan's own texture and noise) or
    mottled (with a texture and noise of its own)."""

    @property
    def extent(self) -> tuple[float, float]:
        """First and last s that any part reaches."""
        return (
            min(p.s - p.half_mm - p.margin_mm for p in self.parts),
            max(p.s + p.half_mm + p.margin_mm for p in self.parts),
        )

    def widening(self, s: Array) -> Array:
        """Factor on the cord's radius at s."""
        t = np.clip(np.abs(s - self.s) / (1.25 * self.half_mm + 4.0), 0, 1)
        return (1.0 + (self.swelling - 1.0) * (1.0 - t**2) ** 1.5).astype(np.float32)

    def summary(self) -> dict[str, Any]:
        """Plain values for a sidecar."""
        return {
            "s_mm": round(self.s, 2),
            "length_mm": round(2 * self.half_mm, 2),
            "swelling": round(self.swelling, 3),
            "parts": [
                {
                    "tissue": p.tissue, "s_mm": round(p.s, 2), "length_mm": round(2 * p.half_mm, 2),
                    "u": round(p.u, 3), "v": round(p.v, 3), "ru": round(p.ru, 3),
                    "rv": round(p.rv, 3), "margin_mm": round(p.margin_mm, 2),
                    "strength": round(p.strength, 3), "enhancement": round(p.enhancement, 3),
                }
                for p in self.parts
            ],
        }  # fmt: skip


def sample_lesions(
    rng: np.random.Generator,
    diagnosis: str,
    span: tuple[float, float],
    *,
    difficulty: float = 0.5,
    segment_mm: float = SEGMENT_MM,
    style: str = "ellipsoids",
) -> list[SyntheticLesion]:
    """Draw the lesions of one patient.

    Parameters
    ----------
    rng : Generator
    diagnosis : str
        One of `DIAGNOSES`.
    span : (first, last) float
        Range of centres along the cord (s, mm): the field of view.
    difficulty : float, default 0.5
        0: every feature is drawn from the diagnosis's own description.  Up to 1: each feature
        (place, length, margin, ...) comes from the look-alike with probability 0.3 x difficulty,
        and contrast falls by up to 40 %.
    segment_mm : float
        Length of a vertebral segment there, mm.
    style : str, default "ellipsoids"
        One of `STYLES`.

    Returns
    -------
    list of SyntheticLesion

    Raises
    ------
    InputError
        Another diagnosis; a difficulty outside [0, 1]; an empty span.
    """
    if diagnosis not in DIAGNOSES:
        raise InputError(f"diagnosis {diagnosis!r}: one of {', '.join(DIAGNOSES)} is expected")
    if not 0 <= difficulty <= 1:
        raise InputError(f"difficulty {difficulty}: a number from 0 to 1 is expected")
    if not span[1] > span[0]:
        raise InputError(f"no room for a lesion from {span[0]:g} to {span[1]:g} mm along the cord")
    from .diseases import Features, draw_count

    module, function = _DRAWN_BY[style]
    draw = getattr(importlib.import_module(f".{module}", __package__), function)

    def lean() -> str:
        swap = rng.uniform() < 0.3 * difficulty
        return LOOK_ALIKE[diagnosis] if swap else diagnosis

    lesions: list[SyntheticLesion] = []
    for number in range(draw_count(rng, diagnosis)):
        features = Features(rng, lean, segment_mm, 1.0 - 0.4 * difficulty * rng.uniform(0.3, 1))
        for _ in range(12):
            s = _centre(rng, span)
            lesion = draw(features, diagnosis, s, number)
            if not any(_overlap(lesion, other) for other in lesions):
                lesions.append(lesion)
                break
    return lesions


def draw_style(rng: np.random.Generator, style: str) -> str:
    """Return `style`, or for "mixed" one of those that are not held out, each as often.

    Raises
    ------
    InputError
        Another style.
    """
    if style == "mixed":
        return str(rng.choice([name for name in STYLES if name != HELD_OUT_STYLE]))
    if style not in STYLES:
        raise InputError(f"style {style!r}: mixed, {' or '.join(STYLES)} is expected")
    return style


def check_visible(visible: float) -> float:
    """Check the share of a voxel below which a lesion leaves no mask.

    Raises
    ------
    InputError
        Not between 0 and 1.
    """
    if not 0 < visible <= 1:
        raise InputError(f"visible {visible}: a share above 0, up to 1, is expected")
    return float(visible)


def _centre(rng: np.random.Generator, span: tuple[float, float]) -> float:
    inset = 0.06 * (span[1] - span[0])
    return float(rng.uniform(span[0] + inset, span[1] - inset))


def _overlap(a: SyntheticLesion, b: SyntheticLesion) -> bool:
    """Return whether two lesions overlap both along s and in the cross-section."""
    apart = abs(a.s - b.s) > a.half_mm + b.half_mm + 2.0
    p, q = a.parts[-1], b.parts[-1]
    beside = np.hypot(p.u - q.u, p.v - q.v) > max(p.ru, p.rv) + max(q.ru, q.rv) + 0.15
    return not (apart or bool(beside))
