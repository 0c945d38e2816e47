"""`spinalcord completion`: what the shells offer."""

from __future__ import annotations

import shlex
import shutil
import subprocess

import pytest

from spinalcord.cli import COMMANDS, main

TRY = """
COMP_WORDS=({words})
COMP_CWORD={last}
COMPREPLY=()
_spinalcord
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def script(capsys):
    assert main(["completion", "bash"]) == 0
    return capsys.readouterr().out


def offered(script, *words):
    """What bash offers for the last word."""
    program = TRY.format(words=shlex.join(["spinalcord", *words]), last=len(words))
    done = subprocess.run(
        ["bash", "--norc", "-c", script + program], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_offers_commands_actions_options_and_choices(script):
    assert offered(script, "") == list(COMMANDS)
    assert offered(script, "s") == ["segment", "stats"]
    assert offered(script, "segment", "--pre") == ["--precision"]
    assert offered(script, "run", "--masks", "") == ["compare", "use", "ignore"]
    assert offered(script, "explain", "scan.nii.gz", "--task", "ms") == ["ms_vs_nmosd"]
    assert offered(script, "models", "") == [
        "list",
        "verify",
        "quantize",
        "export",
        "import",
        "random",
    ]
    assert "--seed" in offered(script, "models", "random", "--")
    assert offered(script, "completion", "") == ["bash", "zsh"]


def test_bash_leaves_files_to_the_shell(script):
    for words in (["segment", ""], ["segment", "scan"], ["run", "bids", "--models", ""]):
        assert offered(script, *words) == []
    assert script.rstrip().endswith("complete -o default -F _spinalcord spinalcord")


def test_zsh_takes_the_same_function(capsys):
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    assert main(["completion", "zsh"]) == 0
    script = capsys.readouterr().out
    program = f"autoload -Uz compinit && compinit -u -D\n{script}\nwhence -w _spinalcord"
    done = subprocess.run(["zsh", "-f", "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "_spinalcord: function\n", "")


def test_another_shell_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["completion", "fish"])
    assert stopped.value.code == 2
    assert "bash" in capsys.readouterr().err
