"""spinalcord.models.onnx_export: graphs that onnxruntime computes as the core does."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from model_files import METADATA, SEGMENTATION

from spinalcord.cli import main
from spinalcord.errors import InputError, ModelError
from spinalcord.models import onnx_export
from spinalcord.models.architectures import NORM_EPS, random_tensors
from spinalcord.models.model_file import write_model
from spinalcord.models.network import Network

pytest.importorskip("onnx", reason="onnx is not installed")


def write(path, metadata, **changes):
    metadata = {**metadata, **changes}
    metadata["norm_eps"] = NORM_EPS[metadata["network"]]
    tensors = random_tensors(
        metadata["network"], 3, in_channels=metadata["in_channels"],
        outputs=len(metadata["labels"].get("outputs", "--")),
        final_norm=metadata.get("final_norm", True),
    )  # fmt: skip
    return write_model(path, tensors, metadata)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metadata", "changes"),
    [(METADATA, {}), (METADATA, {"final_relu": False}), (SEGMENTATION, {}),
     (SEGMENTATION, {"final_norm": True, "in_channels": 3})],
)  # fmt: skip
def test_graph_and_core_agree(tmp_path, metadata, changes):
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    path = write(tmp_path / "m.safetensors", metadata, **changes)
    out = tmp_path / "m.onnx"
    told = onnx_export.export_onnx(path, out)
    assert told["difference"] <= onnx_export.PARITY
    network = Network.open(path)
    images = np.random.default_rng(5).random((3, network.model.in_channels, 96, 48), np.float32)
    session = runtime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"images": images})
    assert np.ptp(found) > 1e-3
    assert np.abs(found - network(images)).max() <= onnx_export.PARITY
    (own,) = (p for p in onnx.load(str(out)).metadata_props if p.key == "spinalcord")
    assert json.loads(own.value)["labels"] == network.model.metadata["labels"]


@pytest.mark.slow
def test_a_graph_that_differs_is_not_written(tmp_path, monkeypatch):
    path = write(tmp_path / "m.safetensors", SEGMENTATION)
    monkeypatch.setattr(onnx_export, "_compare", lambda data, network: float("nan"))
    with pytest.raises(ModelError, match="differ by nan"):
        onnx_export.export_onnx(path, tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


@pytest.mark.slow
def test_the_command_says_whether_it_compared(tmp_path, monkeypatch, capsys):
    path = write(tmp_path / "m.safetensors", SEGMENTATION)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert main(["models", "export", str(path), "--onnx", str(tmp_path / "m.onnx")]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["difference"] is None
    assert "not compared with the core: onnxruntime is not installed" in printed.err


def test_what_cannot_be_exported(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"ends in \.onnx, got m\.pb"):
        onnx_export.export_onnx(tmp_path / "m.safetensors", tmp_path / "m.pb")
    with pytest.raises(ModelError, match="No such file"):
        onnx_export.export_onnx(tmp_path / "m.safetensors", tmp_path / "m.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match=r"pip install 'spinalcord\[onnx\]'"):
        onnx_export.export_onnx(tmp_path / "m.safetensors", tmp_path / "m.onnx")
