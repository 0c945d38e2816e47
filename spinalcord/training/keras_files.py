"""Read the weights of Keras files by layer: ``.keras``, and models or weights in ``.h5``.

Files are read with h5py alone; no code from them is executed.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..extras import require
from ..models.architectures import PATHS, UNITS

Array = NDArray[np.float32]
Layers = dict[str, dict[str, Array]]

ENDINGS = (".keras", ".h5", ".hdf5")

_NORM = ("gamma", "beta", "moving_mean", "moving_variance")
_OURS = {"kernel": "weight", "gamma": "weight", "beta": "bias", "bias": "bias",
         "moving_mean": "running_mean", "moving_variance": "running_var"}  # fmt: skip
_NUMBER = re.compile(r"_(\d+)$")


def read_layers(path: Path) -> Layers:
    """Read the weights of every layer.

    Parameters
    ----------
    path : Path
        ``.keras``, or ``.h5`` of a whole model or of its weights.

    Returns
    -------
    dict of str to dict of str to float32 array
        By the layer's name in the model: kernel, bias, gamma, beta, moving_mean, moving_variance.

    Raises
    ------
    ModelError
        A damaged file, or a layout without names of layers.
    MissingExtraError
        h5py is not installed.
    """
    h5py = require("h5py", "keras", "reading a Keras file")
    try:
        if path.suffix == ".keras":
            with zipfile.ZipFile(path) as archive:
                data = io.BytesIO(archive.read("model.weights.h5"))
                config = json.loads(archive.read("config.json"))
        else:
            data, config = io.BytesIO(path.read_bytes()), {}
        with h5py.File(data, "r") as file:
            root = file.get("model_weights", file)
            layers = dict(_layers(root, h5py, config))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path}: no Keras model, or damaged: {error}") from error
    if not layers:
        raise ModelError(f"{path}: no layer with weights and a name: save the whole model")
    return layers


def _layers(root: Any, h5py: Any, config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield name and variables of the layers of either layout."""
    if "layers" in root and "layer_names" not in root.attrs:
        yield from _numbered(root["layers"], config)
        return
    for group in root.values():
        if not isinstance(group, h5py.Group):
            continue
        found: dict[str, dict[str, Array]] = {}
        for raw in group.attrs.get("weight_names", ()):
            name = raw.decode() if isinstance(raw, bytes) else str(raw)
            layer, _, variable = name.partition(":")[0].rpartition("/")
            found.setdefault(layer, {})[variable] = np.asarray(group[name], np.float32)
        yield from found.items()


def _numbered(group: Any, config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield those of Keras 3, which numbers layers by class and stores variables by number."""
    said, counts = {}, dict[str, int]()
    listed = config.get("config", {}).get("layers", ())
    for layer in listed:
        key = re.sub(
            r"(?<=[a-z0-9])(?=[A-Z])",
            "_",
            re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", layer["class_name"])),
        ).lower()
        key = key.replace("conv2_d", "conv2d").replace("__", "_")
        n = counts[key] = counts.get(key, -1) + 1
        said[f"{key}_{n}" if n else key] = layer
    for key, own in group.items():
        about = said.get(key, {})
        if "layers" in own:
            yield from _numbered(own["layers"], about)
        values = own.get("vars", {})
        if not len(values):
            continue
        name = own.attrs.get("name", own["vars"].attrs.get("name"))
        name = about.get("config", {}).get("name") if name is None else name
        if name is None:
            raise ValueError(f"layer {key} has no name in this file: save the whole model (.keras)")
        arrays = [np.asarray(values[k], np.float32) for k in sorted(values, key=int)]
        yield str(name), _by_name(key, arrays, about.get("config", {}))


def _by_name(key: str, arrays: list[Array], config: Mapping[str, Any]) -> dict[str, Array]:
    """Name the variables of a layer, which are stored in the order in which Keras creates them."""
    if not key.startswith("batch_normalization"):
        return dict(zip(("kernel", "bias"), arrays, strict=False))
    names = list(_NORM)
    if not config.get("scale", len(arrays) == len(_NORM)):
        names.remove("gamma")
    return dict(zip(names, arrays, strict=True))


def rename_densenet(layers: Layers) -> tuple[dict[str, Array], dict[str, str]]:
    """Name the weights of ``keras.applications.DenseNet121`` as model files do.

    Returns
    -------
    tensors : dict of str to float32 array
        In PyTorch's layout; tensors of other layers keep their names.
    origin : dict of str to str
        Name of each in the file.
    """
    layers = {name.replace("/", "_"): own for name, own in layers.items()}
    tensors, origin = {}, {}
    for name, own in layers.items():
        ours = _densenet_name(name)
        for variable, value in own.items():
            key = f"{ours or name}.{_OURS.get(variable, variable)}"
            tensors[key], origin[key] = _turned(variable, value), f"{name}/{variable}"
    return tensors, origin


def _densenet_name(layer: str) -> str | None:
    if layer in ("conv1_conv", "conv1_bn", "bn"):
        return {"conv1_conv": "features.conv0", "conv1_bn": "features.norm0",
                "bn": "features.norm5"}[layer]  # fmt: skip
    if found := re.fullmatch(r"conv(\d)_block(\d+)_([012])_(bn|conv)", layer):
        block, number, place, kind = found.groups()
        part = {("0", "bn"): "norm1", ("1", "conv"): "conv1", ("1", "bn"): "norm2",
                ("2", "conv"): "conv2"}.get((place, kind))  # fmt: skip
        name = f"features.denseblock{int(block) - 1}.denselayer{number}.{part}"
        return None if part is None else name
    if found := re.fullmatch(r"pool(\d)_(bn|conv)", layer):
        kind = "norm" if found[2] == "bn" else "conv"
        return f"features.transition{int(found[1]) - 1}.{kind}"
    return None


def rename_multiresunet(layers: Layers) -> tuple[dict[str, Array], dict[str, str]]:
    """Name the weights of the authors' Keras MultiResUNet as model files do.

    Their layers have Keras' default names, numbered in the order of creation.

    Returns
    -------
    tensors, origin
        As from `rename_densenet`.

    Raises
    ------
    ModelError
        Layers of other names, or another number of them.
    """
    kinds: dict[str, list[str]] = {"conv2d": [], "batch_normalization": [], "conv2d_transpose": []}
    for name in layers:
        kind = _NUMBER.sub("", name)
        if kind not in kinds:
            raise ModelError(
                f"layer {name!r} is none of MultiResUNet's: expected conv2d, conv2d_transpose and "
                "batch_normalization with Keras' own numbers, in which the layers were made"
            )
        kinds[kind].append(name)
    tensors, origin = {}, {}
    for kind, wanted in zip(kinds, _made(), strict=True):
        names = sorted(kinds[kind], key=lambda name: int((_NUMBER.search(name) or ["", "0"])[1]))
        if len(names) != len(wanted):
            raise ModelError(f"{len(names)} layers {kind}, MultiResUNet has {len(wanted)}")
        for name, ours in zip(names, wanted, strict=True):
            for variable, value in layers[name].items():
                key = f"{ours}.{_OURS.get(variable, variable)}"
                tensors[key], origin[key] = _turned(variable, value), f"{name}/{variable}"
    return tensors, origin


def _made() -> tuple[list[str], list[str], list[str]]:
    """Name convolutions, normalisations and transposed ones in the order of creation."""
    convolutions: list[str] = []
    norms: list[str] = []

    def pair(name: str) -> None:
        convolutions.append(f"{name}.conv")
        norms.append(f"{name}.norm")

    def block(name: str) -> None:
        for part in ("shortcut", "a", "b", "c"):
            pair(f"{name}.{part}")
        norms.extend((f"{name}.concat_norm", f"{name}.out_norm"))

    for i in range(len(UNITS)):
        block(f"encoder.{i}")
        for j in range(PATHS[i][1] if i < len(PATHS) else 0):
            pair(f"path.{i}.{j}.shortcut")
            convolutions.append(f"path.{i}.{j}.conv.conv")
            norms.extend((f"path.{i}.{j}.conv.norm", f"path.{i}.{j}.out_norm"))
    upwards = range(len(UNITS) - 1)
    for k in upwards:
        block(f"decoder.{k}")
    pair("head")
    return convolutions, norms, [f"up.{k}" for k in upwards]


def _turned(variable: str, value: Array) -> Array:
    """Transpose a kernel from (rows, columns, in, out) or (in, out) to the order of PyTorch.

    That of a transposed convolution is (rows, columns, out, in), and becomes (in, out, ...).
    """
    if variable != "kernel":
        return value
    return np.ascontiguousarray(value.transpose(3, 2, 0, 1) if value.ndim == 4 else value.T)
