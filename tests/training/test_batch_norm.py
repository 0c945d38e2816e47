"""spinalcord.training.batch_norm: the core's batch normalisation beside PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

from spinalcord import _core
from spinalcord.errors import BackendError, InputError

torch = pytest.importorskip("torch", reason="torch is not installed")
norm = pytest.importorskip("spinalcord.training.batch_norm")
modules = pytest.importorskip("spinalcord.training.torch_networks")

BF16 = "bf16" in _core.cpu()["precisions"]
needs_bf16 = pytest.mark.skipif(not BF16, reason="this CPU lacks AVX512_BF16")
ROUNDING = 2.0**-8


def batch(seed, channels, dtype=torch.bfloat16):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn((3, channels, 19, 13), generator=generator) * 2 + 1
    return x.to(dtype).contiguous(memory_format=torch.channels_last)


def twins(channels, scale=True):
    torch.manual_seed(channels)
    one = torch.nn.BatchNorm2d(channels) if scale else modules.ShiftNorm(channels, eps=1e-3)
    if scale:
        torch.nn.init.uniform_(one.weight, -1, 1)
    torch.nn.init.normal_(one.bias)
    other = torch.nn.BatchNorm2d(channels) if scale else modules.ShiftNorm(channels, eps=1e-3)
    other.load_state_dict(one.state_dict())
    return one, other


def distance(got, want):
    difference = got.detach().float() - want.detach().float()
    return float(difference.norm() / want.detach().float().norm())


@needs_bf16
@pytest.mark.parametrize("channels", [1, 8, 17, 51, 64, 105])
@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("summed", [True, False])
def test_core_and_torch_agree_forward_and_backward(channels, scale, relu, summed):
    core, torchs = twins(channels, scale)
    x, addend = batch(1, channels).requires_grad_(), batch(2, channels).requires_grad_()
    plain, plain_addend = (t.detach().float().requires_grad_() for t in (x, addend))
    assert norm.kind_of(x) == norm.CORE
    assert norm.kind_of(plain) == norm.TORCH
    got = norm.normalise(core, x, addend if summed else None, relu=relu)
    joined = plain
    if summed:  # the sum is rounded, too; its gradient is not
        joined = torch.relu(plain + plain_addend)
        joined = joined + (joined.bfloat16().float() - joined).detach()
    want = norm.normalise(torchs, joined, relu=relu)
    assert got.dtype == torch.bfloat16
    assert distance(got, want) < ROUNDING
    dy = batch(3, channels)
    got.backward(dy)
    want.backward(dy.float())
    assert distance(x.grad, plain.grad) < ROUNDING
    if summed:
        assert distance(addend.grad, plain_addend.grad) < ROUNDING
    if scale:
        assert distance(core.weight.grad, torchs.weight.grad) < 1e-3
    assert distance(core.bias.grad, torchs.bias.grad) < 1e-3
    assert distance(core.running_mean, torchs.running_mean) < 1e-5
    assert distance(core.running_var, torchs.running_var) < 1e-5
    assert int(core.num_batches_tracked) == int(torchs.num_batches_tracked) == 1


@needs_bf16
def test_channels_first_are_taken_too():
    one, other = twins(8)
    x = batch(1, 8).contiguous()  # channels first
    got, want = norm.normalise(one, x), norm.normalise(other, x.float())
    assert distance(got, want) < ROUNDING


@pytest.mark.slow
@needs_bf16
@pytest.mark.parametrize(
    ("kind", "options", "shape"),
    [
        ("multiresunet", {"final_norm": False}, (4, 1, 64, 48)),
        ("densenet121", {}, (4, 3, 96, 64)),
    ],
)
def test_a_network_learns_no_worse_than_with_pytorchs_norms(kind, options, shape, monkeypatch):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(shape, generator=generator).contiguous(memory_format=torch.channels_last)

    def gradients(bf16):
        torch.manual_seed(0)
        network = modules.build(kind, **options).to(memory_format=torch.channels_last).train()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            y = network(x, logits=True).float()
        wanted = torch.linspace(-1, 1, y.numel()).view(y.shape)
        (y - wanted).square().mean().backward()
        return torch.cat([p.grad.flatten() for p in network.parameters()]), network

    def agreement(found):
        return float(torch.nn.functional.cosine_similarity(found, exact, dim=0))

    exact, twin = gradients(bf16=False)
    core, trained = gradients(bf16=True)
    monkeypatch.setattr(norm, "kind_of", lambda x: norm.TORCH)
    plain, _ = gradients(bf16=True)
    # Rounding to bf16 in so many layers turns the gradient: by as much in either way.
    assert agreement(plain) > 0.5
    assert agreement(core) > agreement(plain) - 0.1
    for name, value in trained.named_buffers():
        if name.endswith("running_var"):
            assert distance(value, twin.get_buffer(name)) < 0.05


def test_who_normalises():
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert norm.kind_for(cpu, True, compiled=False) == (norm.CORE if BF16 else norm.TORCH)
    for device, bf16, compiled in ((cpu, False, False), (cpu, True, True), (cuda, True, False)):
        assert norm.kind_for(device, bf16, compiled=compiled) == norm.TORCH


def test_evaluation_and_float32_are_pytorchs_own():
    one, other = twins(8)
    x = batch(1, 8, torch.float32)
    assert torch.equal(norm.normalise(one, x, relu=True), torch.relu(other(x)))
    one.eval(), other.eval()
    assert torch.equal(norm.normalise(one, x.bfloat16()), other(x.bfloat16()))


@needs_bf16
def test_refusals():
    x, c = np.zeros((4, 8), np.uint16), np.zeros(8, np.float32)
    options = {"eps": 1e-3, "relu": False, "threads": 1}
    with pytest.raises(InputError, match="0 rows"):
        _core.batch_norm(x[:0], None, None, c, **options)
    with pytest.raises(InputError, match="bias has shape"):
        _core.batch_norm(x, None, None, c[:7], **options)
    with pytest.raises(InputError, match="other has shape"):
        _core.batch_norm(x, x[:3], None, c, **options)
    with pytest.raises(InputError, match="0 threads"):
        _core.batch_norm(x, None, None, c, **{**options, "threads": 0})
    with pytest.raises(TypeError, match="x"):
        _core.batch_norm(x.astype(np.float32), None, None, c, **options)
    with pytest.raises(InputError, match="dy has shape"):
        _core.batch_norm_backward(x, x[:1], None, c, c, c, summed=False, **options)
    with pytest.raises(InputError, match="variance has shape"):
        _core.batch_norm_backward(x, x, None, c, c, c[:1], summed=False, **options)


@pytest.mark.skipif(BF16, reason="this CPU has AVX512_BF16")
def test_a_cpu_without_bf16_is_told():
    x, c = np.zeros((4, 8), np.uint16), np.zeros(8, np.float32)
    with pytest.raises(BackendError, match="AVX512_BF16"):
        _core.batch_norm(x, None, None, c, eps=1e-3, relu=False, threads=1)
