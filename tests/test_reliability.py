"""docs/reliability.md: every test that it names is there, and every kind of scan has its row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/.]+?\.(?:py|c)(?:::\w+)?)`", PAGE)))


def test_tests_are_named():
    assert len(NAMED) > 30


@pytest.mark.parametrize("named", NAMED)
def test_every_named_test_is_there(named):
    file, _, function = named.partition("::")
    text = (ROOT / file).read_text(encoding="utf-8")
    assert not function or f"def {function}(" in text


def test_every_row_of_a_fault_names_a_test():
    rows = [line for line in PAGE.split("## Counts")[0].splitlines() if line.startswith("| ")]
    rows = [row for row in rows if row.count("|") == 4 and not re.match(r"\| \w+ \| \w+ \w+ ", row)]
    without = [row for row in rows if not re.search(r"`(tests|\.ci)/|not tested", row)]
    assert without == []


def test_commands_are_there():
    commands = re.findall(r"`(?:\w+=1 )*(tests/[\w/.]+)[ `]", PAGE.split("## Counts")[1])
    for command in [*commands, *re.findall(r"`(\.ci/\w+)[ `]", PAGE)]:
        assert (ROOT / command).exists(), command


def test_every_kind_of_scan_has_its_row(scans):
    kinds = {path.name for path in scans.iterdir() if path.is_dir()}
    assert {kind for kind in kinds if f"`{kind}`" not in PAGE} == set()
