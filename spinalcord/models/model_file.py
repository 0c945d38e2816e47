"""Read and write one model file: safetensors [1]_, with the settings that its results depend on.

A file is an 8-byte little-endian length, a JSON header of that length and the tensors' bytes.
The header is parsed and checked here, so that a damaged file ends in one sentence that names it;
what the tensors hold (all of them, of the right shape, finite) is checked by the C core when a
network is opened. No file is ever unpickled.

References
----------
.. [1] https://github.com/huggingface/safetensors, README.md, "Format"
"""

from __future__ import annotations

import contextlib
import json
import math
import mmap
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors.numpy import save

from ..errors import ModelError
from ..scans.writing import stream_sha256, write_bytes
from .file_settings import FORMAT, is_sizes, parse_json, parse_metadata

MAX_HEADER_NBYTES = 16 << 20
"""Ours take 60 kB; a damaged length must not fill the memory."""

_ITEM_NBYTES = {"F32": 4, "F16": 2, "BF16": 2, "I64": 8}
_IGNORED = "num_batches_tracked"


class Tensor(NamedTuple):
    """Position of a tensor: `begin` and `end` in bytes from the start of the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class Model:
    """The settings of a model file; its tensors stay in the file.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    metadata : dict
        The JSON of the key ``spinalcord``, checked, with unknown keys kept.
    tensors : tuple of Tensor
        In file order, without ``num_batches_tracked``.
    stamp : tuple of int
        Size and time of change of the file that was read.
    """

    path: Path
    metadata: Mapping[str, Any]
    tensors: tuple[Tensor, ...] = field(repr=False)
    stamp: tuple[int, int] = field(default=(0, 0), repr=False, compare=False)

    @property
    def name(self) -> str:
        """The model's own name, such as ``"phantom-ms-vs-nmosd"``."""
        return str(self.metadata["name"])

    @property
    def version(self) -> str:
        """The model's own version."""
        return str(self.metadata["version"])

    @property
    def network(self) -> str:
        """``"multiresunet"`` or ``"densenet121"``."""
        return str(self.metadata["network"])

    @property
    def role(self) -> str:
        """Its role: ``"segmentation"`` or the name of a task."""
        labels = self.metadata["labels"]
        return "segmentation" if labels["kind"] == "segmentation" else str(labels["task"])

    @property
    def in_channels(self) -> int:
        """Channels of the network's input."""
        return int(self.metadata["in_channels"])

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the network's outputs: its maps, or negative and positive answer."""
        labels = self.metadata["labels"]
        if labels["kind"] == "segmentation":
            return tuple(labels.get("outputs", ("lesion",)))
        return str(labels["negative"]), str(labels["positive"])

    @property
    def threshold(self) -> float:
        """Smallest probability of a lesion pixel, or of the positive answer."""
        return float(self.metadata["labels"]["threshold"])

    @property
    def preprocessing(self) -> Mapping[str, Any]:
        """Settings of the preparation of a volume for the network."""
        preprocessing: Mapping[str, Any] = self.metadata["preprocessing"]
        return preprocessing

    @property
    def notice(self) -> str:
        """Notice that every result of this model must repeat; may be empty."""
        return str(self.metadata["notice"])

    @cached_property
    def sha256(self) -> str:
        """Checksum of the whole file in hexadecimal, computed once.

        Raises
        ------
        ModelError
            The file has gone or changed since its header was read.
        """
        try:
            with open(self.path, "rb") as file:
                if _stamp(file.fileno()) != self.stamp:
                    raise ModelError(f"{self.path} has changed since it was opened")
                return stream_sha256(file)
        except OSError as error:
            raise ModelError(f"cannot read {self.path}: {error.strerror}") from error

    def to_dict(self) -> dict[str, Any]:
        """Return a description for a sidecar: name, version, file, threshold and its origin."""
        return {
            "name": self.name,
            "version": self.version,
            "file": self.path.name,
            "sha256": self.sha256,
            "role": self.role,
            "network": self.network,
            "threshold": self.threshold,
            "threshold_from": str(self.metadata["labels"].get("threshold_from", "")),
            "notice": self.notice,
        }


def read_model(path: str | os.PathLike[str]) -> Model:
    """Read the header of a model file, without its tensors.

    Parameters
    ----------
    path : path-like
        A safetensors file with the metadata key ``spinalcord``.

    Returns
    -------
    Model
        Its settings and the positions of its tensors.

    Raises
    ------
    ModelError
        No such file, truncated or damaged; metadata missing, of another format, or with a
        required key that is missing or has a value that this package does not know.
    """
    with map_model(path) as (model, _):
        return model


@contextlib.contextmanager
def map_model(path: str | os.PathLike[str]) -> Iterator[tuple[Model, mmap.mmap]]:
    """Map a model file for as long as the ``with`` block lasts.

    Parameters
    ----------
    path : path-like
        A safetensors file with the metadata key ``spinalcord``.

    Yields
    ------
    model : Model
        Its settings and the positions of its tensors.
    buffer : mmap.mmap
        The whole file, read-only.

    Raises
    ------
    ModelError
        As `read_model`.
    """
    path = Path(path)
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(open(path, "rb"))
            stamp = _stamp(file.fileno())
            if stamp[0] < 8:
                raise ModelError(f"{path} is not a safetensors file: it has only {stamp[0]} bytes")
            buffer = stack.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except OSError as error:
            raise ModelError(f"cannot read the model file {path}: {error.strerror}") from error
        header, start = _parse_header(buffer, path)
        metadata = parse_metadata(header.pop("__metadata__", None), path)
        tensors = _parse_tensors(header, start, len(buffer), path)
        yield Model(path, metadata, tensors, stamp), buffer


def stored_tensors(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Read the tensors of a model file as float32.

    Raises
    ------
    ModelError
        A damaged file, or bfloat16 in it, which NumPy lacks.
    """
    kinds = {"F32": np.float32, "F16": np.float16}
    found = {}
    with map_model(path) as (model, buffer):
        for tensor in model.tensors:
            if tensor.dtype not in kinds:
                raise ModelError(f"{path}: tensor {tensor.name} is stored as {tensor.dtype}")
            values = np.frombuffer(buffer[tensor.begin : tensor.end], kinds[tensor.dtype])
            found[tensor.name] = values.reshape(tensor.shape).astype(np.float32)
    return found


def write_model(
    path: str | os.PathLike[str],
    tensors: Mapping[str, np.ndarray],
    metadata: Mapping[str, Any],
    dtype: str = "F16",
) -> Path:
    """Write a model file through safetensors, to a temporary name first.

    Parameters
    ----------
    path : path-like
        Ends in ``.safetensors``; an existing file is replaced once the new one is complete.
    tensors : mapping of str to float32 array
        Named as by `spinalcord.models.architectures.tensor_shapes`.
    metadata : mapping
        The JSON of the key ``spinalcord``; ``format`` is filled in.
    dtype : {"F16", "F32"}
        Storage of all but running variances, which stay F32: a small one would vanish in half
        precision, and its channel grow.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ModelError
        Metadata that `read_model` would refuse; a tensor with NaN or infinity, or with a value
        beyond half precision; a dtype or an ending other than those above.
    InputError
        A place that cannot be written.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ModelError(f"a model file's name ends in .safetensors, got {path.name}")
    if dtype not in ("F16", "F32"):
        raise ModelError(f"dtype of stored weights is F16 or F32, got {dtype!r}")
    text = json.dumps({**metadata, "format": FORMAT}, ensure_ascii=False, allow_nan=False)
    parse_metadata({"spinalcord": text}, path)
    stored = {name: _stored(name, value, dtype, path) for name, value in tensors.items()}
    data = save(stored, metadata={"spinalcord": text})
    return write_bytes(path, data)


def _stored(name: str, value: np.ndarray, dtype: str, path: Path) -> np.ndarray:
    half = dtype == "F16" and not name.endswith("running_var")
    array = np.asarray(value)
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(array, np.float16 if half else np.float32)
    if not np.isfinite(array).all():
        kind = "half" if half else "single"
        raise ModelError(f"{path}: tensor {name} is not finite in {kind} precision")
    return array


def _stamp(handle: int) -> tuple[int, int]:
    status = os.fstat(handle)
    return status.st_size, status.st_mtime_ns


# ---- The header's JSON ------------------------------------------------------------------------


def _parse_header(buffer: mmap.mmap, path: Path) -> tuple[dict[str, Any], int]:
    nbytes = int.from_bytes(buffer[:8], "little")
    if nbytes > min(len(buffer) - 8, MAX_HEADER_NBYTES):
        raise ModelError(
            f"{path} is damaged or no safetensors file: its header claims {nbytes} bytes, "
            f"the file has {len(buffer)}"
        )
    header = parse_json(buffer[8 : 8 + nbytes], f"{path}: the header")
    return header, 8 + nbytes


def _parse_tensors(
    header: Mapping[str, Any], start: int, file_nbytes: int, path: Path
) -> tuple[Tensor, ...]:
    tensors = sorted(
        (_parse_tensor(name, entry, start, path) for name, entry in header.items()),
        key=lambda tensor: (tensor.begin, tensor.end),
    )
    at = start
    for tensor in tensors:
        if tensor.begin != at:
            raise ModelError(
                f"{path}: tensor {tensor.name} begins at byte {tensor.begin} of the file, "
                f"expected {at}: tensors may neither overlap nor leave gaps"
            )
        at = tensor.end
        if at > file_nbytes:
            raise ModelError(
                f"{path} is truncated: tensor {tensor.name} ends at byte {at}, "
                f"the file at {file_nbytes}"
            )
    if at != file_nbytes:
        raise ModelError(f"{path} has {file_nbytes - at} bytes that belong to no tensor")
    return tuple(t for t in tensors if not t.name.endswith(_IGNORED))


def _parse_tensor(name: str, entry: Any, start: int, path: Path) -> Tensor:
    where = f"{path}: tensor {name}"
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ModelError(f"{where} needs dtype, shape and data_offsets in the header")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    ignored = name.endswith(_IGNORED)
    if str(dtype) not in _ITEM_NBYTES or (dtype == "I64" and not ignored):
        raise ModelError(f"{where} has dtype {dtype!r}, expected F32, F16 or BF16")
    if not is_sizes(shape) or len(shape) > 8:
        raise ModelError(f"{where} has shape {shape!r}, expected a list of sizes")
    if not is_sizes(offsets) or len(offsets) != 2 or offsets[1] < offsets[0]:
        raise ModelError(f"{where} has data_offsets {offsets!r}, expected begin and end")
    begin, end = start + offsets[0], start + offsets[1]
    expected = math.prod(shape) * _ITEM_NBYTES[dtype]
    if end - begin != expected:
        raise ModelError(
            f"{where} of shape {tuple(shape)} in {dtype} takes {expected} bytes, "
            f"its data_offsets {end - begin}"
        )
    return Tensor(name, dtype, tuple(shape), begin, end)
