"""The memory that segmenting is said to take: near the truth, and refused where it is too much."""

from __future__ import annotations

import tracemalloc

import pytest
from stand_ins import make_folder, stored, working_array

import spinalcord as sc
from spinalcord import memory
from spinalcord.errors import InputError
from spinalcord.models.model_file import read_model
from spinalcord.scans.preparation import WorkingScan


@pytest.mark.parametrize("outputs", [("lesion",), ("lesion", "cord")])
def test_the_estimate_is_near_what_is_used(stand_in, tmp_path, outputs):
    folder = make_folder(tmp_path / "models", outputs)
    scan = stored(working_array().repeat(4, axis=0))
    estimate = WorkingScan(scan).segment_nbytes(read_model(folder / "segmentation.safetensors"))
    sc.segment(scan, models=folder)  # imports
    tracemalloc.start()
    try:
        sc.segment(scan, models=folder)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 0.5 * peak < estimate < 2.5 * peak


def test_a_volume_too_large_is_refused_with_both_figures(scan, model_folder, monkeypatch):
    monkeypatch.setattr(memory, "available_nbytes", lambda: 1_200_000)
    with pytest.raises(InputError, match=r"to segment \d+ x \d+ x \d+ voxels takes about .* GB of"):
        sc.segment(scan, models=model_folder)
