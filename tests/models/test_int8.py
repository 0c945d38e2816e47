"""Scales for int8: measured, stored beside the model file, and asked for when one is opened."""

from __future__ import annotations

import functools
import json
from pathlib import Path

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
from spinalcord.models.network import BACKENDS, Network
from spinalcord.models.release import write_sums

INT8 = "int8" in _core.cpu()["precisions"]
FLAGS = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
AVX_VNNI, AVX512_VNNI = "avx_vnni" in FLAGS, "avx512_vnni" in FLAGS
needs_int8 = pytest.mark.skipif(not INT8, reason="this CPU has no VNNI or AMX-int8")


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
def test_onednn_agrees(path):
    """On average: random weights amplify a byte that is rounded the other way."""
    network, batch = quantized(path)
    own, other = (Network.open(path, "int8", 2, backend=backend) for backend in BACKENDS)
    assert (other.precision, other.backend) == ("int8", "onednn")
    want, got = own(batch), other(batch)
    assert np.abs(got - want).mean() < 0.01
    np.testing.assert_array_equal(got, other(batch))
    kernels = {s["implementation"] for s in other.layers(64, 64) if s["kind"] == "convolution"}
    assert all(name.startswith("onednn:") for name in kernels)
    if network.kind == "densenet121":
        for one, more in zip(
            other.backward(batch, np.float32([0, 1])),
            Network.open(path, "f32", 2, backend="onednn").backward(batch, np.float32([0, 1])),
            strict=True,
        ):
            np.testing.assert_array_equal(one, more)  # gradients are in f32


@needs_int8
@pytest.mark.slow
@pytest.mark.parametrize("role", ["segmentation", "tumor_vs_demyelination"])
def test_onednn_agrees_for_the_models_of_the_package(role):
    """As closely as the documentation of `Network.open` says."""
    path = find_models().models[role].path
    plain = Network.open(path)
    own, other = (Network.open(path, "int8", 2, backend=backend) for backend in BACKENDS)
    batch = images(2, own.model.in_channels)
    want, got, exact = own(batch), other(batch), plain(batch)
    assert np.abs(got - want).mean() < 2e-3
    assert np.abs(got - exact).mean() < 2 * np.abs(want - exact).mean() + 1e-5


@pytest.mark.skipif(not AVX_VNNI, reason="this CPU has no AVX-VNNI")
def test_avx2_computes_it_as_avx512_does(path, monkeypatch):
    """The same bits, beside layers in f32; and near f32."""
    network, batch = quantized(path)
    core = _core.Network

    def opened(isa):
        monkeypatch.setattr(_core, "Network", functools.partial(core, isa=isa))
        return Network.open(path, "int8", 1)

    small = opened("avx2")
    used = {layer["implementation"] for layer in small.layers(64, 64)}
    assert "own:u8_avx2" in used
    assert not any("avx512" in name or "amx" in name for name in used)
    got = small(batch)
    assert np.abs(got - network(batch)).mean() < 0.06
    if AVX512_VNNI:
        np.testing.assert_array_equal(got, opened("avx512")(batch))


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
        ("[1]", "is not a JSON object of model scales"),
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


def test_new_scales_are_listed_where_the_old_ones_were(path):
    network, _ = quantized(path)
    sums = write_sums(path.parent)
    before = sums.read_text().splitlines()
    write_ranges(network.model, {"path.0.0": (-1.0, 2.0)}, {})
    assert stored_ranges(network.model) == [("path.0.0", -1.0, 2.0)]
    after = sums.read_text().splitlines()
    assert [old == new for old, new in zip(before, after, strict=True)] == [
        SCALES not in line for line in before
    ]
    # Scales that differ from the list are not replaced by others, so nobody lists them.
    scales = path.with_name(SCALES)
    scales.write_text(scales.read_text() + " ")
    with pytest.raises(ModelError, match=f"another file than {SUMS} beside it lists"):
        write_ranges(network.model, {}, {})
    assert sums.read_text().splitlines() == after


def test_a_list_without_the_scales_stays_as_it_is(path):
    sums = write_sums(path.parent)
    before = sums.read_text()
    network, _ = quantized(path)
    assert sums.read_text() == before
    stored_ranges(network.model)
