"""Gradients of DenseNet121: against PyTorch's autograd, against differences, and their contract."""

from __future__ import annotations

import resource
from typing import Any

import numpy as np
import pytest
from nets import cases
from nets.test_network import UNET, environment

from spinalcord.errors import InputError
from spinalcord.models import architectures as networks
from spinalcord.models.network import LAYERS, Network

CASES = [case for case in cases.CASES if case.kind == "densenet121" and not case.slow]
SMALL = CASES[1]
every_layer = pytest.mark.parametrize("layer", LAYERS)

#: A ReLU's input this near to 0 (in units of its layer's root mean square) may fall on either
#: side of it in float32, and what comes back with it: PyTorch's own answer is then one of two.
NEAR = 5e-6


@pytest.fixture(scope="module")
def autograd():
    """autograd(case, direction, layer, of): maps, gradients, and each image's distance to a kink.

    In double precision; the distance is that of the nearest ReLU's input, or of the second
    largest pixel under the max pooling, on the way back from the head to the layer.
    """
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from torch.overrides import TorchFunctionMode

    from spinalcord.training.torch_networks import build, load_tensors

    torch.set_num_threads(1)

    class Kinks(TorchFunctionMode):
        def __init__(self) -> None:
            super().__init__()
            self.nearest: Any = None

        def __torch_function__(self, func, types, args=(), kwargs=None):
            name = getattr(func, "__name__", "")
            if name in ("relu", "relu_"):
                self.note(args[0].abs(), args[0])
            if name.startswith("max_pool2d") or name == "boolean_dispatch":
                padded = torch.nn.functional.pad(args[0], (1, 1, 1, 1))
                windows = torch.nn.functional.unfold(padded.flatten(0, 1)[:, None], 3, stride=2)
                two = windows.unflatten(0, args[0].shape[:2]).topk(2, dim=2)[0]
                gap = torch.where(two[:, :, 0] > 0, two[:, :, 0] - two[:, :, 1], torch.inf)
                self.note(gap, args[0])
            return func(*args, **(kwargs or {}))

        def note(self, distance, x):
            near = distance.flatten(1).min(1)[0] / x.square().mean().sqrt()
            self.nearest = near if self.nearest is None else torch.minimum(self.nearest, near)

    def compute(case, direction, layer, of):
        module = build(case.kind, **case.options).eval().requires_grad_(False)
        load_tensors(module, case.tensors())
        module = module.double()
        images = torch.from_numpy(case.images()).double().requires_grad_()
        kinks = Kinks()
        seen = {}

        def here(*arguments):
            seen["maps"] = arguments[-1]
            kinks.nearest = None  # only what comes after the layer

        if layer.startswith("block"):
            block = getattr(module.features, "dense" + layer)
            block.register_forward_hook(here)
        with kinks:
            if layer == "input":
                here(images)
            maps = module.feature_maps(images)
            if layer == "last":
                here(maps)
            logits = module.score(maps)
        answers = torch.softmax(logits, 1) if of == "probability" else logits
        value = (answers * torch.tensor(direction, dtype=torch.float64)).sum()
        (gradients,) = torch.autograd.grad(value, seen["maps"])
        found = (seen["maps"].detach(), gradients, kinks.nearest.detach())
        return tuple(array.numpy() for array in found)

    return compute


def relative(got: np.ndarray, want: np.ndarray) -> np.ndarray:
    """Each image's largest difference in units of its largest value; NaN spoils it."""
    assert got.dtype == np.float32
    assert got.flags.c_contiguous
    assert got.shape == want.shape
    axes = (1, 2, 3)
    return np.abs(got - want).max(axes) / np.abs(want).max(axes)


@pytest.mark.slow
@every_layer
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gradients_are_autograds(case, layer, open_case, autograd):
    maps, gradients, nearest = autograd(case, [-1.0, 1.0], layer, "logit")
    assert np.count_nonzero(gradients) > gradients.size // 8
    got_maps, got = open_case(case).backward(case.images(), [-1, 1], layer=layer)
    assert np.all(relative(got_maps, maps) <= 1e-4)
    error = relative(got, gradients)
    clear = nearest > NEAR
    assert np.all(error[clear] <= 1e-3), (error, nearest)
    assert np.all(error <= 0.5), (error, nearest)
    # One unit more or less moves what one pixel gets, but hardly the whole.
    norm = np.linalg.norm((got - gradients).reshape(len(got), -1), axis=1)
    assert np.all(norm <= 0.03 * np.linalg.norm(gradients.reshape(len(got), -1), axis=1))
    if layer in ("last", "block4") or case.shape[2:] == (32, 32):
        assert clear.any(), "none of the images can be compared"


@pytest.mark.slow
@pytest.mark.parametrize("of", ["logit", "probability"])
@pytest.mark.parametrize("direction", [(1, 0), (0, 1), (-1, 1), (0.3, -2)])
def test_directions_are_autograds(direction, of, open_case, autograd):
    case = CASES[0]
    _, want, nearest = autograd(case, direction, "block3", of)
    _, got = open_case(case).backward(case.images(), direction, layer="block3", of=of)
    clear = nearest > NEAR
    assert clear.sum() > 1
    assert np.all(relative(got, want)[clear] <= 1e-3)


@pytest.mark.parametrize("of", ["logit", "probability"])
def test_each_image_has_its_direction(of, open_case):
    net, images = open_case(SMALL), SMALL.images()
    rows = np.random.default_rng(1).normal(size=(len(images), 2)).astype(np.float32)
    _, got = net.backward(images, rows, layer="block2", of=of)
    for i, row in enumerate(rows):
        _, alone = net.backward(images[i : i + 1], row, layer="block2", of=of)
        np.testing.assert_array_equal(got[i], alone[0])
    assert np.abs(got).min(0).max() > 0


def test_a_probability_is_the_difference_scaled(open_case):
    """d p1 = p0 p1 (d logit 1 - d logit 0), and p0 falls as p1 rises."""
    net, images = open_case(SMALL), SMALL.images()
    p = net(images)
    _, of_logits = net.backward(images, (-1, 1), layer="block4")
    _, of_p = net.backward(images, (0, 1), layer="block4", of="probability")
    want = of_logits * (p[:, 0] * p[:, 1])[:, None, None, None]
    np.testing.assert_allclose(of_p, want, rtol=1e-4, atol=1e-5 * np.abs(want).max())
    _, opposite = net.backward(images, (1, 0), layer="block4", of="probability")
    np.testing.assert_array_equal(opposite, -of_p)


def test_the_last_maps_are_features_and_their_gradients_gradcams(open_case):
    net, images = open_case(SMALL), SMALL.images()
    maps, gradients = net.backward(images, (0, 1))
    np.testing.assert_array_equal(maps, net.features(images))
    cam, _ = net.gradcam(images, 1)
    np.testing.assert_allclose((maps * gradients).sum(1), cam, rtol=1e-4, atol=1e-5)


def test_the_inputs_activations_are_the_images(open_case):
    images = SMALL.images()
    activations, _ = open_case(SMALL).backward(images, (0, 1), layer="input")
    np.testing.assert_array_equal(activations, images)
    assert not np.shares_memory(activations, images)


@pytest.mark.parametrize("case", [CASES[1], CASES[6]], ids=lambda case: case.name)
def test_the_image_moved_along_its_gradient_gains_its_square(case, open_case):
    """Central differences along each image's own gradient, where they are least rounded."""
    net, images = open_case(case), case.images()

    def gap(x: np.ndarray) -> np.ndarray:
        p = net(x).astype(np.float64)
        return np.log(p[:, 1]) - np.log(p[:, 0])

    _, gradients = net.backward(images, (-1, 1), layer="input")
    norm = np.linalg.norm(gradients.reshape(len(images), -1), axis=1)
    step = (1e-2 / norm**2)[:, None, None, None] * gradients  # the gap moves by 0.01
    got = (gap(images + step) - gap(images - step)) / 0.02
    np.testing.assert_allclose(got, 1, rtol=0, atol=0.04)
    assert norm.min() > 0


# ---- What results depend on ----------------------------------------------------------------------


@pytest.mark.slow
@every_layer
def test_threads_change_nothing_but_time(layer, open_case):
    case = CASES[3]
    want = open_case(case, threads=1).backward(case.images(), (-1, 1), layer=layer)
    for threads in (2, 3, 5):
        got = open_case(case, threads=threads).backward(case.images(), (-1, 1), layer=layer)
        for a, b in zip(got, want, strict=True):
            np.testing.assert_array_equal(a, b)


@every_layer
def test_a_batch_is_its_images_and_twice_the_same(layer, open_case):
    net, images = open_case(SMALL), SMALL.images()
    want = net.backward(images, (-1, 1), layer=layer)
    net.backward(np.full_like(images, 1e30), (-1, 1), layer=layer)
    for i in range(len(images)):
        got = net.backward(images[i : i + 1], (-1, 1), layer=layer)
        for a, b in zip(got, want, strict=True):
            np.testing.assert_array_equal(a[0], b[i])


@pytest.mark.usefixtures("bf16_or_skip")
@pytest.mark.parametrize("layer", ["block3", "input"])
def test_a_network_in_bf16_computes_gradients_in_f32(layer, open_case):
    net, images = Network.open(open_case(SMALL).model.path, "bf16", 2), SMALL.images()
    before = net(images)
    got = net.backward(images, (-1, 1), layer=layer)
    for a, b in zip(got, open_case(SMALL).backward(images, (-1, 1), layer=layer), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(net(images), before)
    steps = net.layers(64, 64, backward=layer)
    assert not any("bf16" in step["implementation"] for step in steps)


def test_calls_between_leave_the_forward_pass_alone(open_case):
    net, images = open_case(SMALL), SMALL.images()
    want = net(images)
    for layer in LAYERS:
        net.backward(images, (0, 1), layer=layer)
        np.testing.assert_array_equal(net(images), want)


@pytest.mark.slow
def test_memory_does_not_grow(open_case):
    """Sixty calls after the first few: less than one call's results more."""
    net, images = open_case(SMALL), cases.images(0, (4, 3, 96, 96))
    for _ in range(4):
        net.backward(images, (-1, 1), layer="input")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(60):
        net.backward(images, (-1, 1), layer="input")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4096


def test_only_what_is_asked_for_is_computed_backward(open_case):
    net = open_case(SMALL)
    forward = len(net.layers(64, 64))
    steps = [len(net.layers(64, 64, backward=layer)) for layer in LAYERS]
    assert steps == sorted(steps, reverse=True)
    assert steps[-1] == forward + 1  # the head, and the results
    assert steps[0] > 2 * forward - 4
    for step in net.layers(64, 64, backward="input"):
        assert "ref" not in step["implementation"], step


INTERRUPT = """
import signal, sys, time
import numpy as np
from spinalcord.models.network import Network

net = Network.open(sys.argv[1], "f32", 2)
rng = np.random.default_rng(0)
x = rng.random((200, 3, 256, 256), np.float32)
want = net.backward(x[:1, :, :64, :64], (0, 1), layer="block1")[1]
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, 0.5)
try:
    net.backward(x, (0, 1), layer="block1")
    print("finished")
except KeyboardInterrupt:
    print("interrupted")
assert np.array_equal(net.backward(x[:1, :, :64, :64], (0, 1), layer="block1")[1], want)
"""


@pytest.mark.slow
def test_ctrl_c_ends_a_long_call(open_case):
    import subprocess
    import sys

    path = str(open_case(SMALL).model.path)
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPT, path],
        capture_output=True, text=True, timeout=120, check=False, env=environment(),
    )  # fmt: skip
    assert done.stdout == "interrupted\n", done.stderr


# ---- What is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("layer", ["block0", "block5", "", "Last", None, 3])
def test_another_layer_is_refused(layer, open_case):
    with pytest.raises(InputError, match="layer is one of input, block1"):
        open_case(SMALL).backward(SMALL.images(), (0, 1), layer=layer)


@pytest.mark.parametrize("of", ["loss", "", None])
def test_another_function_is_refused(of, open_case):
    with pytest.raises(InputError, match="logit or a probability"):
        open_case(SMALL).backward(SMALL.images(), (0, 1), of=of)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (1, 2), (5, 3), (2, 5), (5, 2, 1)])
def test_a_direction_of_another_shape_is_refused(shape, open_case):
    with pytest.raises(InputError, match=r"expected \(2,\) or \(5, 2\)"):
        open_case(SMALL).backward(SMALL.images(), np.ones(shape, np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_direction_that_is_not_finite_is_refused(value, open_case):
    rows = np.ones((5, 2), np.float32)
    rows[4, 1] = value
    with pytest.raises(InputError, match="direction contains NaN or infinity"):
        open_case(SMALL).backward(SMALL.images(), rows)


@pytest.mark.parametrize("direction", ["positive", None, (1j, 0)])
def test_a_direction_that_is_no_number_is_refused(direction, open_case):
    with pytest.raises(InputError, match="direction is"):
        open_case(SMALL).backward(SMALL.images(), direction)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_images_that_are_not_finite_are_refused(value, open_case):
    images = SMALL.images()
    images[1, 0, 0, 0] = value
    with pytest.raises(InputError, match="NaN or infinite"):
        open_case(SMALL).backward(images, (0, 1))


@pytest.mark.parametrize(
    "shape", [(1, 3, 31, 64), (1, 3, 64, 4097), (0, 3, 64, 64), (1, 1, 64, 64)]
)
def test_wrong_extents_are_refused(shape, open_case):
    with pytest.raises(InputError):
        open_case(SMALL).backward(np.zeros(shape, np.float32), (0, 1))


def test_a_segmentation_network_has_no_gradients(open_case):
    with pytest.raises(InputError, match="classifier"):
        open_case(UNET).backward(UNET.images(), (0, 1))
    with pytest.raises(InputError, match="classifier"):
        open_case(UNET).layers(64, 64, backward="input")


def test_the_core_refuses_on_its_own(open_case):
    """What Python checks for its messages, C checks for its memory."""
    core, images = open_case(SMALL)._core, SMALL.images()
    direction = np.ones(2, np.float32)
    with pytest.raises(InputError, match="expected one of input, block1"):
        core.backward(images, direction, layer="block9")
    with pytest.raises(InputError, match="expected one of logit, probability"):
        core.backward(images, direction, of="loss")
    with pytest.raises(InputError, match="expected one of input"):
        core.backward_layers(64, 64, "head")
    with pytest.raises(InputError, match="densenet121 only"):
        open_case(UNET)._core.backward(UNET.images(), direction)
    with pytest.raises(InputError, match="float32"):
        core.backward(images.astype(float), direction)
    assert networks.IN_CHANNELS["densenet121"] == 3
