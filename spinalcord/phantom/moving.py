"""Displace voxels of a scan around its cord, and restore the noise lost in interpolation.

The cord is widened at the expense of the CSF, and every insertion, shams included, also shifts
voxels along the cord by part of a voxel.  Interpolation smooths noise; second differences within
the cord measure how much was lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .fields import Array
from .host import Host, near_line
from .lesion_geometry import SyntheticLesion

Place = tuple[Array, Array, Array, Array, Array]
"""Result of `Host.locate`: s, across, u, v, tangent."""


@dataclass(frozen=True)
class Site:
    """The n voxels that an insertion may touch.

    Attributes
    ----------
    index : (n, 3) int
    place : arrays of length n
        Their positions along and across the line.
    wide : (n,)
        Factor on the line's radius there.
    source : (n, 3)
        Position in the scan of their content, in voxels.
    moved : (n,) bool
        Those whose content comes from another place.
    """

    index: Array
    place: Place
    wide: Array
    source: Array
    moved: Array


def draw_site(
    rng: np.random.Generator, host: Host, lesions: list[SyntheticLesion], shape: tuple[int, ...], *,
    widen: bool, spared: Array | None = None,
) -> Site:  # fmt: skip
    """Choose the voxels around lesions, and draw where their content comes from.

    Parameters
    ----------
    rng : Generator
    host : Host
    lesions : list of SyntheticLesion
    shape : three ints
        Intensities of the scan.
    widen : bool
        Whether the cord swells with the lesions.
    spared : bool array of that shape, optional
        Voxels to leave alone.

    Returns
    -------
    Site
    """
    index, place = _near(host, lesions, shape)
    if spared is not None:
        free = ~spared[tuple(index.T)]
        s, across, u, v, tangent = (q[free] for q in place)
        index, place = index[free], (s, across, u, v, tangent)
    wide = _widening(host, lesions, place[0]) if widen else np.ones(len(index))
    source, moved = _sources(rng, host, index, place, wide, lesions)
    return Site(index, place, wide, source, moved)


def move_voxels(rng: np.random.Generator, image: Array, host: Host, site: Site) -> Array:
    """Return the new values, float64 (n,), of a site's voxels.

    Parameters
    ----------
    rng : Generator
    image : (slices, rows, columns) float32
    host : Host
    site : Site
    """
    index, moved = site.index, site.moved
    sample, lost = _interpolate(image, site.source[moved], host.noise_r)
    values: Array = image[tuple(index.T)].astype(np.float64)
    radius = np.hypot(site.place[2], site.place[3])[moved]
    values[moved] = sample + _fresh(rng, image, host, index[moved], sample, lost, radius)
    return values


def interpolate_mask(mask: Array, at: Array) -> Array:
    """Interpolate a mask at (n, 3) voxel positions: shares, float64 (n,)."""
    at = np.clip(at, 0, np.array(mask.shape) - 1.001)
    base = at.astype(np.int64)
    t = at - base
    total = np.zeros(len(at))
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(np.array(corner) == 1, t, 1 - t), axis=1)
        total += weight * mask[tuple((base + corner).T)]
    return total


def _near(
    host: Host, lesions: list[SyntheticLesion], shape: tuple[int, ...]
) -> tuple[Array, Place]:
    """Return the voxels that a lesion may reach, with coordinates along and across the cord."""
    index = near_line(host, shape, 3.2)
    place = host.locate(index * np.array(host.spacing_mm))
    s, _, u, v, _ = place
    radius = np.hypot(u, v)
    reach = np.zeros(len(s), bool)
    for lesion in lesions:
        first, last = lesion.extent
        margin = 0.4 * lesion.half_mm + 8
        reach |= (s > min(first, lesion.s - 1.3 * lesion.half_mm) - margin) & (
            s < max(last, lesion.s + 1.3 * lesion.half_mm) + margin
        )
    # The centre line is unknown beyond the ends of the mask: leave those voxels unchanged.
    reach &= (radius < 3.0) & (s > host.s[0] + 1) & (s < host.s[-1] - 1)
    return index[reach], tuple(q[reach] for q in place)  # type: ignore[return-value]


def _widening(host: Host, lesions: list[SyntheticLesion], s: Array) -> Array:
    """Return the factor on the cord's radius, limited by the CSF space."""
    wide = np.ones(len(s))
    for lesion in lesions:
        own = lesion.widening(s)
        wide = np.where(np.abs(own - 1) > np.abs(wide - 1), own, wide)
    return np.clip(wide, 0.6, 1 + 0.8 * (host.profile("sac", s) - 1))


def _sources(
    rng: np.random.Generator, host: Host, index: Array,
    place: Place, wide: Array, lesions: list[SyntheticLesion],
) -> tuple[Array, Array]:  # fmt: skip
    """Return each voxel's source position in the scan (voxels), and which voxels are displaced.

    Radii within the widened cord are divided by the factor; outside, the displacement decreases to
    zero at the border of the sac.  Every insertion, shams included, also shifts voxels along the
    cord by part of a voxel, so that interpolation does not reveal a lesion.
    """
    s, across, u, v, tangent = place
    radius = np.maximum(np.hypot(u, v), 1e-6)
    outer = 1.15 * np.maximum(host.profile("sac", s), np.maximum(wide, 1) + 0.2)
    outside = 1 + (radius - wide) * (outer - 1) / (outer - wide)
    from_radius = np.where(radius <= wide, radius / wide, np.where(radius < outer, outside, radius))
    along = (across * tangent).sum(1, keepdims=True) * tangent
    shift = (from_radius / radius - 1)[:, None] * (across - along)
    for lesion in lesions:
        t = np.clip(np.abs(s - lesion.s) / (lesion.half_mm + 6), 0, 1)
        fade = (1 - t**2) ** 2 * np.clip((outer - radius) / 0.5, 0, 1)
        slide = rng.uniform(0.15, 0.35) * rng.choice((-1, 1)) * min(host.spacing_mm[1:])
        shift += (slide * fade)[:, None] * tangent
    moved = np.abs(shift).max(1) > 1e-3
    return index + shift / np.array(host.spacing_mm), moved


def _interpolate(
    image: Array, at: Array, noise_r: tuple[float, float, float]
) -> tuple[Array, Array]:
    """Interpolate at (n, 3) voxel positions; also return the lost share of the noise variance.

    Lanczos kernels: six rows, to keep fine detail along the cord, and four columns and slices, to
    limit ringing at the cord's edges.
    """
    taps, weights = zip(
        *(_lanczos(at[:, k], n, image.shape[k]) for k, n in enumerate((2, 3, 2))), strict=True
    )
    total = np.zeros(len(at))
    for i, wi in zip(taps[0], weights[0], strict=True):
        for j, wj in zip(taps[1], weights[1], strict=True):
            line = np.zeros(len(at))
            for k, wk in zip(taps[2], weights[2], strict=True):
                line += wk * image[i, j, k]
            total += wi * wj * line
    kept = np.ones(len(at))
    for w, r in zip(weights, noise_r, strict=True):
        apart = np.abs(np.arange(len(w))[:, None] - np.arange(len(w))[None])
        together = (r**apart) if r > 0 else np.eye(len(w))
        kept *= np.einsum("in,ij,jn->n", w, together, w)
    return total, np.clip(1 - kept, 0, 1)


def _lanczos(at: Array, n: int, length: int) -> tuple[Array, Array]:
    """Return the indices and weights (2 n, points) of neighbours along one axis."""
    base = np.floor(at).astype(np.int64)
    index = base[None] + np.arange(1 - n, n + 1)[:, None]
    x = at[None] - index
    weights = np.sinc(x) * np.sinc(x / n)
    return np.clip(index, 0, length - 1), weights / weights.sum(0)


def _fresh(
    rng: np.random.Generator, image: Array, host: Host, index: Array, sample: Array, lost: Array,
    radius: Array,
) -> Array:  # fmt: skip
    """Draw the noise lost by interpolation, for the voxels at `index`.

    Shifting along the cord removes fine detail along the rows.  The noise therefore consists of
    second differences of white noise along rows, with the host's correlation across.  Its level is
    chosen to restore the energy of second differences within the cord.
    """
    low, high = index.min(0), index.max(0) + 1
    noise = rng.standard_normal(high - low + [0, 2, 0])
    noise = (2 * noise[:, 1:-1] - noise[:, :-2] - noise[:, 2:]) / np.sqrt(6.0)
    for axis in (0, 2):
        noise = _correlated(noise, host.noise_r[axis], axis)
    shape = noise * 0.0
    inner = index - low
    shape[tuple(inner.T)] = np.sqrt(lost)
    noise *= shape
    before = image[tuple(slice(a, b) for a, b in zip(low, high, strict=True))].astype(np.float64)
    after = before.copy()
    after[tuple(inner.T)] = sample
    core = np.zeros(noise.shape, bool)
    core[tuple(inner[radius < 0.8].T)] = True
    core = core[:, 1:-1] & core[:, :-2] & core[:, 2:]
    if not core.any():
        return np.zeros(len(index))
    taken, added = _bend(before, core) - _bend(after, core), _bend(noise, core)
    level = np.sqrt(max(taken, 0.0) / added) if added > 0 else 0.0
    # At most the host's own noise, in case anatomy was smoothed as well.
    return np.asarray(min(level, 1.5 * host.noise_sd) * noise[tuple(inner.T)])


def _bend(values: Array, core: Array) -> float:
    """Return the trimmed mean square of second differences along the rows."""
    bend = (values[:, :-2] - 2 * values[:, 1:-1] + values[:, 2:])[core] ** 2
    return float(np.mean(np.minimum(bend, np.percentile(bend, 95))))


def _correlated(noise: Array, r: float, axis: int) -> Array:
    """Correlate neighbours along an axis with coefficient r, preserving the variance."""
    if r <= 0 or noise.shape[axis] < 3:
        return noise
    k = (1 - np.sqrt(1 - 2 * r * r)) / (2 * r)
    mixed = noise + k * (np.roll(noise, 1, axis) + np.roll(noise, -1, axis))
    return np.asarray(mixed / np.sqrt(1 + 2 * k * k))
