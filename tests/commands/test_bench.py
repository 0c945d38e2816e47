"""`spinalcord bench`: a table, lines of JSON, or CSV."""

from __future__ import annotations

import csv
import json

import pytest

from spinalcord.cli import main


@pytest.mark.slow
def test_package_without_models_times_random_ones(tmp_path, monkeypatch, capsys):
    """On the real core, by the command: one line of JSON a figure."""
    monkeypatch.setattr("spinalcord.models.folder.WEIGHTS_DIR", tmp_path)
    arguments = ["--precision", "f32", "--threads", "1", "--size", "32", "--seconds", "0.01"]
    assert main(["bench", *arguments, "--format", "json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["network"] for row in rows] == ["multiresunet", "densenet121"]
    assert all("random weights" in row["notice"] and row["images_per_second"] > 0 for row in rows)


@pytest.mark.slow
def test_a_table_by_default_and_csv_on_request(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("spinalcord.models.folder.WEIGHTS_DIR", tmp_path)
    arguments = ["bench", "--precision", "f32", "--threads", "1", "--size", "32"]
    arguments += ["--seconds", "0.01", "--backend", "own", "onednn"]
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].split()[:3] == ["network", "precision", "backend"]
    assert [line.split()[2] for line in lines[4:]] == ["own", "onednn"] * 2
    assert main([*arguments, "--format", "csv"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["backend"] for row in rows] == ["own", "onednn"] * 2
    assert all(float(row["ms_per_image"]) > 0 for row in rows)
