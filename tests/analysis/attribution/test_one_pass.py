"""Classifying and explaining from one pass gives the bits of doing one after the other."""

from __future__ import annotations

import numpy as np
import pytest
from nets.cases import Case, write_case

from spinalcord import _core
from spinalcord.analysis.attribution import ExplanationOptions, OnePass, map_attribution
from spinalcord.analysis.case import analyse
from spinalcord.analysis.pipeline import Pipeline
from spinalcord.models.ensemble import open_model
from spinalcord.models.folder import find_models
from spinalcord.models.network import Network
from spinalcord.phantom import make_case
from spinalcord.scans.preparation import Stopwatch, WorkingScan
from spinalcord.tasks import TASKS

from .networks import Answers

PRECISIONS = [p for p in ("f32", "bf16", "int8") if p in _core.cpu()["precisions"]]


class Counted:
    """A network that counts its passes."""

    def __init__(self, network):
        self._network = network
        self.passes = 0

    def __getattr__(self, name):
        return getattr(self._network, name)

    def __call__(self, images):
        self.passes += 1
        return self._network(images)

    def gradcam(self, images, index):
        self.passes += 1
        return self._network.gradcam(images, index)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(3).random((5, 3, 64, 96), np.float32)


@pytest.fixture(params=PRECISIONS[:2])
def network(request, tmp_path):
    path = write_case(tmp_path, Case("densenet121", (1, 3, 64, 64)))
    return Network.open(path, request.param, 2)


def answered(network, images, size):
    """Classify in batches and return probabilities and what was kept."""
    kept = OnePass(ExplanationOptions())
    answer = kept.answering(network)
    parts = [answer(images[i : i + size]) for i in range(0, len(images), size)]
    return np.concatenate(parts), kept


@pytest.mark.slow
@pytest.mark.parametrize("method", ["gradcam", "hirescam"])
@pytest.mark.parametrize("index", [0, 1, None])
def test_bits_are_those_of_two_calls(network, images, method, index):
    size = 2 * network.threads
    probabilities, kept = answered(network, images, size)
    alone = np.concatenate([network(images[i : i + size]) for i in range(0, len(images), size)])
    np.testing.assert_array_equal(probabilities, alone)
    found = kept.maps(network.model.role, index, network.model.threshold)
    want = map_attribution(network, images, ExplanationOptions(method), index=index)
    assert (found.index, found.positive, found.channels) == (want.index, want.positive, None)
    np.testing.assert_array_equal(found.values, want.values)
    assert found.values.std() > 0


@pytest.mark.slow
def test_both_answers_at_once_are_each_alone(network, images):
    both, probabilities = network.gradcam(images, None)
    for index in (0, 1):
        maps, alone = network.gradcam(images, index)
        np.testing.assert_array_equal(both[:, index], maps)
        np.testing.assert_array_equal(probabilities, alone)
    assert both.shape == (5, 2, 2, 3)
    assert not np.array_equal(both[:, 0], both[:, 1])


@pytest.mark.slow
def test_an_ensemble_keeps_the_means_of_its_members(tmp_path, images):
    folder = tmp_path / "models"
    folder.mkdir()
    for seed in (1, 2):
        write_case(folder, Case("densenet121", (1, 3, 64, 64), seed=seed))
    network = open_model(find_models(folder).model("ms_vs_nmosd"), threads=2)
    assert len(network.members) == 2
    probabilities, kept = answered(network, images, 4)
    parts = [network(images[i : i + 4]) for i in range(0, len(images), 4)]
    np.testing.assert_array_equal(probabilities, np.concatenate(parts))
    want = map_attribution(network, images, ExplanationOptions())
    found = kept.maps(network.model.role, None, network.model.threshold)
    np.testing.assert_array_equal(found.values, want.values)
    assert found.positive == want.positive


@pytest.mark.parametrize("options", [("layercam", "block3"), ("gradcam", "block4"), ("occlusion",)])
def test_other_methods_keep_nothing(options):
    network = Answers(lambda image: 0.3)
    kept = OnePass(ExplanationOptions(*options))
    assert kept.answering(network) is network
    assert kept.maps("ms_vs_nmosd", None, 0.5) is None
    difference = OnePass(ExplanationOptions(of="difference"))
    assert difference.answering(network) is network


@pytest.mark.slow
@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_case_is_computed_once(precision):
    phantom = make_case("MS", 3, region="cervical", kind="2d")
    pipeline = Pipeline(precision=precision, threads=2)
    case = pipeline.run(phantom.t2, mask=phantom.lesion)
    diagnosis = pipeline.classify(phantom.t2, mask=phantom.lesion)
    assert case.diagnosis.tasks == diagnosis.tasks
    assert len(case.explanations) == 2
    for task, found in case.explanations.items():
        alone = pipeline.explain(phantom.t2, task=task, mask=phantom.lesion)
        np.testing.assert_array_equal(found.map.array, alone.map.array)
        got, want = found.to_dict(), alone.to_dict()
        for values in (got, want):
            del values["seconds"]
        assert got == want


def test_explaining_runs_no_network(scan, model_folder):
    opened = Pipeline(model_folder, threads=2)
    counted = {task: Counted(opened.network(task)) for task in TASKS}
    network = {"segmentation": opened.network("segmentation"), **counted}.__getitem__
    case = analyse(WorkingScan(scan), network, watch=Stopwatch())
    assert len(case.explanations) == 2
    n_batches = -(-len(case.diagnosis.tasks["ms_vs_nmosd"].slices) // 4)
    assert {task: each.passes for task, each in counted.items()} == dict.fromkeys(TASKS, n_batches)
