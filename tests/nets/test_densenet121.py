"""DenseNet121 in the core against PyTorch with the same weights."""

from __future__ import annotations

import numpy as np
import pytest
from nets import cases

CASES = [case for case in cases.CASES if case.kind == "densenet121"]
every_case = pytest.mark.parametrize("case", cases.parameters("densenet121"))


@pytest.mark.slow
@every_case
def test_probabilities_in_f32(case, open_case, oracle):
    want = oracle(case)
    cases.assert_tells(case, want)
    got = open_case(case)(case.images())
    assert cases.difference(got, want["probabilities"]) <= 1e-4
    np.testing.assert_allclose(got.sum(1), 1, rtol=0, atol=1e-6)


@every_case
def test_last_maps_in_f32(case, open_case, oracle):
    want = oracle(case)
    cases.assert_tells(case, want)
    got = open_case(case).features(case.images())
    assert got.shape[1] == 1024
    assert cases.relative(got, want["features"]) <= 1e-3
    assert (got.min() >= 0) == case.options.get("final_relu", True)


@every_case
@pytest.mark.usefixtures("bf16_or_skip")
def test_probabilities_in_bf16(case, open_case, oracle):
    want = oracle(case)
    cases.assert_tells(case, want)
    got = open_case(case, "bf16")(case.images())
    assert cases.difference(got, want["probabilities"]) <= 3e-2


@pytest.mark.usefixtures("bf16_or_skip")
def test_bf16_is_another_arithmetic(open_case):
    images = CASES[0].images()
    assert not np.array_equal(open_case(CASES[0], "bf16")(images), open_case(CASES[0])(images))


@every_case
@pytest.mark.parametrize("index", [0, 1])
def test_gradcam_is_autograds(case, index, open_case, oracle):
    want = oracle(case)
    cases.assert_tells(case, want)
    net, images = open_case(case), case.images()
    maps, probabilities = net.gradcam(images, index)
    assert cases.relative(maps, want[f"gradcam{index}"]) <= 1e-3
    np.testing.assert_array_equal(probabilities, net(images))


@pytest.mark.slow
@pytest.mark.parametrize("case", [c for c in CASES if not c.slow], ids=lambda case: case.name)
def test_gradcam_sums_to_what_the_logit_gains(case, open_case):
    """Between the kinks of its hidden ReLU the head is linear: sums are exact in closed form."""
    net, images, tensors = open_case(case), case.images(), case.tensors()
    pooled = net.features(images).mean((2, 3), dtype=np.float64)
    hidden = pooled @ tensors["hidden.weight"].T + tensors["hidden.bias"]
    for index in (0, 1):
        active = tensors["output.weight"][index] * (hidden > 0)
        want = (pooled * (active @ tensors["hidden.weight"])).sum(1)
        got = net.gradcam(images, index)[0].sum((1, 2), dtype=np.float64)
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4 * np.abs(want).max())


@every_case
def test_the_maps_are_what_the_head_sees(case, open_case):
    """The head is small enough for NumPy: features and call must come from the same pass."""
    net, images, tensors = open_case(case), case.images(), case.tensors()
    pooled = net.features(images).mean((2, 3), dtype=np.float64)
    hidden = np.maximum(pooled @ tensors["hidden.weight"].T + tensors["hidden.bias"], 0)
    logits = hidden @ tensors["output.weight"].T + tensors["output.bias"]
    odds = np.exp(logits - logits.max(1, keepdims=True))
    want = odds / odds.sum(1, keepdims=True)
    np.testing.assert_allclose(net(images), want, rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "features.denseblock1.denselayer2.norm1.weight",
        "features.denseblock4.denselayer16.conv2.weight",
        "features.transition2.norm.running_mean",
    ],
)
def test_a_flipped_weight_is_noticed(name, open_case, tmp_path):
    """The comparison above is worth something: one tensor alone changes it."""
    from spinalcord.models.model_file import write_model
    from spinalcord.models.network import Network

    case = CASES[3]
    tensors = case.tensors()
    tensors[name] = np.ascontiguousarray(tensors[name][::-1])
    net = open_case(case)
    path = write_model(tmp_path / "flipped.safetensors", tensors, net.metadata, dtype="F32")
    other = Network.open(path, "f32", 2)(case.images())
    assert np.abs(other - net(case.images())).max() > 3e-4
