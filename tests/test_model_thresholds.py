"""Thresholds of classifiers: chosen on validation cases, frozen in files, and published."""

from __future__ import annotations

import json
import shutil
import sys

import pytest
from model_steps import step

from spinalcord.models.folder import find_models, write_random
from spinalcord.models.int8 import stored_ranges, write_ranges
from spinalcord.models.model_file import read_model

pytest.importorskip("torch", reason="torch is not installed")

TASK = "astrocytoma_vs_ependymoma"


def case(table, diagnosis, p=None):
    return {"table": table, "diagnosis": diagnosis, "answers": [] if p is None else [0.5, p, 0.5],
            "true_answers": [0.5, 0.9, 0.5]}  # fmt: skip


CASES = [
    *(case("mixed", "astrocytoma", p) for p in (0.1, 0.2, 0.3, 0.46)),
    *(case("mixed", "ependymoma", p) for p in (0.25, 0.42, 0.44, 0.5)),
    case("mixed", "ependymoma"),  # nothing was outlined
    case("mixed", "MS", 0.9),  # not asked
    *(case("typical", "ependymoma", p) for p in (0.05, 0.06)),  # the test
]


def figures(path, models, cases=CASES):
    weights = {r: step("weights").sum_of_tensors(m.path) for r, m in models.items()}
    path.write_text(json.dumps({"precision": "bf16", "new": {"weights": weights, "cases": cases}}))
    return path


def run(monkeypatch, name, *arguments):
    monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
    step(name).main()


def test_the_validation_cases_choose_it():
    chosen = step("choose_thresholds").choose(CASES, TASK)
    # Three of four right of either class, between .3 and .42; the test cases are not among the 8.
    assert 0.3 < chosen["threshold"] < 0.42
    assert chosen["threshold_from"] == "validation, Youden, 8 cases"


def test_without_an_order_there_is_none():
    same = [case("mixed", name, 0.4) for name in ("astrocytoma", "ependymoma") * 2]
    with pytest.raises(SystemExit, match="no threshold separates 4 validation cases"):
        step("choose_thresholds").choose(same, TASK)


def test_it_is_frozen_in_the_file(random_models, tmp_path, monkeypatch):
    folder = shutil.copytree(random_models, tmp_path / "models")
    models = find_models(folder).models
    before = {role: model.metadata for role, model in models.items()}
    told = figures(tmp_path / "figures.json", models)
    run(monkeypatch, "choose_thresholds", told, "--name", "new", "--models", folder,
        "--tasks", TASK)  # fmt: skip
    after = {role: model.metadata for role, model in find_models(folder).models.items()}
    assert 0.3 < after[TASK]["labels"].pop("threshold") < 0.42
    assert after[TASK]["labels"].pop("threshold_from") == "validation, Youden, 8 cases"
    for key in ("threshold", "threshold_from"):
        before[TASK]["labels"].pop(key, None)
    assert after == before


def test_figures_of_other_weights_are_refused(random_models, tmp_path, monkeypatch):
    models = find_models(random_models).models
    told = figures(tmp_path / "figures.json", models | {TASK: models["ms_vs_nmosd"]})
    with pytest.raises(SystemExit, match="has the figures of other weights"):
        run(monkeypatch, "choose_thresholds", told, "--name", "new", "--models", random_models,
            "--tasks", TASK)  # fmt: skip


def test_a_published_file_keeps_its_scales_with_its_weights(random_models, tmp_path, monkeypatch):
    new, package = (shutil.copytree(random_models, tmp_path / n) for n in ("new", "package"))
    ranges = {"conv0": (0.0, 1.5), "conv0:in": (-1.0, 2.0)}
    about = {"calibration": {"cases": 3, "seed": 0}}
    write_ranges(read_model(package / f"{TASK}.safetensors"), ranges, about)
    models = find_models(new).models
    told = figures(tmp_path / "figures.json", models)
    run(monkeypatch, "choose_thresholds", told, "--name", "new", "--models", new, "--tasks", TASK)
    run(monkeypatch, "publish", new, "--to", package, "--roles", TASK)
    published = read_model(package / f"{TASK}.safetensors")
    assert 0.3 < published.threshold < 0.42
    assert stored_ranges(published) == [(name, *pair) for name, pair in ranges.items()]
    stored = json.loads((package / "int8-scales.json").read_text("utf-8"))
    assert stored[f"{TASK}.safetensors"]["calibration"] == about["calibration"]


def test_other_weights_have_no_scales(random_models, tmp_path):
    kept = step("publish").kept_ranges
    write_random(tmp_path, seed=2)
    published, other = (folder / f"{TASK}.safetensors" for folder in (tmp_path, random_models))
    assert kept(published, published) is None  # it has none
    write_ranges(read_model(published), {"conv0": (0.0, 1.5)}, {"calibration": {"cases": 3}})
    assert kept(published, published) is not None
    assert kept(published, other) is None
    assert kept(tmp_path / "absent.safetensors", other) is None


def test_a_published_file_tells_what_was_measured_with_its_weights(random_models, tmp_path):
    models = find_models(random_models).models
    told = json.loads(figures(tmp_path / "figures.json", models).read_text("utf-8"))
    own = step("publish").own_figures(told, models[TASK])  # whatever the versions are called
    assert [*own] == [told["precision"]]
    assert f"AUC, `{TASK}`, its outlines" in own[told["precision"]]
    other = find_models(write_random(tmp_path / "other", seed=2)[0].parent).models[TASK]
    assert step("publish").own_figures(told, other) == {}
