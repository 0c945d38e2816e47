"""Insert lesions into real scans without other traces of the manipulation.

The cord is widened around the lesion at the expense of the CSF.  The lesion's contrast is then
added to the scan with its noise, with partial volume in the scan's own voxels.  Interpolation
smooths the noise of displaced voxels; the lost noise is drawn anew at the level measured in the
cord.  A sham insertion displaces voxels in the same way but adds neither contrast nor swelling; a
decoy has the contrast but lies beside the cord.  Include both among the negatives when training.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..scans.reading import load, read_mask
from ..scans.volume import Volume
from .acquisition import draw_protocol
from .case import VISIBLE
from .decoys import check_decoy, draw_elsewhere, share_of_tube
from .fields import Array, Waves
from .host import Host, measure_host
from .lesion_geometry import SyntheticLesion, check_visible, draw_style, sample_lesions
from .moving import Site, draw_site, interpolate_mask, move_voxels
from .tissue import draw_signals


@dataclass(frozen=True)
class Insertion:
    """A real scan with synthetic lesions; unpacks into (volume, lesion, parameters).

    Attributes
    ----------
    volume : Volume
        The scan with lesions, on the grid and in the data type of the original.
    lesion, cord : Volume
        Masks on that grid, uint8, 0 or 1.  The cord mask includes the swelling.
    parameters : dict
        Everything that was drawn, JSON serialisable.

    Examples
    --------
    >>> from spinalcord.phantom import insert_lesion, make_case
    >>> host = make_case(None, seed=1, region="cervical")
    >>> volume, lesion, parameters = insert_lesion(host.t2, host.cord, "NMOSD", seed=1)
    >>> volume.same_grid(lesion)
    True
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
    decoy: str | None = None,
    feather_mm: tuple[float, float] | None = None,
    style: str = "mixed",
    visible: float = VISIBLE,
) -> Insertion:
    """Insert the lesions of one synthetic patient into a lesion-free scan.

    Parameters
    ----------
    volume : Volume, path, nibabel or SimpleITK image
        Sagittal T2w in any storage orientation.  Not modified.
    cord_mask : Volume, path, nibabel or SimpleITK image
        Cord where above 0.5, on the grid of `volume` in any axis order.  Must extend over at
        least 40 mm from head to foot.
    diagnosis : {'astrocytoma', 'ependymoma', 'MS', 'NMOSD'}
    seed : int or SeedSequence
        Equal seeds and options give equal results.
    difficulty : float, default 0.5
        As in `make_case`.
    sham : bool, default False
        Move voxels and match noise as for a lesion, but leave contrast and cord diameter
        unchanged.  The lesion mask is empty.
    decoy : {'vertebra', 'muscle'}, optional
        Apply the lesion's contrast beside the cord, in front of the canal or behind it.  Cord
        voxels keep their values and the lesion mask is empty.
    feather_mm : (float, float), optional
        Range from which the minimum width of the lesion's margin is drawn, mm; 1.2 pixels if
        not given.  The lesion itself does not depend on it.
    style : {'mixed', 'ellipsoids', 'contours', 'chains'}, default 'mixed'
        How lesions are drawn, and how their contrast joins the scan, as in `make_case`.
    visible : float, default 0.40
        Share of a voxel that a lesion must fill somewhere to leave a mask.

    Returns
    -------
    Insertion

    Raises
    ------
    InputError
        If the mask is on another grid, contains NaN, is shorter than 40 mm or has a gap of more
        than 10 mm; if `diagnosis`, `decoy` or `style` is not listed; if `decoy` and `sham` are
        combined; if `difficulty` is not between 0 and 1, `visible` not above 0 and at most 1, or
        `feather_mm` not within 0 to 10 mm.

    Examples
    --------
    >>> from spinalcord.phantom import insert_lesion, make_case
    >>> host = make_case(None, seed=1, region="cervical")
    >>> made = insert_lesion(host.t2, host.cord, "ependymoma", seed=1, difficulty=0.2)
    >>> bool(made.lesion.array.any())
    True
    >>> bool((made.lesion.array & ~made.cord.array & 1).any())
    False
    """
    scan = Volume.from_any(volume)
    where = "" if scan.source.path is None else f"{scan.source.path}: "
    check_decoy(decoy, sham)
    feather = _check_feather(feather_mm)
    check_visible(visible)
    rng = np.random.default_rng(seed)
    style = draw_style(rng, style)
    image = np.ascontiguousarray(scan.sagittal().array, dtype=np.float32)
    cord = _cord(cord_mask, scan)
    host = measure_host(image, cord, scan.sagittal_spacing_mm, where)
    if decoy is not None:
        host = draw_elsewhere(rng, host, image, decoy)
    lesions = sample_lesions(rng, diagnosis, (host.s[0] + 4, host.s[-1] - 4), difficulty=difficulty,
                           style=style)  # fmt: skip
    still = sham or decoy is not None
    site = draw_site(rng, host, lesions, image.shape, widen=not still,
                     spared=None if decoy is None else cord)  # fmt: skip
    values = move_voxels(rng, image, host, site)
    share_of_cord = interpolate_mask(cord, site.source)
    room = share_of_cord if decoy is None else share_of_tube(host, site.place)
    masks, rows = np.zeros(image.shape, np.uint8), []
    colours = _colours(rng)
    blur_mm = 1.2 * max(host.spacing_mm[1:]) if feather is None else float(rng.uniform(*feather))
    for lesion in lesions:
        change, share = _contrast(host, lesion, site, room, colours, blur_mm)
        most = float(share.max(initial=0.0))
        own = (share >= 0.5 * most) & (share_of_cord >= 0.5) & (most >= visible and not still)
        masks[tuple(site.index[own].T)] = 1
        if not sham:
            values += _blended(rng, host, site, lesion, change, share, values)
        rows.append({**lesion.summary(), "largest_share": round(most, 3),
                     "visible": bool(own.any())})  # fmt: skip
    swollen = cord.astype(np.uint8)
    if decoy is None:
        swollen[tuple(site.index.T)] = share_of_cord >= 0.5
    image[tuple(site.index.T)] = np.maximum(values, 0) if image.min() >= 0 else values
    parameters = {
        "diagnosis": diagnosis, "difficulty": difficulty, "sham": sham, "decoy": decoy,
        "style": style, "lesions": rows, "feather_mm": round(blur_mm, 3),
        "noise_sd": round(host.noise_sd, 3),
        "notice": "synthetic lesion in a real scan: no claim about patients",
    }  # fmt: skip
    return Insertion(_back(scan, image), _back(scan, masks), _back(scan, swollen), parameters)


def _check_feather(feather_mm: tuple[float, float] | None) -> tuple[float, float] | None:
    if feather_mm is None:
        return None
    low, high = (float(mm) for mm in feather_mm)
    if not 0 < low <= high <= 10:
        raise InputError(f"feather_mm {low:g} to {high:g}: 0 < least <= most <= 10 is expected")
    return low, high


def _cord(mask: Any, scan: Volume) -> Array:
    """Read a cord mask, possibly fractional, in the working orientation."""
    if isinstance(mask, (str, os.PathLike)):
        mask = load(mask)
    mask = Volume.from_any(mask)
    if not np.isfinite(mask.array.sum(dtype=np.float64)):
        name = "the mask" if mask.source.path is None else str(mask.source.path)
        raise InputError(f"{name}: NaN or infinite values in the cord mask")
    placed = read_mask(mask.like(mask.array > 0.5), like=scan)
    return placed.sagittal().array > 0


def _colours(rng: np.random.Generator) -> dict[str, float]:
    """Return each tissue's signal relative to cord (0) and CSF (1), for a random T2w protocol."""
    signals = draw_signals(rng, draw_protocol(rng, region="cervical", kind="2d"))
    low, high = float(signals["white"][0]), float(signals["csf"][0])
    return {name: (float(value[0]) - low) / (high - low) for name, value in signals.items()}


def _contrast(
    host: Host,
    lesion: SyntheticLesion,
    site: Site,
    room: Array,
    colours: dict[str, float],
    blur_mm: float,
) -> tuple[Array, Array]:
    """Return a lesion's signal change and share of each voxel, averaged over thin slices.

    `room` is the share of each voxel that the lesion may fill.
    """
    s, _, u, v, _ = site.place
    wide = site.wide
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
            own = part.share(s, un, vn, (a + b) / 2, blur_mm=blur_mm) * room
            target = np.maximum(colours[part.tissue] * step, -0.9 * base)
            signal += own * (target - signal)
            free *= 1 - own
        change += signal / thin
        share += (1 - free) / thin
    return change, share


def _blended(
    rng: np.random.Generator,
    host: Host,
    site: Site,
    lesion: SyntheticLesion,
    change: Array,
    share: Array,
    values: Array,
) -> Array:
    """Return the signal that a lesion adds to the voxels of a site, blended as in its style."""
    s, _, u, v, _ = site.place
    if lesion.blend == "scaled":
        return np.asarray(change * np.clip(values / host.profile("cord", s), 0.6, 1.6))
    if lesion.blend == "mottled":
        radius = (host.profile("a", s) + host.profile("b", s)) / 2
        texture = Waves(rng, (2.5, 2.0, 2.0), 16)(s, u * radius, v * radius)
        own_noise = rng.normal(0, 0.6 * host.noise_sd, len(s)) * share
        return np.asarray(change * (1 + 0.12 * texture) + own_noise)
    return change


def _back(scan: Volume, working: Array) -> Volume:
    """Reorient a working array as the scan is stored; images keep the scan's data type."""
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
