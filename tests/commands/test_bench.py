"""`spinalcord bench`: a table, lines of JSON, or CSV."""

from __future__ import annotations

import csv
import json

import pytest

from spinalcord import _core
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


@pytest.mark.slow
def test_peaks_as_a_table_json_and_csv(capsys):
    """The machine's peaks, and each kind of layer's share of them."""
    arguments = ["bench", "--peak", "--precision", "f32", "--threads", "1", "--size", "64"]
    arguments += ["--seconds", "0.01"]
    assert main([*arguments, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    if found["isa"] != "sse2":  # where oneDNN computes there are no loops of our own
        assert found["peaks"]["f32"] > 1
    assert found["memory_gb_s"] > 0
    assert {row["network"] for row in found["layers"]} == {"densenet121", "multiresunet"}
    assert {row["class"].split()[0] for row in found["layers"]} == {
        *("1x1", "2x2", "3x3", "7x7", "other")
    }
    assert all(row["ms"] > 0 for row in found["layers"])
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("peak: f32 ")
    assert lines[3].split()[:3] == ["network", "precision", "layers"]
    assert main([*arguments, "--format", "csv"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert len(rows) == len(found["layers"])
    with pytest.raises(SystemExit):
        main([*arguments, "--threads", "0"])
    assert main([*arguments, "--threads", "1", "2"]) != 0
    assert "--peak takes one number of threads, got 2" in capsys.readouterr().err


@pytest.mark.slow
def test_int8_is_timed_where_models_have_scales(capsys):
    arguments = ["bench", "--threads", "1", "--size", "32", "--seconds", "0.01"]
    assert main([*arguments, "--format", "json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {row["precision"] for row in rows} == set(_core.cpu()["precisions"])
    if "int8" in _core.cpu()["precisions"]:
        arguments += ["--precision", "int8", "--backend", "onednn", "--format", "json"]
        assert main(arguments) == 0
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert {(row["precision"], row["backend"]) for row in rows} == {("int8", "onednn")}
