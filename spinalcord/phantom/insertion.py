"""Put lesions into real scans, so that only the lesion tells that anything was done.

The cord around the lesion is widened (the fluid around it gives way), then the lesion's contrast
is added on top of the scan's own noise, with partial volume over the scan's own voxels.  Wherever
voxels were moved, interpolation has smoothed their noise; what it took away is drawn anew, with
the level measured in the cord.  A sham insertion moves voxels in the same way but adds neither
contrast nor swelling: train with shams among the negatives.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..reading import load, read_mask
from ..volume import Volume
from .acquisition import draw_protocol
from .case import VISIBLE
from .fields import Array
from .host import Host, measure_host, near_line
from .lesions import Lesion, draw_lesions
from .tissue import draw_signals


@dataclass(frozen=True)
class Insertion:
    """A scan with lesions put into it; unpacks into (volume, lesion, parameters).

    Attributes
    ----------
    volume : Volume
        On the grid and in the data type of the scan.
    lesion, cord : Volume
        uint8 masks on that grid; the cord with its swelling.
    parameters : dict
    """

    volume: Volume
    lesion: Volume
    cord: Volume
    parameters: dict[str, Any]

    def __iter__(self) -> Iterator[Any]:
        return iter((self.volume, self.lesion, self.parameters))


def insert_lesion(
    volume: Any,
    cord_mask: Any,
    diagnosis: str,
    seed: int | np.random.SeedSequence,
    *,
    difficulty: float = 0.5,
    sham: bool = False,
) -> Insertion:
    """Put the lesions of one patient into a scan without any.

    Parameters
    ----------
    volume : Volume, path, nibabel or SimpleITK image
        Sagittal T2w, in any orientation of storage.  Not modified.
    cord_mask : the same
        Cord where above 0.5, over at least 40 mm head to foot; on the grid of `volume`, stored
        in any axis order.
    diagnosis : 'astrocytoma', 'ependymoma', 'MS' or 'NMOSD'
    seed : int or SeedSequence
    difficulty : float, default 0.5
        As in `make_case`.
    sham : bool
        Move voxels and match noise as for a lesion, but leave contrast and calibre as they are;
        the mask is empty.

    Returns
    -------
    Insertion

    Raises
    ------
    InputError
        A mask on another grid, with NaN, too short or with holes; another diagnosis; a
        difficulty outside [0, 1].
    """
    scan = Volume.from_any(volume)
    where = "" if scan.source.path is None else f"{scan.source.path}: "
    rng = np.random.default_rng(seed)
    image = np.ascontiguousarray(scan.sagittal().array, dtype=np.float32)
    cord = _cord(cord_mask, scan)
    host = measure_host(image, cord, scan.sagittal_spacing_mm, where)
    lesions = draw_lesions(rng, diagnosis, (host.s[0] + 4, host.s[-1] - 4), difficulty=difficulty)
    index, place = _near(host, lesions, image.shape)
    wide = np.ones(len(index)) if sham else _widening(host, lesions, place[0])
    source, moved = _sources(rng, host, index, place, wide, lesions)
    sample, lost = _interpolate(image, source[moved], host.noise_r)
    values = image[tuple(index.T)].astype(np.float64)
    radius = np.hypot(place[2], place[3])
    values[moved] = sample + _fresh(rng, image, host, index[moved], sample, lost, radius[moved])
    share_of_cord = _linear(cord, source)
    masks, rows = np.zeros(image.shape, np.uint8), []
    colours = _colours(rng)
    for lesion in lesions:
        change, share = _contrast(host, lesion, place, wide, share_of_cord, colours)
        most = float(share.max(initial=0.0))
        own = (share >= 0.5 * most) & (share_of_cord >= 0.5) & (most >= VISIBLE and not sham)
        masks[tuple(index[own].T)] = 1
        values += 0.0 if sham else change
        rows.append({**lesion.summary(), "largest_share": round(most, 3),
                     "visible": bool(own.any())})  # fmt: skip
    swollen = cord.astype(np.uint8)
    swollen[tuple(index.T)] = share_of_cord >= 0.5
    image[tuple(index.T)] = np.maximum(values, 0) if image.min() >= 0 else values
    parameters = {
        "diagnosis": diagnosis, "difficulty": difficulty, "sham": sham, "lesions": rows,
        "noise_sd": round(host.noise_sd, 3),
        "notice": "synthetic lesion in a real scan: no claim about patients",
    }  # fmt: skip
    return Insertion(_back(scan, image), _back(scan, masks), _back(scan, swollen), parameters)


def _cord(mask: Any, scan: Volume) -> Array:
    """Read a cord mask, which may hold shares of voxels, into the working orientation."""
    if isinstance(mask, (str, os.PathLike)):
        mask = load(mask)
    mask = Volume.from_any(mask)
    if not np.isfinite(mask.array.sum(dtype=np.float64)):
        name = "the mask" if mask.source.path is None else str(mask.source.path)
        raise InputError(f"{name}: NaN or infinite values in the cord mask")
    placed = read_mask(mask.like(mask.array > 0.5), like=scan)
    return placed.sagittal().array > 0


def _near(
    host: Host, lesions: list[Lesion], shape: tuple[int, ...]
) -> tuple[Array, tuple[Array, Array, Array, Array, Array]]:
    """Voxels that a lesion may touch, and where they lie along and across the cord."""
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
    # Beyond the ends of the mask the line is unknown: leave those voxels alone.
    reach &= (radius < 3.0) & (s > host.s[0] + 1) & (s < host.s[-1] - 1)
    return index[reach], tuple(q[reach] for q in place)  # type: ignore[return-value]


def _widening(host: Host, lesions: list[Lesion], s: Array) -> Array:
    """Factor on the cord's radius, limited by the room that the fluid leaves."""
    wide = np.ones(len(s))
    for lesion in lesions:
        own = lesion.widening(s)
        wide = np.where(np.abs(own - 1) > np.abs(wide - 1), own, wide)
    return np.clip(wide, 0.6, 1 + 0.8 * (host.profile("sac", s) - 1))


def _sources(
    rng: np.random.Generator, host: Host, index: Array,
    place: tuple[Array, Array, Array, Array, Array], wide: Array, lesions: list[Lesion],
) -> tuple[Array, Array]:  # fmt: skip
    """Where in the scan each voxel's content comes from, in voxels; and which have moved.

    Within the widened cord radii shrink back by the factor; outside they meet the identity at the
    border of the sac.  All insertions, shams included, also slide by part of a voxel along the
    cord, so that moved voxels do not betray a lesion.
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


def _colours(rng: np.random.Generator) -> dict[str, float]:
    """Where each tissue's signal lies between cord (0) and CSF (1), for some T2w protocol."""
    signals = draw_signals(rng, draw_protocol(rng, region="cervical", kind="2d"))
    low, high = float(signals["white"][0]), float(signals["csf"][0])
    return {name: (float(value[0]) - low) / (high - low) for name, value in signals.items()}


def _contrast(
    host: Host, lesion: Lesion, place: tuple[Array, Array, Array, Array, Array], wide: Array,
    share_of_cord: Array, colours: dict[str, float],
) -> tuple[Array, Array]:  # fmt: skip
    """Change of signal by a lesion, and its share of each voxel, over thin slices of the voxels."""
    s, _, u, v, _ = place
    pixel = max(host.spacing_mm[1:])
    thin = int(np.ceil(host.spacing_mm[0] / 1.01))
    a, b = host.profile("a", s) * wide, host.profile("b", s) * wide
    base = host.profile("cord", s)
    step = np.maximum(host.profile("csf", s) - base, 0.3 * base)
    change, share = np.zeros(len(s)), np.zeros(len(s))
    for k in range(thin):
        dx = ((k + 0.5) / thin - 0.5) * host.spacing_mm[0]
        un, vn = u / wide + dx / a, v / wide
        signal, free = np.zeros(len(s)), np.ones(len(s))
        for part in lesion.parts:
            own = part.share(s, un, vn, (a + b) / 2, blur_mm=1.2 * pixel) * share_of_cord
            target = np.maximum(colours[part.tissue] * step, -0.9 * base)
            signal += own * (target - signal)
            free *= 1 - own
        change += signal / thin
        share += (1 - free) / thin
    return change, share


def _interpolate(
    image: Array, at: Array, noise_r: tuple[float, float, float]
) -> tuple[Array, Array]:
    """Interpolate at (n, 3) voxel positions; also the share of the noise variance that is lost.

    Lanczos's kernel over six rows, which keeps fine detail along the cord, and over four
    columns and slices, which rings less at its edges.
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
    """Indices and weights (2 n, points) of the neighbours of positions along one axis."""
    base = np.floor(at).astype(np.int64)
    index = base[None] + np.arange(1 - n, n + 1)[:, None]
    x = at[None] - index
    weights = np.sinc(x) * np.sinc(x / n)
    return np.clip(index, 0, length - 1), weights / weights.sum(0)


def _fresh(
    rng: np.random.Generator, image: Array, host: Host, index: Array, sample: Array, lost: Array,
    radius: Array,
) -> Array:  # fmt: skip
    """Draw the noise that interpolation took away, for the voxels at `index`.

    What sliding along the cord takes away is fine along the rows, so the noise is: second
    differences of white noise there, and of the host's correlation across.  Its level closes the
    loop: second differences within the cord must have the energy that they had.
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
    # No more than the host's own noise, should anatomy have been smoothed as well.
    return np.asarray(min(level, 1.5 * host.noise_sd) * noise[tuple(inner.T)])


def _bend(values: Array, core: Array) -> float:
    """Mean square of second differences along the rows, without the largest."""
    bend = (values[:, :-2] - 2 * values[:, 1:-1] + values[:, 2:])[core] ** 2
    return float(np.mean(np.minimum(bend, np.percentile(bend, 95))))


def _correlated(noise: Array, r: float, axis: int) -> Array:
    """Correlate neighbours along an axis by r, keeping the variance."""
    if r <= 0 or noise.shape[axis] < 3:
        return noise
    k = (1 - np.sqrt(1 - 2 * r * r)) / (2 * r)
    mixed = noise + k * (np.roll(noise, 1, axis) + np.roll(noise, -1, axis))
    return np.asarray(mixed / np.sqrt(1 + 2 * k * k))


def _linear(mask: Array, at: Array) -> Array:
    """Interpolate a mask at (n, 3) voxel positions."""
    at = np.clip(at, 0, np.array(mask.shape) - 1.001)
    base = at.astype(np.int64)
    t = at - base
    total = np.zeros(len(at))
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(np.array(corner) == 1, t, 1 - t), axis=1)
        total += weight * mask[tuple((base + corner).T)]
    return total


def _back(scan: Volume, working: Array) -> Volume:
    """Store a working array as the scan is stored; images in the scan's own data type."""
    order = scan.orientation
    flipped = working[tuple(slice(None, None, -1 if f else 1) for f in order.flips)]
    stored = flipped.transpose(np.argsort(order.permutation))
    if working.dtype == np.float32:
        dtype = scan.array.dtype
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            stored = np.clip(np.rint(stored), limits.min, limits.max)
        return scan.like(np.ascontiguousarray(stored, dtype=dtype))
    return scan.like(np.ascontiguousarray(stored))
