"""The documentation: its links lead somewhere, and its figures are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spinalcord import stats
from spinalcord.tables.checks import PLAUSIBLE
from spinalcord.tables.words import SYNONYMS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "benchmarks/*.md", "notebooks/*.md")
    for path in ROOT.glob(pattern)
)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def anchors(path: Path) -> set[str]:
    """The links that a page's headings can be reached by, as the repository's view makes them."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_there_are_pages():
    assert {"README.md", "docs/quickstart.md", "notebooks/README.md"} <= {*map(name, PAGES)}


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_links_lead_to_what_is_there(path):
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_the_audit_of_the_letter_is_that_of_the_code():
    page = (ROOT / "docs" / "letter.md").read_text(encoding="utf-8")
    told = [line[2:] for line in page.splitlines() if line.startswith("- ")]
    assert told == [finding.text for finding in sorted_by_page(stats.letter().audit(), page)]
    rows = re.findall(r"^\| (all|difficult) \| .* \| (.*) \|$", page, re.MULTILINE)
    assert rows == [(row["cases"], row["sentence"]) for row in stats.letter().rows()]


def sorted_by_page(findings: list[stats.Finding], page: str) -> list[stats.Finding]:
    return sorted(findings, key=lambda finding: page.find(finding.text))


def test_extras_are_those_of_the_project():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    section = project.split("[project.optional-dependencies]")[1].split("\n[")[0]
    extras = re.findall(r"^(\w+) = \[", section, re.MULTILINE)
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    table = page.split("## Extras")[1].split("## ")[0]
    told = re.findall(r"`(\w+)`", "".join(re.findall(r"^\|([^|]*)\|", table, re.MULTILINE)))
    assert set(told) == set(extras)


def test_words_and_limits_of_tables_are_those_of_the_code():
    page = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|", page, re.MULTILINE))
    for meaning in ("F", "M"):
        told = {word.strip() for word in re.split("[,;]", rows[meaning]) if " " not in word.strip()}
        known = {word.casefold() for word in SYNONYMS["sex"][meaning]}
        assert {word.casefold() for word in told} <= known
    for column, (low, high) in PLAUSIBLE.items():
        limits = re.search(rf"^\|.*`{column}`.*\| ([\d,]+) \| ([\d,]+)", page, re.MULTILINE)
        assert [float(text.replace(",", "")) for text in limits.groups()] == [low, high]


def test_the_plan_of_the_house_shows_every_folder():
    picture = (ROOT / "docs" / "rooms.svg").read_text(encoding="utf-8")
    shown = re.findall(r">([^<>]+)</text>", picture)
    rooms = [p.parent.name for p in ROOT.glob("spinalcord/*/__init__.py")]
    folders = [p.name for p in ROOT.glob("csrc/*") if p.is_dir()]
    assert {*rooms, *folders} <= set(shown)
