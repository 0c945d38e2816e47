"""Simulate the acquisition: protocol, k-space, coils and noise.

Ranges follow the consensus guideline for sagittal imaging (slices of at most 3 mm, pixels of at
most 1 mm), the median of 2870 clinical scans (0.57 x 0.56 x 3.3 mm), and common practice where
nothing is published. The noise gives the cord a signal-to-noise ratio of 12 to 40.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InputError
from .fields import Array, smooth_noise

REGIONS = ("cervical", "thoracic", "lumbar")
# Field of view, head to foot (mm), and the level at its middle, jittered by up to one level.
_VIEWS = {
    "cervical": ((220.0, 260.0), ("C4", "C5", "C6", "C7")),
    "thoracic": ((300.0, 380.0), ("T5", "T6", "T7", "T8")),
    "lumbar": ((280.0, 340.0), ("T12", "L1", "L2")),
}


def draw_protocol(
    rng: np.random.Generator,
    *,
    region: str | None = None,
    kind: str | None = None,
    difficulty: float = 0.5,
) -> dict[str, Any]:
    """Draw scanner settings, independently of what the patient has.

    Parameters
    ----------
    rng : Generator
    region : 'cervical', 'thoracic' or 'lumbar', optional
    kind : '2d' or '3d', optional
        Thick slices with gaps, or isotropic voxels; one in seven is 3-D.
    difficulty : float
        From 0 to 1; more noise and stronger artefacts.

    Returns
    -------
    dict
        Lengths in mm, times in ms.

    Raises
    ------
    InputError
        Another region or kind.
    """
    region = str(rng.choice(REGIONS, p=(0.55, 0.27, 0.18))) if region is None else region
    if region not in REGIONS:
        raise InputError(f"region {region!r}: one of {', '.join(REGIONS)} is expected")
    kind = ("3d" if rng.uniform() < 1 / 7 else "2d") if kind is None else kind
    if kind not in ("2d", "3d"):
        raise InputError(f"kind {kind!r}: '2d' or '3d' is expected")
    low, high = _VIEWS[region][0]
    fov = float(rng.uniform(low, high))
    protocol: dict[str, Any] = {
        "region": region,
        "kind": kind,
        "centre_level": str(rng.choice(_VIEWS[region][1])),
        "field_t": float(rng.choice((1.5, 3.0))),
        "tr_ms": float(rng.uniform(2500, 5500)),
        "te_ms": float(rng.uniform(80, 135)),
        "etl": int(rng.integers(12, 26)),
        "esp_ms": float(rng.uniform(8, 11)),
        "t1_tr_ms": float(rng.uniform(450, 750)),
        "t1_te_ms": float(rng.uniform(8, 14)),
        "fov_mm": fov,
        "fov_ap_share": float(rng.uniform(0.6, rng.choice((1.0, 1.4)))),
        "centre_d_mm": float(rng.uniform(-22, 8)),
        "snr": float(rng.uniform(16, 42) * (1.25 - 0.5 * difficulty)),
        "coil_mm": float(rng.uniform(28, 110)),
        "normalised": float(rng.choice((0.0, rng.uniform(0.4, 0.9)))),
        "ghost": float(rng.gamma(1.2, 0.012) * (0.5 + difficulty)),
        "flow": float(rng.beta(1.2, 3.0) * (0.5 + difficulty)),
        "saturation_mm": float(rng.choice((0.0, rng.uniform(25, 45)))),
        "shift_px": float(rng.uniform(0.3, 1.8)),
        "phase_axis": int(rng.uniform() < 0.2),  # 0: head to foot, as guidelines recommend
        "peak": float(rng.uniform(600, 3500)),
    }
    if kind == "3d":
        side = float(rng.uniform(0.8, 1.0))
        protocol.update(
            pixel_mm=side, thickness_mm=side, gap_mm=0.0, n_slices=int(rng.integers(40, 57)),
            etl=4, resolution=(1.0, 1.0), fov_ap_share=float(rng.uniform(0.6, 0.8)),
            fov_mm=min(fov, 280.0),
        )  # fmt: skip
    else:
        pixel = max(float(rng.uniform(0.5, 1.0)), fov / 448)
        thickness = float(rng.uniform(2.5, 4.0))
        protocol.update(
            pixel_mm=pixel, thickness_mm=thickness,
            gap_mm=float(thickness * rng.choice((0.0, 0.1, rng.uniform(0, 0.1)))),
            n_slices=int(rng.integers(11, 18)),
            resolution=tuple(float(x) for x in np.clip(rng.uniform((0.55, 0.8), 1.0), 0, 1)),
        )  # fmt: skip
    return protocol


def acquire(
    rng: np.random.Generator,
    water: Array,
    fat: Array,
    moving: Array | None,
    protocol: dict[str, Any],
    noise_sd: float,
    sensitivity: Array,
) -> Array:
    """Turn signal into a magnitude image.

    Parameters
    ----------
    rng : Generator
    water, fat : (slices, rows, columns) float32
        Signal of either; fat is shifted along the readout.
    moving : same shape, optional
        Signal of what pulsates, which leaves ghosts along the phase direction.
    protocol : dict
    noise_sd : float
        Standard deviation of the real and imaginary part, in the units of the signal.
    sensitivity : (slices or 1, rows, columns) float32
        Sensitivity of the coils.

    Returns
    -------
    (slices, rows, columns) float32
        Noise has the resolution of the scan, as it is measured with it; the magnitude of complex
        Gaussian noise makes it Rician.
    """
    n, h, w = water.shape
    phase = 1 + protocol["phase_axis"]
    read = 3 - phase
    window = _window(protocol, h, w)
    kept = float((window**2).mean())
    ky = np.fft.fftfreq(water.shape[read]).astype(np.float32)
    shift = np.exp(-2j * np.pi * ky * protocol["shift_px"]).astype(np.complex64)
    shift = shift[None, :, None] if read == 1 else shift[None, None, :]
    if moving is not None and protocol["ghost"] > 0:
        water = water + _ghosts(rng, moving, protocol, phase)
    out = np.empty((n, h, w), np.float32)
    scale = np.float32(noise_sd / np.sqrt(kept))
    for k in range(n):
        coil = sensitivity[k % len(sensitivity)]
        grid = np.fft.fft2(water[k] * coil).astype(np.complex64)
        grid += np.fft.fft2(fat[k] * coil).astype(np.complex64) * shift[0]
        noise = (
            rng.standard_normal((2, h, w), dtype=np.float32) * scale * np.float32(np.sqrt(h * w))
        )
        grid += noise[0] + 1j * noise[1]
        out[k] = np.abs(np.fft.ifft2(grid * window))
    return out


def _window(protocol: dict[str, Any], h: int, w: int) -> Array:
    """Return the k-space window: a truncated, slightly tapered rectangle with T2 decay."""
    phase_axis = protocol["phase_axis"]
    share = protocol["resolution"] if phase_axis == 0 else protocol["resolution"][::-1]
    k = [2 * np.abs(np.fft.fftfreq(n)) / s for n, s in zip((h, w), share, strict=True)]
    taper = [np.where(x <= 1, 0.72 + 0.28 * np.cos(np.pi * np.minimum(x, 1)), 0) for x in k]
    train = protocol["etl"] * protocol["esp_ms"]
    taper[phase_axis] = taper[phase_axis] * np.exp(-k[phase_axis] * 0.35 * train / 200.0)
    return np.asarray(np.outer(*taper), np.float32)


def _ghosts(rng: np.random.Generator, moving: Array, protocol: dict[str, Any], axis: int) -> Array:
    """Return the ghosts of pulsating tissue, periodic along the phase direction."""
    period = int(moving.shape[axis] * rng.uniform(0.15, 0.45))
    copies = [np.roll(moving, order * period, axis) / abs(order) for order in (-2, -1, 1, 2)]
    total = copies[0] + copies[1] + copies[2] + copies[3]
    return np.asarray(np.float32(protocol["ghost"]) * total, np.float32)


def coil_map(rng: np.random.Generator, d: Array, z: Array, protocol: dict[str, Any]) -> Array:
    """Sensitivity of a posterior array: 1 near the back, falling to the front and the ends.

    Parameters
    ----------
    rng : Generator
    d : (rows, columns) float32
        Distance behind the canal's centre line, mm.
    z : (rows, columns) float32
        Height above the middle of the field of view, mm.
    protocol : dict

    Returns
    -------
    (1, rows, columns) float32
    """
    depth = np.clip(45.0 - d, 0.0, None)
    front = np.exp(-depth / protocol["coil_mm"])
    half = protocol["fov_mm"] / 2
    ends = 1.0 - rng.uniform(0.1, 0.45) * np.clip(np.abs(z) / half, 0, 1.2) ** 4
    wave = smooth_noise(rng, d.shape, (1.0, 1.0), (70.0, 90.0)) * rng.uniform(0.02, 0.08)
    return np.asarray(front * np.clip(ends, 0.2, 1) * np.exp(wave), np.float32)[None]
