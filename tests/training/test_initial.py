"""spinalcord.training.initial: shipped weights where shapes fit, and a word where they do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from model_files import SEGMENTATION

from spinalcord.errors import ModelError
from spinalcord.models.architectures import random_tensors
from spinalcord.models.folder import find_models
from spinalcord.models.model_file import write_model
from spinalcord.training.settings import Settings

pytest.importorskip("torch", reason="torch is not installed")
initial = pytest.importorskip("spinalcord.training.initial")

SETTINGS = {"segmentation": Settings(), "diagnosis": Settings()}


@pytest.mark.slow
def test_the_shipped_weights_fit():
    said = []
    found = initial.choose_initial("shipped", SETTINGS, said.append)
    shipped = find_models().models
    assert found.models == {role: model.path for role, model in shipped.items()}
    assert said[-1].startswith("start: shipped weights for segmentation, tumor")
    start = Path("start.safetensors")
    assert found.of("segmentation", None) == (shipped["segmentation"].path, None)
    assert found.of("diagnosis", start) == (None, shipped["tumor_vs_demyelination"].path)
    assert found.of("ms_vs_nmosd", start) == (start, None)
    assert found.of("ms_vs_nmosd", None) == (shipped["ms_vs_nmosd"].path, None)


@pytest.mark.slow
def test_what_does_not_fit_starts_anew_and_says_why(tmp_path):
    """A network of three slices cannot begin one of a single slice."""
    tensors = random_tensors("multiresunet", 1, in_channels=3, outputs=2, final_norm=False)
    metadata = {**SEGMENTATION, "in_channels": 3, "norm_eps": 1e-3}
    write_model(tmp_path / "three.safetensors", tensors, metadata)
    said = []
    one_slice = {"segmentation": Settings(context_mm=None)}
    found = initial.choose_initial(str(tmp_path), one_slice, said.append)
    assert found.models == {}
    assert "segmentation: starts from random weights" in said[0]
    assert "does not fit: tensor" in said[0]
    assert found.of("segmentation", None) == (None, None)


def test_random_weights_and_no_folder(tmp_path):
    said = []
    assert initial.choose_initial("none", SETTINGS, said.append).models == {}
    assert said == ["start: random weights"]
    with pytest.raises(ModelError, match="is not a folder"):
        initial.choose_initial(str(tmp_path / "none-here"), SETTINGS, said.append)
