"""Batch normalisation in training: the core's where supported, otherwise PyTorch's.

On a CPU, PyTorch's takes 40 % of a step of MultiResUNet.  The core's gives the same numbers to the
rounding of bf16, together with the ReLU after it, or the sum and the ReLU before it: a step takes
0.68 of the time (DenseNet121: 0.85; benchmarks/bench_training.py), where torch.compile, after
minutes, reached 0.86 (for MultiResUNet).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .. import _core

CORE, TORCH = "core", "torch"

_HAS_BF16 = "bf16" in _core.cpu()["precisions"]


def normalise(
    norm: nn.BatchNorm2d, x: Tensor, other: Tensor | None = None, *, relu: bool = False
) -> Tensor:
    """Return ``norm(x)``, or with `other` ``norm(relu(x + other))``; with `relu` a ReLU follows.

    Parameters
    ----------
    norm : module
        Its running statistics are updated in training mode.
    x, other : (n, c, h, w)
        Maps, of one dtype; if they have fewer channels than `norm`, its first ones are used.
    relu : bool

    Returns
    -------
    (n, c, h, w)
        Computed by the core if `kind_of` returns "core".
    """
    if norm.training and kind_of(x) == CORE:
        return _by_core(norm, x, other, relu)
    if other is not None:
        x = torch.relu(x + other)
    y = norm(x) if x.shape[1] == norm.num_features else _by_torch(norm, x)
    return torch.relu(y) if relu else y


def _by_torch(norm: nn.BatchNorm2d, x: Tensor) -> Tensor:
    """Normalise the first channels."""
    mean, variance, scale, shift = _first(norm, x.shape[1])
    if norm.training:
        _tensor(norm.num_batches_tracked).add_(1)
    assert norm.momentum is not None
    return functional.batch_norm(
        x, mean, variance, scale, shift, norm.training, norm.momentum, norm.eps
    )


def _first(norm: nn.BatchNorm2d, channels: int) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
    """View running mean and variance, scale and shift of the first channels."""
    scale = norm.weight[:channels] if norm.affine else None
    mean, variance = (_tensor(t)[:channels] for t in (norm.running_mean, norm.running_var))
    return mean, variance, scale, norm.bias[:channels]


def kind_of(x: Tensor) -> str:
    """Return which implementation normalises such a batch in training: "core" or "torch"."""
    return kind_for(
        x.device, x.dtype == torch.bfloat16, compiled=bool(torch.compiler.is_compiling())
    )


def kind_for(device: torch.device, bf16: bool, *, compiled: bool) -> str:
    """Return the implementation for a training: "core" for bf16 on a CPU with it, else "torch".

    With torch.compile PyTorch computes everything, and fuses batch normalisation itself.
    """
    if compiled or not bf16 or device.type != "cpu":
        return TORCH
    return CORE if _HAS_BF16 else TORCH


def _by_core(norm: nn.BatchNorm2d, x: Tensor, other: Tensor | None, relu: bool) -> Tensor:
    *running, scale, shift = _first(norm, x.shape[1])
    made = _Norm.apply(x, other, scale, shift, norm.eps, relu)  # type: ignore[no-untyped-call]
    y, mean, variance = made
    assert norm.momentum is not None
    n = x.numel() // x.shape[1]
    with torch.no_grad():
        _tensor(norm.num_batches_tracked).add_(1)
        unbiased = variance * (n / max(n - 1, 1))
        for value, now in zip(running, (mean, unbiased), strict=True):
            value.lerp_(now, norm.momentum)
    result: Tensor = y
    return result


class _Norm(torch.autograd.Function):
    """The core's two functions as one node of the graph."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, other: Tensor | None, scale: Tensor | None, bias: Tensor,
        eps: float, relu: bool,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        y, kept, mean, variance = _core.batch_norm(
            _rows(x), None if other is None else _rows(other), _array(scale), _array(bias),
            eps=eps, relu=relu, threads=torch.get_num_threads(),
        )  # fmt: skip
        ctx.save_for_backward(scale, bias)
        ctx.rows, ctx.statistics = kept, (mean, variance)
        ctx.eps, ctx.relu, ctx.summed = eps, relu, other is not None
        statistics = torch.from_numpy(mean), torch.from_numpy(variance)
        ctx.mark_non_differentiable(*statistics)
        return _image(y, x.shape), *statistics

    @staticmethod
    def backward(ctx: Any, dy: Tensor, *unused: Tensor) -> tuple[Tensor | None, ...]:
        scale, bias = ctx.saved_tensors
        dx, dscale, dbias = _core.batch_norm_backward(
            ctx.rows, _rows(dy), _array(scale), _array(bias), *ctx.statistics,
            eps=ctx.eps, relu=ctx.relu, summed=ctx.summed, threads=torch.get_num_threads(),
        )  # fmt: skip
        image = _image(dx, dy.shape)
        other = image if ctx.summed else None
        by_scale = None if scale is None else torch.from_numpy(dscale)
        return image, other, by_scale, torch.from_numpy(dbias), None, None


def _tensor(buffer: Tensor | None) -> Tensor:
    """Narrow the type: all batch normalisations of these networks have running statistics."""
    assert buffer is not None
    return buffer


def _rows(x: Tensor) -> Any:
    """View, or copy, (n, c, h, w) as uint16 (n h w, c)."""
    plain = x.detach().to(torch.bfloat16).permute(0, 2, 3, 1).contiguous()
    return plain.view(torch.uint16).numpy().reshape(-1, x.shape[1])


def _image(rows: Any, shape: torch.Size) -> Tensor:
    n, c, h, w = shape
    return torch.from_numpy(rows).view(torch.bfloat16).view(n, h, w, c).permute(0, 3, 1, 2)


def _array(values: Tensor | None) -> Any:
    return None if values is None else values.detach().numpy()
