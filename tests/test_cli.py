"""The command line: streams, exit codes, help."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import shlex
import signal
import struct
import subprocess
import sys
import termios
import time

import nibabel
import numpy as np
import pytest
from command_line import run_command
from stand_ins import stored

from spinalcord.cli import COMMANDS, main


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


def test_help_waits_for_nothing_heavy():
    code = (
        "import sys\n"
        "from spinalcord.cli import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit:\n    pass\n"
        "heavy = {'numpy', 'nibabel', 'SimpleITK', 'spinalcord._core'} & set(sys.modules)\n"
        "sys.exit(' '.join(sorted(heavy)) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.returncode == 0
    assert "models" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_summary_and_an_example_in_its_help(name, capsys):
    with pytest.raises(SystemExit) as exit_:
        main([name, "--help"])
    assert exit_.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    summary = COMMANDS[name].SUMMARY
    assert f"{summary[0].upper()}{summary[1:]}." in shown
    assert f"example: {' '.join(COMMANDS[name].EXAMPLE.split())}" in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_are_command_lines(name, monkeypatch):
    """Each is parsed by the parser, and by the shell before that."""
    asked = []
    monkeypatch.setattr(COMMANDS[name], "run", lambda options: asked.append(options) or 0)
    words = shlex.split(COMMANDS[name].EXAMPLE, comments=True)
    if name == "completion":
        words = shlex.split(words[1].removeprefix("$(").removesuffix(")"))
    assert words[:2] == ["spinalcord", name]
    assert main(words[1:]) == 0
    assert len(asked) == 1


def test_version_is_the_package_s():
    import spinalcord

    assert run_command("--version").stdout == f"spinalcord {spinalcord.__version__}\n"


def test_reader_that_goes_away_is_no_traceback(random_models):
    command = [sys.executable, "-m", "spinalcord.cli", "models", "list", "--models", random_models]
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, text=True)
    os.close(write_end)
    assert done.returncode == 1
    assert done.stderr == ""


@pytest.mark.slow
def test_ctrl_c_exits_130_without_traceback(interruptible, tmp_path):
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


@pytest.mark.slow
def test_warnings_go_to_standard_error_unless_quiet(random_models, scan_file, tmp_path):
    image = nibabel.load(scan_file)
    image = nibabel.Nifti1Image(np.asarray(image.dataobj), image.affine)
    image.set_qform(image.affine, 1)
    image.header["qoffset_x"] += 40
    path = tmp_path / "t2.nii.gz"
    nibabel.save(image, path)
    for quiet in ([], ["--quiet"]):
        done = run_command("segment", path, "--models", random_models, "-o", tmp_path, *quiet)
        assert done.returncode == 0
        first = json.loads(done.stdout)["warnings"][0]
        assert "qform and sform disagree" in first
        assert ("spinalcord: warning: " in done.stderr) == (not quiet)


@pytest.mark.slow
def test_ctrl_c_during_computation_exits_130(interruptible, random_models, tmp_path):
    volume = stored(np.random.default_rng(0).random((60, 256, 256), np.float32))
    path = tmp_path / "t2.nii"
    nibabel.save(nibabel.Nifti1Image(volume.array, volume.affine), path)
    command = [sys.executable, "-m", "spinalcord.cli", "segment", path, "--models", random_models]
    process = subprocess.Popen(
        [*map(str, command), "-o", str(tmp_path / "out"), "--threads", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(2.5)
    start = time.perf_counter()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert time.perf_counter() - start < 3
    assert process.returncode == 130
    assert (out, err) == ("", "spinalcord: interrupted\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_bar_shows_on_a_terminal(random_models, tmp_path):
    """A pseudo-terminal as standard error, and a scan that takes more than two seconds."""
    volume = stored(np.random.default_rng(0).random((60, 192, 192), np.float32))
    path = tmp_path / "t2.nii"
    nibabel.save(nibabel.Nifti1Image(volume.array, volume.affine), path)
    command = [sys.executable, "-m", "spinalcord.cli", "segment", path, "--models", random_models]
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    process = subprocess.Popen(
        [*map(str, command), "-o", str(tmp_path), "--threads", "1"],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            block = os.read(ours, 4096)
        except OSError:  # the other end has closed
            break
        if not block:
            break
        seen += block
    os.close(ours)
    assert process.wait(60) == 0
    assert b"segment" in seen
    assert b"slice" in seen
