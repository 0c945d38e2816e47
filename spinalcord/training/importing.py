"""Import checkpoints of the two published networks from PyTorch and Keras as model files.

The mapping is checked before anything is written: each tensor of the network comes from exactly one
of the file, each tensor of the file is used, and all have the expected shapes. Then the result of
the core with the model file is compared with that of PyTorch with the original weights.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import InputError, ModelError
from ..models.architectures import DENSENET121, HIDDEN, MULTIRESUNET, NORM_EPS, tensor_shapes
from ..models.model_file import write_model
from ..models.network import Network
from ..tasks import TASKS
from .export import PARITY, describe
from .keras_files import ENDINGS, read_layers, rename_densenet, rename_multiresunet
from .settings import PIXEL_MM, PREPARED, SEGMENTATION, Settings
from .starting import OLD_NAME, load_weights
from .torch_networks import build, load_tensors

Array = NDArray[np.float32]
Tensors = dict[str, Array]

FIRST = {DENSENET121: "features.conv0.weight", MULTIRESUNET: "encoder.0.a.conv.weight"}
"""Tensor from which a common prefix of all names is found."""

WRAPPED = ("state_dict", "model_state_dict", "best", "model", "network", "net")
"""Keys under which checkpoints store the weights; the first one present counts."""

KERAS_EPS = 1.001e-5
"""Epsilon of the batch normalisations in the DenseNets of keras.applications."""

SHOWN = 6


def import_model(
    file: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    network: str,
    role: str,
    settings: Settings | None = None,
    outputs: tuple[str, ...] | None = None,
    name: str | None = None,
) -> dict[str, Any]:
    """Write a model file from a checkpoint of the same network.

    Parameters
    ----------
    file : path
        ``.pt``, ``.pth`` or ``.ckpt`` of torch.save, ``.safetensors``; ``.keras`` or ``.h5``.
    out : path
        Model file to write, ending in ``.safetensors``.
    network : {"multiresunet", "densenet121"}
    role : str
        "segmentation" or a task.
    settings : Settings, optional
        Preparation of its scans: mode, pixel_mm (1.0 if not given), context_mm, window (256 x 256
        if not given).
    outputs : tuple of str, optional
        Outputs of a segmentation network, in their order in the file; ("lesion",) or ("lesion",
        "cord") if not given.
    name : str, optional
        Name in the model file; that of `out` if not given.

    Returns
    -------
    dict
        ``model``; ``tensors``: number of tensors mapped; ``head``: how the head of a classifier was
        mapped; ``core_against_torch``: largest difference of a probability on random images between
        the core with the model file and PyTorch with the original weights; ``dtype`` of storage.

    Raises
    ------
    ModelError
        A damaged file; tensors that are missing, unused or of another shape, which are named; a
        head of another structure; results of the core that differ.
    InputError
        A network and a role that do not fit; another ending.
    """
    file, out = Path(file), Path(out)
    if network not in FIRST:
        raise InputError(f"network is {network!r}, expected one of {', '.join(FIRST)}")
    wanted = (SEGMENTATION,) if network == MULTIRESUNET else tuple(TASKS)
    if role not in wanted:
        raise InputError(f"role of {network} is one of {', '.join(wanted)}, got {role!r}")
    settings = settings or Settings()
    settings = replace(
        settings, window=settings.window or PREPARED, pixel_mm=settings.pixel_mm or PIXEL_MM
    )
    found, origin = read_source(file, network)
    head = "as it is"
    if network == DENSENET121:
        found, origin, head = fit_head(found, origin)
    metadata = _describe(found, network, role, settings, outputs, name or out.stem)
    if file.suffix in ENDINGS and network == DENSENET121:
        metadata["norm_eps"] = KERAS_EPS
    shapes = tensor_shapes(
        network,
        in_channels=metadata["in_channels"],
        outputs=len(metadata["labels"].get("outputs", (0, 1))),
        final_norm=bool(metadata.get("final_norm", True)),
    )
    check_mapping(found, origin, shapes, file)
    tensors = {key: found[key] for key in shapes}
    metadata["notice"] = f"imported from {file.name}; not validated here, not for clinical use"
    return {
        "model": str(out), "tensors": len(tensors), "head": head,
        **_write_checked(out, tensors, metadata),
    }  # fmt: skip


def read_source(path: Path, network: str) -> tuple[Tensors, dict[str, str]]:
    """Read the tensors of a checkpoint under their names in model files.

    Returns
    -------
    tensors : dict of str to float32 array
        In PyTorch's layout.
    origin : dict of str to str
        Name of each tensor in the file.

    Raises
    ------
    ModelError
        A damaged file, or one without tensors of this network.
    """
    if path.suffix in ENDINGS:
        layers = read_layers(path)
        rename = rename_densenet if network == DENSENET121 else rename_multiresunet
        try:
            return rename(layers)
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from error
    loaded = _load(path)
    mark, first = FIRST[network], [key for key in loaded if key.endswith(FIRST[network])]
    if len(first) != 1:
        shown = ", ".join(list(loaded)[:SHOWN])
        raise ModelError(
            f"{path} is no {network} as this package or torchvision names it: "
            f"{len(first) or 'no'} tensor ends in {mark}; there are {len(loaded)}: {shown} ..."
        )
    prefix = first[0][: -len(mark)]
    tensors, origin = {}, {}
    for key, value in loaded.items():
        if key.endswith("num_batches_tracked"):
            continue
        bare = OLD_NAME.sub(r"\1\2", key.removeprefix(prefix))
        tensors[bare], origin[bare] = value, key
    return tensors, origin


def _load(path: Path) -> Tensors:
    """Read names and tensors of safetensors or torch.save, stored under one of the usual keys."""
    loaded = load_weights(path)
    while isinstance(loaded, dict) and not any(torch.is_tensor(v) for v in loaded.values()):
        inner = next((loaded[key] for key in WRAPPED if isinstance(loaded.get(key), dict)), None)
        if inner is None:
            break
        loaded = inner
    if not isinstance(loaded, dict):
        raise ModelError(f"{path} contains no state_dict (names and tensors)")
    tensors = {k: v.float().numpy() for k, v in loaded.items() if torch.is_tensor(v)}
    if not tensors:
        raise ModelError(f"{path} contains no state_dict (names and tensors)")
    return tensors


def fit_head(tensors: Tensors, origin: dict[str, str]) -> tuple[Tensors, dict[str, str], str]:
    """Convert a classifier's head to the form of model files: 1024 to 128, ReLU, 128 to 2.

    A single layer becomes two that compute the same: the hidden units hold z and -z, and the output
    adds their positive parts to z. A single output z becomes the pair 0 and z, whose softmax is the
    sigmoid of z. Missing hidden units are filled with zeros.

    Raises
    ------
    ModelError
        More than two layers, layers of other sizes, or none.
    """
    inner = {key: value for key, value in tensors.items() if key.startswith("features.")}
    rest = {key: value for key, value in tensors.items() if not key.startswith("features.")}
    layers = [key[: -len(".weight")] for key, v in rest.items()
              if key.endswith(".weight") and v.ndim == 2]  # fmt: skip
    layers.sort(key=lambda key: rest[f"{key}.weight"].shape[1] != 1024)  # takes the features
    weights = [rest[f"{key}.weight"] for key in layers]
    shown = " to ".join(str(n) for n in [*(w.shape[1] for w in weights), *(
        [weights[-1].shape[0]] if weights else [])]) or "none"  # fmt: skip
    sizes = [w.shape for w in weights]
    fits = len(sizes) in (1, 2) and sizes[0][1] == 1024 and sizes[-1][0] in (1, 2)
    if not fits or (len(sizes) == 2 and (sizes[0][0] > HIDDEN or sizes[1][1] != sizes[0][0])):
        raise ModelError(
            f"the head is {shown}, expected 1024 to 1 or 2, or 1024 to at most {HIDDEN} to 1 or 2; "
            "the features alone can start a training: spinalcord train TASK --backbone"
        )
    biases = [rest.get(f"{key}.bias", np.zeros(len(w), np.float32))
              for key, w in zip(layers, weights, strict=True)]  # fmt: skip
    first, shift = weights[0], biases[0]
    if len(weights) == 1:
        first, shift = np.concatenate([first, -first]), np.concatenate([shift, -shift])
        last, last_shift = np.eye(sizes[0][0], dtype=np.float32), np.zeros_like(biases[0])
        last = np.concatenate([last, -last], 1)
    else:
        last, last_shift = weights[1], biases[1]
    hidden = np.zeros((HIDDEN, 1024), np.float32), np.zeros(HIDDEN, np.float32)
    hidden[0][: len(first)], hidden[1][: len(first)] = first, shift
    output = np.zeros((2, HIDDEN), np.float32), np.zeros(2, np.float32)
    output[0][-len(last) :, : last.shape[1]], output[1][-len(last) :] = last, last_shift
    made = {"hidden.weight": hidden[0], "hidden.bias": hidden[1],
            "output.weight": output[0], "output.bias": output[1]}  # fmt: skip
    used = {f"{key}.{part}" for key in layers for part in ("weight", "bias")}
    left = {key: value for key, value in rest.items() if key not in used}
    known = {key: origin[key] for key in (*inner, *left)}
    known |= dict.fromkeys(made, f"head {', '.join(origin[f'{k}.weight'] for k in layers)}")
    said = "as it is" if sizes == [(HIDDEN, 1024), (2, HIDDEN)] else f"{shown}, rewritten exactly"
    return {**inner, **left, **made}, known, said


def check_mapping(
    found: Mapping[str, Array], origin: Mapping[str, str],
    shapes: Mapping[str, tuple[int, ...]], path: Path,
) -> None:  # fmt: skip
    """Check that a mapping is one to one and that the shapes agree.

    Raises
    ------
    ModelError
        Tensors are missing, unused or of another shape; the message names them.
    """
    missing = [key for key in shapes if key not in found]
    left = [origin[key] for key in found if key not in shapes]
    other = [
        f"{origin[key]} is {found[key].shape}, expected {shape}"
        for key, shape in shapes.items() if key in found and found[key].shape != shape
    ]  # fmt: skip
    wrong = [("missing", missing), ("left over", left), ("of another shape", other)]
    told = [
        f"{len(names)} tensors {what}: {', '.join(names[:SHOWN])}" + " ..." * (len(names) > SHOWN)
        for what, names in wrong
        if names
    ]
    if told:
        raise ModelError(f"{path} does not fit: {'; '.join(told)}")


def _describe(
    found: Tensors, network: str, role: str, settings: Settings,
    outputs: tuple[str, ...] | None, name: str,
) -> dict[str, Any]:  # fmt: skip
    """Return the metadata of the new model file, derived from the shapes of the tensors."""
    first = found.get(FIRST[network])
    channels = 0 if first is None or first.ndim < 2 else first.shape[1]
    preprocessing = settings.preprocessing(role)
    if network == DENSENET121:
        return describe(role, (), name, preprocessing) | {"in_channels": 3}
    if channels == 1:
        preprocessing.pop("context_mm", None)
    head = found.get("head.conv.weight")
    n = 1 if head is None else len(head)
    names = outputs or ("lesion", "cord")[:n]
    if len(names) != n:
        raise ModelError(f"the network has {n} outputs, named are {len(names)}: {', '.join(names)}")
    about = describe(role, names, name, preprocessing)
    return about | {
        "final_norm": "head.conv.bias" not in found,
        "in_channels": 3 if "context_mm" in preprocessing else 1,
    }


def _write_checked(out: Path, tensors: Tensors, metadata: dict[str, Any]) -> dict[str, Any]:
    """Write the model file if core and PyTorch, with the original weights, give the same results.

    Half precision is used if it is accurate enough, else single precision.
    """
    draft = out.with_name(f".{out.stem}.draft.safetensors")
    options: dict[str, Any] = {"norm_eps": metadata.get("norm_eps", NORM_EPS[metadata["network"]])}
    if metadata["network"] == MULTIRESUNET:
        options |= {"outputs": len(metadata["labels"]["outputs"]),
                    "final_norm": metadata["final_norm"]}  # fmt: skip
    twin = build(metadata["network"], in_channels=metadata["in_channels"], **options).eval()
    load_tensors(twin, tensors)
    rng = np.random.default_rng(0)
    images = rng.random((2, metadata["in_channels"], 64, 96), np.float32)
    with torch.inference_mode():
        want = twin(torch.from_numpy(images)).numpy()
    difference = float("nan")
    try:
        for dtype in ("F16", "F32"):
            write_model(draft, tensors, metadata, dtype)
            difference = float(np.abs(Network.open(draft)(images) - want).max())
            if difference <= PARITY:
                os.replace(draft, out)
                return {"core_against_torch": difference, "dtype": dtype}
    finally:
        draft.unlink(missing_ok=True)
    raise ModelError(f"{out.name}: core and torch differ by {difference:.2g}, over {PARITY}")
