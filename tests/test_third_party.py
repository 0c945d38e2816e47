"""THIRD-PARTY.md against what lies beside the extension, oneDNN's own list, and pip's metadata."""

from __future__ import annotations

import importlib.metadata
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from spinalcord import _core

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "THIRD-PARTY.md").read_text(encoding="utf-8")
PACKAGE = Path(_core.__file__).parent
# How metadata and the page may call one licence.
WORDS = {"BSD-3-Clause": "BSD-3-Clause", "MIT": "MIT", "Apache-2.0": "Apache", "MPL-2.0": "MPL"}


def table(title: str) -> list[list[str]]:
    """The rows of the table under a heading, without its head."""
    part = next(p for p in PAGE.split("\n## ") if p.startswith(title))
    rows = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_every_library_beside_the_extension_is_named_with_its_text():
    rows = table("In the wheel")
    libraries = [p for p in PACKAGE.glob("*.so*") if not p.name.startswith("_core.")]
    libraries += (PACKAGE.parent / "spinalcord.libs").glob("*.so*")
    for path in libraries:
        name = str(path.relative_to(PACKAGE.parent))
        row = next((r for r in rows if fnmatch(name, "*" + r[0].strip("`"))), None)
        assert row is not None, name
        for text in re.findall(r"`([^`]+\.txt)`", row[4]):
            assert (PACKAGE / text).stat().st_size > 5000, text


def test_what_onednn_contains_is_named():
    path = PACKAGE / "libdnnl.THIRD-PARTY-PROGRAMS.txt"
    if not path.exists():
        pytest.skip("built with ONEDNN_ROOT")
    text = path.read_text(encoding="utf-8", errors="replace")
    listed = re.findall(r"^\d+\. ([A-Z][^\n(]+(?:\(R\)[^\n(]+)?)", text, re.M)
    named = [row[0] for row in table("In oneDNN")]
    starts = [program.strip().lower() for program in listed]
    for name in named:
        assert any(start.startswith(name.lower()) for start in starts), name
    assert max(int(n) for n in re.findall(r"^(\d+)\. \S.*\n(?:.*\n)?Copyright", text, re.M)) <= 10
    assert len(named) == 10
    assert table("In the wheel")[0][2] == _core.cpu()["onednn"]


def test_every_dependency_has_its_licence():
    named = {row[0]: row[1] for row in table("Installed beside it")}
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (line,) = re.findall(r"^dependencies = (.*)$", project, re.M)
    needed = {re.split(r"[<>=~ \[;]", name)[0] for name in re.findall(r'"([^"]+)"', line)}
    assert {name.lower() for name in needed} == {name.lower() for name in named}
    for name, licences in named.items():
        about = importlib.metadata.metadata(name)
        stated = " ".join(
            [about.get("License-Expression") or "", about.get("License") or ""]
            + (about.get_all("Classifier") or [])
        )
        for licence in licences.split(", "):
            assert WORDS[licence] in stated, (name, licence, stated)


def test_nothing_else_that_is_foreign_is_packaged():
    own = {".py", ".pyi", ".pyc", ".html", ".css", ".js", ".safetensors", ".typed"}
    foreign = {
        path.name
        for path in PACKAGE.rglob("*")
        if path.is_file()
        and path.suffix not in own
        and path.name not in ("SHA256SUMS", "int8-scales.json")
    }
    known = re.compile(r"_core\..*\.so|libdnnl\.so\.3|lib(dnnl|gomp)\..*\.txt|py\.typed")
    assert {name for name in foreign if not known.fullmatch(name)} == set()


def test_every_direct_dependency_is_pinned_in_the_range_that_it_is_asked_for():
    requirements = pytest.importorskip("packaging.requirements")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lists = project[project.index("dependencies = [") : project.index("[project.scripts]")]
    asked = [requirements.Requirement(text) for text in re.findall(r'"([^"]+)"', lists)]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.lower().split("==") for line in lines if "==" in line)
    for requirement in asked:
        name = requirement.name.lower()
        if name != "spinalcord":
            assert name in pins, f"{name} has no pin"
            assert requirement.specifier.contains(pins[name]), (str(requirement), pins[name])
