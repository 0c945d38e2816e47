"""spinalcord.training.export: what is written is what was trained, and the core agrees."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from spinalcord.errors import ModelError, SpinalcordWarning
from spinalcord.models import architectures as networks
from spinalcord.models.model_file import read_model, write_model
from spinalcord.training.settings import Settings

torch = pytest.importorskip("torch", reason="torch is not installed")
export = pytest.importorskip("spinalcord.training.export")
modules = pytest.importorskip("spinalcord.training.torch_networks")


def random_module(kind, seed, **options):
    module = modules.build(kind, **options).eval()
    modules.load_tensors(module, networks.random_tensors(kind, seed, **options))
    return module


def described(target):
    settings = Settings().preprocessing(target)
    whole = export.describe(target, ["lesion", "cord"], "tiny", settings)
    return {**whole, "training": {"seed": 0}, "notice": "for tests"}


def held(entries, *diagnoses):
    return [e for e in entries if e.case.split == "validation"
            and (not diagnoses or e.case.diagnosis in diagnoses)]  # fmt: skip


@pytest.mark.slow
def test_segmentation_agrees_with_the_core(patch_entries, tmp_path):
    module = random_module("multiresunet", 1, in_channels=3, outputs=2, final_norm=False)
    path = tmp_path / "s.safetensors"
    figures = export.export_model(module, described("segmentation"), held(patch_entries), path)
    assert 0 < figures["core_against_torch"] <= export.PARITY
    model = read_model(path)
    assert model.outputs == ("lesion", "cord")
    assert model.threshold in export.GRID
    assert "validation" in model.metadata["labels"]["threshold_from"]
    assert model.metadata["training"]["validation"] == figures
    assert model.metadata["training"]["seed"] == 0
    assert model.notice == "for tests"
    assert {t.dtype for t in model.tensors} == {"F16", "F32"}
    assert [p.name for p in tmp_path.iterdir()] == ["s.safetensors"]


@pytest.mark.slow
def test_a_task_gets_its_cut_off(window_entries, tmp_path):
    module = random_module("densenet121", 2)
    path = tmp_path / "t.safetensors"
    entries = held(window_entries, "MS", "NMOSD")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpinalcordWarning)  # two cases may not be separated
        figures = export.export_model(module, described("ms_vs_nmosd"), entries, path)
    model = read_model(path)
    assert model.role == "ms_vs_nmosd"
    assert 0 < model.threshold <= 1
    assert model.metadata["labels"]["threshold_from"]
    assert figures["cases"] == 2
    assert figures["core_against_torch"] <= export.PARITY


@pytest.mark.slow
def test_a_narrow_window_is_measured_and_kept(window_entries, tmp_path, monkeypatch):
    entries, path = held(window_entries, "MS", "NMOSD"), tmp_path / "t.safetensors"
    metadata = described("ms_vs_nmosd")
    metadata["preprocessing"] = {**metadata["preprocessing"], "size": [64, 32]}
    seen = []
    run = export.Network.__call__
    monkeypatch.setattr(
        export.Network, "__call__", lambda self, x: seen.append(x.shape[1:]) or run(self, x)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpinalcordWarning)  # two cases may not be separated
        export.export_model(random_module("densenet121", 2), metadata, entries, path)
    assert set(seen) == {(3, 64, 32)}
    assert read_model(path).preprocessing["size"] == [64, 32]


@pytest.mark.slow
def test_parity_is_that_of_stored_weights(tmp_path):
    module = random_module("densenet121", 3)
    path = write_model(tmp_path / "m.safetensors", modules.copy_tensors(module),
                       described("ms_vs_nmosd"))  # fmt: skip
    stored = export.stored_tensors(path)
    own = modules.copy_tensors(module)
    assert not np.array_equal(stored["features.conv0.weight"], own["features.conv0.weight"])
    np.testing.assert_array_equal(
        stored["features.conv0.weight"], own["features.conv0.weight"].astype(np.float16)
    )
    images = np.random.default_rng(0).random((2, 3, 64, 64), np.float32)
    assert 0 < export.compare(path, images) <= export.PARITY


@pytest.mark.slow
def test_a_core_that_differs_stops_the_export(window_entries, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "compare", lambda *_: 0.5)
    entries = held(window_entries, "MS", "NMOSD")
    with pytest.raises(ModelError, match=r"differ by 0\.5"):
        export.export_model(
            random_module("densenet121", 2), described("ms_vs_nmosd"), entries,
            tmp_path / "t.safetensors",
        )  # fmt: skip
    assert not list(tmp_path.iterdir())


def test_weights_that_are_not_finite_are_refused(window_entries, tmp_path):
    module = random_module("densenet121", 2)
    with torch.no_grad():
        module.hidden.weight[0, 0] = float("nan")
    with pytest.raises(ModelError, match=r"hidden\.weight is not finite"):
        export.export_model(module, described("ms_vs_nmosd"), held(window_entries, "MS"),
                            tmp_path / "t.safetensors")  # fmt: skip


def test_a_cut_off_lies_between_cases():
    scores = np.array([0.2, 0.4, 0.8])
    assert export.between(0.8, scores) == pytest.approx(0.6)
    assert export.between(0.2, scores) is None
    assert export.between(float("inf"), scores) is None
