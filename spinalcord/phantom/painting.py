"""Paint a spine onto the slices of a scan, each tissue over those behind it.

Edges have partial volume: within a slice every shape has an edge one pixel wide, and a slice is the
mean of several thin ones.  Only the cord, the canal and the vertebrae are computed per thin slice;
skin, muscle and viscera change slowly and are drawn once per slice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .anatomy import Spine
from .background import draw_background
from .canal import CaudaEquina, Surroundings
from .fields import Array, Waves, coverage, ellipse_distance, paint_over
from .lesion_geometry import SyntheticLesion
from .vertebrae import Points, Signals, Vertebrae


@dataclass(frozen=True)
class Grid:
    """Positions of the slices: pixels in the spine, and thin slices within each slice.

    `s` and `d` are (rows, columns), mm; `x` is (slices, thin slices), mm towards the right.
    """

    s: Array
    d: Array
    x: Array
    pixel_mm: float
    step_mm: float

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows, columns."""
        return (len(self.x), *self.s.shape)


@dataclass(frozen=True)
class Painting:
    """Signal per voxel and what is where.

    `signal` is (channels, slices, rows, columns); `moving` and `cord` are shares of a voxel,
    `lesions` one such volume per lesion.
    """

    signal: Array
    moving: Array
    cord: Array
    lesions: list[Array]


def paint(
    rng: np.random.Generator,
    spine: Spine,
    grid: Grid,
    lesions: list[SyntheticLesion],
    signals: Signals,
    protocol: dict[str, Any],
    channels: int = 2,
) -> Painting:
    """Draw all slices.

    Parameters
    ----------
    rng : Generator
    spine, grid, lesions
    signals : dict of (4,) arrays
        Signal of each tissue, see `tissue.draw_signals`.
    protocol : dict
    channels : 2 or 4
        T2w alone, or with contrast-enhanced T1w.
    """
    signals = {name: value[:channels] for name, value in signals.items()}
    signal = draw_background(rng, spine, grid.s, grid.d, grid.x.mean(1), grid.pixel_mm,
                             grid.step_mm, signals, protocol)  # fmt: skip
    painter = _Painter(rng, spine, grid, lesions, signals, protocol)
    moving, cord = np.zeros(grid.shape, np.float32), np.zeros(grid.shape, np.float32)
    shares = [np.zeros(grid.shape, np.float32) for _ in lesions]
    rows, columns = painter.band
    for k, thin in enumerate(grid.x):
        behind = signal[:, k, rows, columns]
        total = np.zeros_like(behind)
        for x in thin:
            layer = painter.thin_slice(behind, float(x))
            total += layer.signal
            moving[k, rows, columns] += layer.moving / len(thin)
            cord[k, rows, columns] += layer.cord / len(thin)
            for share, part in zip(shares, layer.lesions, strict=True):
                if part is not None:
                    share[k, rows, columns] += part / len(thin)
        signal[:, k, rows, columns] = total / len(thin)
    return Painting(signal, moving, cord, shares)


@dataclass
class _Layer:
    signal: Array
    moving: Array
    cord: Array
    lesions: list[Array | None]


class _Painter:
    """Painter of thin slices; holds what all thin slices of a case share."""

    def __init__(
        self, rng: np.random.Generator, spine: Spine, grid: Grid, lesions: list[SyntheticLesion],
        signals: Signals, protocol: dict[str, Any],
    ) -> None:  # fmt: skip
        self.spine, self.signals, self.lesions = spine, signals, lesions
        self.protocol = protocol
        canal = spine.at("canal_ap", grid.s) / 2
        deep = spine.at("body_depth", grid.s) + canal + 8
        inside = (grid.d > -deep) & (grid.d < canal + 38)
        self.band = np.nonzero(inside & (grid.s > spine.s[0] + 2) & (grid.s < spine.s[-1] - 2))
        self.s, self.d = grid.s[self.band], grid.d[self.band]
        self.px = float(max(grid.pixel_mm, 0.45) * 1.2)
        k = spine.index(self.s)
        self.p = {name: values[k] for name, values in spine.profiles.items()}
        self.offset = spine.x[k].astype(np.float32)
        points = Points(self.s, self.d, self.px, self.p)
        self.vertebrae = Vertebrae(rng, spine, points)
        self.surroundings = Surroundings(rng, spine, points, self.vertebrae)
        self.cauda = CaudaEquina(rng, spine, points)
        self.metal = _metal(spine, self.s, self.d)
        self.flow = _flow(rng, self, protocol)
        self.folia = Waves(rng, (2.0, 7.0, 9.0), 14)
        self.widening = np.ones_like(self.s)
        for lesion in lesions:
            wide = lesion.widening(self.s)
            self.widening = np.where(np.abs(wide - 1) > np.abs(self.widening - 1), wide,
                                     self.widening)  # fmt: skip
        room = 0.93 * np.minimum(self.p["sac_ap"] / self.p["cord_ap"],
                                 self.p["sac_rl"] / self.p["cord_rl"])  # fmt: skip
        self.widening = np.clip(self.widening, 0.5, np.maximum(room, 1.0)).astype(np.float32)

    def thin_slice(self, behind: Array, x: float) -> _Layer:
        """Paint the spine at x over the background."""
        xs = (x - self.offset).astype(np.float32)
        canvas = behind.copy()
        signals, p = self.signals, self.p
        self.vertebrae.paint(canvas, xs, signals)
        self.surroundings.paint(canvas, xs, signals, self.vertebrae.fine)
        depth = self.d - p["sac_d"]
        sac = coverage(ellipse_distance(xs, depth, p["sac_rl"] / 2, p["sac_ap"] / 2), self.px)
        rim = ellipse_distance(xs, depth, p["sac_rl"] / 2 + 0.7, p["sac_ap"] / 2 + 0.7)
        paint_over(canvas, coverage(rim, self.px), signals["void"])
        paint_over(canvas, sac, signals["csf"], self.flow)
        self.cauda.paint(canvas, sac, xs, signals)
        cord, lesions = self._cord(canvas, sac, xs)
        moving = sac * (1 - cord) * signals["csf"][0]
        paint_over(canvas, self._void(xs), signals["air"])
        return _Layer(canvas, moving, cord, lesions)

    def _void(self, xs: Array) -> Array:
        """Return the share of each pixel lost to metal artefacts beside the canal."""
        side = np.abs(np.abs(xs) - self.p["sac_rl"] / 2 - 7.0)
        return np.asarray(self.metal * coverage(side - 4.0, 5.0))

    def _cord(self, canvas: Array, sac: Array, xs: Array) -> tuple[Array, list[Array | None]]:
        signals, p = self.signals, self.p
        a = p["cord_rl"] / 2 * self.widening
        b = p["cord_ap"] / 2 * self.widening
        cx, cd = xs - p["cord_x"], self.d - p["cord_d"] * np.clip(2 - self.widening, 0.3, 1)
        fossa = coverage(self.s + 16, 10.0)
        leaf = np.clip(0.85 + 0.5 * self.folia(self.s, self.d, xs), 0.0, 1.0)
        room = coverage(ellipse_distance(xs, self.d - 8 - p["sac_ap"] * 0.10, p["sac_rl"] * 0.42,
                                         p["sac_ap"] * 0.36), 2.0)  # fmt: skip
        paint_over(canvas, sac * fossa * room * leaf, signals["brain"], self.vertebrae.fine)
        cord = coverage(ellipse_distance(cx, cd, a, b), self.px) * np.minimum(sac * 1.02, 1)
        cord *= coverage(self.s - self.spine.conus, 2.0)
        paint_over(canvas, cord, signals["white"])
        u, v = cx / a, cd / b
        grey = coverage(np.minimum(
            ellipse_distance(np.abs(u) - 0.22, v + 0.18, 0.17, 0.30),
            ellipse_distance(np.abs(u) - 0.25, v - 0.25, 0.10, 0.40)), 0.35)  # fmt: skip
        paint_over(canvas, cord * grey * 0.8, signals["grey"])
        return cord, self._lesions(canvas, cord, u, v, (a + b) / 2)

    def _lesions(
        self, canvas: Array, cord: Array, u: Array, v: Array, radius: Array
    ) -> list[Array | None]:
        out: list[Array | None] = []
        for lesion in self.lesions:
            first, last = lesion.extent
            near = np.nonzero((self.s > first) & (self.s < last) & (cord > 0))[0]
            if len(near) == 0:
                out.append(None)
                continue
            s, un, vn, rn, cn = self.s[near], u[near], v[near], radius[near], cord[near]
            patch, free = canvas[:, near], np.ones(len(near), np.float32)
            for part in lesion.parts:
                share = part.share(s, un, vn, rn) * cn
                paint_over(patch, share, _enhanced(self.signals, part.tissue, part.enhancement))
                free *= 1 - share
            canvas[:, near] = patch
            total = np.zeros(len(self.s), np.float32)
            total[near] = 1 - free
            out.append(total)
        return out


def _enhanced(signals: Signals, tissue: str, enhancement: float) -> Array:
    """Return the signals of an enhancing tissue: only T1w changes."""
    colour: Array = signals[tissue]
    if enhancement <= 0 or len(colour) < 4:
        return colour
    colour = np.array(colour)
    colour[2] += enhancement * 1.3 * signals["white"][2]
    return colour


def _metal(spine: Spine, s: Array, d: Array) -> Array:
    """Return the signal loss around pedicle screws in the sagittal plane."""
    loss = np.zeros(len(s), np.float32)
    for level in np.nonzero(spine.screws)[0]:
        middle = (spine.edges[level] + spine.edges[level + 1]) / 2
        hole = ellipse_distance(s - middle + 4, d + 6, 8.0, 26.0)
        loss = np.maximum(loss, coverage(hole, 8.0)).astype(np.float32)
    return loss


def _flow(rng: np.random.Generator, band: Any, protocol: dict[str, Any]) -> Array:
    """Return the CSF flow voids: patches, most of them behind the thoracic cord."""
    where = np.clip(0.4 + 0.6 * Waves(rng, (28, 3, 5))(band.s, band.d, band.s * 0), 0, 1)
    behind = coverage(-(band.d - 1.5), 3.0)
    chest = coverage(150 - band.s, 60.0) * coverage(band.s - 420, 60.0)
    loss = protocol["flow"] * where * (0.25 + 0.75 * behind * chest)
    return np.asarray(np.clip(1 - loss, 0.15, 1), np.float32)
