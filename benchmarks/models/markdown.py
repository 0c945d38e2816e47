"""Write Markdown tables, and replace them in a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def replace_part(page: Path, begin: str, end: str, text: str) -> None:
    """Replace what lies between two marks in a page."""
    head, rest = page.read_text(encoding="utf-8").split(begin)
    tail = rest.split(end)[1]
    page.write_text(f"{head}{begin}\n{text}{end}{tail}", encoding="utf-8")


def brief(sentence: str) -> str:
    """Return an estimate in words without the words of its interval."""
    return sentence.replace("95 % CI: ", "")


def number(sentence: str) -> str:
    """Return an estimate in words without its interval."""
    return brief(sentence).split(" [")[0]
