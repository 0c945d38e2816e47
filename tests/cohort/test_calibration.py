"""Scales for int8 from the scans of a cohort."""

from __future__ import annotations

import json

import pytest

import spinalcord as sc
from spinalcord.cohort.calibration import quantize_model
from spinalcord.errors import InputError, SpinalcordWarning
from spinalcord.models.checksums import SCALES
from spinalcord.models.folder import write_random
from spinalcord.models.int8 import stored_ranges
from spinalcord.models.model_file import read_model
from spinalcord.scans.writing import save_volume

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Two phantoms with their lesions, and a file that is no scan."""
    folder = tmp_path_factory.mktemp("scans")
    rows = []
    for seed in (1, 2):
        phantom = sc.phantom.make_case("MS", seed, region="cervical", kind="2d")
        path, mask = folder / f"{seed}.nii.gz", folder / f"{seed}_mask.nii.gz"
        save_volume(phantom.t2, path)
        save_volume(phantom.lesion, mask)
        rows.append({"case_id": f"c{seed}", "path": str(path), "mask": str(mask)})
    broken = folder / "broken.nii.gz"
    broken.write_bytes(b"no scan")
    return [*rows, {"case_id": "broken", "path": str(broken), "mask": rows[0]["mask"]}]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return {path.stem: path for path in write_random(tmp_path_factory.mktemp("models"), 1)}


@pytest.mark.parametrize("role", ["segmentation", "ms_vs_nmosd"])
def test_scales_are_measured_and_stored(cohort, models, role):
    path = next(p for p in models.values() if read_model(p).role == role)
    with pytest.warns(SpinalcordWarning, match="broken is excluded"):
        made = quantize_model(path, cohort, cases=3, slices=2, threads=2)
    assert (made["cases"], made["failed"]) == (2, ["broken"])
    assert 2 <= made["slices"] <= 4
    stored = stored_ranges(read_model(path))
    assert len(stored) == made["ranges"] > 40
    about = json.loads(path.with_name(SCALES).read_text())[path.name]["calibration"]
    assert about == {"cases": 2, "slices": made["slices"], "share": 0.9, "seed": 0}


def test_a_classifier_needs_lesions(cohort, models):
    path = next(p for p in models.values() if read_model(p).role == "ms_vs_nmosd")
    bare = [{"case_id": "a", "path": cohort[0]["path"]}]
    with (
        pytest.warns(SpinalcordWarning, match="there is no mask"),
        pytest.raises(InputError, match="none of 1 cases has a slice to calibrate"),
    ):
        quantize_model(path, bare)
