"""Other contents of the canal: roots of the cauda equina, epidural fat and ligaments.

On sagittal T2w the roots form a dense grey bundle along the back of the sac.  It starts at the
conus with the thickness of the cord, thins out as roots leave, and spreads where the sac is narrow.
Thicknesses were set by eye against 28 real lumbar scans, for want of a published source.
"""

from __future__ import annotations

import numpy as np

from .anatomy import LEVELS, Spine
from .fields import Array, Waves, coverage, ellipse_distance, paint_over
from .vertebrae import Points, Signals, Vertebrae


class CaudaEquina:
    """Roots below and around the conus."""

    def __init__(self, rng: np.random.Generator, spine: Spine, points: Points) -> None:
        self.points = points
        s, d, p = points.s, points.d, points.profiles
        below = s - spine.conus
        # The bundle's share of the sac's depth, which grows along the last 50 mm of the cord.
        share = np.interp(
            below, (-55, -25, 0, 40, 100, 170, 220), (0.0, 0.34, 0.74, 0.66, 0.50, 0.36, 0.22)
        ) * np.exp(rng.normal(0.08, 0.15))  # fmt: skip
        crowded = np.clip(p["canal_ap"] / np.maximum(p["sac_ap"], 3.0), 1.0, 2.2)
        self.share = np.clip(share * crowded, 0.0, 0.92).astype(np.float32)
        self.present = below > -55
        self.strands = Waves(rng, (70.0, 0.9, 1.1), 18)
        self.bundles = Waves(rng, (90.0, 2.2, 2.6), 12)
        self.curl = rng.choice((0.0, rng.uniform(0.4, 1.6)), p=(0.8, 0.2)) * np.sin(
            2 * np.pi * s / rng.uniform(14, 30)
        )  # redundant nerve roots are tortuous above a stenosis
        self.dense = rng.uniform(0.75, 0.98)
        self.loose = rng.uniform(0.10, 0.35)
        self.depth = (d - p["sac_d"]) / (p["sac_ap"] / 2)

    def paint(self, canvas: Array, sac: Array, xs: Array, signals: Signals) -> None:
        """Paint the roots within the sac's share `sac` of each pixel."""
        if not self.present.any():
            return
        points = self.points
        across = np.abs(xs) / (points.profiles["sac_rl"] / 2)
        # The bundle's surface is concave: higher at the sides than in the middle.
        surface = 1.0 - 2.0 * self.share * (0.80 + 0.55 * np.clip(across, 0, 1) ** 2)
        s, d = points.s, points.d + self.curl
        fine, coarse = self.strands(s, d, xs), self.bundles(s, d, xs)
        rough = 0.2 * coarse
        inside = coverage((surface - self.depth + rough) * points.profiles["sac_ap"] / 2, 2.2)
        density = np.clip(self.dense + 0.3 * fine + 0.15 * coarse, 0.1, 1.0)
        stray = np.clip(0.75 * fine + 0.55 * coarse - 0.7, 0, 1) * self.loose * 2.5
        stray = stray * coverage(-(self.depth + 0.3) * 4, 4.0)
        share = np.maximum(inside * density, stray) * (self.share > 0.01)
        paint_over(canvas, sac * share, signals["root"])


class Surroundings:
    """Fat and ligament between the sac and the wall of the canal."""

    def __init__(
        self, rng: np.random.Generator, spine: Spine, points: Points, vertebrae: Vertebrae
    ) -> None:
        self.points = points
        s, d, p = points.s, points.d, points.profiles
        amount = float(np.exp(rng.normal(0, 0.35)))
        low = np.interp(
            s, spine.edges[[7, 9, 13, 19, 22, 25]], (0.0, 0.12, 0.35, 0.6, 1.0, 1.0)
        ) * min(amount, 1.4)  # fmt: skip
        phase, pitch = vertebrae.phase, vertebrae.pitch
        gap = (
            np.clip(np.minimum(phase, 1 - phase), 0, 1) * pitch
        )  # distance from the boundary between two levels
        back = d - (p["sac_d"] + p["sac_ap"] / 2) - 0.6
        room = p["canal_ap"] / 2 + 5.5 - p["sac_d"] - p["sac_ap"] / 2
        # Triangles between the laminae, with the base on the sac.
        slope = np.clip(1 - (gap / (0.36 * pitch + 0.5)) ** 1.5, 0, 1)
        height = low * np.clip(room, 1.5, 9.0) * slope
        self.pads = coverage(back - height, 1.2) * coverage(-back - 0.3, 1.0) * (height > 0.4)
        self.ring = low * (s > spine.edges[LEVELS.index("T12")])
        self.flavum = coverage(np.abs(back - height - 1.0) - 1.2, 1.0) * slope * (low > 0.2)

    def paint(self, canvas: Array, xs: Array, signals: Signals, fine: Array) -> None:
        """Paint them over the bones, before the sac."""
        p, d = self.points.profiles, self.points.d
        wall = ellipse_distance(xs, d, p["sac_rl"] / 2 + 1.5, p["canal_ap"] / 2 + 1.2)
        ring = coverage(wall, 1.2) * np.minimum(self.ring, 1.0)
        paint_over(canvas, 0.85 * ring, signals["fat"], 0.8 * fine)
        middle = coverage(np.abs(xs) - 0.36 * p["sac_rl"], 3.0)
        paint_over(canvas, middle * self.flavum, signals["ligament"])
        paint_over(canvas, middle * self.pads, signals["fat"], 0.9 * fine)
