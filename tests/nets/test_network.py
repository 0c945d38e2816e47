"""Network: its contract, and what must hold whatever runs beside it."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from nets import cases

from spinalcord.errors import InputError, ModelError
from spinalcord.models import architectures as networks
from spinalcord.models.model_file import write_model
from spinalcord.models.network import Network

UNET, DENSE = cases.CASES[0], next(case for case in cases.CASES if case.kind == "densenet121")
BOTH = pytest.mark.parametrize("case", [UNET, DENSE], ids=lambda case: case.kind)
#: Sizes that a network is called with in turn.
SIZES = [(16, 16), (48, 80), (96, 64), (256, 256)]


def shapes(case, n=1):
    channels = networks.IN_CHANNELS[case.kind]
    sizes = SIZES if case.kind == "multiresunet" else [(h + 17, w + 17) for h, w in SIZES]
    return [(n, channels, h, w) for h, w in sizes]


@BOTH
def test_it_says_what_it_is(case, open_case):
    net = open_case(case)
    assert net.kind == case.kind
    assert net.n_values == networks.count_values(networks.tensor_shapes(case.kind))
    assert net.metadata["name"] == case.model_name
    assert net.precision == "f32"
    assert net.threads == 2
    assert case.model_name in repr(net)


@pytest.mark.slow
@BOTH
def test_the_same_bits_twice(case, open_case):
    """Nothing that a former call, or anyone, left in memory reaches a result."""
    net = open_case(case)
    every = [cases.images(seed, shape) for seed, shape in enumerate(shapes(case))]
    first = [net(images) for images in every]
    for images in every:
        net(np.full_like(images, 1e30))
    dirt = [np.full(1 << 20, np.nan, np.float32) for _ in range(20)]
    del dirt
    for images, want in zip(reversed(every), reversed(first), strict=True):
        np.testing.assert_array_equal(net(images), want)
    assert all(np.isfinite(want).all() for want in first)


@BOTH
def test_another_network_of_the_same_file_gives_the_same_bits(case, open_case):
    net = open_case(case)
    other = Network.open(net.model.path, "f32", 2)
    images = cases.images(5, shapes(case)[2])
    np.testing.assert_array_equal(other(images), net(images))


@BOTH
@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_a_batch_is_its_images(case, n, open_case):
    net = open_case(case)
    images = cases.images(n, shapes(case, n)[1])
    got = net(images)
    for i in range(n):
        np.testing.assert_array_equal(got[i : i + 1], net(images[i : i + 1]))
    assert n == 1 or not np.allclose(got[0], got[1], atol=1e-4)


@pytest.mark.slow
@BOTH
def test_threads_change_nothing_but_time(case, open_case):
    images = cases.images(0, shapes(case, 3)[2])
    want = open_case(case, threads=1)(images)
    for threads in (2, 3, 5):
        np.testing.assert_array_equal(open_case(case, threads=threads)(images), want)


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_many_python_threads_get_the_bits_of_one(case, precision, open_case, request):
    if precision == "bf16":
        request.getfixturevalue("bf16_or_skip")
    net = open_case(case, precision)
    jobs = [cases.images(seed, shape) for seed, shape in enumerate(shapes(case)[:3] * 8)]
    alone = [net(images) for images in jobs]
    start = threading.Barrier(8)

    def work(part):
        start.wait(timeout=60)
        return [net(jobs[i]) for i in range(part, len(jobs), 8)]

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(work, range(8)))
    for part, results in enumerate(together):
        for i, got in zip(range(part, len(jobs), 8), results, strict=True):
            np.testing.assert_array_equal(got, alone[i])


@pytest.mark.slow
def test_python_runs_while_it_computes(open_case):
    net = open_case(UNET)
    images = cases.images(0, (8, 1, 256, 256))
    net(images[:1])
    ticks = 0
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(net, images)
        while not future.done():
            time.sleep(0.001)
            ticks += 1
    assert ticks > 20


def run(script: str, *arguments: str, timeout: float = 60) -> str:
    """Run a script in a Python of its own, where no other library has threads."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True, text=True, timeout=timeout, check=False, env=environment(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


FORK = """
import multiprocessing, os, signal, sys
import numpy as np
from spinalcord.models.network import Network

net = Network.open(sys.argv[1], "f32", 2)
x = np.random.default_rng(0).random([int(v) for v in sys.argv[2].split(",")], np.float32)
want = net(x)

def child(pipe):
    signal.alarm(40)
    again = Network.open(sys.argv[1], "f32", 2)
    pipe.send((net(x), net(x[:, :, :48, :48]), again(x)))

context = multiprocessing.get_context("fork")
for _ in range(2):
    ours, theirs = context.Pipe()
    process = context.Process(target=child, args=(theirs,))
    process.start()
    assert ours.poll(40), "the child gave no answer"
    same, other, opened = ours.recv()
    process.join(40)
    assert process.exitcode == 0, process.exitcode
    np.testing.assert_array_equal(same, want)
    np.testing.assert_array_equal(opened, want)
    np.testing.assert_array_equal(other, net(x[:, :, :48, :48]))
    assert np.array_equal(net(x), want), "the parent changed"

with context.Pool(3) as pool:
    for got in pool.map_async(net, [x] * 6).get(40):
        np.testing.assert_array_equal(got, want)
print("done")
"""


@pytest.mark.slow
@BOTH
def test_a_forked_child_works(case, open_case):
    shape = ",".join(map(str, shapes(case, 3)[2]))
    assert run(FORK, str(open_case(case).model.path), shape) == "done\n"


INTERRUPT = """
import sys, time
import numpy as np
from spinalcord.models.network import Network

net = Network.open(sys.argv[1], "f32", 2)
rng = np.random.default_rng(0)
x = rng.random([int(v) for v in sys.argv[2].split(",")], np.float32)
small = np.ascontiguousarray(x[:1, :, :64, :64])
want = net(small)
begin = time.monotonic()
net(x)
print("ready", time.monotonic() - begin, flush=True)
try:
    net(x)
    print("finished", flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
assert np.array_equal(net(small), want), "the network changed"
print("done", flush=True)
"""


@pytest.mark.parametrize(
    ("case", "shape"),
    [
        pytest.param(UNET, "60,1,256,256", id="multiresunet"),
        pytest.param(DENSE, "200,3,256,256", id="densenet121"),
        pytest.param(UNET, "1,1,1536,1536", id="one large image", marks=pytest.mark.slow),
    ],
)
@pytest.mark.slow
def test_ctrl_c_ends_a_long_call(interruptible, case, shape, open_case):
    path = str(open_case(case).model.path)
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPT, path, shape],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    try:
        word, whole = process.stdout.readline().split()
        assert word == "ready"
        time.sleep(0.2 * float(whole))
        process.send_signal(signal.SIGINT)
        start = time.monotonic()
        answer = process.stdout.readline()
        waited = time.monotonic() - start
        rest, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    assert answer == "interrupted\n", errors
    # As long as the same call has just taken, but for what it had done already, if it went on.
    assert waited < 0.5 * float(whole)
    assert rest == "done\n", errors


@BOTH
def test_it_pickles_as_its_file(case, open_case):
    net = open_case(case)
    copy = pickle.loads(pickle.dumps(net))
    images = cases.images(0, shapes(case)[1])
    np.testing.assert_array_equal(copy(images), net(images))


@BOTH
def test_any_memory_layout_of_images_will_do(case, open_case):
    net = open_case(case)
    images = cases.images(0, shapes(case, 2)[1])
    want = net(images)
    strided = np.repeat(images, 2, axis=3)[:, :, :, ::2]
    channels_last = np.ascontiguousarray(images.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    frozen = images.copy()
    frozen.flags.writeable = False
    for other in (strided, channels_last, frozen, images.astype(">f4"), images.astype(float)):
        np.testing.assert_array_equal(net(other), want)
    np.testing.assert_array_equal(images, cases.images(0, images.shape))


@BOTH
def test_layers_are_listed_and_none_is_slow_by_accident(case, open_case):
    net = open_case(case)
    layers = net.layers(64, 96)
    assert len(layers) > 50
    for layer in layers:
        assert layer.keys() >= {"name", "kind", "implementation", "shape"}
        if layer["kind"].startswith("conv"):
            assert "ref" not in layer["implementation"], layer


@BOTH
def test_profile_accounts_for_the_layers(case, open_case):
    net = open_case(case)
    rows = net.profile(cases.images(0, shapes(case)[2]))
    assert len(rows) > 50
    assert all(row["milliseconds"] >= 0 for row in rows)
    assert sum(row["milliseconds"] for row in rows) > 0
    assert max(row["gflops"] for row in rows) > 0


@pytest.mark.parametrize(
    ("case", "shape", "message"),
    [
        (UNET, (1, 1, 40, 32), "16"),
        (UNET, (1, 1, 32, 8), "16"),
        (UNET, (1, 1, 16, 4112), "4096"),
        (UNET, (1, 3, 32, 32), "takes 1 channels, got 3"),
        (UNET, (0, 1, 32, 32), "0"),
        (UNET, (1, 32, 32), r"\(1, 32, 32\)"),
        (DENSE, (1, 3, 31, 64), "32"),
        (DENSE, (1, 3, 64, 4097), "4096"),
        (DENSE, (1, 1, 64, 64), "takes 3 channels, got 1"),
        (DENSE, (0, 3, 64, 64), "0"),
    ],
)
def test_wrong_extents_are_refused(case, shape, message, open_case):
    with pytest.raises(InputError, match=message):
        open_case(case)(np.zeros(shape, np.float32))


@BOTH
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_images_that_are_not_finite_are_refused(case, value, open_case):
    images = cases.images(0, shapes(case, 2)[1])
    images[1, 0, -1, -1] = value
    net = open_case(case)
    for call in (net, net.features, net.profile):
        with pytest.raises(InputError):
            call(images)


def test_images_that_are_no_numbers_are_refused(open_case):
    with pytest.raises(InputError, match="complex"):
        open_case(UNET)(np.zeros((1, 1, 16, 16), complex))


def test_gradcam_is_for_classifiers(open_case):
    with pytest.raises(InputError, match="classifier"):
        open_case(UNET).gradcam(UNET.images(), 0)


@pytest.mark.parametrize("index", [-1, 2, "1"])
def test_gradcam_is_of_an_answer(index, open_case):
    with pytest.raises(InputError, match="0 or 1"):
        open_case(DENSE).gradcam(DENSE.images(), index)


@pytest.mark.parametrize("precision", ["f16", "int4", "", None])
def test_an_unknown_precision_is_refused(precision, open_case):
    with pytest.raises(InputError, match="f32, bf16 or int8"):
        Network.open(open_case(UNET).model.path, precision)


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "2"])
def test_a_number_of_threads_that_is_none_is_refused(threads, open_case):
    with pytest.raises(InputError, match="threads"):
        Network.open(open_case(UNET).model.path, "f32", threads)


def missing(tensors, name):
    del tensors[name]


def renamed(tensors, name):
    tensors[name + "_"] = tensors.pop(name)


def superfluous(tensors, name):
    tensors[name.replace("weight", "extra")] = tensors[name]


def reshaped(tensors, name):
    tensors[name] = np.ascontiguousarray(tensors[name].swapaxes(0, 1))


def shortened(tensors, name):
    tensors[name] = tensors[name][:-1]


@pytest.mark.parametrize("harm", [missing, renamed, superfluous, reshaped, shortened])
@pytest.mark.parametrize(
    ("case", "name"),
    [(UNET, "decoder.2.a.conv.weight"), (DENSE, "features.denseblock3.denselayer7.conv1.weight")],
    ids=["multiresunet", "densenet121"],
)
def test_a_file_with_the_wrong_tensors_is_refused(case, name, harm, open_case, tmp_path):
    tensors = case.tensors()
    harm(tensors, name)
    metadata = open_case(case).metadata
    path = write_model(tmp_path / "harmed.safetensors", tensors, metadata, dtype="F32")
    with pytest.raises(ModelError, match=name.rsplit(".", 1)[0]):
        Network.open(path)


@BOTH
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_file_with_values_that_are_not_finite_is_refused(case, value, open_case, tmp_path):
    from safetensors.numpy import load_file, save_file

    source = open_case(case).model.path
    tensors = load_file(source)
    name = list(networks.tensor_shapes(case.kind))[-1]
    tensors[name] = tensors[name].copy()
    tensors[name].ravel()[-1] = value
    path = tmp_path / "poisoned.safetensors"
    save_file(tensors, path, metadata=stored_metadata(source))
    with pytest.raises(ModelError, match=name.replace(".", r"\.")):
        Network.open(path)


@BOTH
def test_a_variance_below_zero_is_refused(case, open_case, tmp_path):
    tensors = case.tensors()
    name = next(name for name in reversed(tensors) if name.endswith("running_var"))
    tensors[name][0] = -0.5
    metadata = open_case(case).metadata
    path = write_model(tmp_path / "negative.safetensors", tensors, metadata, dtype="F32")
    with pytest.raises(ModelError, match=name.replace(".", r"\.")):
        Network.open(path)


def stored_metadata(path):
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        return file.metadata()


def test_a_file_of_the_other_network_is_refused(open_case, tmp_path):
    metadata = open_case(UNET).metadata
    path = write_model(tmp_path / "other.safetensors", DENSE.tensors(), metadata, dtype="F32")
    with pytest.raises(ModelError):
        Network.open(path)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["F16", "BF16"])
def test_half_precision_weights_are_widened(dtype, open_case, tmp_path):
    """A file with weights stored in 16 bits computes as one with the same values in 32."""
    torch = pytest.importorskip("torch", reason="BF16 files are written with torch")
    from safetensors.torch import save_file

    half = {"F16": torch.float16, "BF16": torch.bfloat16}[dtype]
    stored = {
        name: torch.from_numpy(values).to(half if values.ndim > 1 else torch.float32)
        for name, values in UNET.tensors().items()
    }
    source = open_case(UNET).model.path
    save_file(stored, tmp_path / "half.safetensors", metadata=stored_metadata(source))
    widened = {name: values.float().numpy() for name, values in stored.items()}
    metadata = open_case(UNET).metadata
    write_model(tmp_path / "full.safetensors", widened, metadata, dtype="F32")
    images = UNET.images()
    got, want = (
        Network.open(tmp_path / f"{name}.safetensors", "f32", 2)(images)
        for name in ("half", "full")
    )
    np.testing.assert_array_equal(got, want)
    assert not np.array_equal(got, open_case(UNET)(images))
