"""Scales for int8: measured, stored beside the model file, and asked for when one is opened."""

from __future__ import annotations

import json

import numpy as np
import pytest
from model_files import METADATA, SEGMENTATION

from spinalcord import _core
from spinalcord.errors import BackendError, InputError, ModelError
from spinalcord.models.architectures import random_tensors
from spinalcord.models.checksums import SCALES, SUMS
from spinalcord.models.folder import find_models
from spinalcord.models.int8 import has_ranges, measure_ranges, stored_ranges, write_ranges
from spinalcord.models.model_file import read_model, write_model
from spinalcord.models.network import Network
from spinalcord.models.release import write_sums

INT8 = "int8" in _core.cpu()["precisions"]
needs_int8 = pytest.mark.skipif(not INT8, reason="this CPU has no AVX512_VNNI or AMX-int8")


def images(n=2, c=3, side=64):
    return np.random.default_rng(n).random((n, c, side, side), np.float32)


@pytest.fixture(params=["densenet121", "multiresunet"])
def path(request, tmp_path):
    """A model file with seeded weights."""
    dense = request.param == "densenet121"
    tensors = random_tensors(
        request.param, 5, **({} if dense else {"outputs": 2, "final_norm": False})
    )
    return write_model(tmp_path / "model.safetensors", tensors, METADATA if dense else SEGMENTATION)


def quantized(path):
    network = Network.open(path, threads=2)
    batch = images(3, network.model.in_channels)
    write_ranges(network.model, measure_ranges(network, [batch], share=1.0), {"by": "a test"})
    return network, batch


@needs_int8
def test_a_quantized_network_is_near_the_one_in_f32(path):
    network, batch = quantized(path)
    small = Network.open(path, "int8", 2)
    assert small.precision == "int8"
    used = {layer["implementation"] for layer in small.layers(64, 64)}
    assert any(name.startswith("own:u8_") for name in used)
    want, got = network(batch), small(batch)
    assert np.abs(got - want).mean() < 0.06  # of random weights, which amplify every step
    np.testing.assert_array_equal(got, Network.open(path, "int8", 1)(batch))
    np.testing.assert_array_equal(got[1], small(batch[1:2])[0])
    assert small.features(batch).shape == network.features(batch).shape
    if small.kind == "densenet121":
        direction = np.float32([0, 1])
        for one, other in zip(
            small.backward(batch, direction), network.backward(batch, direction), strict=True
        ):
            np.testing.assert_array_equal(one, other)  # gradients are in f32


@needs_int8
def test_without_scales_or_with_those_of_other_weights_int8_is_refused(path):
    with pytest.raises(BackendError, match="has no scales for int8 beside it; make them with"):
        Network.open(path, "int8")
    _, _ = quantized(path)
    assert has_ranges(read_model(path))
    stored = json.loads(path.with_name(SCALES).read_text())
    stored[path.name]["sha256"] = "0" * 64
    path.with_name(SCALES).write_text(json.dumps(stored))
    assert not has_ranges(read_model(path))
    with pytest.raises(BackendError, match="are of another file"):
        Network.open(path, "int8")
    path.with_name(SCALES).write_text("{")
    with pytest.raises(ModelError, match="cannot read"):
        has_ranges(read_model(path))


@needs_int8
def test_onednn_computes_none_of_it(path):
    quantized(path)
    with pytest.raises(BackendError, match="onednn computes in f32 and bf16"):
        Network.open(path, "int8", backend="onednn")


@pytest.mark.skipif(INT8, reason="this CPU has it")
def test_a_cpu_that_lacks_it_says_so(path):
    quantized(path)
    with pytest.raises(BackendError, match="int8 needs a CPU with"):
        Network.open(path, "int8")


def test_the_file_keeps_what_other_models_have(path):
    network, _ = quantized(path)
    other = path.with_name("other.safetensors")
    other.write_bytes(path.read_bytes())
    before = stored_ranges(network.model)
    write_ranges(read_model(other), {"path.0.0": (-1.0, 2.0)}, {})
    assert stored_ranges(network.model) == before
    assert stored_ranges(read_model(other)) == [("path.0.0", -1.0, 2.0)]


def test_ranges_hold_a_share_of_the_images(path):
    network = Network.open(path, threads=1)
    batch = images(4, network.model.in_channels)
    whole = measure_ranges(network, [batch], share=1.0)
    part = measure_ranges(network, [batch], share=0.5)
    assert whole.keys() == part.keys()
    assert all(whole[n][0] <= part[n][0] <= part[n][1] <= whole[n][1] for n in whole)
    alone = [measure_ranges(network, [one[None]], share=1.0) for one in batch]
    name = next(iter(whole))
    assert whole[name][1] == max(one[name][1] for one in alone)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot read"),
        ("[1]", "is no object of models' scales"),
        ('{"model.safetensors": {"sha256": "%s", "ranges": {"a": 1}}}', "damaged scales of"),
        ('{"model.safetensors": {"sha256": "%s"}}', "damaged scales of"),
    ],
)
def test_a_damaged_file_is_told(path, text, message):
    model = read_model(path)
    path.with_name(SCALES).write_text(text.replace("%s", model.sha256))
    with pytest.raises(ModelError, match=message):
        stored_ranges(model)


def test_checksums_may_list_the_scales(path):
    network, _ = quantized(path)
    sums = write_sums(path.parent)
    assert SCALES in sums.read_text()
    assert find_models(path.parent).models
    stored_ranges(network.model)
    scales = path.with_name(SCALES)
    scales.write_text(scales.read_text() + " ")
    with pytest.raises(ModelError, match=f"another file than {SUMS} beside it lists"):
        stored_ranges(network.model)
    scales.unlink()
    with pytest.raises(ModelError, match=f"{SCALES} is missing"):
        find_models(path.parent)


def test_ranges_are_measured_in_f32_on_some_images(path):
    network = Network.open(path, threads=1)
    with pytest.raises(InputError, match="no images"):
        measure_ranges(network, [])
    with pytest.raises(InputError, match=r"share is in \(0, 1\], got 0"):
        measure_ranges(network, [images(1, network.model.in_channels)], share=0)
    if "bf16" in _core.cpu()["precisions"]:
        with pytest.raises(InputError, match="measured in f32, got a network in bf16"):
            measure_ranges(Network.open(path, "bf16"), [])


def test_scales_that_cannot_be_written(path):
    path.with_name(SCALES).mkdir()
    with pytest.raises(ModelError, match="cannot read"):
        write_ranges(read_model(path), {}, {})
