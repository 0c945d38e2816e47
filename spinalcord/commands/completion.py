"""The command ``spinalcord completion``: a script that completes commands and options in a shell.

The script is made from the parsers, so it knows what the installed version knows. It offers
commands, the choices of options, and options once a dash is typed; elsewhere the shell completes
file names.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable, Iterator

from .output import DONE

SUMMARY = "print a script that completes commands and options in bash or zsh"
EXAMPLE = 'eval "$(spinalcord completion bash)"   # in ~/.bashrc, or zsh in ~/.zshrc'

SHELLS = ("bash", "zsh")

_ZSH = """\
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
autoload -Uz bashcompinit && bashcompinit
"""

_SCRIPT = """\
_spinalcord() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}"
    local command="${{COMP_WORDS[1]}}" words="" options=""
    [ "$COMP_CWORD" -le 1 ] && command=""
    case "$command" in {grouped})
        [ "$COMP_CWORD" -gt 2 ] && command="$command ${{COMP_WORDS[2]}}" ;;
    esac
    case "$command $previous" in
{choices}
    *)
        case "$command" in
{words}
        esac
        case "$current" in -*) words="$options" ;; esac ;;
    esac
    COMPREPLY=( $(compgen -W "$words" -- "$current") )
}}
complete -o default -F _spinalcord spinalcord
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))


def run(options: argparse.Namespace) -> int:
    """Print the script."""
    print(completion_script(options.parser, options.shell), end="")
    return DONE


def completion_script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Return the script for a shell.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Parser of the whole command line.
    shell : {"bash", "zsh"}
        Zsh runs the same function by its ``bashcompinit``.

    Returns
    -------
    str
    """
    choices: list[str] = []
    words: list[str] = []
    grouped: list[str] = []
    for name, command in _commands("", parser):
        options = [text for action in command._actions for text in action.option_strings]
        free: list[str] = []  # what may stand where no option does
        for action in command._actions:
            if isinstance(action, argparse._SubParsersAction):
                free += action.choices
                grouped.append(name)
            elif action.choices and action.option_strings:
                patterns = "|".join(shlex.quote(f"{name} {t}") for t in action.option_strings)
                choices.append(f"    {patterns}) words={_quoted(action.choices)} ;;")
            elif action.choices:
                free += action.choices
        told = f"words={_quoted(free)} options={_quoted(options)}"
        words.append(f"        {shlex.quote(name)}) {told} ;;")
    script = _SCRIPT.format(
        grouped="|".join(name for name in grouped if name),
        choices="\n".join(choices),
        words="\n".join(words),
    )
    return _ZSH + script if shell == "zsh" else script


def _commands(
    name: str, parser: argparse.ArgumentParser
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield every parser with the words that lead to it, the given one first."""
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, below in action.choices.items():
                yield from _commands(f"{name} {word}".strip(), below)


def _quoted(words: Iterable[str]) -> str:
    return shlex.quote(" ".join(words))
