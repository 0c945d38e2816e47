"""Tensor names and shapes of the two networks, and seeded random weights.

The tables are the contract between the model files, the C core and the PyTorch modules of
`spinalcord.training.torch_networks`: all use the same names in the same order. MultiResUNet follows
[1]_ as implemented in the authors' Keras model (widths truncated, no scale in the batch
normalisations of the convolutions), DenseNet121 follows [2]_ with torchvision's names and a head of
two dense layers.

NumPy only: nothing here computes a network.

References
----------
.. [1] N. Ibtehaz, M. S. Rahman, "MultiResUNet", Neural Networks 121, 2020.
.. [2] G. Huang et al., "Densely Connected Convolutional Networks", CVPR 2017.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from spinalcord.errors import InputError

MULTIRESUNET = "multiresunet"
DENSENET121 = "densenet121"

#: Epsilon of every Norm unless the model file says otherwise (Keras' and PyTorch's own).
NORM_EPS = {MULTIRESUNET: 1e-3, DENSENET121: 1e-5}
#: Input channels unless the model file says otherwise.
IN_CHANNELS = {MULTIRESUNET: 1, DENSENET121: 3}
#: Outputs unless the model file says otherwise: probability maps, or classes.
OUTPUTS = {MULTIRESUNET: 1, DENSENET121: 2}

#: U of MultiResUNet's encoder blocks 0..4; decoder block k has UNITS[3 - k].
UNITS = (32, 64, 128, 256, 512)
#: Filters and number of ResUnits on the skip paths 0..3.
PATHS = ((32, 4), (64, 3), (128, 2), (256, 1))

#: Layers in DenseNet121's blocks 1..4.
DENSE_BLOCKS = (6, 12, 24, 16)
GROWTH = 32
BOTTLENECK = 128
STEM = 64
HIDDEN = 128

# For random weights: rough statistics for batch normalisations, and gains that spread the outputs.
_VARIANCE = {
    "concat_norm": 0.6,
    "out_norm": 1.0,
    "a.norm": 5.0,
    "shortcut.norm": 5.0,
    "conv.norm": 5.0,
    "b.norm": 1.5,
    "c.norm": 1.5,
}
_GAIN = {"head.conv": 0.8, "hidden": 3.0, "output": 0.75}

Shapes = Iterator[tuple[str, tuple[int, ...]]]


def multires_widths(units: int) -> tuple[int, int, int]:
    """Return the output channels (a, b, c) of a MultiResBlock's three k3 convolutions."""
    width = 1.67 * units
    return int(0.167 * width), int(0.333 * width), int(0.5 * width)


def tensor_shapes(
    kind: str,
    *,
    in_channels: int | None = None,
    outputs: int | None = None,
    final_norm: bool = True,
) -> dict[str, tuple[int, ...]]:
    """List the tensors that a network stores, in file order.

    Parameters
    ----------
    kind : {"multiresunet", "densenet121"}
        The model file's `network`.
    in_channels : int, optional
        Channels of the input; 1 for MultiResUNet and 3 for DenseNet121 if not given.
    outputs : int, optional
        MultiResUNet: probability maps, 1 if not given. DenseNet121: always 2.
    final_norm : bool, default True
        MultiResUNet: the head ends in a Norm without scale; if False its convolution has a bias.

    Returns
    -------
    dict of str to tuple of int
        Convolutions are (out, in, rows, columns), transposed ones (in, out, rows, columns),
        dense layers (out, in), batch normalisations and biases (channels,).

    Raises
    ------
    InputError
        Unknown kind, fewer than one channel or output, or a DenseNet121 with other than 2 outputs.
    """
    if kind not in OUTPUTS:
        raise InputError(f"network is {kind!r}, expected one of {', '.join(sorted(OUTPUTS))}")
    channels = IN_CHANNELS[kind] if in_channels is None else in_channels
    count = OUTPUTS[kind] if outputs is None else outputs
    if channels < 1 or count < 1:
        raise InputError(
            f"{kind} with {channels} input channels and {count} outputs, "
            "expected at least one of each"
        )
    if kind == MULTIRESUNET:
        return dict(_multiresunet(channels, count, final_norm))
    if count != OUTPUTS[DENSENET121]:
        raise InputError(f"densenet121 with {count} outputs, expected 2")
    return dict(_densenet121(channels))


def count_values(shapes: dict[str, tuple[int, ...]]) -> int:
    """Return the total number of values of the tensors in a table."""
    return sum(math.prod(shape) for shape in shapes.values())


def random_tensors(
    kind: str,
    seed: int,
    *,
    in_channels: int | None = None,
    outputs: int | None = None,
    final_norm: bool = True,
) -> dict[str, np.ndarray]:
    """Draw random weights with which an untrained network computes meaningful ranges of values.

    Convolutions keep the scale of their input (He's rule); batch normalisations get means,
    variances and shifts of either sign near what they would have measured, and some negative
    scales. Outputs are then neither saturated nor constant, so that they reveal differences between
    two implementations, and tensors mixed up or missing.

    Parameters
    ----------
    kind, in_channels, outputs, final_norm
        As in `tensor_shapes`.
    seed : int
        The same seed gives the same bits (PCG64) on every platform.

    Returns
    -------
    dict of str to ndarray
        float32, C order, in file order.

    Raises
    ------
    InputError
        As `tensor_shapes`, or a negative seed.
    """
    if seed < 0:
        raise InputError(f"seed is {seed}, expected 0 or more")
    shapes = tensor_shapes(kind, in_channels=in_channels, outputs=outputs, final_norm=final_norm)
    rng = np.random.Generator(np.random.PCG64(seed))
    return {name: _draw(rng, name, shape) for name, shape in shapes.items()}


def _conv_norm(name: str, ci: int, co: int, k: int) -> Shapes:
    yield f"{name}.conv.weight", (co, ci, k, k)
    yield from _norm(f"{name}.norm", co, scale=False)


def _norm(name: str, channels: int, *, scale: bool = True) -> Shapes:
    parts = ("weight", "bias", "running_mean", "running_var")
    for part in parts if scale else parts[1:]:
        yield f"{name}.{part}", (channels,)


def _multires_block(name: str, ci: int, units: int) -> Shapes:
    a, b, c = multires_widths(units)
    yield from _conv_norm(f"{name}.a", ci, a, 3)
    yield from _conv_norm(f"{name}.b", a, b, 3)
    yield from _conv_norm(f"{name}.c", b, c, 3)
    yield from _conv_norm(f"{name}.shortcut", ci, a + b + c, 1)
    yield from _norm(f"{name}.concat_norm", a + b + c)
    yield from _norm(f"{name}.out_norm", a + b + c)


def _multiresunet(in_channels: int, outputs: int, final_norm: bool) -> Shapes:
    widths = [sum(multires_widths(units)) for units in UNITS]
    for i, units in enumerate(UNITS):
        ci = widths[i - 1] if i > 0 else in_channels
        yield from _multires_block(f"encoder.{i}", ci, units)
    for i, (filters, length) in enumerate(PATHS):
        for j in range(length):
            ci = filters if j > 0 else widths[i]
            yield from _conv_norm(f"path.{i}.{j}.shortcut", ci, filters, 1)
            yield from _conv_norm(f"path.{i}.{j}.conv", ci, filters, 3)
            yield from _norm(f"path.{i}.{j}.out_norm", filters)
    for k, units in enumerate(reversed(UNITS[:-1])):
        yield f"up.{k}.weight", (widths[4 - k], units, 2, 2)
        yield f"up.{k}.bias", (units,)
    for k, units in enumerate(reversed(UNITS[:-1])):
        yield from _multires_block(f"decoder.{k}", 2 * units, units)
    yield "head.conv.weight", (outputs, widths[0], 1, 1)
    if final_norm:
        yield from _norm("head.norm", outputs, scale=False)
    else:
        yield "head.conv.bias", (outputs,)


def _densenet121(in_channels: int) -> Shapes:
    yield "features.conv0.weight", (STEM, in_channels, 7, 7)
    yield from _norm("features.norm0", STEM)
    channels = STEM
    for block, layers in enumerate(DENSE_BLOCKS, start=1):
        for layer in range(1, layers + 1):
            name = f"features.denseblock{block}.denselayer{layer}"
            yield from _norm(f"{name}.norm1", channels)
            yield f"{name}.conv1.weight", (BOTTLENECK, channels, 1, 1)
            yield from _norm(f"{name}.norm2", BOTTLENECK)
            yield f"{name}.conv2.weight", (GROWTH, BOTTLENECK, 3, 3)
            channels += GROWTH
        if block < len(DENSE_BLOCKS):
            name = f"features.transition{block}"
            yield from _norm(f"{name}.norm", channels)
            yield f"{name}.conv.weight", (channels // 2, channels, 1, 1)
            channels //= 2
    yield from _norm("features.norm5", channels)
    yield "hidden.weight", (HIDDEN, channels)
    yield "hidden.bias", (HIDDEN,)
    yield "output.weight", (OUTPUTS[DENSENET121], HIDDEN)
    yield "output.bias", (OUTPUTS[DENSENET121],)


def _draw(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Draw one tensor of the kind given by its name."""
    owner, part = name.rsplit(".", 1)
    if part == "running_var":
        values = rng.uniform(0.5, 1.5, shape) * _variance(owner)
    elif part == "running_mean":
        values = rng.normal(0.5 if owner.endswith(("concat_norm", "out_norm")) else 0.0, 0.2, shape)
    elif part == "bias":
        values = rng.normal(0.0, 0.2, shape)
    elif len(shape) == 1:
        values = rng.uniform(0.6, 1.4, shape)
        values *= np.where(rng.random(shape) < 0.15, -1.0, 1.0)
    else:
        transposed = name.startswith("up.")
        fan_in = shape[0] if transposed else math.prod(shape[1:])
        # A ReLU leaves a mean that would drown the image in a constant, were the weights not
        # centred over the channels; it leaves a third of the variance, hence the 3.
        values = rng.normal(0.0, math.sqrt(3.0 / fan_in), shape)
        if shape[1] > 3:
            values -= values.mean(axis=0 if transposed else 1, keepdims=True)
        values *= _GAIN.get(owner, 1.0)
    return values.astype(np.float32)


def _variance(owner: str) -> float:
    return next((value for end, value in _VARIANCE.items() if owner.endswith("." + end)), 1.4)
