"""`spinalcord classify`: what it prints and writes."""

from __future__ import annotations

import json

import pytest

from spinalcord.cli import main


@pytest.mark.slow
def test_classify_prints_and_writes_where_told(random_models, scan_file, tmp_path, capsys):
    mask = scan_file.with_name("mask.nii.gz")
    arguments = ["classify", str(scan_file), "--models", str(random_models), "--mask", str(mask)]
    assert main(arguments) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["files"] == []
    assert printed["found"] is True
    assert printed["diagnosis"] in ("astrocytoma", "ependymoma", "MS", "NMOSD")
    assert sum(printed["probabilities"].values()) == pytest.approx(1)
    assert len(list(scan_file.parent.iterdir())) == 2  # nothing written beside it
    out = tmp_path / "dx.json"
    assert main([*arguments, "-o", str(out), "--t1c", str(scan_file)]) == 0
    written = json.loads(out.read_text(encoding="utf-8"))
    assert written["settings"]["t1c"] == "given"
    assert json.loads(capsys.readouterr().out)["files"] == [str(out)]
