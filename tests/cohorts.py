"""Small cohorts on disk, and what tests ask of their results."""

from __future__ import annotations

import csv
import json
import warnings
from pathlib import Path

import nibabel
import numpy as np
import pytest
from stand_ins import lesion_of, stored, working_array

from spinalcord import run_cohort
from spinalcord.errors import SpinalcordWarning
from spinalcord.limits import LesionLimits
from spinalcord.models.folder import write_random

# Low enough for networks with random weights to find something on tiny scans.
LOW = {"limits": LesionLimits(threshold=0.8, min_lesion_mm3=10)}
# So high that lesions are few, on a slice or two, and cases quick; some have none.
FEW = {"limits": LesionLimits(threshold=0.899, min_lesion_mm3=0)}
FEW_OPTIONS = ("--threshold", "0.899", "--min-lesion-mm3", "0")
LOW_OPTIONS = ("--threshold", "0.8", "--min-lesion-mm3", "10")

AFFINE = np.array([[3.3, 0, 0, 0], [0, 0, -1, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]])


def quietly(*arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpinalcordWarning)
        return run_cohort(*arguments, **options)


def save(array, affine, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.Nifti1Image(array, affine).to_filename(path)
    return path


def save_scan(path, lesion=True):
    """The stand-ins' scan, with or without lesions; returns the lesion mask's array."""
    array = working_array()
    if not lesion:
        # One bright voxel outside everything would be a lesion; noise alone is none.
        array = np.random.default_rng(3).integers(0, 60, array.shape).astype(np.float32)
        array[:, :, 0] = 150
    volume = stored(array)
    save(volume.array, volume.affine, path)
    return lesion_of(array)


def save_mask(array, path):
    volume = stored(array)
    return save(volume.array, volume.affine, path)


def tiny_scans(folder, n, seed=0):
    """Scans so small that real networks take a few hundredths of a second."""
    rng = np.random.default_rng(seed)
    for index in range(n):
        array = rng.normal(50, 10, (3, 48, 40)).astype(np.int16)
        array[1, 10:20, 15:22] += 200
        save(array, AFFINE, Path(folder) / f"c{index:03d}.nii.gz")
    return Path(folder)


def table(path):
    """A table as strings."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def results(out):
    """Every result by name, without what differs from run to run: seconds, threads."""
    found = {}
    for path in sorted(Path(out).rglob("*")):
        if path.is_dir() or ".spinalcord" in path.relative_to(out).parts:
            continue
        name = path.relative_to(out).as_posix()
        if path.suffix == ".json":
            found[name] = without_seconds(json.loads(path.read_text(encoding="utf-8")))
        elif path.suffix == ".tsv":
            found[name] = [
                {k: v for k, v in row.items() if not k.startswith("seconds")} for row in table(path)
            ]
        else:
            found[name] = path.read_bytes()
    return found


def without_seconds(value):
    if isinstance(value, dict):
        return {k: without_seconds(v) for k, v in value.items() if k not in ("seconds", "threads")}
    return [without_seconds(v) for v in value] if isinstance(value, list) else value


@pytest.fixture(scope="session")
def random_models(tmp_path_factory):
    """Real networks with random weights."""
    folder = tmp_path_factory.mktemp("random-models")
    write_random(folder, 0)
    return folder


def touch(folder, *names, content=b""):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
