"""spinalcord train: options reach the training, and what does not fit is said before it."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

import pytest

from spinalcord.cli import main, make_parser

ARGUMENTS = ["train", "segmentation", "--data", "cohort", "--out", "m.safetensors"]


def test_options_reach_the_training(monkeypatch, capsys):
    pytest.importorskip("torch", reason="torch is not installed")
    running = pytest.importorskip("spinalcord.training.trainer")
    heard = {}

    def stand_in(target, data, out, **options):
        heard.update(options, target=target, data=data, out=out)
        return running.TrainingResult(Path(out), [{}, {}], 2, {"x": 0.5}, [], "minutes")

    monkeypatch.setattr(running, "train_network", stand_in)
    more = ["--minutes", "3", "--patch", "64", "--lr", "0.001", "--resume", "--init",
            "a.safetensors", "--precision", "bf16", "--quiet", "--no-augment"]  # fmt: skip
    assert main([*ARGUMENTS, *more]) == 0
    settings = heard["settings"]
    assert [heard[key] for key in ("target", "data", "out")] == [
        "segmentation", "cohort", "m.safetensors",
    ]  # fmt: skip
    assert (settings.minutes, settings.patch, settings.lr) == (3.0, (64, 64), 1e-3)
    assert settings.precision == "bf16"
    assert not settings.augment
    assert heard["resume"]
    assert heard["init"] == "a.safetensors"
    assert not heard["progress"]
    printed = json.loads(capsys.readouterr().out)
    assert printed["epochs"] == 2
    assert printed["ended_by"] == "minutes"


def shown_help(option, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["train", option])
    assert stop.value.code == 0
    return capsys.readouterr().out


def test_help_shows_what_most_trainings_need_and_help_all_every_option(capsys):
    basic, full = shown_help("--help", capsys), shown_help("--help-all", capsys)
    assert len(basic.splitlines()) < 60
    # Printing all options has changed no later help.
    assert shown_help("--help", capsys) == basic
    every = [a for a in make_parser().parse_args(ARGUMENTS).parser._actions if a.dest != "command"]
    (commands,) = (a for a in every if isinstance(a, argparse._SubParsersAction))
    names = [text for a in commands.choices["train"]._actions for text in a.option_strings]
    assert len(names) > 40
    missing = {name for name in names if not re.search(rf"^  .*{name}\b", full, re.MULTILINE)}
    assert missing == set()
    hidden = {name for name in names if not re.search(rf"{name}\b", basic)} - {"--no-tensorboard"}
    assert {"--lr", "--shares", "--precision"} <= hidden
    assert not {"--data", "--out", "--folds", "--init", "--epochs", "--help-all"} & hidden
    assert f"the {len(hidden)} other options" in " ".join(basic.split())


def test_usage(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["train", "dream", "--data", "x", "--out", "y"])
    assert stop.value.code == 2
    assert main([*ARGUMENTS, "--patch", "a,b"]) == 4
    assert main([*ARGUMENTS, "--patch", "100"]) == 4
    assert "multiples of 16" in capsys.readouterr().err


def test_without_torch_it_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(ARGUMENTS) == 4
    assert "pip install 'spinalcord[train]'" in capsys.readouterr().err
