"""`spinalcord explain`: maps, and the options of methods."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import pytest

from spinalcord.cli import main


def test_explain_writes_a_map(random_models, scan_file, tmp_path, capsys):
    mask = scan_file.with_name("mask.nii.gz")
    arguments = ["explain", scan_file, "--models", random_models, "--mask", mask, "-o", tmp_path]
    arguments += ["--task", "ms_vs_nmosd", "--target", "MS"]
    assert main([str(a) for a in arguments]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["target"] == "MS"
    path = tmp_path / "sub-07_desc-gradcam_task-msVsNmosd.nii.gz"
    assert str(path) in printed["files"]
    assert nibabel.load(path).shape == nibabel.load(scan_file).shape


@pytest.mark.slow
def test_explain_takes_a_method_and_how_to_judge_it(random_models, scan_file, tmp_path, capsys):
    mask = scan_file.with_name("mask.nii.gz")
    arguments = ["explain", scan_file, "--models", random_models, "--mask", mask, "-o", tmp_path]
    arguments += ["--task", "ms_vs_nmosd", "--method", "hirescam", "--layer", "last"]
    arguments += ["--ring-mm", "8", "--compare", "gradcam", "--quiet"]
    assert main([str(a) for a in arguments]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["method"], printed["layer"], printed["of"]) == ("hirescam", "last", "logit")
    assert printed["ring_mm"] == 8
    assert printed["agreement"]["gradcam:last"]["spearman"] == pytest.approx(1)
    assert printed["curves"] is None
    assert Path(printed["files"][0]).name == "sub-07_desc-hirescam_task-msVsNmosd.nii.gz"
    assert main([*map(str, arguments), "--compare", "hirescam"]) == 4
    assert "expected different methods" in capsys.readouterr().err
