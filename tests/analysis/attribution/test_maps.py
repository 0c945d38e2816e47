"""Maps of real networks' answers, with PyTorch's autograd behind our interface."""

from __future__ import annotations

import numpy as np
import pytest
from nets.cases import Case, write_case

from spinalcord.analysis.attribution import (
    METHODS,
    ExplanationOptions,
    map_attribution,
    maps,
    methods,
)
from spinalcord.analysis.attribution.maps import mean_positive
from spinalcord.models.network import Network

from .networks import Answers, TorchNetwork, sample

torch = pytest.importorskip("torch")

EVERY = [(name, layer) for name, method in METHODS.items() for layer in method.layers]


@pytest.fixture(scope="module")
def network():
    return TorchNetwork()


@pytest.fixture(scope="module")
def other():
    return TorchNetwork(seed=1)


@pytest.fixture(scope="module")
def images():
    return sample(3, 64)


def direction(index, of):
    other = -1.0 if of == "difference" else 0.0
    return np.array([1.0, other] if index == 0 else [other, 1.0], np.float32)


@pytest.mark.parametrize("index", [0, 1])
def test_closed_form_is_the_general_path(network, images, index):
    activations, gradients = network.backward(images, direction(index, "logit"))
    for name in ("gradcam", "hirescam"):
        found = map_attribution(network, images, ExplanationOptions(name), index=index)
        general = methods.FORMULAS[name](activations, gradients)
        assert np.abs(general).max() > 1e-3
        np.testing.assert_allclose(found.values, general, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("of", ["logit", "difference", "probability"])
@pytest.mark.parametrize("layer", ["block1", "block3", "last"])
@pytest.mark.parametrize("name", ["gradcam", "gradcam++", "hirescam", "layercam"])
def test_cams_follow_their_formulas(network, images, name, layer, of):
    activations, gradients = network.backward(
        images,
        direction(0, of if of == "difference" else "logit"),
        layer=layer,
        of="probability" if of == "probability" else "logit",
    )
    found = map_attribution(network, images, ExplanationOptions(name, layer, of), index=0)
    expected = methods.FORMULAS[name](activations, gradients)
    assert np.abs(expected).max() > 0
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found.values / scale, expected / scale, atol=1e-4)
    assert found.index == 0
    assert found.channels is None


@pytest.mark.slow
def test_answer_is_the_network_s_own_unless_told(network, images):
    positive = network(images)[:, 1].astype(np.float64).mean()
    for name in ("gradcam", "layercam"):
        for threshold in (positive - 1e-3, positive + 1e-3):
            network.model.threshold = threshold
            found = map_attribution(network, images, ExplanationOptions(name))
            assert found.index == int(positive >= threshold)
            assert found.positive == pytest.approx(positive, abs=1e-6)
            told = map_attribution(network, images, ExplanationOptions(name), index=1 - found.index)
            assert told.index == 1 - found.index
            assert not np.array_equal(told.values, found.values)
    network.model.threshold = 0.5
    assert mean_positive(network, images) == pytest.approx(positive, abs=1e-6)


def test_what_is_known_is_not_asked_again(network, images):
    positive = mean_positive(network, images)
    network.calls = network.passes_back = 0
    known = map_attribution(network, images, ExplanationOptions(), positive=positive)
    assert (network.calls, network.passes_back) == (2, 0)  # two batches of two images
    known = map_attribution(
        network, images, ExplanationOptions("hirescam", "block3"), positive=positive
    )
    assert (network.calls, network.passes_back) == (2, 2)
    assert known.positive == positive


@pytest.mark.slow
def test_integrated_gradients_add_up(network, images):
    """Completeness: what the pixels add is the answer less that to a black image."""
    images = images[:1]
    options = ExplanationOptions("integrated", of="difference")
    found = map_attribution(network, images, options, index=1)
    logits = network.logits(images), network.logits(np.zeros_like(images))
    gaps = [values[:, 1] - values[:, 0] for values in logits]
    expected = gaps[0] - gaps[1]
    added = found.values.sum(axis=(1, 2))
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(added, expected, atol=0.1 * np.abs(expected).max())
    assert sum(found.channels.values()) == pytest.approx(added.mean(), rel=1e-4)
    assert list(found.channels) == ["t1c", "t2", "mask"]
    assert found.channels["t1c"] == 0  # it is absent


def test_integrated_gradients_are_the_mean_over_the_way(network, images, monkeypatch):
    monkeypatch.setattr(maps, "STEPS", 4)
    some = images[:1]
    way = [(k + 0.5) / 4 for k in range(4)]
    gradients = [
        network.backward(some * np.float32(t), direction(1, "logit"), layer="input")[1] for t in way
    ]
    expected = (some * np.mean(gradients, axis=0)).sum(axis=1)
    found = map_attribution(network, some, ExplanationOptions("integrated"), index=1)
    np.testing.assert_allclose(found.values, expected, rtol=1e-3, atol=1e-6)


def test_gradient_is_the_slope_of_the_answer(network, images):
    some = images[:1]
    found = map_attribution(network, some, ExplanationOptions("gradient", of="difference"), index=1)
    _, gradients = network.backward(some, direction(1, "difference"), layer="input")
    np.testing.assert_array_equal(found.values, methods.gradient(gradients))


def test_gradient_times_input_says_what_channels_add(network, images):
    found = map_attribution(network, images, ExplanationOptions("hirescam", "input"), index=1)
    assert found.values.shape == (3, 64, 64)
    assert sum(found.channels.values()) == pytest.approx(
        found.values.sum(axis=(1, 2)).mean(), rel=1e-4
    )


@pytest.mark.parametrize("of", ["difference", "probability"])
def test_occlusion_finds_the_only_place_that_counts(of):
    network = Answers(lambda image: 0.2 + 0.6 * float(image[1, 20:40, 24:34].mean() > 0.6))
    images = sample(2, 64)
    found = map_attribution(network, images, ExplanationOptions("occlusion", of=of))
    assert (found.index, found.channels) == (1, None)
    assert found.positive == pytest.approx(0.8)
    whole = 0.6 if of == "probability" else np.log(0.8 / 0.2) - np.log(0.2 / 0.8)
    inside = found.values[0, 30, 30]
    assert 0 < inside <= whole + 1e-6
    assert found.values[0, 60, 60] == pytest.approx(0, abs=1e-9)
    against = map_attribution(network, images, ExplanationOptions("occlusion", of=of), index=0)
    np.testing.assert_allclose(against.values, -found.values, atol=1e-5)


def test_occlusion_bears_an_answer_without_doubt():
    network = Answers(lambda image: 1.0)
    found = map_attribution(network, sample(1, 64), ExplanationOptions("occlusion"))
    np.testing.assert_array_equal(found.values, 0)


def test_a_certain_answer_has_no_slope_of_its_probability(network, images):
    """A map of zeros is possible; what says so is tested with explanations."""
    with torch.no_grad():
        network.net.output.bias[1] += 200
    try:
        found = map_attribution(
            network, images, ExplanationOptions("gradcam", "block4", "probability")
        )
        logit = map_attribution(network, images, ExplanationOptions("gradcam", "block4", "logit"))
    finally:
        with torch.no_grad():
            network.net.output.bias[1] -= 200
    np.testing.assert_array_equal(found.values, 0)
    assert np.abs(logit.values).max() > 0


@pytest.mark.slow
@pytest.mark.parametrize(("name", "layer"), [e for e in EVERY if e[0] != "occlusion"])
def test_random_weights_change_the_map(network, other, images, name, layer, monkeypatch):
    """A map that other weights do not change shows the image, not the network.

    As in J. Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018, with weights drawn
    anew in all layers. Methods that add up positive parts alone keep much of the image's
    structure; the signed ones at fine layers keep none.
    """
    monkeypatch.setattr(maps, "STEPS", 4)
    options = ExplanationOptions(name, layer, "difference")
    found = [
        map_attribution(net, images, options, index=1).values.ravel() for net in (network, other)
    ]
    assert all(np.abs(values).max() > 0 for values in found)
    fine = layer in ("input", "block1", "block2") and name in ("hirescam", "gradient", "integrated")
    assert abs(np.corrcoef(found)[0, 1]) < (0.3 if fine else 0.95)


@pytest.mark.slow
def test_the_core_gives_the_same_maps(network, images, tmp_path):
    """Closed form and general path of the C core, and PyTorch's."""
    case = Case("densenet121", images.shape)
    core = Network.open(write_case(tmp_path, case), threads=1)
    _, gradients = core.backward(images, direction(1, "logit"))
    assert np.ptp(gradients, axis=(2, 3)).max() == 0  # the same everywhere
    for name, layer in (("gradcam", "last"), ("layercam", "block3"), ("hirescam", "input")):
        ours = map_attribution(core, images, ExplanationOptions(name, layer), index=1)
        theirs = map_attribution(network, images, ExplanationOptions(name, layer), index=1)
        apart = np.linalg.norm(ours.values - theirs.values)
        # A unit so near its kink that rounding decides is on in one and off in the other.
        assert apart < 5e-3 * np.linalg.norm(theirs.values)
        assert ours.positive == pytest.approx(theirs.positive, abs=1e-4)
    general = methods.gradcam(*core.backward(images, direction(1, "logit")))
    closed = map_attribution(core, images, ExplanationOptions(), index=1).values
    np.testing.assert_allclose(closed, general, rtol=1e-4, atol=1e-6)


def test_weights_of_the_head_alone_change_the_map(network, images):
    """Cascading randomisation: its first step, from the output downwards."""
    before = map_attribution(
        network, images, ExplanationOptions("gradcam", "block3"), index=1
    ).values
    kept = {key: value.clone() for key, value in network.net.state_dict().items()}
    with torch.no_grad():
        for layer in (network.net.hidden, network.net.output):
            layer.weight[:] = layer.weight[torch.randperm(len(layer.weight))]
    after = map_attribution(
        network, images, ExplanationOptions("gradcam", "block3"), index=1
    ).values
    network.net.load_state_dict(kept)
    assert not np.allclose(before, after, rtol=0.05, atol=0.05 * np.abs(before).max())
