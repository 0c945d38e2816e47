"""spinalcord.training.torch_networks: the modules hold what the tables say, and can be trained."""

from __future__ import annotations

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.models import architectures as networks

torch = pytest.importorskip("torch", reason="torch is not installed")
modules = pytest.importorskip("spinalcord.training.torch_networks")

VARIANTS = [
    ("multiresunet", {}),
    ("multiresunet", {"in_channels": 3, "outputs": 2, "final_norm": False}),
    ("densenet121", {}),
    ("densenet121", {"in_channels": 2}),
]


@pytest.mark.parametrize(("kind", "options"), VARIANTS)
def test_state_dict_has_the_tables_names_and_order(kind, options):
    state = modules.build(kind, **options).state_dict()
    shapes = {
        name: tuple(values.shape)
        for name, values in state.items()
        if not name.endswith("num_batches_tracked")
    }
    want = networks.tensor_shapes(kind, **options)
    assert shapes == want
    assert list(shapes) == list(want)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "options"), VARIANTS)
def test_tensors_come_back_as_they_went_in(kind, options):
    module = modules.build(kind, **options)
    tensors = networks.random_tensors(kind, 3, **options)
    modules.load_tensors(module, tensors)
    back = modules.copy_tensors(module)
    assert list(back) == list(tensors)
    for name, values in tensors.items():
        assert back[name].dtype == np.float32
        np.testing.assert_array_equal(back[name], values, err_msg=name)


def test_loading_does_not_alias_what_is_loaded():
    tensors = networks.random_tensors("densenet121", 0)
    module = modules.build("densenet121")
    modules.load_tensors(module, tensors)
    with torch.no_grad():
        module.output.bias.add_(1.0)
    np.testing.assert_array_equal(
        tensors["output.bias"], networks.random_tensors("densenet121", 0)["output.bias"]
    )


def test_a_missing_tensor_is_named():
    tensors = networks.random_tensors("multiresunet", 0)
    del tensors["path.1.2.conv.norm.bias"]
    with pytest.raises(RuntimeError, match=r"path\.1\.2\.conv\.norm\.bias"):
        modules.load_tensors(modules.build("multiresunet"), tensors)


def test_shift_norm_is_the_formula_without_scale():
    norm = modules.ShiftNorm(2, eps=1e-3).eval()
    mean, var, bias = (torch.tensor(v) for v in ([1.0, -2.0], [4.0, 0.25], [0.5, -1.0]))
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(var)
    with torch.no_grad():
        norm.bias.copy_(bias)
    x = torch.arange(12.0).reshape(1, 2, 2, 3)
    want = (x[0] - mean[:, None, None]) / torch.sqrt(var + 1e-3)[:, None, None]
    torch.testing.assert_close(norm(x)[0], want + bias[:, None, None])


@pytest.mark.parametrize("final_norm", [True, False])
def test_multiresunet_trains_every_tensor(final_norm):
    torch.manual_seed(0)
    net = modules.MultiResUNet(outputs=2, final_norm=final_norm).train()
    scores = net(torch.rand(2, 1, 32, 32), logits=True)
    assert scores.shape == (2, 2, 32, 32)
    target = (torch.rand_like(scores) > 0.5).float()
    torch.nn.functional.binary_cross_entropy_with_logits(scores, target).backward()
    assert_every_gradient(net)
    assert (net.head.conv.bias is None) == final_norm


def test_densenet121_trains_every_tensor():
    torch.manual_seed(0)
    net = modules.DenseNet121().train()
    scores = net(torch.rand(2, 3, 64, 64), logits=True)
    torch.nn.functional.cross_entropy(scores, torch.tensor([0, 1])).backward()
    assert_every_gradient(net)


def assert_every_gradient(net):
    for name, values in net.named_parameters():
        assert values.grad is not None, name
        assert torch.isfinite(values.grad).all(), name
        assert values.grad.abs().max() > 0, name


def test_head_bias_starts_low_where_nothing_normalises_it():
    net = modules.MultiResUNet(final_norm=False)
    assert net.head.conv.bias.tolist() == [-4.0]


@pytest.mark.parametrize(
    ("kind", "shape"), [("multiresunet", (1, 1, 32, 48)), ("densenet121", (2, 3, 33, 47))]
)
def test_probabilities_are_of_the_logits(kind, shape):
    net = loaded(kind)
    x = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        logits, probabilities = net(x, logits=True), net(x)
        again = net.score(net.feature_maps(x))
    want = torch.sigmoid(logits) if kind == "multiresunet" else torch.softmax(logits, 1)
    torch.testing.assert_close(probabilities, want)
    torch.testing.assert_close(again, logits)


@pytest.mark.slow
def test_final_relu_is_what_it_says():
    x = torch.rand((1, 3, 64, 64), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        with_relu = loaded("densenet121").feature_maps(x)
        without = loaded("densenet121", final_relu=False).feature_maps(x)
    assert without.min() < 0
    torch.testing.assert_close(with_relu, without.clamp(min=0))


def loaded(kind, **options):
    net = modules.build(kind, **options).eval()
    modules.load_tensors(net, networks.random_tensors(kind, 0))
    return net


@pytest.mark.parametrize(
    ("kind", "shape", "message"),
    [
        ("multiresunet", (1, 1, 40, 32), "multiples of 16"),
        ("multiresunet", (1, 3, 32, 32), r"expected \(n, 1, h, w\)"),
        ("multiresunet", (1, 32, 32), r"expected \(n, 1, h, w\)"),
        ("densenet121", (1, 3, 31, 64), "at least 32 x 32"),
        ("densenet121", (1, 1, 64, 64), r"expected \(n, 3, h, w\)"),
    ],
)
def test_a_wrong_image_is_refused(kind, shape, message):
    with pytest.raises(InputError, match=message):
        modules.build(kind)(torch.zeros(shape))


def test_an_unknown_network_is_refused():
    with pytest.raises(InputError, match="'resnet', expected one of densenet121, multiresunet"):
        modules.build("resnet")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "shape"), [("multiresunet", (1, 1, 32, 32)), ("densenet121", (1, 3, 64, 64))]
)
def test_every_random_tensor_counts(kind, shape):
    """With any one tensor reversed the last maps leave the parity tests' tolerance by far."""
    net = loaded(kind)
    x = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    state = net.state_dict()
    with torch.inference_mode():
        want = net.feature_maps(x)
        for name in networks.tensor_shapes(kind):
            if name.startswith(("head.", "hidden.", "output.")):
                continue
            right = state[name].clone()
            state[name].copy_(right.flip(0))
            change = (net.feature_maps(x) - want).abs().max() / want.abs().max()
            state[name].copy_(right)
            assert change > 5e-3, name
        torch.testing.assert_close(net.feature_maps(x), want, rtol=0, atol=0)
