"""The notebooks: stored without outputs; each runs from a clean kernel, with pictures.

The executed ones are left in the folder SPINALCORD_NOTEBOOKS, where it is set; the documentation
site shows them.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from spinalcord.models.folder import find_models

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

MAX_NBYTES = 24_000
MAX_SECONDS = 600
"""After which a cell hangs. What a notebook takes is among pytest's `--durations`: less than a
minute on two quiet cores. A test that failed on a busy machine would say nothing of the notebook.
"""

KEEP = os.environ.get("SPINALCORD_NOTEBOOKS")
KEEP = Path(KEEP).absolute() if KEEP else None
"""Seen from where pytest was started: the tests run in another folder."""

SHIPPED = "01", "02", "03"
"""Those that use the models of the package."""


def cells(path: Path, kind: str) -> list[dict]:
    book = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in book["cells"] if cell["cell_type"] == kind]


def text(cell: dict) -> str:
    return "".join(cell["source"])


def test_there_are_notebooks_and_all_are_listed():
    page = (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")
    assert NOTEBOOKS
    assert sorted(re.findall(r"\((\d\d_\w+\.ipynb)\)", page)) == [path.name for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_is_stored_without_outputs(path):
    for cell in cells(path, "code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
        assert cell["metadata"] == {}
    metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]
    assert metadata["language_info"] == {"name": "python"}
    assert path.stat().st_size < MAX_NBYTES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_uses_public_names_and_no_path_of_some_machine(path):
    code = "\n".join(text(cell) for cell in cells(path, "code"))
    assert not re.search(r"\b_core\b|spinalcord[\w.]*\._|\bsc\._", code)
    assert not re.search(r"[\"'](/|~|[A-Z]:)", code)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_lead_to_what_is_there(path):
    for cell in cells(path, "markdown"):
        for link in re.findall(r"\]\(([^)#\s]+)", text(cell)):
            assert "://" in link or (path.parent / link).exists(), link


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_from_a_clean_kernel_and_shows_pictures(path):
    nbformat = pytest.importorskip("nbformat", reason="notebooks run with nbclient, not installed")
    nbclient = pytest.importorskip("nbclient", reason="notebooks run with nbclient, not installed")
    pytest.importorskip("ipykernel", reason="notebooks run with ipykernel, not installed")
    pytest.importorskip("matplotlib", reason="notebooks draw with matplotlib, not installed")
    if path.stem.startswith("05"):
        pytest.importorskip("torch", reason="training needs PyTorch, not installed")
    if path.stem.startswith(SHIPPED) and not find_models().models:
        pytest.skip("the package has no trained models")
    before = {p.name for p in path.parent.iterdir()}
    book = nbformat.read(path, 4)
    resources = {"metadata": {"path": str(path.parent)}}
    client = nbclient.NotebookClient(book, timeout=MAX_SECONDS, resources=resources)
    client.execute()
    assert {p.name for p in path.parent.iterdir()} - before <= {"__pycache__"}
    outputs = [o for cell in book.cells if cell.cell_type == "code" for o in cell.outputs]
    shown = [json.dumps(o.get("data", {})) for o in outputs]
    assert any("image/png" in data or "<img" in data or "<svg" in data for data in shown)
    if KEEP:
        KEEP.mkdir(parents=True, exist_ok=True)
        nbformat.write(book, KEEP / path.name)
