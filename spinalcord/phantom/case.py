"""One synthetic case: a subject, its lesions and a scan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import InputError
from ..scans.volume import Source, Volume
from .acquisition import acquire, coil_map, draw_protocol
from .anatomy import LEVELS, Spine, draw_spine
from .fields import Array
from .lesion_geometry import SyntheticLesion, check_visible, draw_style, sample_lesions
from .painting import Grid, Painting, paint
from .tissue import draw_signals

VISIBLE = 0.40
"""Lesions that fill less than this share of every voxel are not in the mask.  At 0.40, 68 % of the
MS plaques drawn are visible, close to the 66 % of axial plaques seen in the sagittal plane (Galler
2016, AJNR 37:963); at 0.15, 96 % are."""
NOTICE = "synthetic phantom: no patient, no claim about patients"


@dataclass(frozen=True)
class Case:
    """A synthetic scan with its ground truth, all on one grid.

    Attributes
    ----------
    t2 : Volume
        Sagittal T2w, int16, arbitrary units.
    t1c : Volume or None
        Contrast-enhanced T1w, int16, or None if it was not requested.
    lesion : Volume
        uint8, 0 or 1.  Tumour, cyst, syrinx and oedema count as lesion.  A voxel belongs to the
        mask if it is cord and the lesion fills at least half of it, or at least half of the
        lesion's largest share of any voxel if no voxel is filled completely.
    cord : Volume
        uint8, 0 or 1.  Voxels that are at least half cord.
    levels : dict of str to float
        Centre of each vertebral level in the field of view, RAS+ z in mm.
    parameters : dict
        Everything that was drawn, JSON serialisable.

    Examples
    --------
    >>> from spinalcord.phantom import make_case
    >>> case = make_case("NMOSD", seed=1, region="cervical")
    >>> case.t2.array.dtype, case.cord.array.dtype
    (dtype('int16'), dtype('uint8'))
    >>> "C5" in case.levels
    True
    >>> case.parameters["diagnosis"]
    'NMOSD'
    """

    t2: Volume
    t1c: Volume | None
    lesion: Volume
    cord: Volume
    levels: dict[str, float] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)


def make_case(
    diagnosis: str | None,
    seed: int | np.random.SeedSequence,
    *,
    difficulty: float = 0.5,
    region: str | None = None,
    kind: str | None = None,
    t1c: bool = False,
    random_contrast: bool = False,
    orientation: str = "RIP",
    age: float | None = None,
    sex: str | None = None,
    style: str = "mixed",
    visible: float = VISIBLE,
) -> Case:
    """Create a synthetic sagittal T2w scan of the spine.

    Anatomy, field of view and protocol are independent of the diagnosis, so that neither reveals
    it.  Lesions are placed where the field of view shows the cord.

    Parameters
    ----------
    diagnosis : 'astrocytoma', 'ependymoma', 'MS', 'NMOSD' or None
        None makes a scan without lesions.
    seed : int or SeedSequence
        Equal seeds and options give equal cases.
    difficulty : float, default 0.5
        From 0 (typical features, high contrast) to 1 (features mixed with those of the
        differential diagnosis, low contrast, more noise).
    region : {'cervical', 'thoracic', 'lumbar'}, optional
        Region in the field of view; drawn if not given.
    kind : {'2d', '3d'}, optional
        2-D acquisition with slices of 2.5 to 4 mm, or 3-D acquisition with isotropic voxels of
        0.8 to 1 mm; drawn if not given.
    t1c : bool, default False
        Make a contrast-enhanced T1w scan as well.
    random_contrast : bool, default False
        Domain randomisation: draw the signal of each tissue at random.
    orientation : str, default 'RIP'
        Axis codes of the stored array, as in `nibabel.aff2axcodes`.
    age : float, optional
        Years; drawn from 18 to 75 if not given.
    sex : {'M', 'F'}, optional
        Drawn if not given.
    style : {'mixed', 'ellipsoids', 'contours', 'chains'}, default 'mixed'
        How lesions are drawn.  'mixed': ellipsoids or contours, each as often; chains are held
        out for evaluation.
    visible : float, default 0.40
        Share of a voxel that a lesion must fill somewhere to leave a mask.

    Returns
    -------
    Case

    Raises
    ------
    InputError
        If an option has a value that is not listed, if `difficulty` is not between 0 and 1, or if
        `visible` is not above 0 and at most 1.

    Examples
    --------
    >>> from spinalcord.phantom import make_case
    >>> case = make_case("ependymoma", seed=3, region="cervical", kind="2d", difficulty=0.2)
    >>> case.lesion.array.any()
    np.True_
    >>> case.t2.same_grid(case.lesion)
    True
    """
    rng = np.random.default_rng(seed)
    axes = _axes(orientation)
    age = float(rng.uniform(18, 75)) if age is None else float(age)
    sex = str(rng.choice(("M", "F"))) if sex is None else sex
    if sex not in ("M", "F"):
        raise InputError(f"sex {sex!r}: 'M' or 'F' is expected")
    if not 0 <= difficulty <= 1:
        raise InputError(f"difficulty {difficulty}: a number from 0 to 1 is expected")
    check_visible(visible)
    style = draw_style(rng, style)
    protocol = draw_protocol(rng, region=region, kind=kind, difficulty=difficulty)
    spine = draw_spine(rng, age=age, sex=sex)
    grid, affine, height = _place(rng, spine, protocol)
    span = _span(spine, grid)
    lesions: list[SyntheticLesion] = []
    if diagnosis is not None:
        lesions = sample_lesions(rng, diagnosis, span, difficulty=difficulty,
                               segment_mm=_segment(spine, span), style=style)  # fmt: skip
    signals = draw_signals(rng, protocol, random_contrast=random_contrast)
    painting = paint(rng, spine, grid, lesions, signals, protocol, 4 if t1c else 2)
    images = _scan(rng, painting, grid, height, signals, protocol, t1c)
    mask, shown = _mask(painting, lesions, spine, visible)
    cord = (painting.cord >= 0.5).astype(np.uint8)
    volumes = [_store(array, affine, axes) for array in (*images, mask, cord)]
    parameters = {
        "notice": NOTICE, "diagnosis": diagnosis, "difficulty": difficulty,
        "random_contrast": random_contrast, "style": style,
        "anatomy": {"age": round(age, 1), "sex": sex},
        "protocol": protocol, "lesions": shown, "conus_level": spine.level(spine.conus),
        "pfirrmann": dict(zip(LEVELS, (int(g) for g in spine.grades), strict=True)),
    }  # fmt: skip
    return Case(volumes[0], volumes[1] if t1c else None, volumes[-2], volumes[-1],
                _levels(spine, affine, grid), parameters)  # fmt: skip


def _axes(orientation: str) -> tuple[list[int], list[bool]]:
    """Return the working axis and the flip of each stored axis."""
    pairs = {"R": (0, False), "L": (0, True), "I": (1, False), "S": (1, True), "P": (2, False),
             "A": (2, True)}  # fmt: skip
    found = [pairs[c] for c in orientation if c in pairs]
    if len(orientation) != 3 or sorted(axis for axis, _ in found) != [0, 1, 2]:
        raise InputError(
            f"orientation {orientation!r}: three letters, one of R or L, of A or P, and of S or I"
        )
    return [axis for axis, _ in found], [flip for _, flip in found]


def _store(array: Array, affine: Array, axes: tuple[list[int], list[bool]]) -> Volume:
    """Reorient a working volume (slice L->R, row S->I, column A->P) to the stored axes."""
    order, flips = axes
    stored = array.transpose(order)
    matrix = affine[:, [*order, 3]].copy()
    for axis, flip in enumerate(flips):
        if flip:
            stored = np.flip(stored, axis)
            matrix[:3, 3] += matrix[:3, axis] * (stored.shape[axis] - 1)
            matrix[:3, axis] *= -1
    return Volume(np.ascontiguousarray(stored), matrix, source=Source("memory"))


def _place(
    rng: np.random.Generator, spine: Spine, protocol: dict[str, Any]
) -> tuple[Grid, Array, Array]:
    """Place the field of view on the spine: grid, affine and pixel heights from its middle."""
    px = protocol["pixel_mm"]
    rows = int(protocol["fov_mm"] / px) // 2 * 2
    columns = int(protocol["fov_mm"] * protocol["fov_ap_share"] / px) // 2 * 2
    s0 = spine.centre(protocol["centre_level"]) + rng.uniform(-10, 10)
    k = int(spine.index(np.array(s0)))
    z0, y0 = spine.z[k], spine.y[k] + protocol["centre_d_mm"]
    turn = np.radians(rng.normal(0, 3.0))
    i, j = np.meshgrid((np.arange(rows) - (rows - 1) / 2) * -px,
                       (np.arange(columns) - (columns - 1) / 2) * px, indexing="ij")  # fmt: skip
    z = z0 + i * np.cos(turn) - j * np.sin(turn)
    y = y0 + i * np.sin(turn) + j * np.cos(turn)
    s, d = spine.locate(z, y)
    step = protocol["thickness_mm"] + protocol["gap_mm"]
    n = protocol["n_slices"]
    thin = 1 if protocol["kind"] == "3d" else 3 if protocol["thickness_mm"] < 3.3 else 4
    middle = spine.x[k] + rng.normal(0, 1.2)
    x = middle + (np.arange(n) - (n - 1) / 2)[:, None] * step
    x = x + ((np.arange(thin) + 0.5) / thin - 0.5)[None] * protocol["thickness_mm"]
    # The field of view is upright in the scanner; the patient may be tilted.
    affine = np.diag([step, -px, -px, 1.0])[:, [0, 2, 1, 3]]
    affine[:3, 3] = [x[0].mean(), (columns - 1) / 2 * px, (rows - 1) / 2 * px]
    return Grid(s, d, x, px, step), affine, i.astype(np.float32)


def _span(spine: Spine, grid: Grid) -> tuple[float, float]:
    """Return the first and last s of the cord well within the field of view and its slices.

    Where a scoliosis takes the cord out of the slices, the longest segment within them counts.
    """
    inner = np.zeros(grid.s.shape, bool)
    h, w = (int(n) for n in grid.s.shape)
    inner[h // 16 : h - h // 16, w // 16 : w - w // 16] = True
    near = inner & (np.abs(grid.d - spine.at("cord_d", grid.s)) < 3)
    s = grid.s[near]
    first, last = max(float(s.min()), -12.0), min(float(s.max()), spine.conus - 4.0)
    along = spine.s[(spine.s >= first) & (spine.s <= last)]
    x = spine.at("x", along) + spine.at("cord_x", along)
    shown = (x > grid.x.min() + 2) & (x < grid.x.max() - 2)
    borders = np.flatnonzero(np.diff(np.concatenate([[0], shown, [0]])))
    starts, ends = borders[::2], borders[1::2]
    if len(starts) == 0:
        return first, last
    longest = int(np.argmax(ends - starts))
    return float(along[starts[longest]]), float(along[ends[longest] - 1])


def _segment(spine: Spine, span: tuple[float, float]) -> float:
    inside = (spine.edges >= span[0]) & (spine.edges <= span[1])
    return float(np.clip(np.diff(spine.edges[inside]).mean() if inside.sum() > 1 else 20, 12, 36))


def _scan(
    rng: np.random.Generator, painting: Painting, grid: Grid, height: Array,
    signals: dict[str, Array], protocol: dict[str, Any], t1c: bool,
) -> list[Array]:  # fmt: skip
    sensitivity = coil_map(rng, grid.d, height, protocol)
    at_cord = painting.cord.max(0) > 0.5
    images = []
    for first in (0, 2) if t1c else (0,):
        reference = float(signals["white"][first]) * float(np.median(sensitivity[0][at_cord]))
        image = acquire(
            rng, painting.signal[first], painting.signal[first + 1],
            painting.moving if first == 0 else None, protocol, reference / protocol["snr"],
            sensitivity,
        )  # fmt: skip
        image /= np.maximum(sensitivity, 0.05) ** np.float32(protocol["normalised"])
        top = float(np.percentile(image[:, ::3, ::3], 99.7))
        images.append(np.rint(np.clip(image * (protocol["peak"] / top), 0, 32767)).astype(np.int16))
    return images


def _mask(
    painting: Painting, lesions: list[SyntheticLesion], spine: Spine, visible: float
) -> tuple[Array, list[dict[str, Any]]]:
    mask = np.zeros(painting.cord.shape, np.uint8)
    rows = []
    for lesion, share in zip(lesions, painting.lesions, strict=True):
        most = float(share.max())
        own = (share >= 0.5 * most) & (painting.cord >= 0.5) & (most >= visible)
        mask |= own
        rows.append({
            **lesion.summary(), "level": spine.level(lesion.s), "largest_share": round(most, 3),
            "visible": bool(own.any()),
        })  # fmt: skip
    return mask, rows


def _levels(spine: Spine, affine: Array, grid: Grid) -> dict[str, float]:
    """Return the heights of the levels whose middle lies within the image."""
    out = {}
    for name in LEVELS:
        far = np.abs(grid.s - spine.centre(name)) + np.abs(grid.d)
        i, j = divmod(int(far.argmin()), far.shape[1])
        if far[i, j] < 3:
            out[name] = round(float(affine[2, 3] + affine[2, 1] * i), 2)
    return out
