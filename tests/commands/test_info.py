"""`spinalcord info`: version, CPU, models."""

from __future__ import annotations

import json

import pytest

from spinalcord.cli import main


@pytest.mark.slow
def test_verify_and_info_describe(random_models, capsys):
    assert main(["models", "verify", str(random_models / "segmentation.safetensors")]) == 0
    assert json.loads(capsys.readouterr().out)["n_values"] > 7e6
    assert main(["info", "--models", str(random_models)]) == 0
    info = json.loads(capsys.readouterr().out)
    assert {"version", "name", "isa", "threads", "precisions", "onednn", "models"} <= set(info)
    assert info["backends"] == ["own", "onednn"]
    assert len(info["models"]) == 4
    for row in info["models"]:
        # Random models have no scales for int8.
        assert set(row["kernels"]) == set(info["precisions"]) - {"int8"}
        assert sum(row["kernels"]["f32"].values()) > 50
    assert main(["info"]) == 0
    info = json.loads(capsys.readouterr().out)
    assert all(set(row["kernels"]) == set(info["precisions"]) for row in info["models"])
    assert main(["info", "--backend", "onednn"]) == 0
    for row in json.loads(capsys.readouterr().out)["models"]:
        assert set(row["kernels"]) == set(info["precisions"])
        assert all(any(k.startswith("onednn:") for k in own) for own in row["kernels"].values())
