"""A real scan that receives lesions: its cord's centre line, intensities and noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .fields import Array

MIN_ROWS_MM = 40.0


@dataclass(frozen=True)
class Host:
    """Measurements of a scan in the working orientation (slice, row, column).

    Attributes
    ----------
    spacing_mm : three floats
        Along slice, row and column axis.
    line : (n, 3) float64
        Centre of the cord per row, mm along slice, row and column axis.
    s : (n,) float64
        Length along the line, mm.
    a, b : (n,) float64
        Half axes of the cord across the line: left-right, front-back.
    cord, csf : (n,) float64
        Intensity of the cord and of the fluid around it.
    sac : (n,) float64
        Radius of the fluid around the cord, in units of the cord's.
    noise_sd : float
    noise_r : three floats
        Correlation of the noise between neighbours along each axis.
    """

    spacing_mm: tuple[float, float, float]
    line: Array
    s: Array
    a: Array
    b: Array
    cord: Array
    csf: Array
    sac: Array
    noise_sd: float
    noise_r: tuple[float, float, float]

    def profile(self, name: str, s: Array) -> Array:
        """Value of a, b, cord, csf or sac at s."""
        return np.asarray(np.interp(s, self.s, getattr(self, name)))

    def locate(self, points: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Find s, and where points (n, 3, mm) lie across the line.

        Returns
        -------
        s : (n,)
        across : (n, 3)
            From the nearest point of the line, mm.
        u, v : (n,)
            To the right and the back, in units of the cord's half axes.
        tangent : (n, 3)
        """
        tangents = np.gradient(self.line, self.s, axis=0)
        tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
        s = np.interp(points[:, 1], self.line[:, 1], self.s)
        for _ in range(4):
            centre = _interp(s, self.s, self.line)
            tangent = _interp(s, self.s, tangents)
            s = np.clip(s + ((points - centre) * tangent).sum(1), self.s[0], self.s[-1])
        centre, tangent = _interp(s, self.s, self.line), _interp(s, self.s, tangents)
        across = points - centre
        back = np.stack([np.zeros(len(s)), -tangent[:, 2], tangent[:, 1]], 1)
        back /= np.linalg.norm(back, axis=1, keepdims=True)
        u = across[:, 0] / self.profile("a", s)
        v = (across * back).sum(1) / self.profile("b", s)
        return s, across, u, v, tangent


def measure_host(
    image: Array, cord: Array, spacing_mm: tuple[float, float, float], where: str = ""
) -> Host:
    """Measure a scan along its cord.

    Parameters
    ----------
    image : (slices, rows, columns) float32
        Working orientation.
    cord : same shape, bool
    spacing_mm : three floats
    where : str
        Begins the messages of errors.

    Raises
    ------
    InputError
        A cord mask shorter than 40 mm head to foot, or with holes of more than 10 mm.
    """
    line, a, b = _line(cord, spacing_mm, where)
    s = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    slope = np.gradient(line, s, axis=0)
    b = b * np.clip(np.abs(slope[:, 1]), 0.3, 1)  # rows cross a tilted cord obliquely
    flat = np.zeros(len(s))
    bare = Host(spacing_mm, line, s, a, b, flat, flat, flat, 0.0, (0.0, 0.0, 0.0))
    index, u, v, at = _around(bare, cord)
    values = image[tuple(index.T)]
    radius = np.hypot(u, v)
    level = _running(s, at, values, radius < 0.6, 50.0)
    fluid = _running(s, at, values, (radius > 1.15) & (radius < 1.9), 80.0)
    fluid = np.maximum(fluid, 1.3 * level)
    between = np.interp(at, s, (level + fluid) / 2)
    bright = (values > between) & (radius > 0.85) & (radius < 2.6)
    voxel = float(np.prod(spacing_mm))
    counted = np.histogram(at[bright], np.append(s, s[-1] + 1))[0] * voxel
    around = _smooth(counted, 15) / np.maximum(_smooth(np.gradient(s), 15), 1e-3)
    sac = np.sqrt(1.0 + np.clip(around / (np.pi * a * b), 0.0, 6.0))
    noise_sd, noise_r = _noise(image, index[radius < 0.62], cord)
    return Host(spacing_mm, line, s, a, b, level, fluid, sac, noise_sd, noise_r)


def running_percentile(host: Host, image: Array, radii: float, percentile: float) -> Array:
    """Percentile of the intensities within `radii` of a line, at each of its points.

    Parameters
    ----------
    host : Host
        Its line and half axes count.
    image : (slices, rows, columns) float32
    radii : float
        In units of the half axes.
    percentile : float
    """
    index, u, v, at = _around(host, image)
    return _running(host.s, at, image[tuple(index.T)], np.hypot(u, v) < radii, percentile)


def _line(
    cord: Array, spacing_mm: tuple[float, float, float], where: str
) -> tuple[Array, Array, Array]:
    counts = cord.sum((0, 2))
    rows = np.nonzero(counts > 0)[0]
    if len(rows) == 0 or len(rows) * spacing_mm[1] < MIN_ROWS_MM:
        raise InputError(
            f"{where}the cord mask covers {len(rows) * spacing_mm[1]:.0f} mm head to foot; "
            f"at least {MIN_ROWS_MM:g} mm are expected"
        )
    if len(rows) > 1 and np.diff(rows).max() * spacing_mm[1] > 10:
        raise InputError(f"{where}the cord mask has a hole of more than 10 mm head to foot")
    weight = cord[:, rows].astype(np.float64)
    total = weight.sum((0, 2))
    i, j = (np.arange(n) * mm for n, mm in zip(cord.shape[::2], spacing_mm[::2], strict=True))
    across, along = weight.sum(2), weight.sum(0)
    x = (across * i[:, None]).sum(0) / total
    y = (along * j[None]).sum(1) / total
    # The half axes of an ellipse are twice its standard deviations; pixels add a variance of 1/12.
    a = 2 * np.sqrt((across * (i[:, None] - x) ** 2).sum(0) / total + spacing_mm[0] ** 2 / 12)
    b = 2 * np.sqrt((along * (j[None] - y[:, None]) ** 2).sum(1) / total + spacing_mm[2] ** 2 / 12)
    every = np.arange(rows[0], rows[-1] + 1)
    n = max(int(12 / spacing_mm[1]), 3)
    x, y, a, b = (_smooth(np.interp(every, rows, q), n) for q in (x, y, a, b))
    return np.stack([x, every * spacing_mm[1], y], 1), a, b


def _around(host: Host, cord: Array) -> tuple[Array, Array, Array, Array]:
    """Return the voxels within about three radii of the cord: index (n, 3), u, v and s."""
    index = near_line(host, cord.shape, 3.0)
    s, _, u, v, _ = host.locate(index * np.array(host.spacing_mm))
    return index, u, v, s


def near_line(host: Host, shape: tuple[int, ...], radii: float) -> Array:
    """Indices (n, 3) of the voxels in the rows of the line, within `radii` of the cord's."""
    spacing = np.array(host.spacing_mm)
    first = round(host.line[0, 1] / spacing[1])
    chosen = []
    for k, (x, _, y) in enumerate(host.line):
        reach_x, reach_y = radii * host.a[k] + 1, radii * 1.6 * host.b[k] + 1
        i = np.arange(max(int((x - reach_x) / spacing[0]), 0),
                      min(int((x + reach_x) / spacing[0]) + 2, shape[0]))  # fmt: skip
        j = np.arange(max(int((y - reach_y) / spacing[2]), 0),
                      min(int((y + reach_y) / spacing[2]) + 2, shape[2]))  # fmt: skip
        ii, jj = np.meshgrid(i, j, indexing="ij")
        chosen.append(np.stack([ii.ravel(), np.full(ii.size, first + k), jj.ravel()], 1))
    return np.concatenate(chosen)


def _running(s: Array, at: Array, values: Array, chosen: Array, percentile: float) -> Array:
    """Return a smoothed running percentile along s, over windows of 12 mm."""
    edges = np.arange(s[0], s[-1] + 6, 6.0)
    centre, level = [], []
    for low in edges:
        inside = chosen & (at >= low - 6) & (at < low + 6)
        if inside.sum() >= 5:
            centre.append(low)
            level.append(np.percentile(values[inside], percentile))
    if not centre:
        return np.full(len(s), float(np.median(values)))
    return np.interp(s, centre, _smooth(np.array(level), 3))


def _noise(image: Array, core: Array, cord: Array) -> tuple[float, tuple[float, float, float]]:
    """Estimate the noise in the core of the cord from differences along each axis.

    If the correlation r decays geometrically with distance, the mean squares of first and second
    differences are 2 sd^2 (1 - r) and 2 sd^2 (1 - r) (3 - r).
    """
    inside = np.zeros(cord.shape, bool)
    inside[tuple(core.T)] = True
    sds, rs = [], []
    for axis in range(3):
        n = int(inside.shape[axis])
        a, b, c = (np.take(image, range(k, n - 2 + k), axis) for k in range(3))
        three = [np.take(inside, range(k, n - 2 + k), axis) for k in range(3)]
        both = three[0] & three[1] & three[2]
        if both.sum() < 30:
            rs.append(0.0)
            continue
        first = float(np.median(np.abs(b - a)[both]) / 0.6745) ** 2
        second = float(np.median(np.abs(a - 2 * b + c)[both]) / 0.6745) ** 2
        r = float(np.clip(3 - second / max(first, 1e-12), 0, 0.6))
        rs.append(r)
        sds.append(np.sqrt(second / (2 * (1 - r) * (3 - r))))
    return (min(sds) if sds else 0.0), (rs[0], rs[1], rs[2])


def _smooth(values: Array, n: int) -> Array:
    n = max(n | 1, 3)
    window = np.hanning(n + 2)[1:-1]
    padded = np.pad(values.astype(np.float64), n // 2, mode="edge")
    return np.convolve(padded, window / window.sum(), mode="valid")


def _interp(at: Array, s: Array, rows: Array) -> Array:
    return np.stack([np.interp(at, s, rows[:, k]) for k in range(rows.shape[1])], 1)
