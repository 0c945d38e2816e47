"""Our kernels are compared with oneDNN's layer by layer."""

from __future__ import annotations

import json

import pytest
from bench_programs import load


@pytest.mark.slow
def test_layers_of_both_backends(monkeypatch, tmp_path, capsys):
    out = tmp_path / "layers.jsonl"
    program = load("bench_layers", monkeypatch)
    assert program.main(["--size", "32", "--rounds", "1", "--out", str(out)]) == 0
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [(line["network"], line["layers"] > 50) for line in lines] == [
        ("multiresunet", True), ("densenet121", True),
    ]  # fmt: skip
    assert all(line["own_ms"] > 0 and line["onednn_ms"] > 0 for line in lines)
    assert "layers slower" in capsys.readouterr().out
