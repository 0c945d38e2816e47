"""Tissue signal from proton density, T1 and T2, or drawn at random.

The values are for 3 T, from the sources below; at 1.5 T soft tissue has a shorter T1 and a longer
T2.  Values without a source are assumptions within common ranges: cord proton densities, cyst,
haemosiderin, and the T2 of demyelination, whose ratio to white matter is that reported for oedema
and gliosis.

References
----------
.. [1] Smith et al., MRM 2008: cord white and grey matter at 3 T.
.. [2] de Bazelaire et al., Radiology 2004: muscle, fat, marrow.
.. [3] ESR poster 58d54bf2: discs by Pfirrmann grade.
.. [4] de Blank et al.: glioma by MR fingerprinting; ratios to white matter are used.
.. [5] Bradley, Radiology 1993: blood products shorten T2 less on fast spin echo.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .fields import Array


@dataclass(frozen=True)
class Tissue:
    """Relaxation times in ms at 3 T, proton density relative to CSF, and the share of fat."""

    t1: float
    t2: float
    pd: float
    fat: float = 0.0


TISSUES: dict[str, Tissue] = {
    "air": Tissue(1000, 10, 0.0),
    "void": Tissue(1000, 10, 0.05),  # cortex, ligament, fast blood
    "csf": Tissue(4300, 2000, 1.0),
    "white": Tissue(876, 73, 0.70),
    "grey": Tissue(973, 76, 0.80),
    "root": Tissue(900, 80, 0.70),
    "muscle": Tissue(900, 32, 0.85),
    "fat": Tissue(382, 110, 0.95, fat=1.0),  # T2 as a fast spin echo sees it
    "marrow": Tissue(586, 52, 0.75, fat=0.35),
    "ligament": Tissue(900, 22, 0.45),
    "nucleus": Tissue(1200, 190, 0.80),
    "annulus": Tissue(900, 48, 0.50),
    "mucosa": Tissue(1300, 75, 0.85),
    "brain": Tissue(1000, 80, 0.78),
    # Lesions
    "low_grade": Tissue(1355, 107, 0.86),
    "high_grade": Tissue(1863, 165, 0.88),
    "oedema": Tissue(1261, 135, 0.88),
    "plaque": Tissue(1200, 110, 0.84),
    "acute": Tissue(1350, 135, 0.87),
    "myelitis": Tissue(1350, 140, 0.88),
    "bright_spot": Tissue(2500, 800, 1.0),
    "cyst": Tissue(3200, 1100, 0.97),
    "necrosis": Tissue(2300, 350, 0.93),
    "haemosiderin": Tissue(900, 25, 0.60),
    "blood": Tissue(1000, 45, 0.75),
}
# T2 in ms of tissues whose published values vary more than `jittered` does: fat on fast spin
# echo 41 to 143 ms (Pai 2008, PMC2849643), marrow 49 [2] to 101 ms (SyMRI, PMC7410772).
_T2_RANGES = {"fat": (75.0, 140.0), "marrow": (48.0, 80.0)}
LESION_TISSUES = tuple(TISSUES)[tuple(TISSUES).index("low_grade") :]


def spin_echo(tissue: Tissue, tr: float, te: float, train_ms: float = 0.0) -> float:
    """Signal of a (fast) spin echo, in units of proton density; all times in ms.

    ``pd (1 - exp(-(tr - train_ms) / t1)) exp(-te / t2)``: during the echo train nothing recovers.
    """
    recovered = -np.expm1(-(tr - train_ms) / tissue.t1)
    return float(tissue.pd * recovered * np.exp(-te / tissue.t2))


def at_field(tissue: Tissue, tesla: float) -> Tissue:
    """Scale the 3 T values to another field; water-like fluids keep theirs."""
    if tesla >= 2.5 or tissue.t2 > 300:
        return tissue
    return Tissue(tissue.t1 * 0.85, tissue.t2 * 1.15, tissue.pd, tissue.fat)


def jittered(tissue: Tissue, rng: np.random.Generator) -> Tissue:
    """Vary a tissue between subjects: proton density and T1 by 5 %, T2 by 8 % (SD)."""
    a, b, c = np.exp(rng.normal(0, (0.05, 0.08, 0.05)))
    return Tissue(tissue.t1 * a, tissue.t2 * b, tissue.pd * c, tissue.fat)


def draw_signals(
    rng: np.random.Generator,
    protocol: dict[str, float],
    *,
    nucleus_t2: float = 150.0,
    random_contrast: bool = False,
) -> dict[str, Array]:
    """Return the signal of every tissue on the T2w and the contrast-enhanced T1w image.

    Parameters
    ----------
    rng : Generator
    protocol : dict
        field_t, tr_ms, te_ms, etl, esp_ms; t1_tr_ms, t1_te_ms.
    nucleus_t2 : float
        T2 of the discs' nuclei, ms, at 3 T.
    random_contrast : bool
        Domain randomisation: each tissue takes any signal (lesions keep their order against
        white matter, else nothing could be learned).

    Returns
    -------
    dict of (4,) float32
        Water and fat on T2w, water and fat on T1w, relative to CSF on T2w.
    """
    values: dict[str, Array] = {}
    train = protocol["etl"] * protocol["esp_ms"]
    for name, base in TISSUES.items():
        if name == "nucleus":
            base = Tissue(base.t1, nucleus_t2, base.pd)
        tissue = jittered(at_field(base, protocol["field_t"]), rng)
        if name in _T2_RANGES:
            t2 = float(rng.uniform(*_T2_RANGES[name]))
            tissue = Tissue(tissue.t1, t2, tissue.pd, tissue.fat)
        t2w = spin_echo(tissue, protocol["tr_ms"], protocol["te_ms"], train)
        t1w = spin_echo(tissue, protocol["t1_tr_ms"], protocol["t1_te_ms"])
        water = 1.0 - tissue.fat
        values[name] = np.array(
            [t2w * water, t2w * tissue.fat, t1w * water, t1w * tissue.fat], np.float32
        )
    reference = float(values["csf"][0])
    values = {name: value / np.float32(reference) for name, value in values.items()}
    if random_contrast:
        _randomise(values, rng)
    return values


def _randomise(values: dict[str, Array], rng: np.random.Generator) -> None:
    physical = {name: value.copy() for name, value in values.items()}
    for name in values:
        if name not in ("air", *LESION_TISSUES):
            total = rng.uniform(0.03, 1.0)
            share = TISSUES[name].fat
            values[name][:2] = total * (1 - share), total * share
    white, csf = values["white"][0], values["csf"][0]
    if abs(csf - white) < 0.25:
        csf = white + 0.25 if white < 0.6 else white - 0.25
        values["csf"][0] = csf
    low, high = physical["white"][0], physical["csf"][0]
    for name in LESION_TISSUES:
        place = (physical[name][0] - low) / (high - low)
        values[name][0] = max(white + place * (csf - white), 0.02)
