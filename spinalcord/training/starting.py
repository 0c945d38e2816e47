"""Load initial weights: a torchvision backbone, a model file, or the four-class start.

Weights that do not fit are an error; none is silently left at random.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save
from torch import Tensor, nn

from ..errors import ModelError
from ..scans.writing import write_bytes
from ..tasks import DIAGNOSES
from .settings import SEGMENTATION, START, classes_of

KEY = "spinalcord_start"

FIRST = ("encoder.0.a.conv.weight", "encoder.0.shortcut.conv.weight")
"""Layers of the segmentation network that take the image."""

NEIGHBOURS_AT_FIRST = 0.05
"""Scale of the random initial weights of channels that a file for single slices lacks."""

OLD_NAME = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")  # torchvision's of 2017


def write_start(
    path: str | os.PathLike[str], tensors: Mapping[str, np.ndarray], facts: Mapping[str, Any]
) -> Path:
    """Write the four-class start: safetensors, no model, in float32.

    Raises
    ------
    InputError
        A place that cannot be written.
    """
    plain = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    text = json.dumps({**facts, "classes": list(DIAGNOSES)}, ensure_ascii=False, allow_nan=False)
    return write_bytes(path, save(plain, metadata={KEY: text}))


def load_init(network: nn.Module, target: str, path: str | os.PathLike[str]) -> None:
    """Copy the weights of a model file, or of a four-class start, into a network to be trained.

    Parameters
    ----------
    network : module
        Network, changed in place.
    target : str
        Target of the training. The two outputs of a classifier are taken from the four of the
        start: the row of a diagnosis, or the mean of the two of a class.
    path : path
        File of the same network. For segmentation, the output cord may be added or dropped, and the
        two neighbours of a slice may be added as channels: the middle one gets the weights in the
        file, the others start near zero.

    Raises
    ------
    ModelError
        No such file, damaged, of the other network, or a tensor that is missing or of another
        shape.
    """
    tensors = read_tensors(path)
    wanted = {
        name: value
        for name, value in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    if target != SEGMENTATION and target != START and _rows(tensors, "output") == len(DIAGNOSES):
        for name in ("output.weight", "output.bias"):
            rows = [
                torch.stack([tensors[name][DIAGNOSES.index(d)] for d in names]).mean(0)
                for names in classes_of(target)
            ]
            tensors[name] = torch.stack(rows)
    if target != SEGMENTATION:
        for name in ("output.weight", "output.bias"):  # auxiliary outputs start at random
            own = tensors.get(name)
            if own is not None and own.shape[0] < wanted[name].shape[0]:
                tensors[name] = torch.cat([own, wanted[name][own.shape[0] :].cpu()])
    if target == SEGMENTATION:
        for name in ("head.conv.weight", "head.conv.bias"):
            own = tensors.get(name)
            if own is not None and name in wanted and own.shape[0] != wanted[name].shape[0]:
                n = min(own.shape[0], wanted[name].shape[0])
                tensors[name] = torch.cat([own[:n], wanted[name][n:].cpu()])
        for name in FIRST:
            own, want = tensors.get(name), wanted[name]
            if own is not None and own.shape[1] == 1 and want.shape[1] == 3:
                tensors[name] = want.cpu() * NEIGHBOURS_AT_FIRST
                tensors[name][:, 1] = own[:, 0]
    _copy(network, tensors, wanted, Path(path))


def load_backbone(network: nn.Module, path: str | os.PathLike[str]) -> None:
    """Copy the features of a torchvision densenet121 state_dict into a classifier.

    Parameters
    ----------
    network : module
        Changed in place; its head stays as it is.
    path : path
        ``.safetensors``, or what torch.save made of a state_dict (read without running anything);
        old names such as ``denselayer1.norm.1`` are understood, ``classifier`` is ignored.

    Raises
    ------
    ModelError
        No such file, damaged, or no densenet121.
    """
    found = {}
    for name, value in read_tensors(path).items():
        found[OLD_NAME.sub(r"\1\2", name)] = value
    wanted = {
        name: value
        for name, value in network.state_dict().items()
        if name.startswith("features.") and not name.endswith("num_batches_tracked")
    }
    _copy(network, found, wanted, Path(path))


def load_weights(path: Path) -> Any:
    """Load what safetensors or torch.save stored, onto the CPU, without running anything.

    Raises
    ------
    ModelError
        No such file, or a damaged one.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # both readers raise errors of many kinds for a damaged file
        raise ModelError(f"{path}: no weights could be read: {type(error).__name__}") from error


def read_tensors(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Read named tensors as float32 from safetensors or a state_dict of torch.save.

    Raises
    ------
    ModelError
        No such file, damaged, or something else than tensors in it.
    """
    path = Path(path)
    loaded = load_weights(path)
    if not isinstance(loaded, dict) or not all(isinstance(v, Tensor) for v in loaded.values()):
        raise ModelError(f"{path} contains no state_dict (names and tensors)")
    return {name: value.float() for name, value in loaded.items()}


def _rows(tensors: Mapping[str, Tensor], layer: str) -> int:
    weight = tensors.get(f"{layer}.weight")
    return 0 if weight is None else int(weight.shape[0])


def _copy(
    network: nn.Module, tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor], path: Path
) -> None:
    for name, value in wanted.items():
        if name not in tensors:
            raise ModelError(f"{path} does not fit: tensor {name} is missing")
        if tensors[name].shape != value.shape:
            raise ModelError(
                f"{path} does not fit: tensor {name} is {tuple(tensors[name].shape)}, "
                f"expected {tuple(value.shape)}"
            )
    with torch.no_grad():
        for name, value in wanted.items():
            value.copy_(tensors[name])
