"""Folders of model files: what is found, and the random sets for trying things out."""

from __future__ import annotations

import numpy as np
import pytest
from model_files import METADATA, SEGMENTATION, changed, write_raw

from spinalcord.errors import InputError, ModelError
from spinalcord.models import folder as models
from spinalcord.models.folder import ROLES, find_models, list_models, write_random
from spinalcord.models.model_file import map_model
from spinalcord.models.network import Network


def test_finds_models_by_what_they_say_they_are(tmp_path):
    write_raw(tmp_path / "a.safetensors")
    write_raw(tmp_path / "z.safetensors", metadata=SEGMENTATION)
    (tmp_path / "notes.txt").write_text("not a model")
    (tmp_path / ".half-written.safetensors").write_text("")
    folder = find_models(tmp_path)
    assert list(folder.models) == ["segmentation", "ms_vs_nmosd"]
    assert folder.model("segmentation").path == tmp_path / "z.safetensors"
    with pytest.raises(ModelError, match="no model for tumor_vs_demyelination; found: segm"):
        folder.model("tumor_vs_demyelination")


def test_models_for_one_role_that_differ_are_refused(tmp_path):
    write_raw(tmp_path / "a.safetensors")
    write_raw(tmp_path / "b.safetensors", metadata=changed(METADATA, "labels.threshold", 0.6))
    differ = (
        r"two models for ms_vs_nmosd, a\.s.* and b\.s.*, which make no ensemble: "
        "labels.threshold is 0.4 in the one and 0.6 in the other"
    )
    with pytest.raises(ModelError, match=differ):
        find_models(tmp_path)
    assert all("make no ensemble" in row["error"] for row in list_models(tmp_path))


def test_models_for_one_role_that_agree_are_one(tmp_path):
    write_raw(tmp_path / "a.safetensors")
    write_raw(tmp_path / "b.safetensors", metadata=changed(METADATA, "version", "2"))
    model = find_models(tmp_path).model("ms_vs_nmosd")
    assert (model.name, model.version) == ("test-ms-vs-nmosd", "1 + 2")
    assert [row["members"] for row in list_models(tmp_path)] == [2, 2]
    assert [m["file"] for m in model.to_dict()["members"]] == ["a.safetensors", "b.safetensors"]


def test_damaged_model_is_named(tmp_path):
    write_raw(tmp_path / "a.safetensors")
    (tmp_path / "b.safetensors").write_bytes(b"12345678{")
    with pytest.raises(ModelError, match=r"b\.safetensors is damaged"):
        find_models(tmp_path)
    good, bad = list_models(tmp_path)
    assert (good["file"], good["role"]) == ("a.safetensors", "ms_vs_nmosd")
    assert good["notice"] == METADATA["notice"]
    assert bad["file"] == "b.safetensors"
    assert "damaged" in bad["error"]


def test_missing_folder_is_refused(tmp_path):
    for function in (find_models, list_models):
        with pytest.raises(ModelError, match="none is not a folder"):
            function(tmp_path / "none")


def test_without_shipped_models_the_way_to_get_some_is_told(tmp_path, monkeypatch):
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setattr(models, "WEIGHTS_DIR", tmp_path)
    assert list_models() == []
    with pytest.raises(ModelError, match="`spinalcord models random FOLDER`"):
        find_models().model("segmentation")
    with pytest.raises(ModelError, match=r"has no model for segmentation; found: none"):
        find_models(empty).model("segmentation")


@pytest.fixture(scope="module")
def random_set(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "made"
    return folder, write_random(folder, seed=3)


def test_random_set_has_every_role_and_says_what_it_is(random_set):
    folder, paths = random_set
    assert [path.name for path in paths] == [f"{role}.safetensors" for role in ROLES]
    found = find_models(folder)
    assert list(found.models) == list(ROLES)
    for model in found.models.values():
        assert "random weights (seed 3)" in model.notice
        assert "results mean nothing" in model.notice
        assert model.preprocessing["mode"] == "physical"
        assert model.preprocessing["pixel_mm"] == 1.0
    assert found.model("segmentation").outputs == ("lesion", "cord")


@pytest.mark.slow
def test_random_sets_repeat_by_seed_and_differ_by_role(random_set, tmp_path):
    _, paths = random_set
    again, other = write_random(tmp_path / "a", 3), write_random(tmp_path / "b", 4)
    assert [p.read_bytes() for p in paths] == [p.read_bytes() for p in again]
    assert all(p.read_bytes() != q.read_bytes() for p, q in zip(paths, other, strict=True))
    data = []
    for path in paths[1:]:
        with map_model(path) as (model, buffer):
            data.append(buffer[model.tensors[0].begin :])
    assert len(set(data)) == 3


def test_random_segmentation_finds_something_yet_not_everything(random_set):
    network = Network.open(random_set[1][0], threads=1)
    labels = network.metadata["labels"]
    image = np.random.default_rng(5).random((1, 1, 96, 160), np.float32)
    lesion, cord = network(image)[0]
    assert 0.001 < (lesion >= labels["threshold"]).mean() < 0.03
    assert 0.03 < (cord >= labels["cord_threshold"]).mean() < 0.3


def test_random_set_refuses(tmp_path):
    with pytest.raises(InputError, match="seed is -1"):
        write_random(tmp_path, -1)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_random(tmp_path / "file", 0)
