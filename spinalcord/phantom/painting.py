"""Paint a spine onto the slices of a scan: each tissue over what lies behind it.

Edges carry partial volume: in the plane each shape is drawn with an edge as wide as a pixel, and
across it every slice is the mean of several thin ones.  Only the cord's and the spine's
surroundings are computed per thin slice; skin, muscle and viscera change slowly and are drawn
once per slice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .anatomy import LEVELS, Spine
from .background import draw_background
from .fields import Array, Waves, coverage, ellipse_distance
from .lesion_geometry import Lesion

Signals = dict[str, Array]


@dataclass(frozen=True)
class Grid:
    """Where the slices lie: pixel positions in the spine, and thin slices within each slice.

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
    lesions: list[Lesion],
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
        Of each tissue, see `tissue.draw_signals`.
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
    """What does not change from thin slice to thin slice, computed once."""

    def __init__(
        self, rng: np.random.Generator, spine: Spine, grid: Grid, lesions: list[Lesion],
        signals: Signals, protocol: dict[str, Any],
    ) -> None:  # fmt: skip
        self.spine, self.signals, self.lesions = spine, signals, lesions
        self.protocol = protocol
        deep = spine.at("body_depth", grid.s) + spine.at("sac_ap", grid.s) / 2 + 8
        inside = (grid.d > -deep) & (grid.d < spine.at("sac_ap", grid.s) / 2 + 32)
        self.band = np.nonzero(inside & (grid.s > spine.s[0] + 2) & (grid.s < spine.s[-1] - 2))
        self.s, self.d = grid.s[self.band], grid.d[self.band]
        self.px = np.float32(max(grid.pixel_mm, 0.45) * 1.2)
        k = spine.index(self.s)
        self.p = {name: values[k] for name, values in spine.profiles.items()}
        self.offset = spine.x[k].astype(np.float32)
        self.body, self.disc, self.nucleus, self.phase, self.level = _column(spine, self, rng)
        self.spinous, self.spinous_core = _spinous(spine, self, rng)
        self.marrow = 1 + 0.13 * Waves(rng, (7, 7, 7))(self.s, self.d, self.s * 0)
        self.edge = 0.9 * Waves(rng, (6, 6, 6))(self.s, self.d, self.s * 0)
        self.arch = 1.0 + 0.40 * Waves(rng, (9, 9, 9))(self.s, self.d, self.s * 0)
        self.fine = 1 + 0.10 * Waves(rng, (2.2, 2.2, 2.2), 14)(self.s, self.d, self.s * 0)
        self.flow = _flow(rng, self, protocol)
        self.roots = Waves(rng, (60.0, 1.0, 1.0), 14)
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
        self._vertebrae(canvas, xs)
        sac = coverage(ellipse_distance(xs, self.d - self._bulge(), self.p["sac_rl"] / 2,
                                        self.p["sac_ap"] / 2), self.px)  # fmt: skip
        rim = coverage(ellipse_distance(xs, self.d - self._bulge(), self.p["sac_rl"] / 2 + 0.9,
                                        self.p["sac_ap"] / 2 + 0.9), self.px)  # fmt: skip
        _over(canvas, rim, self.signals["void"])
        _over(canvas, sac, self.signals["csf"], self.flow)
        self._below_conus(canvas, sac, xs)
        cord, lesions = self._cord(canvas, sac, xs)
        moving = sac * (1 - cord) * self.signals["csf"][0]
        return _Layer(canvas, moving, cord, lesions)

    def _bulge(self) -> Array:
        """Half of what a disc takes from the sac's depth (the sac is shifted back)."""
        return np.asarray(self.disc * self.level["bulge"] * 0.5)

    def _vertebrae(self, canvas: Array, xs: Array) -> None:
        signals, p = self.signals, self.p
        half = p["body_half"]
        width = coverage(np.abs(xs) - half, 1.5)
        _over(canvas, width * self.level["column"], signals["void"])
        _over(canvas, width * self.body, signals["marrow"], self.marrow * self.fine)
        _over(canvas, width * self.disc * 0.95, signals["annulus"], self.fine)
        core = coverage(np.abs(xs) - 0.62 * half, 3.0)
        _over(canvas, core * self.nucleus, signals["nucleus"], self.level["nucleus"])
        midline = coverage(np.abs(xs) - 2.6, 2.5)
        _over(canvas, 0.8 * midline * self.spinous, signals["void"])
        _over(canvas, midline * self.spinous_core, signals["marrow"], self.marrow * self.arch)
        self._arches(canvas, xs)

    def _arches(self, canvas: Array, xs: Array) -> None:
        """Paint what lies beside the canal: pedicles and joints, foramina with fat and a root."""
        signals, p = self.signals, self.p
        canal = p["sac_ap"] / 2 + 1.6
        side = np.abs(xs) - p["sac_rl"] / 2
        beside = coverage(1.5 - side, 3.0) * coverage(side - 10, 4.0)
        pitch = self.level["pitch"]
        bone = coverage(np.abs(self.d - 0.45 * canal) - 1.45 * canal + self.edge, 1.5)
        _over(canvas, beside * bone, signals["void"])
        inner = coverage(np.abs(self.d - 0.45 * canal) - 1.45 * canal + self.edge + 1.1, 1.5)
        _over(canvas, beside * inner, signals["marrow"], 0.8 * self.marrow * self.arch)
        # A joint runs obliquely from behind the foramen down and back.
        along = (self.phase - 0.9) * pitch - 0.7 * (self.d - canal) + 0.5 * self.edge
        along = (along + pitch / 2) % pitch - pitch / 2
        joint = coverage(np.abs(along) - 0.7, 1.0) * coverage(0.6 * canal - self.d, 2.0)
        _over(canvas, beside * bone * joint, signals["void"])
        foramen = ((self.phase - 0.92 + 0.5) % 1 - 0.5) * pitch
        hole = ellipse_distance(foramen, self.d + 0.15 * canal, 0.27 * pitch, 0.72 * canal)
        hole = hole + 0.5 * self.edge
        _over(canvas, beside * coverage(hole - 0.8, 1.2), signals["void"])
        _over(canvas, beside * coverage(hole, 1.2), signals["fat"], 0.6 * self.fine)
        root = ellipse_distance(foramen - 0.5, self.d + 0.1 * canal, 2.4, 1.9)
        _over(canvas, beside * coverage(root, 1.0), signals["root"])

    def _below_conus(self, canvas: Array, sac: Array, xs: Array) -> None:
        """Roots of the cauda equina, lying towards the back."""
        below = coverage(self.spine.conus - 12 - self.s, 20.0)
        if not below.any():
            return
        texture = np.clip(0.35 + 0.45 * self.roots(self.s, self.d, xs), 0, 0.9)
        back = coverage(-(self.d + 0.10 * self.p["sac_ap"]), 5.0)
        _over(canvas, sac * below * texture * (0.15 + 0.85 * back), self.signals["root"])

    def _cord(self, canvas: Array, sac: Array, xs: Array) -> tuple[Array, list[Array | None]]:
        signals, p = self.signals, self.p
        a = p["cord_rl"] / 2 * self.widening
        b = p["cord_ap"] / 2 * self.widening
        cx, cd = xs - p["cord_x"], self.d - p["cord_d"] * np.clip(2 - self.widening, 0.3, 1)
        fossa = coverage(self.s + 16, 10.0)
        leaf = np.clip(0.85 + 0.5 * self.folia(self.s, self.d, xs), 0.0, 1.0)
        room = coverage(ellipse_distance(xs, self.d - 8 - p["sac_ap"] * 0.10, p["sac_rl"] * 0.42,
                                         p["sac_ap"] * 0.36), 2.0)  # fmt: skip
        _over(canvas, sac * fossa * room * leaf, signals["brain"], self.fine)
        cord = coverage(ellipse_distance(cx, cd, a, b), self.px) * np.minimum(sac * 1.02, 1)
        cord *= coverage(self.s - self.spine.conus, 2.0)
        _over(canvas, cord, signals["white"])
        u, v = cx / a, cd / b
        grey = coverage(np.minimum(
            ellipse_distance(np.abs(u) - 0.22, v + 0.18, 0.17, 0.30),
            ellipse_distance(np.abs(u) - 0.25, v - 0.25, 0.10, 0.40)), 0.35)  # fmt: skip
        _over(canvas, cord * grey * 0.8, signals["grey"])
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
                _over(patch, share, _enhanced(self.signals, part.tissue, part.enhancement))
                free *= 1 - share
            canvas[:, near] = patch
            total = np.zeros(len(self.s), np.float32)
            total[near] = 1 - free
            out.append(total)
        return out


def _over(canvas: Array, alpha: Array, colour: Array, texture: Any = 1.0) -> None:
    """Paint with opacity `alpha` (points,) onto canvas (channels, points)."""
    for channel, value in zip(canvas, colour, strict=True):
        channel += alpha * (value * texture - channel)


def _enhanced(signals: Signals, tissue: str, enhancement: float) -> Array:
    """Colour of a tissue that takes up contrast agent: only T1w changes."""
    colour: Array = signals[tissue]
    if enhancement <= 0 or len(colour) < 4:
        return colour
    colour = np.array(colour)
    colour[2] += enhancement * 1.3 * signals["white"][2]
    return colour


def _column(
    spine: Spine, band: Any, rng: np.random.Generator
) -> tuple[Array, Array, Array, Array, dict[str, Array]]:
    """Bodies, discs and nuclei in the sagittal plane, and each point's place within its level."""
    s, d, p, px = band.s, band.d, band.p, band.px
    n = len(LEVELS)
    k = np.clip(np.searchsorted(spine.edges, s, side="right") - 1, 0, n - 1)
    top, bottom = spine.edges[k], spine.edges[k + 1]
    phase = ((s - top) / (bottom - top)).astype(np.float32)
    front = -(p["sac_ap"] / 2 + 2.0)
    depth = p["body_depth"]
    centre = front - depth / 2
    off = np.abs(d - centre) / (depth / 2)
    wall = np.abs(d - centre) - depth / 2
    # The disc lies half above, half below the edge between two levels.
    above, below = spine.discs[np.clip(k - 1, 0, n - 1)] / 2, spine.discs[k] / 2
    above = np.where(k <= 1, -2.0, above)  # the dens rises out of C2 through C1
    dish = 0.9 * np.clip(1 - off**2, 0, 1)
    ends = np.maximum(above - (s - top), below - (bottom - s)) + dish
    waist = 1.1 * np.clip(1 - np.abs(2 * phase - 1), 0, 1)
    bony = coverage(np.maximum(wall + waist, ends) + 0.7, px * 1.2)
    # The dens narrows upwards to a rounded tip; the arch of C1 lies in front of it.
    tip = ellipse_distance(s - 14, d - front + 5.5, 15.0, 5.5)
    dens = np.where(s < 14, coverage(tip + 0.6, px), 1.0)
    arch = ellipse_distance(s - 5, d - front + 14.5, 5.5, 3.0)
    bony = np.where(s < 18, np.maximum(bony * dens, coverage(arch + 0.5, px)), bony)
    shell = np.minimum(np.where(s < 12, tip, wall + 0.4 * waist), arch)
    outer = coverage(np.where(s < 18, shell, wall + 0.4 * waist), px)
    nearest = np.where(phase > 0.5, k, np.clip(k - 1, 0, n - 1))
    gap = np.where(phase > 0.5, bottom - s, s - top)
    thick = spine.discs[nearest]
    bulge = spine.bulges[nearest]
    real = (nearest >= 1) & (nearest < LEVELS.index("S1"))
    wide = depth / 2 + 0.8 + np.where(d > centre, bulge, 0.5)
    disc = coverage(np.maximum(np.abs(d - centre) - wide, gap - thick / 2 - 0.5 * dish), px) * real
    disc = disc * (1 - bony)
    core = ellipse_distance(gap, d - centre - 0.06 * depth, np.maximum(thick * 0.32, 0.7),
                            depth * 0.30)  # fmt: skip
    nucleus = coverage(core, 1.2) * real
    level_t2 = (
        np.exp(rng.normal(0, 0.12, n)) * np.array([1.15, 1.0, 0.7, 0.4, 0.25])[spine.grades - 1]
    )
    level = {
        "column": outer.astype(np.float32), "bulge": bulge.astype(np.float32),
        "nucleus": level_t2[nearest].astype(np.float32),
        "pitch": (bottom - top).astype(np.float32),
    }  # fmt: skip
    vein = coverage(ellipse_distance((phase - 0.5) * 18, d - front + 2, 1.0, 3.5), 1.0)
    bony = bony * (1 - 0.5 * vein * (k >= 2))
    return (bony.astype(np.float32), disc.astype(np.float32), nucleus.astype(np.float32),
            phase, level)  # fmt: skip


def _spinous(spine: Spine, band: Any, rng: np.random.Generator) -> tuple[Array, Array]:
    """Spinous processes: slabs that hang down, steepest in the middle of the chest."""
    s, d, px = band.s, band.d, band.px
    outer = np.full(len(s), 1e3, np.float32)
    inner = np.full(len(s), 1e3, np.float32)
    for name in LEVELS[:-2]:
        lumbar, chest = name[0] == "L", name[0] == "T"
        long = 11.0 if name in ("C2", "C3", "C4", "C5", "C6") else 4.0 if name == "C1" else 16.0
        high = 8.5 if lumbar else 4.6 if chest or name in ("C2", "C7") else 3.4
        slope = 0.12 if lumbar else 0.75 if name in LEVELS[10:15] else 0.45 if chest else 0.35
        long *= 0.5 * np.exp(rng.normal(0, 0.1))
        centre_d = np.interp(spine.centre(name), spine.s, spine.profiles["sac_ap"]) / 2 + 5 + long
        a = d - centre_d
        b = s - (spine.centre(name) + 3 + slope * (long + a) + rng.normal(0, 0.8))
        near = np.abs(b) < 40
        outer[near] = np.minimum(outer[near], ellipse_distance(a, b, long + 2, high + 0.9)[near])
        inner[near] = np.minimum(inner[near], ellipse_distance(a, b, long + 0.8, high - 0.5)[near])
    rough = 1.7 * Waves(rng, (6, 6, 6))(s, d, s * 0)
    return coverage(outer + rough, px), coverage(inner + rough, px)


def _flow(rng: np.random.Generator, band: Any, protocol: dict[str, Any]) -> Array:
    """Loss of CSF signal by pulsation: patches, most of them behind the thoracic cord."""
    where = np.clip(0.4 + 0.6 * Waves(rng, (28, 3, 5))(band.s, band.d, band.s * 0), 0, 1)
    behind = coverage(-(band.d - 1.5), 3.0)
    chest = coverage(150 - band.s, 60.0) * coverage(band.s - 420, 60.0)
    loss = protocol["flow"] * where * (0.25 + 0.75 * behind * chest)
    return np.asarray(np.clip(1 - loss, 0.15, 1), np.float32)
