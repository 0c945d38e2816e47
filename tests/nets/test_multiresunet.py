"""MultiResUNet in the core against PyTorch with the same weights."""

from __future__ import annotations

import numpy as np
import pytest
from nets import cases

every_case = pytest.mark.parametrize("case", cases.parameters("multiresunet"))


@pytest.mark.slow
@every_case
def test_probabilities_in_f32(case, open_case, oracle):
    want = oracle(case)
    cases.assert_tells(case, want)
    got = open_case(case)(case.images())
    assert cases.difference(got, want["probabilities"]) <= 1e-4


@every_case
def test_last_maps_in_f32(case, open_case, oracle):
    want = oracle(case)
    cases.assert_tells(case, want)
    got = open_case(case).features(case.images())
    assert got.shape[1] == 51
    assert cases.relative(got, want["features"]) <= 1e-3


@every_case
@pytest.mark.usefixtures("bf16_or_skip")
def test_probabilities_in_bf16(case, open_case, oracle):
    want = oracle(case)
    cases.assert_tells(case, want)
    got = open_case(case, "bf16")(case.images())
    assert cases.difference(got, want["probabilities"]) <= 3e-2


@pytest.mark.usefixtures("bf16_or_skip")
def test_bf16_is_another_arithmetic(open_case):
    case = cases.CASES[1]
    images = case.images()
    assert not np.array_equal(open_case(case, "bf16")(images), open_case(case)(images))


@pytest.mark.slow
@every_case
def test_the_maps_are_what_the_head_sees(case, open_case):
    """The head is small enough for NumPy: features and call must come from the same pass."""
    net, images, tensors = open_case(case), case.images(), case.tensors()
    maps = net.features(images).astype(np.float64)
    logits = np.einsum("nchw,oc->nohw", maps, tensors["head.conv.weight"][:, :, 0, 0])
    if case.options.get("final_norm", True):
        eps = net.metadata["norm_eps"]
        mean = tensors["head.norm.running_mean"][:, None, None]
        var = tensors["head.norm.running_var"][:, None, None]
        logits = (logits - mean) / np.sqrt(var + eps) + tensors["head.norm.bias"][:, None, None]
    else:
        logits = logits + tensors["head.conv.bias"][:, None, None]
    np.testing.assert_allclose(net(images), 1 / (1 + np.exp(-logits)), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "case", [c for c in cases.CASES if c.kind == "multiresunet"][:3], ids=lambda case: case.name
)
def test_a_flipped_weight_is_noticed(case, open_case, tmp_path):
    """The comparison above is worth something: the deepest convolution alone changes it."""
    from spinalcord.models.model_file import write_model
    from spinalcord.models.network import Network

    tensors = case.tensors()
    name = "encoder.4.c.conv.weight"
    tensors[name] = np.ascontiguousarray(tensors[name][::-1])
    net = open_case(case)
    path = write_model(tmp_path / "flipped.safetensors", tensors, net.metadata, dtype="F32")
    other = Network.open(path, "f32", 2)(case.images())
    assert np.abs(other - net(case.images())).max() > 1e-3
