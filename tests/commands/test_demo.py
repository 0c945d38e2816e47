"""`spinalcord demo`: where the page goes, what is printed, how it ends."""

from __future__ import annotations

import json

import pytest

from spinalcord.cli import main
from spinalcord.commands.demo import PAGE
from spinalcord.demo.demo_run import DIAGNOSIS, SEED
from spinalcord.models.folder import write_random


def test_prints_what_came_out_and_writes_a_page(folder, moved, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = [
        "demo",
        "--models",
        str(folder),
        "-o",
        str(out),
        "--diagnosis",
        "MS",
        "--seed",
        "5",
    ]
    assert main(arguments) == 0
    shown = capsys.readouterr()
    printed = json.loads(shown.out)
    assert printed["page"] == str(out / PAGE)
    assert printed["phantom"] == {"diagnosis": "MS", "seed": 5}
    assert printed["dice"] == 0.75
    assert printed["seconds"]["all"] > 0
    assert "notice: This scan is a synthetic phantom" in shown.err
    assert "seed 5" in (out / PAGE).read_text(encoding="utf-8").replace("</th><td>", " ")
    assert main([*arguments, "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_defaults_are_the_chosen_phantom_and_the_current_folder(
    folder, moved, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--models", str(folder), "--quiet"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["phantom"] == {"diagnosis": DIAGNOSIS, "seed": SEED}
    assert printed["page"] == PAGE
    assert (tmp_path / PAGE).exists()


def test_takes_a_file_s_name_and_no_lesion(folder, moved, tmp_path, capsys):
    page = tmp_path / "mine.html"
    arguments = ["demo", "--models", str(folder), "--diagnosis", "none", "-o", str(page)]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["right"] is True
    assert page.exists()


def test_file_of_another_kind_is_refused_before_computing(tmp_path, capsys):
    assert main(["demo", "-o", str(tmp_path / "demo.pdf")]) == 4
    assert "expected a folder, or a file name that ends in .html" in capsys.readouterr().err


def test_missing_models_exit_3(tmp_path, capsys):
    assert main(["demo", "--models", str(tmp_path), "-o", str(tmp_path)]) == 3
    assert "has no model for segmentation" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_unknown_diagnosis_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["demo", "--diagnosis", "gout"])
    assert exit_.value.code == 2


@pytest.mark.parametrize("opened", [True, False])
def test_page_is_opened_on_request(folder, moved, tmp_path, capsys, monkeypatch, opened):
    asked = []
    monkeypatch.setattr("webbrowser.open", lambda url: asked.append(url) or opened)
    arguments = ["demo", "--models", str(folder), "-o", str(tmp_path), "--open"]
    assert main(arguments) == 0
    assert asked == [(tmp_path / PAGE).resolve().as_uri()]
    assert ("found no browser" in capsys.readouterr().err) != opened


@pytest.mark.slow
def test_real_networks_and_a_real_phantom(tmp_path, capsys):
    write_random(tmp_path / "models", 0)
    assert main(["demo", "--models", str(tmp_path / "models"), "-o", str(tmp_path)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["seconds"]["all"] < 300
    assert "random weights" in printed["notice"]
    assert (tmp_path / PAGE).stat().st_size > 50_000
