"""The two networks as PyTorch modules: trained here, and the reference for the C core.

`state_dict()` has exactly the names and the order of
`spinalcord.models.architectures.tensor_shapes`, plus PyTorch's own `num_batches_tracked`, which
model files do not hold.  Images are float32 (n, c, h, w), C order.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from spinalcord.errors import InputError
from spinalcord.models import architectures as tables

from .batch_norm import normalise


class ShiftNorm(nn.BatchNorm2d):
    """Batch normalisation without scale: a shift is learnt, gamma is 1 (Keras' `scale=False`)."""

    def __init__(self, channels: int, *, eps: float) -> None:
        super().__init__(channels, eps=eps, affine=False)
        self.bias = nn.Parameter(torch.zeros(channels))

    def reset_parameters(self) -> None:
        """Reset the statistics and the shift."""
        super().reset_parameters()
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class ConvNorm(nn.Module):
    """Convolution of odd size k, "same" zero padding, no bias, then a Norm without scale."""

    def __init__(self, ci: int, co: int, k: int, *, eps: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(ci, co, k, padding=k // 2, bias=False)
        self.norm = ShiftNorm(co, eps=eps)

    def forward(self, x: Tensor, *, relu: bool = False) -> Tensor:
        """Return (n, co, h, w), with `relu` after a ReLU."""
        return normalise(self.norm, self.conv(x), relu=relu)


class MultiResBlock(nn.Module):
    """Three chained k3 convolutions, concatenated, plus a k1 shortcut; a Norm ends the block."""

    def __init__(self, ci: int, units: int, *, eps: float) -> None:
        super().__init__()
        a, b, c = tables.multires_widths(units)
        self.a = ConvNorm(ci, a, 3, eps=eps)
        self.b = ConvNorm(a, b, 3, eps=eps)
        self.c = ConvNorm(b, c, 3, eps=eps)
        self.shortcut = ConvNorm(ci, a + b + c, 1, eps=eps)
        self.concat_norm = nn.BatchNorm2d(a + b + c, eps=eps)
        self.out_norm = nn.BatchNorm2d(a + b + c, eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, a + b + c, h, w)."""
        a = self.a(x, relu=True)
        b = self.b(a, relu=True)
        c = self.c(b, relu=True)
        joined = normalise(self.concat_norm, torch.cat([a, b, c], 1))
        return normalise(self.out_norm, joined, self.shortcut(x))


class ResUnit(nn.Module):
    """One unit of a skip path: k3 convolution plus k1 shortcut; a Norm ends the unit."""

    def __init__(self, ci: int, co: int, *, eps: float) -> None:
        super().__init__()
        self.shortcut = ConvNorm(ci, co, 1, eps=eps)
        self.conv = ConvNorm(ci, co, 3, eps=eps)
        self.out_norm = nn.BatchNorm2d(co, eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, co, h, w)."""
        return normalise(self.out_norm, self.shortcut(x), self.conv(x, relu=True))


class _SegmentationHead(nn.Module):
    """k1 convolution to the output maps, then a Norm without scale, or a bias."""

    def __init__(self, ci: int, outputs: int, *, norm: bool, eps: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(ci, outputs, 1, bias=not norm)
        self.norm = ShiftNorm(outputs, eps=eps) if norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, (n, outputs, h, w)."""
        y: Tensor = self.norm(self.conv(x))
        return y


class MultiResUNet(nn.Module):
    """MultiResUNet for segmentation, as in [1]_.

    Parameters
    ----------
    in_channels : int, default 1
    outputs : int, default 1
        Probability maps, one per name in the model file's `labels.outputs`.
    norm_eps : float, default 1e-3
    final_norm : bool, default True
        The head ends in a Norm without scale, as in the authors' code.  False: a bias instead,
        which starts at -4 because lesions are rare; this is how to train.

    References
    ----------
    .. [1] N. Ibtehaz, M. S. Rahman, "MultiResUNet", Neural Networks 121, 2020.
    """

    def __init__(
        self,
        *,
        in_channels: int = 1,
        outputs: int = 1,
        norm_eps: float = tables.NORM_EPS[tables.MULTIRESUNET],
        final_norm: bool = True,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        widths = [sum(tables.multires_widths(units)) for units in tables.UNITS]
        inputs = [in_channels, *widths[:-1]]
        upwards = tables.UNITS[-2::-1]
        self.encoder = nn.ModuleList(
            MultiResBlock(ci, units, eps=norm_eps)
            for ci, units in zip(inputs, tables.UNITS, strict=True)
        )
        self.path = nn.ModuleList(
            nn.Sequential(
                *(ResUnit(filters if j else width, filters, eps=norm_eps) for j in range(length))
            )
            for width, (filters, length) in zip(widths[:-1], tables.PATHS, strict=True)
        )
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(width, units, 2, stride=2)
            for width, units in zip(widths[:0:-1], upwards, strict=True)
        )
        self.decoder = nn.ModuleList(
            MultiResBlock(2 * units, units, eps=norm_eps) for units in upwards
        )
        self.head = _SegmentationHead(widths[0], outputs, norm=final_norm, eps=norm_eps)
        _initialise(self)
        if self.head.conv.bias is not None:
            nn.init.constant_(self.head.conv.bias, -4.0)

    def feature_maps(self, x: Tensor) -> Tensor:
        """Return the last feature maps, (n, 51, h, w): what the head sees.

        Raises
        ------
        InputError
            `x` is not (n, in_channels, h, w) with h and w multiples of 16.
        """
        _check(x, self.in_channels)
        if x.shape[2] % 16 or x.shape[3] % 16:
            raise InputError(f"image is {_pixels(x)}, expected multiples of 16")
        skips = []
        for block, path in zip(self.encoder[:-1], self.path, strict=True):
            x = block(x)
            skips.append(path(x))
            x = functional.max_pool2d(x, 2)
        x = self.encoder[-1](x)
        for up, block in zip(self.up, self.decoder, strict=True):
            x = block(torch.cat([up(x), skips.pop()], 1))
        return x

    def score(self, maps: Tensor) -> Tensor:
        """Return the logits, (n, outputs, h, w), of last feature maps."""
        y: Tensor = self.head(maps)
        return y

    def forward(self, x: Tensor, *, logits: bool = False) -> Tensor:
        """Return (n, outputs, h, w): probabilities, or with `logits` what their sigmoid is of."""
        scores = self.score(self.feature_maps(x))
        return scores if logits else torch.sigmoid(scores)


class DenseLayer(nn.Module):
    """Norm, ReLU, k1 convolution, Norm, ReLU, k3 convolution: `GROWTH` new channels."""

    def __init__(self, ci: int, *, eps: float) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(ci, eps=eps)
        self.conv1 = nn.Conv2d(ci, tables.BOTTLENECK, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(tables.BOTTLENECK, eps=eps)
        self.conv2 = nn.Conv2d(tables.BOTTLENECK, tables.GROWTH, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the new channels, (n, GROWTH, h, w)."""
        bottleneck = self.conv1(normalise(self.norm1, x, relu=True))
        y: Tensor = self.conv2(normalise(self.norm2, bottleneck, relu=True))
        return y


class DenseBlock(nn.ModuleDict):
    """Layers that each read everything before them and append to it.

    Attributes
    ----------
    layers : int
        Number of layers that are computed, the first ones.
    """

    def __init__(self, ci: int, layers: int, *, eps: float) -> None:
        super().__init__()
        self.layers = layers
        for i in range(layers):
            self[f"denselayer{i + 1}"] = DenseLayer(ci + i * tables.GROWTH, eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, ci + layers * GROWTH, h, w)."""
        for layer in list(self.values())[: self.layers]:
            x = torch.cat([x, layer(x)], 1)
        return x


class Transition(nn.Module):
    """Norm, ReLU, k1 convolution to half the channels, average-pool 2x2."""

    def __init__(self, ci: int, *, eps: float) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(ci, eps=eps)
        self.conv = nn.Conv2d(ci, ci // 2, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, ci // 2, h // 2, w // 2); `x` may be the first channels only."""
        x = normalise(self.norm, x, relu=True)
        return functional.avg_pool2d(functional.conv2d(x, self.conv.weight[:, : x.shape[1]]), 2)


class DenseNet121(nn.Module):
    """DenseNet121 for classification, as in [1]_, with a head of two dense layers.

    Parameters
    ----------
    in_channels : int, default 3
    norm_eps : float, default 1e-5
        1.001e-5 for weights that come from Keras.
    final_relu : bool, default True
        A ReLU follows norm5.

    References
    ----------
    .. [1] G. Huang et al., "Densely Connected Convolutional Networks", CVPR 2017.
    """

    def __init__(
        self,
        *,
        in_channels: int = 3,
        norm_eps: float = tables.NORM_EPS[tables.DENSENET121],
        final_relu: bool = True,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.final_relu = final_relu
        body: dict[str, nn.Module] = {
            "conv0": nn.Conv2d(in_channels, tables.STEM, 7, stride=2, padding=3, bias=False),
            "norm0": nn.BatchNorm2d(tables.STEM, eps=norm_eps),
            "relu0": nn.ReLU(),
            "pool0": nn.MaxPool2d(3, stride=2, padding=1),
        }
        channels = tables.STEM
        for block, layers in enumerate(tables.DENSE_BLOCKS, start=1):
            body[f"denseblock{block}"] = DenseBlock(channels, layers, eps=norm_eps)
            channels += layers * tables.GROWTH
            if block < len(tables.DENSE_BLOCKS):
                body[f"transition{block}"] = Transition(channels, eps=norm_eps)
                channels //= 2
        body["norm5"] = nn.BatchNorm2d(channels, eps=norm_eps)
        self.features = nn.Sequential(OrderedDict(body))
        self.hidden = nn.Linear(channels, tables.HIDDEN)
        self.output = nn.Linear(tables.HIDDEN, tables.OUTPUTS[tables.DENSENET121])
        _initialise(self)

    def feature_maps(self, x: Tensor) -> Tensor:
        """Return the last feature maps, (n, 1024, h', w'): after norm5 and, if any, its ReLU.

        Raises
        ------
        InputError
            `x` is not (n, in_channels, h, w) with h and w at least 32.
        """
        _check(x, self.in_channels)
        if min(x.shape[2:]) < 32:
            raise InputError(f"image is {_pixels(x)}, expected at least 32 x 32")
        maps = self.features[:-1](x)
        norm: nn.BatchNorm2d = self.features.norm5  # type: ignore[assignment]
        return normalise(norm, maps, relu=self.final_relu)

    def score(self, maps: Tensor) -> Tensor:
        """Return the logits, (n, 2), of last feature maps."""
        means = maps.mean((2, 3))
        weight = self.hidden.weight[:, : means.shape[1]]
        y: Tensor = self.output(torch.relu(functional.linear(means, weight, self.hidden.bias)))
        return y

    def forward(self, x: Tensor, *, logits: bool = False) -> Tensor:
        """Return (n, 2): probabilities, or with `logits` what their softmax is of."""
        scores = self.score(self.feature_maps(x))
        return scores if logits else torch.softmax(scores, 1)


Network = MultiResUNet | DenseNet121


def build(
    kind: str,
    *,
    in_channels: int | None = None,
    outputs: int | None = None,
    norm_eps: float | None = None,
    final_norm: bool = True,
    final_relu: bool = True,
) -> Network:
    """Create the module of a network by its name in model files.

    Parameters
    ----------
    kind, in_channels, outputs, final_norm
        As in `spinalcord.models.architectures.tensor_shapes`.
    norm_eps : float, optional
        The network's usual one if not given.
    final_relu : bool, default True
        DenseNet121 only.

    Raises
    ------
    InputError
        As `spinalcord.models.architectures.tensor_shapes`.
    """
    tables.tensor_shapes(kind, in_channels=in_channels, outputs=outputs, final_norm=final_norm)
    channels = tables.IN_CHANNELS[kind] if in_channels is None else in_channels
    eps = tables.NORM_EPS[kind] if norm_eps is None else norm_eps
    if kind == tables.DENSENET121:
        return DenseNet121(in_channels=channels, norm_eps=eps, final_relu=final_relu)
    return MultiResUNet(
        in_channels=channels,
        outputs=tables.OUTPUTS[kind] if outputs is None else outputs,
        norm_eps=eps,
        final_norm=final_norm,
    )


def load_tensors(network: nn.Module, tensors: Mapping[str, np.ndarray]) -> None:
    """Copy a model file's tensors into a module.

    Raises
    ------
    RuntimeError
        A tensor is missing, superfluous, or of another shape (PyTorch's own message).
    """
    state = {name: torch.from_numpy(np.array(values)) for name, values in tensors.items()}
    network.load_state_dict(state)


def copy_tensors(network: nn.Module) -> dict[str, np.ndarray]:
    """Return the tensors of a module for a model file: float32 copies in file order."""
    return {
        name: np.array(values.detach().cpu().numpy(), dtype=np.float32)
        for name, values in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }


def _check(x: Tensor, in_channels: int) -> None:
    if x.ndim != 4 or x.shape[1] != in_channels:
        raise InputError(f"image has shape {tuple(x.shape)}, expected (n, {in_channels}, h, w)")


def _pixels(x: Tensor) -> str:
    return f"{x.shape[2]} x {x.shape[3]} pixels"


def _initialise(network: nn.Module) -> None:
    """Initialize layers before a ReLU by He's rule; biases are zero."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
