"""Make training cases from the lumbar SPIDER scans: cord masks, lesion-free scans, insertions.

    python benchmarks/models lumbar_cases SCANS OUT --models MODELS

SCANS holds NAME_t2.nii.gz and NAME_canal.nii.gz, the spinal canal.  A cord mask is made in three
steps: tissue within the canal that is darker than fluid; of its connected bodies, the one that
the network's cord outline covers most; nothing below the tip of the conus, towards which the
outline tapers.  Where the tip lies, which slices show the cord and what a scan is used for was read
from each scan by eye; lumbar_scans.tsv records it:

- `conus_mm`: depth of the tip below the first row; none: no cord is in view, and the mask is empty;
  n/a: the cord cannot be told from what is around it, and there is no mask;
- `slices`: the first and last slice, from 0, that may hold cord; n/a: all;
- `use`: `train` (lesions are put into the cord), `free` (lesion-free scan only), `validation`
  (lesion-free scan of the split validation) or `held_out` (never trained on, no cord mask).

Left and right are unknown: every scan is also used mirrored, and insertions alternate.
OUT/lumbar.tsv lists what `spinalcord train --data` takes, OUT/lumbar_held.tsv the held-out scans.
"""

from __future__ import annotations

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from spinalcord import Pipeline, Volume
from spinalcord.phantom import DIAGNOSES, insert_lesion
from spinalcord.scans.reading import read_mask
from spinalcord.scans.writing import save_volume

from .tables import read_table, write_table

TABLE = Path(__file__).with_name("lumbar_scans.tsv")
SEED = 28
PER_HOST = 3
"""Insertions per scan and diagnosis."""
DARK = 0.66
"""Cord and roots are darker than this share of the fluid around them."""
TAPER_MM = 18.0
"""Length over which the cord ends."""
HALF_MM = (5.2, 4.6)
"""Largest half axes of the cord, left-right and front-back; what lies beyond is roots."""


def main() -> None:
    """Make everything that is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--models", type=Path, help="default: the shipped ones")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    folder = options.out.resolve() / "lumbar"
    folder.mkdir(parents=True, exist_ok=True)
    hosts = read_table(TABLE)
    pipeline = Pipeline(*([options.models] if options.models else []))
    rows, held, tasks = [], [], []
    for host in hosts:
        scan = Volume.from_any(options.scans / f"{host['host']}_t2.nii.gz")
        if host["use"] == "held_out":
            held.append(lesion_free(host, scan, None, folder, mirrored=False))
            continue
        canal = read_mask(options.scans / f"{host['host']}_canal.nii.gz", like=scan)
        if host["conus_mm"] in ("n/a", "none"):
            empty = scan.like(np.zeros(scan.shape, np.uint8))
            cord = empty if host["conus_mm"] == "none" else None
        else:
            cord = cord_mask(scan, canal, host, pipeline)
        for mirrored in (False, True):
            rows.append(lesion_free(host, scan, cord, folder, mirrored=mirrored))
        if host["use"] == "train":
            number = int(host["host"][-3:])
            tasks += [(number, d, k, rows[-2 + k % 2], folder) for d in DIAGNOSES
                      for k in range(PER_HOST)]  # fmt: skip
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        rows += pool.map(insert_one, tasks, chunksize=2)
    write_table(options.out / "lumbar.tsv", rows)
    write_table(options.out / "lumbar_held.tsv", held)


def cord_mask(scan: Volume, canal: Volume, host: dict[str, str], pipeline: Pipeline) -> Volume:
    """Outline the cord inside the canal, above the conus.

    Parameters
    ----------
    scan, canal : Volume
        On one grid.
    host : dict
        A row of lumbar_scans.tsv.
    pipeline : Pipeline
        Its outline says which dark body of tissue is the cord.

    Returns
    -------
    Volume
        uint8, on the grid of `scan`.
    """
    image = scan.sagittal().array.astype(np.float32)
    spacing = scan.sagittal_spacing_mm
    inside = largest(canal.sagittal().array > 0)
    outline = pipeline.segment(scan).cord.sagittal().array > 0
    tip = float(host["conus_mm"]) / spacing[1]
    inner = ndimage.binary_erosion(inside, np.ones((1, 3, 3)), border_value=1)
    relative = ndimage.gaussian_filter(relative_to_fluid(image, inner, inside), (0.7, 1.5, 0.5))
    dark = inner & (relative < DARK) & (relative > 0)
    dark[:, int(tip) + 1 :] = False
    if host["slices"] != "n/a":
        first, last = (int(k) for k in host["slices"].split("-"))
        dark[:first] = dark[last + 1 :] = False
    # Single roots are thinner than two pixels, the cord is not.
    dark = ndimage.binary_opening(dark, disc(2)[None])
    cord = covered(dark, outline)
    cord = ndimage.gaussian_filter(cord.astype(np.float32), (0.8, 2.5, 0.7)) > 0.5
    cord = largest(taper(cord & inside, tip, spacing))
    return scan.like(to_storage(cord, scan))


def to_storage(cord: np.ndarray, scan: Volume) -> np.ndarray:
    """Bring a mask in the working orientation to the axes that the scan is stored with."""
    order = scan.orientation
    flipped = cord[tuple(slice(None, None, -1 if f else 1) for f in order.flips)]
    return np.ascontiguousarray(flipped.transpose(np.argsort(order.permutation)), dtype=np.uint8)


def relative_to_fluid(image: np.ndarray, inner: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Divide each slice by its fluid nearby: slices were scaled one by one, coils fade upwards."""
    out = np.zeros(image.shape, np.float32)
    for k, row in np.ndindex(image.shape[:2]):
        near = slice(max(row - 10, 0), row + 11)
        values = image[k, near][inner[k, near]]
        if len(values) >= 25:
            out[k, row] = image[k, row] / max(float(np.percentile(values, 92)), 1.0)
    return out * inside


def disc(radius: int) -> np.ndarray:
    """Structuring element, (2 radius + 1) squared."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(x * x + y * y <= radius * radius + 0.5)


def largest(mask: np.ndarray) -> np.ndarray:
    """Keep the largest connected body."""
    labels, n = ndimage.label(mask)
    return np.asarray(labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])) if n else mask


def covered(mask: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """Keep the connected body with the largest overlap with an outline."""
    labels, n = ndimage.label(mask)
    if n == 0:
        return mask
    overlap = np.bincount(labels.ravel(), outline.ravel(), minlength=n + 1)
    return np.asarray(labels == 1 + np.argmax(overlap[1:]))


def taper(cord: np.ndarray, tip: float, spacing: tuple[float, ...]) -> np.ndarray:
    """Cut off roots that lie beside the cord, and narrow its end to half an ellipsoid."""
    rows = np.nonzero(cord.any((0, 2)))[0]
    if len(rows) == 0:
        return cord
    centre = ndimage.gaussian_filter1d(
        [np.argwhere(cord[:, r]).mean(0) for r in rows], 4.0, axis=0, mode="nearest"
    )
    i, j = np.ogrid[: cord.shape[0], : cord.shape[2]]
    out = cord.copy()
    for r, (x, y) in zip(rows, centre, strict=True):
        below = max(1 - (tip - r) * spacing[1] / TAPER_MM, 0.0)
        share = np.sqrt(max(1 - below**2, 0.02))
        a, b = (mm * share / step for mm, step in zip(HALF_MM, spacing[::2], strict=True))
        out[:, r] &= ((i - x) / a) ** 2 + ((j - y) / b) ** 2 <= 1
    return out


def lesion_free(
    host: dict[str, str], scan: Volume, cord: Volume | None, folder: Path, *, mirrored: bool
) -> dict[str, str]:
    """Write a scan as it is, or mirrored, with a mask of zeros; return its row."""
    stem = host["host"] + ("_mirrored" if mirrored else "")
    files = {kind: folder / f"{stem}_{kind}.nii.gz" for kind in ("t2", "zero", "cord")}
    volumes: dict[str, Volume | None] = {
        "t2": scan, "zero": scan.like(np.zeros(scan.shape, np.uint8)), "cord": cord
    }  # fmt: skip
    across = int(scan.orientation.permutation[0])
    for kind, volume in volumes.items():
        if volume is not None:
            array = np.flip(volume.array, across) if mirrored else volume.array
            save_volume(volume.like(np.ascontiguousarray(array)), files[kind])
    split = {"validation": "validation", "held_out": "test"}.get(host["use"], "train")
    return {
        "case_id": stem, "path": str(files["t2"]), "mask": str(files["zero"]),
        "cord": str(files["cord"]) if cord is not None else "", "t1c": "", "diagnosis": "",
        "participant_id": host["host"], "group": host["host"], "split": split,
    }  # fmt: skip


def insert_one(task: tuple[int, str, int, dict[str, str], Path]) -> dict[str, str]:
    """Put the lesions of one patient into a scan, unless that was done before."""
    number, diagnosis, k, row, folder = task
    stem = f"{row['case_id']}_{diagnosis}_{k:02d}"
    files = {kind: folder / f"{stem}_{kind}.nii.gz" for kind in ("t2", "lesion", "cord")}
    if not all(path.exists() for path in files.values()):
        seed = np.random.SeedSequence([SEED, number, DIAGNOSES.index(diagnosis), k])
        difficulty = float(np.random.default_rng(seed.spawn(1)[0]).uniform(0.1, 0.8))
        options: dict[str, Any] = {"difficulty": difficulty}
        made = insert_lesion(row["path"], row["cord"], diagnosis, seed, **options)
        for kind, volume in (("t2", made.volume), ("lesion", made.lesion), ("cord", made.cord)):
            save_volume(volume, files[kind])
    return {
        **row, "case_id": stem, "path": str(files["t2"]), "mask": str(files["lesion"]),
        "cord": str(files["cord"]), "diagnosis": diagnosis, "participant_id": stem,
    }  # fmt: skip
