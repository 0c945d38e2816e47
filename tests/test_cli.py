"""The command line: streams, exit codes, help."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from spinalcord.cli import main


def run(*arguments, **options):
    command = [sys.executable, "-m", "spinalcord.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


@pytest.fixture(scope="session")
def random_models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("random")
    assert main(["models", "random", str(folder), "--seed", "1"]) == 0
    return folder


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


def test_missing_model_exits_3(tmp_path, capsys):
    assert main(["models", "verify", str(tmp_path / "none.safetensors")]) == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "none.safetensors: No such file" in printed.err


@pytest.mark.parametrize(
    "arguments",
    [[], ["models"], ["dance"], ["models", "random"], ["models", "random", "x", "--seed", "-1"]],
)
def test_usage_exits_2(arguments, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "usage: spinalcord" in printed.err


def test_help_is_quick():
    run("--help")  # caches compiled modules
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        done = run("--help")
        seconds.append(time.perf_counter() - start)
        assert done.returncode == 0
        assert "models" in done.stdout
        assert done.stderr == ""
    assert min(seconds) < 0.3


def test_version_is_the_package_s():
    import spinalcord

    assert run("--version").stdout == f"spinalcord {spinalcord.__version__}\n"


def test_reader_that_goes_away_is_no_traceback(random_models):
    command = [sys.executable, "-m", "spinalcord.cli", "models", "list", "--models", random_models]
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, text=True)
    os.close(write_end)
    assert done.returncode == 1
    assert done.stderr == ""


def test_ctrl_c_exits_130_without_traceback(tmp_path):
    # A model file that never answers: the command waits in open() until it is interrupted.
    fifo = tmp_path / "slow.safetensors"
    os.mkfifo(fifo)
    process = subprocess.Popen(
        [sys.executable, "-m", "spinalcord.cli", "models", "list", "--models", tmp_path],
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert err == "spinalcord: interrupted\n"
