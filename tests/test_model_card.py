"""The model card: its tables are what was measured, on the weights that ship."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from spinalcord.models.folder import ROLES, WEIGHTS_DIR, find_models

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "benchmarks" / "results" / "models-2.json"
LATER = ROOT / "benchmarks" / "results" / "models-3.json"

pytest.importorskip("torch", reason="torch is not installed")


def program(name):
    path = ROOT / "benchmarks" / "models" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def card():
    return program("card")


@pytest.fixture(scope="module")
def versions(card):
    return program("versions")


@pytest.fixture(scope="module")
def figures():
    return json.loads(FIGURES.read_text(encoding="utf-8"))


def test_the_page_has_the_measured_tables(card, figures):
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    tables = page.split(card.BEGIN)[1].split(card.END)[0]
    assert tables.strip() == card.make_card(figures).strip()


@pytest.fixture(scope="module")
def later():
    return json.loads(LATER.read_text(encoding="utf-8"))


def test_the_page_has_the_table_of_versions(versions, later, figures):
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    made = page.split(versions.BEGIN)[1].split(versions.END)[0]
    assert made.strip() == versions.make_table(later, figures).strip()


def test_the_weights_that_ship_are_those_that_were_measured(card, figures, later):
    models = find_models(WEIGHTS_DIR).models
    measured = later["version 3"]["weights"]
    assert set(models) == set(ROLES) == set(figures["weights"]) == set(measured)
    for role, model in models.items():
        assert card.sum_of_tensors(model.path) == measured[role], role
    # The classifiers are those of version 2, whose figures the page has in full.
    assert [r for r in ROLES if figures["weights"][r] != measured[r]] == ["segmentation"]
    limits = later["version 3"]["labels"]
    assert models["segmentation"].metadata["labels"] == limits


def test_each_model_file_tells_its_own_figures():
    for role, model in find_models(WEIGHTS_DIR).models.items():
        told = json.dumps(model.metadata["training"]["test"])
        assert model.metadata["version"] == ("3" if role == "segmentation" else "2")
        assert "synthetic" in model.metadata["notice"]
        assert ("Dice, typical MS" in told) if role == "segmentation" else (f"{role}: AUC" in told)
