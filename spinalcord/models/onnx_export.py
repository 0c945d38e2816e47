"""Export model files as ONNX graphs [1]_; needs the extra ``onnx``.

The graph contains only the network: from prepared images to probabilities. Preparation, labels,
thresholds and limits are stored in the graph's metadata, under the key ``spinalcord``, as in the
model file.

References
----------
.. [1] https://onnx.ai/onnx/, operator set 17.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, ModelError
from ..extras import require
from ..scans.writing import write_bytes
from .architectures import DENSE_BLOCKS, MULTIRESUNET, NORM_EPS, PATHS, UNITS
from .model_file import Model, read_model, stored_tensors
from .network import Network

OPSET, IR = 17, 8
PARITY = 1e-4
"""Largest difference of a probability, onnxruntime against the core, both in float32."""


def export_onnx(path: str | os.PathLike[str], out: str | os.PathLike[str]) -> dict[str, Any]:
    """Write a model file as an ONNX graph, and compare it with the core.

    Parameters
    ----------
    path : path
        A model file.
    out : path
        Ends in ``.onnx``; an existing file is replaced once the new one is complete.

    Returns
    -------
    dict
        ``file``; ``difference``: the largest of a probability, onnxruntime against the core on
        random images, or None where onnxruntime is not installed and nothing was compared;
        ``flips``: test-time flips of the model file, which are not part of the graph.

    Raises
    ------
    ModelError
        A damaged file; a graph that computes something else than the core.
    InputError
        Another ending; onnx is not installed; a place that cannot be written.
    """
    out = Path(out)
    if out.suffix != ".onnx":
        raise InputError(f"an ONNX file's name ends in .onnx, got {out.name}")
    onnx = require("onnx", "onnx", "the export")
    network = Network.open(path)
    graph = make_graph(read_model(path), stored_tensors(path), onnx)
    onnx.checker.check_model(graph)
    data = graph.SerializeToString()
    difference = _compare(data, network)
    if difference is not None and not difference <= PARITY:
        raise ModelError(f"{out.name}: the graph and the core differ by {difference:.2g}")
    write_bytes(out, data)
    flips = network.model.preprocessing.get("flips", [])
    return {"file": str(out), "difference": difference, "flips": flips}


def make_graph(model: Model, tensors: Mapping[str, np.ndarray], onnx: Any) -> Any:
    """Return the graph of a network.

    Parameters
    ----------
    model : Model
    tensors : mapping of str to float32 array
        Tensors from `stored_tensors`.
    onnx : module

    Returns
    -------
    onnx.ModelProto
        Input "images" (n, c, h, w), output "probabilities".
    """
    helper = onnx.helper
    eps = float(model.metadata.get("norm_eps", NORM_EPS[model.network]))
    graph = _Graph(tensors, eps, onnx)
    if model.network == MULTIRESUNET:
        y, shape = _multiresunet(graph), ["n", len(model.outputs), "h", "w"]
    else:
        y, shape = _densenet121(graph, relu=bool(model.metadata.get("final_relu", True))), ["n", 2]
    graph.add("Identity", [y], name="probabilities")
    real = onnx.TensorProto.FLOAT
    images = helper.make_tensor_value_info("images", real, ["n", model.in_channels, "h", "w"])
    result = helper.make_tensor_value_info("probabilities", real, shape)
    made = helper.make_model(
        helper.make_graph(graph.nodes, "spinalcord", [images], [result], graph.constants),
        producer_name="spinalcord",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR,
    )
    text = json.dumps(dict(model.metadata), ensure_ascii=False)
    helper.set_model_props(made, {"spinalcord": text})
    return made


class _Graph:
    """Nodes and constants, with the layers of both networks; values are referred to by name."""

    def __init__(self, tensors: Mapping[str, np.ndarray], eps: float, onnx: Any) -> None:
        self._tensors, self._eps, self._onnx = tensors, eps, onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, kind: str, inputs: Sequence[str], *, name: str = "", **attributes: Any) -> str:
        """Add a node; return its output."""
        name = name or f"{kind.lower()}_{len(self.nodes)}"
        node = self._onnx.helper.make_node(kind, list(inputs), [name], name=name, **attributes)
        self.nodes.append(node)
        return name

    def constant(self, name: str, value: np.ndarray | None = None) -> str:
        """Return the name of a tensor of the file, or of a value."""
        array = self._tensors[name] if value is None else value
        array = np.ascontiguousarray(array, np.float32)
        self.constants.append(self._onnx.numpy_helper.from_array(array, name))
        return name

    def conv(self, x: str, layer: str, *, stride: int = 1) -> str:
        """Convolve with zero padding that keeps the size."""
        weight = self._tensors[f"{layer}.weight"]
        half = weight.shape[2] // 2
        inputs = [x, self.constant(f"{layer}.weight")]
        if f"{layer}.bias" in self._tensors:
            inputs.append(self.constant(f"{layer}.bias"))
        return self.add("Conv", inputs, pads=[half] * 4, strides=[stride] * 2)

    def norm(self, x: str, layer: str, *, relu: bool = False) -> str:
        """Normalise by the running statistics."""
        bias = self._tensors[f"{layer}.bias"]
        scale = f"{layer}.weight"
        ones = None if scale in self._tensors else np.ones_like(bias)
        inputs = [x, self.constant(scale, ones)]
        inputs += [self.constant(f"{layer}.{part}") for part in _STATISTICS]
        y = self.add("BatchNormalization", inputs, epsilon=self._eps)
        return self.add("Relu", [y]) if relu else y

    def conv_norm(self, x: str, layer: str, *, relu: bool = False) -> str:
        """Convolve and normalise."""
        return self.norm(self.conv(x, f"{layer}.conv"), f"{layer}.norm", relu=relu)

    def joined(self, x: str, other: str, layer: str) -> str:
        """Add, ReLU, normalise."""
        return self.norm(self.add("Relu", [self.add("Add", [x, other])]), layer)


_STATISTICS = ("bias", "running_mean", "running_var")


def _multires_block(graph: _Graph, x: str, name: str) -> str:
    a = graph.conv_norm(x, f"{name}.a", relu=True)
    b = graph.conv_norm(a, f"{name}.b", relu=True)
    c = graph.conv_norm(b, f"{name}.c", relu=True)
    together = graph.norm(graph.add("Concat", [a, b, c], axis=1), f"{name}.concat_norm")
    return graph.joined(together, graph.conv_norm(x, f"{name}.shortcut"), f"{name}.out_norm")


def _multiresunet(graph: _Graph) -> str:
    x, skips = "images", []
    for k, (_, length) in enumerate(PATHS):
        x = y = _multires_block(graph, x, f"encoder.{k}")
        for j in range(length):
            layer = f"path.{k}.{j}"
            own = graph.conv_norm(y, f"{layer}.conv", relu=True)
            y = graph.joined(graph.conv_norm(y, f"{layer}.shortcut"), own, f"{layer}.out_norm")
        skips.append(y)
        x = graph.add("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
    x = _multires_block(graph, x, f"encoder.{len(PATHS)}")
    for k in range(len(UNITS) - 1):
        inputs = [x, graph.constant(f"up.{k}.weight"), graph.constant(f"up.{k}.bias")]
        up = graph.add("ConvTranspose", inputs, strides=[2, 2])
        x = _multires_block(graph, graph.add("Concat", [up, skips.pop()], axis=1), f"decoder.{k}")
    y = graph.conv(x, "head.conv")
    if "head.norm.bias" in graph._tensors:
        y = graph.norm(y, "head.norm")
    return graph.add("Sigmoid", [y])


def _densenet121(graph: _Graph, *, relu: bool) -> str:
    x = graph.norm(graph.conv("images", "features.conv0", stride=2), "features.norm0", relu=True)
    x = graph.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    for block, layers in enumerate(DENSE_BLOCKS, start=1):
        for i in range(1, layers + 1):
            layer = f"features.denseblock{block}.denselayer{i}"
            y = graph.conv(graph.norm(x, f"{layer}.norm1", relu=True), f"{layer}.conv1")
            y = graph.conv(graph.norm(y, f"{layer}.norm2", relu=True), f"{layer}.conv2")
            x = graph.add("Concat", [x, y], axis=1)
        if block < len(DENSE_BLOCKS):
            layer = f"features.transition{block}"
            x = graph.conv(graph.norm(x, f"{layer}.norm", relu=True), f"{layer}.conv")
            x = graph.add("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2])
    x = graph.norm(x, "features.norm5", relu=relu)
    x = graph.add("Flatten", [graph.add("GlobalAveragePool", [x])], axis=1)
    for layer in ("hidden", "output"):
        inputs = [x, graph.constant(f"{layer}.weight"), graph.constant(f"{layer}.bias")]
        x = graph.add("Gemm", inputs, transB=1)
        x = graph.add("Relu", [x]) if layer == "hidden" else x
    return graph.add("Softmax", [x], axis=1)


def _compare(data: bytes, network: Network) -> float | None:
    """Return the largest difference from the core; None without onnxruntime."""
    try:
        import onnxruntime
    except ImportError:
        return None
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    images = rng.random((2, network.model.in_channels, 64, 96), np.float32)
    (found,) = session.run(None, {"images": images})
    return float(np.abs(found - network(images)).max())
