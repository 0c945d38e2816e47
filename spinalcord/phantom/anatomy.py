"""Anatomy of a spine: levels, curves and diameters along the cord, and coordinates within it.

Positions are (s, d, x) in millimetres: s along the canal's centre line down from the top of C1, d
from the centre line towards the back, x to the right.  The line lies in the sagittal plane, with a
lateral offset for scoliosis.

Cord diameters by vertebral level are those of 58 adults [1]_, with the differences by sex [2]_ and
age [3]_; sacs, bodies and curves follow [4]_ to [7]_.  Thoracic and lumbar body sizes and the
dimensions of posterior elements are common textbook ranges.

References
----------
.. [1] PAM50 normalised metrics, spinalcordtoolbox, 10.1162/imag_a_00075.
.. [2] spine-generic, n = 203 (sex).
.. [3] DLBS, n = 463 (age).
.. [4] Kato 2012, 10.1007/s00586-012-2176-4 (cervical canal; cord fills 58 % of the sac at C5).
.. [5] Keimyung Med J 1988;7:236 (thoracic sac).
.. [6] Saifuddin, Spine 1998;23:1452 (conus: lower third of L1, mid T12 to upper L3).
.. [7] Guo 2018, PMC6003173; Vialle, PMC6680033 (cervical and lumbar lordosis).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .fields import Array

STEP_MM = 0.5
TOP_MM = -70.0

# level: pitch, cord AP, cord RL, sac AP, sac RL, body depth, body half width, disc height,
#        tangent (degrees from vertical; positive towards the back), skin behind the line
_LEVELS: dict[str, tuple[float, ...]] = {
    "C1": (13.0, 8.0, 11.8, 15.0, 20.0, 11.0, 6.0, 0.5, 0.0, 62),
    "C2": (18.0, 7.8, 11.6, 13.0, 18.0, 14.0, 8.5, 4.0, 0.5, 56),
    "C3": (18.5, 7.4, 12.0, 11.7, 16.8, 15.5, 9.0, 4.8, 2.0, 52),
    "C4": (18.0, 7.4, 12.7, 11.2, 16.6, 15.5, 9.5, 5.0, 4.0, 51),
    "C5": (16.5, 7.3, 12.6, 11.2, 16.6, 16.0, 10.0, 5.2, 7.0, 52),
    "C6": (16.0, 6.9, 12.0, 11.2, 16.6, 16.5, 10.5, 5.3, 13.0, 55),
    "C7": (17.5, 6.4, 10.6, 11.6, 16.4, 17.0, 11.5, 5.0, 20.0, 58),
    "T1": (21.0, 6.3, 9.2, 12.4, 15.8, 17.5, 12.5, 4.2, 26.0, 58),
    "T2": (22.5, 6.1, 8.7, 12.4, 15.0, 19.0, 13.0, 4.0, 28.0, 56),
    "T3": (23.5, 5.9, 8.3, 12.3, 14.6, 21.0, 13.0, 4.0, 26.0, 53),
    "T4": (24.0, 5.7, 8.0, 12.2, 14.4, 22.5, 13.0, 4.2, 22.0, 51),
    "T5": (24.5, 5.7, 7.85, 12.2, 14.3, 24.0, 13.5, 4.5, 17.0, 49),
    "T6": (25.0, 5.7, 7.7, 12.0, 14.2, 26.0, 14.0, 4.8, 12.0, 48),
    "T7": (25.5, 5.9, 7.75, 11.8, 14.0, 27.0, 14.5, 5.0, 7.0, 48),
    "T8": (26.5, 6.1, 7.8, 11.7, 13.9, 28.0, 15.0, 5.2, 2.0, 49),
    "T9": (27.5, 6.3, 8.0, 11.6, 13.9, 29.0, 16.0, 5.5, -2.0, 50),
    "T10": (28.5, 6.5, 8.2, 12.2, 14.4, 29.5, 17.0, 6.0, -6.0, 52),
    "T11": (30.5, 7.0, 8.7, 13.2, 15.6, 30.0, 18.0, 6.5, -9.0, 55),
    "T12": (31.0, 7.1, 8.8, 14.2, 17.0, 30.5, 19.0, 7.3, -11.0, 59),
    "L1": (33.0, 6.6, 8.0, 15.0, 18.0, 31.5, 20.0, 8.5, -12.0, 64),
    "L2": (34.5, 6.6, 8.0, 15.0, 18.5, 32.5, 21.0, 9.5, -9.0, 69),
    "L3": (35.0, 6.6, 8.0, 14.6, 18.0, 34.0, 22.0, 10.5, -2.0, 74),
    "L4": (35.5, 6.6, 8.0, 14.0, 17.0, 34.5, 23.5, 11.0, 8.0, 78),
    "L5": (34.0, 6.6, 8.0, 12.6, 15.5, 35.0, 24.5, 10.0, 19.0, 78),
    "S1": (28.0, 6.6, 8.0, 9.5, 12.0, 30.0, 24.0, 1.0, 33.0, 70),
    "S2": (24.0, 6.6, 8.0, 6.0, 8.0, 22.0, 20.0, 0.8, 44.0, 60),
    "S3": (20.0, 6.6, 8.0, 2.0, 3.0, 16.0, 16.0, 0.8, 52.0, 52),
}
LEVELS = tuple(_LEVELS)
_COLUMNS = (
    "pitch", "cord_ap", "cord_rl", "sac_ap", "sac_rl", "body_depth", "body_half", "disc",
    "tangent", "skin",
)  # fmt: skip
_LUMBAR_WEAR = np.array([0.9 if name in ("L3", "L4", "L5") else 0.0 for name in LEVELS])
TABLE = {name: np.array([_LEVELS[k][i] for k in LEVELS]) for i, name in enumerate(_COLUMNS)}


@dataclass(frozen=True)
class Spine:
    """One subject's spine, sampled every `STEP_MM` along s from `TOP_MM`.

    Attributes
    ----------
    s, y, z, x : (n,) float
        Arc length, and the centre line towards the back, upwards and towards the right, mm.
    tangent : (n,) float
        Angle of the line to the vertical, radians.
    profiles : dict of (n,) float32
        cord_ap, cord_rl (full diameters), cord_d, cord_x (offsets of the cord from the line),
        canal_ap (depth that the sac has where nothing narrows it), sac_ap, sac_rl, sac_d (offset
        of the sac), body_depth, body_half, skin, all mm.
    edges : (27,) float
        s at the top of each level, and the bottom of the last.
    discs, grades : (27,) arrays
        Height (mm) and Pfirrmann grade 1 to 5 of the disc below each level.
    bulges : (27,) float
        Protrusion of that disc into the canal, mm.
    nuclei : (27,) float
        Factor on the signal of the disc's nucleus.
    endplate_mm : (27,) float
        Depth of changed marrow along the disc below each level: fatty where positive, oedematous
        where negative, none where 0.
    removed, screws : (27,) bool
        Levels without a spinous process, and with metal in their pedicles, after an operation.
    conus : float
        s of the tip of the cord, mm.
    """

    s: Array
    y: Array
    z: Array
    x: Array
    tangent: Array
    profiles: dict[str, Array]
    edges: Array
    discs: Array
    grades: Array
    bulges: Array
    nuclei: Array
    endplate_mm: Array
    removed: Array
    screws: Array
    conus: float

    def at(self, name: str, s: Array) -> Array:
        """Value of a profile (or of y, z, x, tangent) at s."""
        values = self.profiles[name] if name in self.profiles else getattr(self, name)
        return values[self.index(s)]

    def index(self, s: Array) -> Array:
        """Nearest sample to s."""
        k = np.rint((np.asarray(s) - TOP_MM) / STEP_MM).astype(np.int64)
        return np.clip(k, 0, len(self.s) - 1)

    def level(self, s: float) -> str:
        """Name the vertebral level at s; 'C0' above C1."""
        k = int(np.searchsorted(self.edges, s, side="right")) - 1
        return "C0" if k < 0 else LEVELS[min(k, len(LEVELS) - 1)]

    def centre(self, level: str) -> float:
        """Middle of a level, s in mm."""
        k = LEVELS.index(level)
        return float(self.edges[k] + self.edges[k + 1]) / 2

    def locate(self, z: Array, y: Array) -> tuple[Array, Array]:
        """Find (s, d) of points in the sagittal plane, given upwards and towards the back.

        Newton's method from the point of the line at the same height; far from the line, where
        normals may cross, the curvature is limited and the answer stays smooth.
        """
        s = np.interp(-z, -self.z, self.s)
        bend = np.gradient(self.tangent, STEP_MM)
        d = np.zeros_like(s)
        for _ in range(4):
            k = self.index(s)
            dz, dy = z - self.z[k], y - self.y[k]
            cos, sin = np.cos(self.tangent[k]), np.sin(self.tangent[k])
            along = -dz * cos + dy * sin
            d = dz * sin + dy * cos
            s = self.s[k] + along / np.clip(1.0 - bend[k] * d, 0.6, 2.5)
            s = np.clip(s, self.s[0], self.s[-1])
        return s.astype(np.float32), d.astype(np.float32)


def draw_spine(rng: np.random.Generator, *, age: float, sex: str) -> Spine:
    """Draw a subject's spine.

    Parameters
    ----------
    rng : Generator
    age : float
        Years; thins the cord slightly, ages the discs, rounds the back.
    sex : 'M' or 'F'
    """
    size = float(np.clip(rng.normal(1.03 if sex == "M" else 0.96, 0.04), 0.85, 1.14))
    pitch = TABLE["pitch"] * size * np.exp(rng.normal(0, 0.03, len(LEVELS)))
    edges = np.concatenate([[0.0], np.cumsum(pitch)])
    centres = (edges[:-1] + edges[1:]) / 2
    s = np.arange(TOP_MM, edges[-1] + 40, STEP_MM)
    tangent = _tangent(rng, s, centres, age)
    z = -np.cumsum(np.cos(tangent)) * STEP_MM
    y = np.cumsum(np.sin(tangent)) * STEP_MM
    x = _lateral(rng, s)
    tip = np.interp(
        float(np.clip(rng.normal(0.72, 0.7), -0.5, 2.2)), (-1, 0, 1, 2, 3),
        edges[LEVELS.index("T12") : LEVELS.index("L4") + 1],
    )  # fmt: skip
    discs = TABLE["disc"] * size * np.exp(rng.normal(0, 0.12, len(LEVELS)))
    wear = rng.normal(1.6 + 0.028 * (age - 25), 0.7) + _LUMBAR_WEAR
    grades = np.clip(np.rint(wear + rng.normal(0, 0.6, len(LEVELS))), 1, 5).astype(int)
    bulges = np.clip(rng.normal(0.6 * (grades - 2), 0.7), 0, 4.5)
    narrow = _narrowing(rng, s, edges, grades, bulges)
    profiles = _profiles(rng, s, centres, size, age, sex, float(tip), narrow)
    removed, screws = _operation(rng)
    return Spine(
        s, y, z, x, tangent, profiles, edges, discs * np.where(grades >= 4, 0.7, 1.0), grades,
        bulges, np.exp(rng.normal(0, 0.12, len(LEVELS))), _endplates(rng, grades), removed, screws,
        float(tip),
    )  # fmt: skip


def _lateral(rng: np.random.Generator, s: Array) -> Array:
    """Draw the lateral offset of the centre line: slight in most, a scoliosis in one of five.

    A scoliosis of 8 to 22 mm takes the cord out of the stack of slices and back. Its frequency and
    extent are our own choice, without a source: higher than in the population, so that networks
    see many scans in which the cord leaves the slices.
    """
    small = rng.normal(0, 2.0) * np.sin(2 * np.pi * (s / rng.uniform(250, 500) + rng.uniform()))
    large = rng.uniform(8, 22) * np.sin(2 * np.pi * (s / rng.uniform(260, 480) + rng.uniform()))
    bend = small + large * (rng.uniform() < 0.2)
    return np.asarray(bend - bend.mean())


def _narrowing(
    rng: np.random.Generator, s: Array, edges: Array, grades: Array, bulges: Array
) -> tuple[Array, Array]:
    """Draw how far discs in front and ligaments behind narrow the sac, mm.

    Stenosis occurs where discs are degenerated; its frequency and extent were set by eye, without
    a source.
    """
    thick = np.clip(rng.normal(0.5 * (grades - 2.5), 0.8), 0, 3.5)
    severe = (rng.uniform(size=len(grades)) < 0.08) & (grades >= 4)
    thick = thick + severe * rng.uniform(1.0, 4.0, len(grades))
    front, back = np.zeros(len(s)), np.zeros(len(s))
    for level in range(2, LEVELS.index("S1")):
        near = np.exp(-0.5 * ((s - edges[level + 1]) / rng.uniform(3.0, 5.5)) ** 2)
        front += bulges[level] * near
        back += thick[level] * near
    return front, back


def _endplates(rng: np.random.Generator, grades: Array) -> Array:
    """Draw endplate changes along degenerated discs: fatty twice as often as oedematous."""
    changed = rng.uniform(size=len(grades)) < 0.12 * np.clip(grades - 2, 0, 3)
    sign = np.where(rng.uniform(size=len(grades)) < 1 / 3, -1.0, 1.0)
    return np.asarray(changed * sign * rng.uniform(3, 9, len(grades)))


def _operation(rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw the operated levels: laminectomy in 6 % of subjects, with screws in 2 %.

    Both frequencies are our own choice, without a source: rare enough to leave most spines intact,
    and frequent enough for every training to contain such scans.
    """
    removed, screws = np.zeros(len(LEVELS), bool), np.zeros(len(LEVELS), bool)
    kind, n = rng.uniform(), int(rng.integers(1, 4))
    first = int(rng.choice((2, 3, 4, 18, 19, 20, 21)))
    removed[first : first + n] = kind < 0.06
    screws[first : first + n + 1] = kind < 0.02
    return removed, screws


def _tangent(rng: np.random.Generator, s: Array, centres: Array, age: float) -> Array:
    """Return the centre line's angle: the table's plus the subject's curves and posture."""
    angle = TABLE["tangent"].copy()
    neck, chest = slice(0, 7), slice(7, 19)
    angle[neck] += np.linspace(-1, 1, 7) * rng.normal(0, 4.0) + rng.normal(0, 3.0)
    kyphosis = 1 + np.clip(rng.normal(0.004 * (age - 45), 0.2), -0.5, 0.6)
    angle[chest] = (angle[chest] - 8) * kyphosis + 8
    angle[19:] += rng.normal(0, 4.0) * np.linspace(0.2, 1, len(angle) - 19)
    fine = np.interp(s, centres, angle) + rng.normal(0, 1.5)
    return np.radians(_smooth(fine, 28.0))


def _profiles(
    rng: np.random.Generator, s: Array, centres: Array, size: float, age: float, sex: str,
    tip: float, narrow: tuple[Array, Array],
) -> dict[str, Array]:  # fmt: skip
    lead = 1.0 + (0.015 if sex == "M" else -0.015)
    cord = lead * np.exp(rng.normal(0, 0.045))
    thin = 1.0 - 0.0009 * (age - 30)
    scale = {
        "cord_ap": cord * thin, "cord_rl": cord * np.exp(rng.normal(0, 0.03)),
        "sac_ap": size * np.exp(rng.normal(0, 0.07)), "sac_rl": size * np.exp(rng.normal(0, 0.05)),
        "body_depth": size * np.exp(rng.normal(0, 0.05)), "body_half": size,
        "skin": size * np.exp(rng.normal(0, 0.12)),
    }  # fmt: skip
    out = {
        name: _smooth(np.interp(s, centres, TABLE[name] * factor), 14.0)
        for name, factor in scale.items()
    }
    # Above the foramen magnum the sac opens into the posterior fossa; the cord becomes the medulla.
    up = np.clip(-(s + 6.0), 0, None)
    pons = 1 / (1 + np.exp(-(up - 32) / 3.0))
    out["cord_ap"] += 0.11 * up + 9 * pons
    out["cord_rl"] += 0.16 * up + 14 * pons
    out["sac_ap"] = _smooth(out["sac_ap"] + 34 * (1 - np.exp(-((up / 26) ** 1.5))), 12.0)
    out["sac_rl"] = _smooth(out["sac_rl"] + 80 * (1 - np.exp(-((up / 26) ** 1.5))), 12.0)
    taper = rng.uniform(24, 38)
    left = np.clip((tip - s) / taper, 0, None)
    end = np.where(left < 1, np.sqrt(np.clip(left * (2 - left), 0, 1)), 1.0)
    out["cord_ap"] = np.maximum(out["cord_ap"] * end, 0.9)
    out["cord_rl"] = np.maximum(out["cord_rl"] * end, 0.9)
    _narrow(out, *narrow)
    out["cord_d"] = _cord_offset(rng, s, centres, out) + out["sac_d"]
    wobble = np.sin(2 * np.pi * (s / rng.uniform(150, 350) + rng.uniform()))
    out["cord_x"] = rng.normal(0, 0.5) + rng.normal(0, 0.5) * wobble
    return {name: value.astype(np.float32) for name, value in out.items()}


def _narrow(out: dict[str, Array], front: Array, back: Array) -> None:
    """Narrow the sac from the front and the back, without compressing the cord."""
    out["canal_ap"] = out["sac_ap"]
    room = np.clip(out["sac_ap"] - np.maximum(out["cord_ap"] + 1.2, 3.0), 0, None)
    share = np.minimum(1.0, room / np.maximum(front + back, 1e-6))
    out["sac_ap"] = out["sac_ap"] - share * (front + back)
    out["sac_d"] = share * (front - back) / 2
    out["sac_rl"] = out["sac_rl"] * (1 - 0.25 * share * (front + back) / out["canal_ap"])


def _cord_offset(
    rng: np.random.Generator, s: Array, centres: Array, out: dict[str, Array]
) -> Array:
    """Place the cord: anterior in the kyphosis, central in the neck, posterior at its tip."""
    room = np.clip(out["sac_ap"] - out["cord_ap"], 0, 9) / 2
    share = np.interp(
        s, centres[[0, 3, 6, 9, 12, 15, 18, 20, 22]],
        [0.0, 0.05, -0.1, -0.45, -0.55, -0.4, -0.05, 0.25, 0.45],
    )  # fmt: skip
    fossa = np.interp(s, [-40, -6], [-12.0, 0.0])  # the medulla lies in front of the cerebellum
    share = np.clip(share + rng.normal(0, 0.15), -0.75, 0.75)
    return np.asarray(_smooth(share, 20.0) * room + fossa)


def _smooth(values: Array, width_mm: float) -> Array:
    n = max(int(width_mm / STEP_MM) | 1, 3)
    window = np.hanning(n + 2)[1:-1]
    return np.convolve(np.pad(values, n // 2, mode="edge"), window / window.sum(), mode="valid")
