"""A run on a BIDS folder makes a BIDS derivative dataset, by the standard's own validator."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from cohorts import tiny_scans

from spinalcord import run_cohort


@pytest.mark.slow
def test_the_validator_passes_a_run(tmp_path, random_models):
    module = pytest.importorskip("bids_validator_deno")
    program = Path(module.__file__).parents[4] / "bin" / "bids-validator-deno"
    if not program.exists():
        pytest.skip(f"no {program.name} beside its module")
    tiny_scans(tmp_path, 2)
    for index in range(2):
        anat = tmp_path / "bids" / f"sub-{index:02d}" / "anat"
        anat.mkdir(parents=True)
        (tmp_path / f"c{index:03d}.nii.gz").rename(anat / f"sub-{index:02d}_T2w.nii.gz")
    run_cohort(tmp_path / "bids", tmp_path / "out", models=random_models)
    done = subprocess.run(
        [program, str(tmp_path / "out"), "--format", "json"],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    issues = json.loads(done.stdout)["issues"]["issues"]
    errors = [issue for issue in issues if issue["severity"] == "error"]
    assert errors == []
    # Without the file that names our own tables, they are errors: the validator looks at them.
    (tmp_path / "out" / ".bidsignore").unlink()
    bare = subprocess.run(
        [program, str(tmp_path / "out"), "--format", "json"],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert "NOT_INCLUDED" in bare.stdout
