"""Bodies, discs, arches and spinous processes, with degeneration and operations.

Sizes of posterior elements are common textbook ranges.  Signal by Pfirrmann grade
follows the T2 of the nucleus in ESR poster 58d54bf2 (210, 129, 84 and 51 ms for I to IV).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .anatomy import LEVELS, Spine
from .fields import Array, Waves, coverage, ellipse_distance, paint_over

# Signal of the nucleus by Pfirrmann grade I to V, relative to that of T2 = 150 ms.
_NUCLEUS = np.array([1.25, 0.95, 0.55, 0.28, 0.20])
Signals = dict[str, Array]


@dataclass(frozen=True)
class Points:
    """Pixels of a slice at which the spine is drawn.

    `s` and `d` are (n,), mm; `px` is the width of an edge, mm; `profiles` holds each of the
    spine's profiles at the pixels.
    """

    s: Array
    d: Array
    px: float
    profiles: dict[str, Array]


class Vertebrae:
    """The column, computed once in the sagittal plane and painted slice by slice.

    Attributes
    ----------
    disc : (n,) float32
        Share of each pixel that is disc.
    pitch, phase : (n,) float32
        Height of the pixel's level, mm, and the pixel's place in it, 0 at the top to 1.
    """

    def __init__(self, rng: np.random.Generator, spine: Spine, points: Points) -> None:
        self.spine, self.points = spine, points
        s, d = points.s, points.d
        flat = s * 0
        n = len(LEVELS)
        k = np.clip(np.searchsorted(spine.edges, s, side="right") - 1, 0, n - 1)
        top, bottom = spine.edges[k], spine.edges[k + 1]
        self.phase = ((s - top) / (bottom - top)).astype(np.float32)
        self.pitch = (bottom - top).astype(np.float32)
        self.marrow = 1 + 0.13 * Waves(rng, (7, 7, 7))(s, d, flat)
        self.fine = 1 + 0.10 * Waves(rng, (2.2, 2.2, 2.2), 14)(s, d, flat)
        self.edge = 0.9 * Waves(rng, (6, 6, 6))(s, d, flat)
        self.arch = 1.0 + 0.40 * Waves(rng, (9, 9, 9))(s, d, flat)
        self._column(k, top, bottom)
        self._endplates(rng, k)
        self._spinous(rng)

    def paint(self, canvas: Array, xs: Array, signals: Signals) -> None:
        """Paint the column at xs, mm to the right of the line."""
        half = self.points.profiles["body_half"]
        width = coverage(np.abs(xs) - half, 1.5)
        paint_over(canvas, width * self.column, signals["void"])
        paint_over(canvas, width * self.body, signals["marrow"], self.marrow * self.fine)
        paint_over(canvas, width * self.body * self.fatty, signals["fat"], 0.6 * self.fine)
        paint_over(canvas, width * self.body * self.oedema, signals["oedema"], 0.6 * self.fine)
        paint_over(canvas, width * self.disc * 0.95, signals["annulus"], self.fine)
        core = coverage(np.abs(xs) - 0.62 * half, 3.0)
        paint_over(canvas, core * self.nucleus, signals["nucleus"], self.grade_signal)
        midline = coverage(np.abs(xs) - 2.6, 2.5)
        paint_over(canvas, 0.8 * midline * self.spinous, signals["void"])
        paint_over(canvas, midline * self.spinous_core, signals["marrow"], self.marrow * self.arch)
        wound = coverage(np.abs(xs) - 9.0, 6.0) * self.wound
        paint_over(canvas, 0.8 * wound, signals["muscle"], 1.6 * self.arch)
        self._arches(canvas, xs, signals)

    def _column(self, k: Array, top: Array, bottom: Array) -> None:
        """Draw bodies, discs and nuclei in the sagittal plane."""
        spine, s, d = self.spine, self.points.s, self.points.d
        p, px, n = self.points.profiles, self.points.px, len(LEVELS)
        front = -(p["canal_ap"] / 2 + 2.0)
        depth = p["body_depth"]
        centre = front - depth / 2
        off = np.abs(d - centre) / (depth / 2)
        wall = np.abs(d - centre) - depth / 2
        # The disc is centred on the boundary between two levels.
        above, below = spine.discs[np.clip(k - 1, 0, n - 1)] / 2, spine.discs[k] / 2
        above = np.where(k <= 1, -2.0, above)  # the dens rises out of C2 through C1
        dish = 0.9 * np.clip(1 - off**2, 0, 1)
        ends = np.maximum(above - (s - top), below - (bottom - s)) + dish
        waist = 1.1 * np.clip(1 - np.abs(2 * self.phase - 1), 0, 1)
        bony = coverage(np.maximum(wall + waist, ends) + 0.7, px * 1.2)
        # The dens tapers to a rounded tip; the anterior arch of C1 lies in front of it.
        tip = ellipse_distance(s - 14, d - front + 5.5, 15.0, 5.5)
        dens = np.where(s < 14, coverage(tip + 0.6, px), 1.0)
        arch = ellipse_distance(s - 5, d - front + 14.5, 5.5, 3.0)
        bony = np.where(s < 18, np.maximum(bony * dens, coverage(arch + 0.5, px)), bony)
        shell = np.minimum(np.where(s < 12, tip, wall + 0.4 * waist), arch)
        self.column = coverage(np.where(s < 18, shell, wall + 0.4 * waist), px).astype(np.float32)
        nearest = np.where(self.phase > 0.5, k, np.clip(k - 1, 0, n - 1))
        gap = np.where(self.phase > 0.5, bottom - s, s - top)
        thick, bulge = spine.discs[nearest], spine.bulges[nearest]
        real = (nearest >= 1) & (nearest < LEVELS.index("S1"))
        wide = depth / 2 + 0.8 + np.where(d > centre, bulge, 0.4 * bulge + 0.5)
        disc = coverage(np.maximum(np.abs(d - centre) - wide, gap - thick / 2 - 0.5 * dish), px)
        self.disc = (disc * real * (1 - bony)).astype(np.float32)
        core = ellipse_distance(gap, d - centre - 0.06 * depth, np.maximum(thick * 0.32, 0.7),
                                depth * 0.30)  # fmt: skip
        self.nucleus = (coverage(core, 1.2) * real).astype(np.float32)
        cleft = 1 - 0.35 * coverage(gap - 0.6, 1.0)  # the dark intranuclear cleft of an adult disc
        self.grade_signal = (spine.nuclei * _NUCLEUS[spine.grades - 1])[nearest] * cleft
        vein = coverage(ellipse_distance((self.phase - 0.5) * 18, d - front + 2, 1.0, 3.5), 1.0)
        self.body = (bony * (1 - 0.5 * vein * (k >= 2))).astype(np.float32)
        self.gap, self.nearest = gap, nearest

    def _endplates(self, rng: np.random.Generator, k: Array) -> None:
        """Draw endplate changes, fatty or oedematous, and round islands of fat."""
        s, d = self.points.s, self.points.d
        reach = self.spine.endplate_mm[self.nearest]
        near = coverage(self.gap - np.abs(reach) - 2 + 2 * self.edge, 4.0) * (reach != 0)
        islands = np.clip(2.5 * Waves(rng, (9, 9, 9))(s, d, s * 0) - 4.2, 0, 1)
        self.fatty = np.clip(near * (reach > 0) + islands, 0, 1).astype(np.float32)
        self.oedema = (near * (reach < 0)).astype(np.float32)

    def _spinous(self, rng: np.random.Generator) -> None:
        """Draw spinous processes: slabs that slope down, steepest in the mid-thoracic spine."""
        s, d, px = self.points.s, self.points.d, self.points.px
        spine, profile = self.spine, self.spine.profiles["canal_ap"]
        outer = np.full(len(s), 1e3, np.float32)
        inner = np.full(len(s), 1e3, np.float32)
        self.wound = np.zeros(len(s), np.float32)
        for level, name in enumerate(LEVELS[:-2]):
            lumbar, chest = name[0] == "L", name[0] == "T"
            long = 11.0 if name in ("C2", "C3", "C4", "C5", "C6") else 4.0 if name == "C1" else 16.0
            high = 11.0 if lumbar else 4.6 if chest or name in ("C2", "C7") else 3.4
            slope = 0.12 if lumbar else 0.75 if name in LEVELS[10:15] else 0.45 if chest else 0.35
            long *= 0.5 * np.exp(rng.normal(0, 0.1)) * (1.4 if lumbar else 1.0)
            back = np.interp(spine.centre(name), spine.s, profile) / 2 + 5
            a = d - back - long
            b = s - (spine.centre(name) + 3 + slope * (long + a) + rng.normal(0, 0.8))
            near = np.abs(b) < 40
            if spine.removed[level]:  # laminectomy: scar in place of the process
                hole = ellipse_distance(a - 6, b, long + 14, 0.55 * high + 8)
                self.wound = np.maximum(self.wound, coverage(hole, 5.0)).astype(np.float32)
                continue
            round_mm = 0.6 * high
            for grow, target in ((0.9, outer), (-0.5, inner)):
                box = _slab(a, b, long + 0.6 + grow, high + grow, max(round_mm + grow, 1.0))
                target[near] = np.minimum(target[near], box[near])
        rough = 1.4 * Waves(rng, (6, 6, 6))(s, d, s * 0)
        self.spinous, self.spinous_core = coverage(outer + rough, px), coverage(inner + rough, px)

    def _arches(self, canvas: Array, xs: Array, signals: Signals) -> None:
        """Paint what lies beside the canal: pedicles, joints, and foramina with fat and a root."""
        p, d = self.points.profiles, self.points.d
        canal = p["canal_ap"] / 2 + 1.6
        side = np.abs(xs) - p["sac_rl"] / 2
        beside = coverage(1.5 - side, 3.0) * coverage(side - 10, 4.0)
        pitch, edge = self.pitch, self.edge
        bone = coverage(np.abs(d - 0.45 * canal) - 1.45 * canal + edge, 1.5)
        paint_over(canvas, beside * bone, signals["void"])
        inner = coverage(np.abs(d - 0.45 * canal) - 1.45 * canal + edge + 1.1, 1.5)
        paint_over(canvas, beside * inner, signals["marrow"], 0.8 * self.marrow * self.arch)
        # The joint space runs obliquely from behind the foramen down and back.
        along = (self.phase - 0.9) * pitch - 0.7 * (d - canal) + 0.5 * edge
        along = (along + pitch / 2) % pitch - pitch / 2
        joint = coverage(np.abs(along) - 0.7, 1.0) * coverage(0.6 * canal - d, 2.0)
        paint_over(canvas, beside * bone * joint, signals["void"])
        foramen = ((self.phase - 0.92 + 0.5) % 1 - 0.5) * pitch
        hole = ellipse_distance(foramen, d + 0.15 * canal, 0.27 * pitch, 0.72 * canal)
        hole = hole + 0.5 * edge
        paint_over(canvas, beside * coverage(hole - 0.8, 1.2), signals["void"])
        paint_over(canvas, beside * coverage(hole, 1.2), signals["fat"], 0.6 * self.fine)
        root = ellipse_distance(foramen - 0.5, d + 0.1 * canal, 2.4, 1.9)
        paint_over(canvas, beside * coverage(root, 1.0), signals["root"])


def _slab(x: Array, y: Array, a: float, b: float, radius: float) -> Array:
    """Return the signed distance to a rounded rectangle with half sides a and b."""
    p, q = np.abs(x) - a + radius, np.abs(y) - b + radius
    outside = np.hypot(np.maximum(p, 0), np.maximum(q, 0))
    return np.asarray(outside + np.minimum(np.maximum(p, q), 0) - radius, np.float32)
