"""The model card: its tables are what was measured, on the weights that ship."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from model_steps import step

from spinalcord.models.folder import ROLES, WEIGHTS_DIR, find_models
from spinalcord.tasks import TASKS

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "benchmarks" / "results" / "models-2.json"

pytest.importorskip("torch", reason="torch is not installed")


@pytest.fixture(scope="module")
def card():
    return step("card_tables")


@pytest.fixture(scope="module")
def figures():
    return json.loads(FIGURES.read_text(encoding="utf-8"))


def test_the_page_has_the_measured_tables(card, figures):
    page = (ROOT / "docs" / "models-made.md").read_text(encoding="utf-8")
    tables = page.split(card.BEGIN)[1].split(card.END)[0]
    assert tables.strip() == card.make_card(figures).strip()


@pytest.fixture(scope="module")
def later():
    path = FIGURES.with_name("models-3.json")
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_weights_that_ship_are_those_that_were_measured(figures, later):
    models = find_models(WEIGHTS_DIR).models
    last = later["these models"]
    assert set(models) == set(ROLES) == set(figures["weights"]) == set(last["weights"])
    for role, model in models.items():
        assert step("weights").sum_of_tensors(model.path) == last["weights"][role], role
    # None is that of version 2, whose figures the page has in full.
    assert not set(last["weights"].values()) & set(figures["weights"].values())
    assert models["segmentation"].metadata["labels"] == last["labels"]
    thresholds = {task: models[task].threshold for task in TASKS}
    assert thresholds == pytest.approx(last["thresholds"], abs=1e-5)


def test_each_model_file_tells_its_own_figures():
    versions = step("publish").VERSIONS
    for role, model in find_models(WEIGHTS_DIR).models.items():
        told = json.dumps(model.metadata["training"]["test"])
        assert model.metadata["version"] == versions.get(role, "2")
        assert "synthetic" in model.metadata["notice"]
        if role == "segmentation":
            assert "Dice, typical MS" in told
        elif role in versions:
            assert f"AUC, `{role}`, its outlines" in told
        else:
            assert f"{role}: AUC" in told
