"""`spinalcord bench`: one line of JSON a figure."""

from __future__ import annotations

import json

import pytest

from spinalcord.cli import main


@pytest.mark.slow
def test_package_without_models_times_random_ones(tmp_path, monkeypatch, capsys):
    """On the real core, by the command: one line of JSON a figure."""
    monkeypatch.setattr("spinalcord.models.folder.WEIGHTS_DIR", tmp_path)
    arguments = ["--precision", "f32", "--threads", "1", "--size", "32", "--seconds", "0.01"]
    assert main(["bench", *arguments]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["network"] for row in rows] == ["multiresunet", "densenet121"]
    assert all("random weights" in row["notice"] and row["images_per_second"] > 0 for row in rows)
