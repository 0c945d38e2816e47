"""spinalcord.training.initial: shipped weights where shapes fit, and a word where they do not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from spinalcord.errors import ModelError
from spinalcord.models.folder import WEIGHTS_DIR, find_models
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
    shutil.copy(WEIGHTS_DIR / "segmentation.safetensors", tmp_path)
    said = []
    one_slice = {"segmentation": Settings(context_mm=None)}
    found = initial.choose_initial(str(tmp_path), one_slice, said.append)
    assert found.models == {}
    assert "segmentation: starts anew" in said[0]
    assert "does not fit: tensor" in said[0]
    assert found.of("segmentation", None) == (None, None)


def test_random_weights_and_no_folder(tmp_path):
    said = []
    assert initial.choose_initial("none", SETTINGS, said.append).models == {}
    assert said == ["start: random weights"]
    with pytest.raises(ModelError, match="no folder"):
        initial.choose_initial(str(tmp_path / "none-here"), SETTINGS, said.append)
