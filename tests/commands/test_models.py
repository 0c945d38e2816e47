"""`spinalcord models`: list, verify and create."""

from __future__ import annotations

import json
import shutil

import pytest

from spinalcord.cli import main
from spinalcord.models import folder as model_folder
from spinalcord.models.release import write_sums


def test_random_models_are_listed_with_their_notice(random_models, capsys):
    assert main(["models", "list", "--models", str(random_models)]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["role"] for row in rows] == [
        "astrocytoma_vs_ependymoma",
        "ms_vs_nmosd",
        "segmentation",
        "tumor_vs_demyelination",
    ]
    assert all("random weights (seed 1)" in row["notice"] for row in rows)
    assert all(len(row["sha256"]) == 64 for row in rows)


@pytest.mark.slow
def test_random_prints_its_files(tmp_path, capsys):
    assert main(["models", "random", str(tmp_path / "new")]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["seed"] == 0
    assert sorted(printed["files"]) == sorted(str(p) for p in (tmp_path / "new").iterdir())


def test_damaged_model_is_listed_and_exits_3(tmp_path, capsys):
    (tmp_path / "bad.safetensors").write_bytes(b"no model at all")
    assert main(["models", "list", "--models", str(tmp_path)]) == 3
    (row,) = json.loads(capsys.readouterr().out)
    assert row["file"] == "bad.safetensors"
    assert "damaged" in row["error"]


@pytest.mark.slow
def test_shipped_models_need_no_argument(random_models, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "weights"
    monkeypatch.setattr(model_folder, "WEIGHTS_DIR", folder)
    assert main(["models", "list"]) == 0  # none in this version
    assert json.loads(capsys.readouterr().out) == []
    assert main(["models", "verify"]) == 3
    assert "comes without trained models" in capsys.readouterr().err
    shutil.copytree(random_models, folder)
    write_sums(folder)
    for action in ("list", "verify"):
        assert main(["models", action]) == 0
        assert len(json.loads(capsys.readouterr().out)) == 4
    path = folder / "segmentation.safetensors"
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\1")
    assert main(["models", "list"]) == main(["models", "verify"]) == 3
    printed = capsys.readouterr()
    assert [row["file"] for row in json.loads(printed.out) if "error" in row] == [path.name]
    assert "is damaged or another file" in printed.err


def test_missing_model_exits_3(tmp_path, capsys):
    assert main(["models", "verify", str(tmp_path / "none.safetensors")]) == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "none.safetensors: No such file" in printed.err


@pytest.mark.slow
def test_verify_takes_a_folder(random_models, capsys):
    assert main(["models", "verify", str(random_models)]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 4
