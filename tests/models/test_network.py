"""Networks through the core: damaged files, bad images, threads, forks, Ctrl-C, pickling."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from model_files import METADATA, SEGMENTATION, changed

from spinalcord import _core
from spinalcord.errors import BackendError, InputError, ModelError
from spinalcord.models.architectures import count_values, random_tensors, tensor_shapes
from spinalcord.models.folder import verify_model
from spinalcord.models.model_file import map_model, write_model
from spinalcord.models.network import Network, check_settings, resolve_precision

DENSENET = random_tensors("densenet121", 5)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("m") / "d.safetensors", DENSENET, METADATA)


@pytest.fixture(scope="module")
def net(path):
    return Network.open(path, threads=1)


@pytest.fixture(scope="module")
def unet(tmp_path_factory):
    tensors = random_tensors("multiresunet", 6, outputs=2, final_norm=False)
    folder = tmp_path_factory.mktemp("m")
    return Network.open(write_model(folder / "s.safetensors", tensors, SEGMENTATION), threads=2)


def images(n=2, h=64, w=48, c=3):
    return np.random.default_rng(n).random((n, c, h, w), np.float32)


def test_tells_what_it_is(net, unet):
    assert net.kind == "densenet121"
    assert net.metadata == METADATA
    assert net.n_values == count_values(tensor_shapes("densenet121"))
    assert (net.precision, net.threads) == ("f32", 1)
    assert "test-ms-vs-nmosd 1: densenet121, f32, 1 threads" in repr(net)
    assert unet.kind == "multiresunet"


def test_probabilities_maps_and_features_have_their_shapes(net, unet):
    p = net(images())
    assert (p.shape, p.dtype) == ((2, 2), np.float32)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)
    assert 0.001 < p.min() < p.max() < 0.999
    assert net.features(images()).shape == (2, 1024, 2, 1)
    maps, again = net.gradcam(images(), 1)
    assert maps.shape == (2, 2, 1)
    assert maps.any()
    np.testing.assert_array_equal(again, p)
    y = unet(images(1, 32, 48, 1))
    assert (y.shape, y.dtype) == ((1, 2, 32, 48), np.float32)
    assert 0 <= y.min() < y.max() <= 1
    assert unet.features(images(1, 32, 48, 1)).shape == (1, 51, 32, 48)


def test_gradcam_weighs_the_features_by_the_logit_s_gradient(net):
    features = net.features(images()).astype(np.float64)
    hidden, out = (
        DENSENET[f"{name}.weight"].astype(np.float16).astype(np.float64)
        for name in ("hidden", "output")
    )
    pooled = features.mean(axis=(2, 3))
    active = pooled @ hidden.T + DENSENET["hidden.bias"] > 0
    for k in (0, 1):
        gradient = (out[k] * active) @ hidden / (features.shape[2] * features.shape[3])
        expected = np.einsum("nc,nchw->nhw", gradient, features)
        maps, _ = net.gradcam(images(), k)
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(maps, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_layers_and_profile_name_their_implementation(net):
    layers = net.layers(64, 48)
    assert len(layers) > 50
    assert {"name", "kind", "implementation", "shape"} <= set(layers[0])
    profile = net.profile(images(1))
    assert [row["name"] for row in profile] == [row["name"] for row in layers]
    assert sum(row["milliseconds"] for row in profile) > 0
    assert max(row["gflops"] for row in profile) > 0


def test_other_numbers_are_converted(net):
    x = (images() * 8).round() / 8
    expected = net(x)
    np.testing.assert_array_equal(net(x.astype(np.float64)), expected)
    np.testing.assert_array_equal(net(np.asfortranarray(x)), expected)
    np.testing.assert_array_equal(net(x.tolist()), expected)
    np.testing.assert_array_equal(net._core(x.astype(">f4")), expected)


@pytest.mark.parametrize(
    ("x", "match"),
    [
        (np.zeros((3, 64, 64), np.float32), r"axes \(n, c, h, w\), got the shape \(3, 64, 64\)"),
        (np.zeros((1, 1, 64, 64), np.float32), r"d\.safetensors .* takes 3 channels, got 1"),
        (np.zeros((1, 3, 64, 64), np.complex64), "float32 .*, got an array of complex64"),
        (np.array(["a"]), "got an array of <U1"),
        (np.full((1, 3, 64, 64), np.nan, np.float32), "(?i)nan|finite"),
        (np.zeros((1, 3, 31, 64), np.float32), "31"),
        (np.zeros((0, 3, 64, 64), np.float32), "0"),
    ],
)
def test_bad_images_are_refused(net, x, match):
    for method in (net, net.features, net.profile, lambda x: net.gradcam(x, 0)):
        with pytest.raises(InputError, match=match):
            method(x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
@pytest.mark.parametrize("method", ["__call__", "features", "profile"])
def test_images_of_impossible_height_are_refused_without_a_copy(net, dtype, method):
    wrong = np.broadcast_to(dtype(0), (1, 3, 1 << 20, 1 << 14))  # 192 GiB as float32
    with pytest.raises(InputError, match="1048576"):
        getattr(net, method)(wrong)
    with pytest.raises(InputError, match="1048576"):
        net.gradcam(wrong, 0)
    if dtype is np.float32:
        with pytest.raises(InputError, match="1048576"):
            net._core(wrong)


@pytest.mark.parametrize("channels", [1, 64])
@pytest.mark.parametrize("of_core", [False, True])
def test_images_of_wrong_channels_are_refused_without_a_copy(net, channels, of_core):
    wrong = np.zeros((64 // channels, channels, 128, 64), np.float32).swapaxes(2, 3)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="3"):
            (net._core if of_core else net)(wrong)
        assert tracemalloc.get_traced_memory()[1] < wrong.nbytes / 4
    finally:
        tracemalloc.stop()


def test_size_that_is_no_multiple_of_16_is_refused(unet):
    with pytest.raises(InputError, match="40"):
        unet(np.zeros((1, 1, 40, 48), np.float32))
    with pytest.raises(InputError, match="40"):
        unet.layers(40, 48)


def test_gradcam_refuses(net, unet):
    with pytest.raises(InputError, match="index of the answer is 0 or 1, got 2"):
        net.gradcam(images(), 2)
    with pytest.raises(InputError, match=r"needs a classifier .* s\.safetensors"):
        unet.gradcam(images(1, 32, 32, 1), 0)


def test_batches_are_measured_once_and_told(path):
    network = Network.open(path, threads=2)
    network(images(2))
    before = network.plan_info(64, 48)
    assert before["nbytes"] > 0
    assert before["alone_ms"] is before["together_ms"] is None
    network(images(8))
    after = network.plan_info(64, 48)
    faster = "alone" if after["alone_ms"] <= after["together_ms"] else "together"
    assert after["batches"] == faster
    network(images(9))
    assert network.plan_info(64, 48) == after
    with pytest.raises(InputError):
        network.plan_info(8, 8)


@pytest.mark.parametrize("precision", ["f16", "int4", None])
def test_unknown_precision_is_refused(path, precision):
    with pytest.raises(InputError, match="precision is f32, bf16 or int8, got"):
        Network.open(path, precision)


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2", True])
def test_bad_threads_are_refused(path, threads):
    with pytest.raises(InputError, match="threads is a whole number of at least 1"):
        Network.open(path, threads=threads)


def test_threads_default_to_what_the_process_may_use(path):
    usable = _core.cpu()["threads"]
    assert 1 <= usable <= len(os.sched_getaffinity(0))
    assert check_settings("f32", None) == usable
    assert Network.open(path).threads == usable


def test_bf16_or_a_clear_error(path):
    if "bf16" in _core.cpu()["precisions"]:
        half = Network.open(path, "bf16", 1)
        assert half.precision == "bf16"
        np.testing.assert_allclose(half(images()), Network.open(path)(images()), atol=3e-2)
    else:
        with pytest.raises(BackendError, match="bf16"):
            Network.open(path, "bf16", 1)


def test_precision_that_the_cpu_lacks_is_a_clear_error(path):
    with map_model(path) as (model, buffer), pytest.raises(BackendError, match=r"(?i)b.*16"):
        _core.Network(
            model.network,
            list(model.tensors),
            buffer,
            in_channels=3,
            outputs=2,
            norm_eps=1e-5,
            precision="bf16",
            threads=1,
            isa="avx2",
        )


FIRST = "features.conv0.weight"


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda t: t.pop(FIRST), FIRST),
        (lambda t: t.update({"extra.weight": np.ones((2, 2), np.float32)}), r"extra\.weight"),
        (lambda t: t.update({FIRST: t[FIRST][:, :2]}), FIRST),
        (lambda t: t.update({FIRST: t[FIRST].reshape(-1)}), FIRST),
        (lambda t: (t.clear(), t.update(random_tensors("multiresunet", 0))), "tensor"),
    ],
    ids=["missing", "extra", "shape", "axes", "kind"],
)
def test_files_with_other_tensors_are_refused(tmp_path, change, match):
    tensors = dict(DENSENET)
    change(tensors)
    path = write_model(tmp_path / "bad.safetensors", tensors, METADATA)
    with pytest.raises(ModelError, match=rf"bad\.safetensors: .*{match}"):
        Network.open(path)
    with pytest.raises(ModelError, match=rf"bad\.safetensors: .*{match}"):
        verify_model(path)


@pytest.mark.parametrize("dtype", ["F32", "F16"])
def test_nan_in_a_tensor_is_refused(tmp_path, dtype):
    tensors = dict(DENSENET)
    name = "features.denseblock2.denselayer3.conv2.weight"
    tensors[name] = tensors[name].copy()
    tensors[name][3, 2, 1, 0] = 1.0
    path = write_model(tmp_path / "bad.safetensors", tensors, METADATA, dtype)
    good = Network.open(path)
    place = next(t for t in good.model.tensors if t.name == name)
    data = bytearray(path.read_bytes())
    item = 4 if dtype == "F32" else 2
    at = place.begin + item * np.ravel_multi_index((3, 2, 1, 0), place.shape)
    nan = np.array(np.nan, "<f4" if item == 4 else "<f2").tobytes()
    data[at : at + item] = nan
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"bad\.safetensors: .*denseblock2\.denselayer3\.conv2"):
        Network.open(path)


def test_truncated_file_is_refused(tmp_path, path):
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelError, match=r"cut\.safetensors is truncated: tensor "):
        Network.open(cut)


def test_other_epsilon_changes_the_result(tmp_path, net):
    metadata = changed(METADATA, "norm_eps", 1e-2)
    other = Network.open(write_model(tmp_path / "m.safetensors", DENSENET, metadata), threads=1)
    assert not np.allclose(other(images()), net(images()), atol=1e-6)


def test_verify_describes_a_sound_model(path):
    row = verify_model(path)
    assert row["n_values"] == count_values(tensor_shapes("densenet121"))
    assert (row["role"], row["notice"]) == ("ms_vs_nmosd", "for tests")


def test_the_file_may_go_once_the_network_is_open(tmp_path):
    path = write_model(tmp_path / "m.safetensors", DENSENET, METADATA)
    net = Network.open(path, threads=1)
    expected = net(images())
    path.write_bytes(b"")
    np.testing.assert_array_equal(net(images()), expected)


def test_pickling_opens_the_file_again(net):
    copy = pickle.loads(pickle.dumps(net))
    assert (copy.threads, copy.precision) == (1, "f32")
    np.testing.assert_array_equal(copy(images()), net(images()))


def test_threads_at_once_give_the_same_bits(net):
    inputs = [images(n, 32 * (1 + n % 2), 64) for n in range(1, 7)] * 2
    alone = [net(x) for x in inputs]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(net, inputs))
    for ours, theirs in zip(alone, together, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def _child(net, x, queue):
    queue.put(net(x))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_child_after_fork_computes_the_same(unet):
    x = images(2, 32, 32, 1)
    expected = unet(x)
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=_child, args=(unet, x, queue))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    np.testing.assert_array_equal(queue.get(), expected)


@pytest.mark.slow
def test_ctrl_c_ends_a_long_call(interruptible, unet):
    x = np.zeros((400, 1, 256, 256), np.float32)
    timer = threading.Timer(0.5, signal.raise_signal, (signal.SIGINT,))
    start = time.perf_counter()
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        unet(x)
    assert time.perf_counter() - start < 3  # 0.5 s until the signal, 1 s for it, and a busy machine
    assert unet(x[:1, :, :32, :32]).shape == (1, 2, 32, 32)


def test_auto_is_bf16_where_the_cpu_computes_in_it(monkeypatch):
    for precisions, expected in ((["f32", "bf16"], "bf16"), (["f32"], "f32")):
        monkeypatch.setattr(_core, "cpu", lambda p=precisions: {"precisions": p, "threads": 1})
        assert resolve_precision("auto") == expected
        assert resolve_precision("f32") == "f32"
        assert resolve_precision("bf16") == "bf16"
    assert check_settings("auto", 3) == 3
    with pytest.raises(InputError, match="precision is f32, bf16 or int8, got 'f16'"):
        resolve_precision("f16")
