"""The command line in processes of its own, and what its tests give it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nibabel
import pytest
from stand_ins import lesion_of, stored, working_array

from spinalcord.models.folder import write_random


def run_command(*arguments, **options) -> subprocess.CompletedProcess[str]:
    """Run `spinalcord` to its end."""
    command = [sys.executable, "-m", "spinalcord.cli", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=environment, **options
    )


@pytest.fixture(scope="session")
def random_models(tmp_path_factory) -> Path:
    """A folder with models of random weights."""
    folder = tmp_path_factory.mktemp("random")
    write_random(folder, seed=1)
    return folder


@pytest.fixture(scope="session")
def scan_file(tmp_path_factory) -> Path:
    """A scan in a folder whose name must not get into any result; beside it, a lesion mask."""
    folder = tmp_path_factory.mktemp("Doe_Jane")
    volume = stored(working_array()[:, :64, 16:64])
    path = folder / "sub-07_T2w.nii.gz"
    nibabel.save(nibabel.Nifti1Image(volume.array, volume.affine), path)
    mask = folder / "mask.nii.gz"
    nibabel.save(nibabel.Nifti1Image(lesion_of(volume.array), volume.affine), mask)
    return path
