"""Ensembles and test-time flips: the mean of what networks say, compared with doing it by hand."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest
from model_files import METADATA, SEGMENTATION, changed, write_raw
from stand_ins import lesion_of, stored, working_array

from spinalcord.analysis.attribution import ExplanationOptions
from spinalcord.analysis.attribution.maps import map_attribution
from spinalcord.analysis.pipeline import Pipeline
from spinalcord.errors import InputError, ModelError
from spinalcord.models.architectures import NORM_EPS, random_tensors
from spinalcord.models.ensemble import Ensemble, files_of, open_model
from spinalcord.models.folder import find_models, list_models, verify_models
from spinalcord.models.model_file import read_model, write_model
from spinalcord.models.network import Network
from spinalcord.tasks import TASKS

FLIPS = list(
    itertools.chain.from_iterable(itertools.combinations(("rows", "columns"), n) for n in range(3))
)


def write(path, seed, *, metadata=None, flips=None, context=False):
    metadata = dict(metadata or METADATA)
    metadata["norm_eps"] = NORM_EPS[metadata["network"]]
    preprocessing = {"mode": "physical", "pixel_mm": 1.0, "size": [64, 64], "clip": 5.0}
    if context:
        preprocessing["context_mm"], metadata["in_channels"] = 3.5, 3
    if flips:
        preprocessing["flips"] = flips
    metadata["preprocessing"] = preprocessing
    tensors = random_tensors(
        metadata["network"], seed, in_channels=metadata["in_channels"],
        outputs=len(metadata["labels"].get("outputs", "--")),
        final_norm=metadata.get("final_norm", True),
    )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_model(path, tensors, metadata)


def flipped(array, names):
    return np.flip(array, [{"rows": -2, "columns": -1}[name] for name in names]).copy()


@pytest.fixture(scope="module")
def classifiers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classifiers")
    return [write(folder / f"{seed}.safetensors", seed) for seed in (1, 2)]


@pytest.fixture
def images():
    return np.random.default_rng(0).random((3, 3, 64, 64), np.float32)


def joined(paths):
    return find_models(paths[0].parent).model("ms_vs_nmosd")


@pytest.mark.slow
def test_probabilities_are_the_mean_of_the_members(classifiers, images):
    network = open_model(joined(classifiers))
    assert isinstance(network, Ensemble)
    own = [Network.open(path)(images).astype(np.float64) for path in classifiers]
    assert not np.array_equal(own[0], own[1])
    assert np.array_equal(network(images), np.mean(own, 0).astype(np.float32))
    assert network.n_values == 2 * Network.open(classifiers[0]).n_values
    assert len(network.layers(64, 64)) == 2 * len(Network.open(classifiers[0]).layers(64, 64))
    again = pickle.loads(pickle.dumps(network))
    assert np.array_equal(again(images), network(images))
    assert again.model.sha256 == network.model.sha256


@pytest.mark.slow
def test_members_have_the_backend_that_was_asked_for(classifiers, images):
    network = open_model(joined(classifiers), backend="onednn")
    again = pickle.loads(pickle.dumps(network))
    assert [n.backend for n in (network, *network.members, again)] == ["onednn"] * 4
    own = [Network.open(path, backend="onednn")(images) for path in classifiers]
    assert np.array_equal(network(images), np.mean(np.float64(own), 0).astype(np.float32))
    assert open_model(joined(classifiers)).backend == "own"


@pytest.mark.slow
def test_gradcam_is_the_mean_of_the_members(classifiers, images):
    maps, said = open_model(joined(classifiers)).gradcam(images, 1)
    own = [Network.open(path).gradcam(images, 1) for path in classifiers]
    assert np.array_equal(maps, np.float32(np.mean([m.astype(np.float64) for m, _ in own], 0)))
    assert np.array_equal(said, np.float32(np.mean([p.astype(np.float64) for _, p in own], 0)))


@pytest.mark.slow
@pytest.mark.parametrize(("method", "layer"), [("gradcam++", "last"), ("gradient", "input"),
                                               ("hirescam", "input")])  # fmt: skip
def test_other_maps_are_the_mean_of_the_members(classifiers, images, method, layer):
    options = ExplanationOptions(method=method, layer=layer)
    found = map_attribution(open_model(joined(classifiers)), images, options, index=1)
    own = [map_attribution(Network.open(p), images, options, index=1) for p in classifiers]
    wanted = np.mean([o.values.astype(np.float64) for o in own], 0)
    assert np.abs(wanted).max() > 0
    assert np.array_equal(found.values, wanted.astype(np.float32))
    assert found.positive == pytest.approx(np.mean([o.positive for o in own]), abs=1e-7)
    if own[0].channels:
        for name, value in found.channels.items():
            assert value == pytest.approx(np.mean([o.channels[name] for o in own]))
    else:
        assert found.channels is None


@pytest.mark.slow
def test_flips_of_a_classifier(tmp_path, images):
    path = write(tmp_path / "a.safetensors", 1, flips=["rows", "columns"])
    network, plain = open_model(read_model(path)), Network.open(path)
    own = [plain(flipped(images, names)).astype(np.float64) for names in FLIPS]
    assert np.array_equal(network(images), np.mean(own, 0).astype(np.float32))
    maps, _ = network.gradcam(images, 0)
    heat = [flipped(plain.gradcam(flipped(images, n), 0)[0], n).astype(np.float64) for n in FLIPS]
    assert np.array_equal(maps, np.mean(heat, 0).astype(np.float32))


@pytest.mark.slow
def test_flips_of_a_segmentation_between_its_neighbors(tmp_path):
    path = write(
        tmp_path / "a.safetensors", 3, metadata=SEGMENTATION, context=True,
        flips=["columns", "neighbors"],
    )  # fmt: skip
    x = np.random.default_rng(1).random((2, 3, 48, 32), np.float32)
    network, plain = open_model(read_model(path)), Network.open(path)
    turned = np.ascontiguousarray(x[:, ::-1])
    own = [plain(x), flipped(plain(flipped(x, ["columns"])), ["columns"]),
           plain(turned), flipped(plain(flipped(turned, ["columns"])), ["columns"])]  # fmt: skip
    assert not np.array_equal(own[0], own[2])
    wanted = np.mean([o.astype(np.float64) for o in own], 0).astype(np.float32)
    assert np.allclose(network(x), wanted, rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    ("flips", "what"), [("rows", "a list"), (["depth"], "a list"), (["rows", "rows"], "once"),
                        (["neighbors"], "rows, columns"), ([["rows"]], "a list")],
)  # fmt: skip
def test_flips_that_are_none_are_refused(tmp_path, flips, what):
    write_raw(tmp_path / "a.safetensors", metadata=changed(METADATA, "preprocessing.flips", flips))
    with pytest.raises(ModelError, match=f"'flips' is .*{what}"):
        read_model(tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    ("key", "value"),
    [("preprocessing.pixel_mm", 0.5), ("labels.threshold", 0.5), ("in_channels", 4)],
)
def test_members_with_other_settings_are_refused(tmp_path, key, value):
    write_raw(tmp_path / "a.safetensors")
    write_raw(tmp_path / "b.safetensors", metadata=changed(METADATA, key, value))
    with pytest.raises(ModelError, match=f"make no ensemble: {key.split('.')[0]}"):
        find_models(tmp_path)


def test_a_limit_that_one_member_lacks_is_told(tmp_path):
    write_raw(tmp_path / "a.safetensors", metadata=SEGMENTATION)
    other = changed(SEGMENTATION, "labels.min_lesion_mm3", 20.0)
    write_raw(tmp_path / "b.safetensors", metadata=other)
    with pytest.raises(ModelError, match=r"labels.min_lesion_mm3 is not set .* 20.0 in the other"):
        find_models(tmp_path)


def test_a_member_that_is_missing_is_told(tmp_path):
    five = {**METADATA, "ensemble": {"members": 3}}
    for name in "ab":
        write_raw(tmp_path / f"{name}.safetensors", metadata=five)
    with pytest.raises(ModelError, match=r"one of an ensemble of 3 files .* its folder has 2"):
        find_models(tmp_path)


@pytest.mark.slow
def test_the_same_file_twice_is_refused(tmp_path):
    for name in "ab":
        write(tmp_path / f"{name}.safetensors", 1)
    with pytest.raises(ModelError, match=r"a\.safetensors and b\.safetensors are the same file"):
        open_model(find_models(tmp_path).model("ms_vs_nmosd"))


@pytest.mark.slow
def test_what_is_of_one_network_alone_is_refused(classifiers, images):
    network = open_model(joined(classifiers))
    with pytest.raises(InputError, match=r"features is of one network; .* has 2"):
        network.features(images)
    with pytest.raises(InputError, match="backward is of one network"):
        network.backward(images, (0, 1))
    with pytest.raises(InputError, match="index of the answer"):
        network.gradcam(images, 2)


@pytest.mark.slow
def test_list_and_verify_show_members_and_flips(tmp_path):
    for seed in (1, 2):
        write(tmp_path / f"{seed}.safetensors", seed, flips=["columns"])
    for rows in (list_models(tmp_path), verify_models(tmp_path)):
        assert [(r["file"], r["members"], r["flips"]) for r in rows] == [
            ("1.safetensors", 2, ["columns"]), ("2.safetensors", 2, ["columns"])
        ]  # fmt: skip
    assert len(files_of(find_models(tmp_path).model("ms_vs_nmosd"))) == 2


@pytest.mark.slow
def test_a_whole_case_through_an_ensemble(tmp_path):
    """Segment, classify and explain: means of what each member gives by itself."""
    names = ("one", "two")
    for seed, name in enumerate(names):
        write(tmp_path / name / "s.safetensors", seed, metadata=SEGMENTATION)
        for number, task in enumerate(TASKS.values()):
            own = changed(METADATA, "labels.task", task.name)
            own["labels"] |= {"negative": task.negative, "positive": task.positive}
            write(tmp_path / name / f"{task.name}.safetensors", 10 * seed + number, metadata=own)
        for path in (tmp_path / name).iterdir():
            target = tmp_path / "both" / f"{name}-{path.name}"
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(path.read_bytes())
    scan = stored(working_array())
    lesion = scan.like(lesion_of(working_array()))
    members = [Pipeline(tmp_path / name) for name in names]
    both = Pipeline(tmp_path / "both")
    maps = [p.segment(scan).probability.array.astype(np.float64) for p in members]
    found = both.segment(scan)
    assert np.abs(found.probability.array - np.mean(maps, 0)).max() < 1e-6
    assert len(found.to_dict()["models"][0]["members"]) == 2
    own = [p.classify(scan, mask=lesion).tasks for p in members]
    answers = both.classify(scan, mask=lesion).tasks
    for task in TASKS:
        mean = np.mean([o[task].probability for o in own])
        assert answers[task].probability == pytest.approx(mean, abs=1e-6)
    options = {"mask": lesion, "task": "ms_vs_nmosd", "target": "MS"}
    heat = [p.explain(scan, **options).map.array.astype(np.float64) for p in members]
    explained = both.explain(scan, **options)
    scale = np.abs(heat).max()
    assert scale > 0
    assert np.abs(explained.map.array - np.mean(heat, 0)).max() < 1e-5 * scale
