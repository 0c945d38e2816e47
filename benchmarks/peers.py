"""Runners of the libraries that are compared, which compute probabilities of images.

A runner is prepared for one network, precision, batch and thread count.  What is prepared is left
out of the timing; converting between NumPy and the library's own arrays is not, as far as the
library needs it to take and give float32 NumPy arrays.
"""

from __future__ import annotations

import importlib.metadata
import itertools
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import spinalcord
from spinalcord import _core
from spinalcord.errors import BackendError
from spinalcord.models import architectures as networks
from spinalcord.models.int8 import measure_ranges, stored_ranges, write_ranges
from spinalcord.models.model_file import map_model, write_model

DISTRIBUTIONS = {
    "spinalcord": "spinalcord",
    "openvino": "openvino",
    "onnxruntime": "onnxruntime",
    "pytorch": "torch",
}
PEERS = tuple(DISTRIBUTIONS)
OPSETS = (13, 17)
VARIANTS = {"auto": "", "sse2": "oneDNN"}  # no kernels of our own: oneDNN computes


@dataclass(frozen=True)
class Task:
    """One line of the table: what is computed, and under which terms."""

    network: str
    precision: str
    size: tuple[int, int]
    batch: int
    threads: int
    isas: tuple[str, ...] = ("auto",)
    backends: tuple[str, ...] = ("own",)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return (self.batch, networks.IN_CHANNELS[self.network], *self.size)


@dataclass(frozen=True)
class Runner:
    """One way in which one peer does a task."""

    peer: str
    variant: str
    call: Callable[[np.ndarray], np.ndarray]

    @property
    def name(self) -> str:
        return f"{self.peer} {self.variant}".strip()


class UnavailableError(Exception):
    """A peer cannot do a task here; the message says why."""


def version(peer: str) -> str | None:
    """Return the installed version of a peer, or None."""
    if peer == "spinalcord":  # may be a checkout with its extension built in place
        return spinalcord.__version__
    try:
        return importlib.metadata.version(DISTRIBUTIONS[peer])
    except importlib.metadata.PackageNotFoundError:
        return None


def write_random(path: Path, kind: str, tensors: dict[str, np.ndarray]) -> None:
    """Write seeded random weights as a model file, in full precision."""
    if kind == networks.MULTIRESUNET:
        own = {
            "final_norm": True,
            "labels": {"kind": "segmentation", "outputs": ["lesion"], "threshold": 0.5},
        }
    else:
        own = {
            "final_relu": True,
            "labels": {
                "kind": "classification",
                "task": "ms_vs_nmosd",
                "negative": "MS",
                "positive": "NMOSD",
                "threshold": 0.5,
                "threshold_from": "none: random weights",
            },
        }
    metadata = {
        "name": f"random-{kind}",
        "version": "1",
        "network": kind,
        "in_channels": networks.IN_CHANNELS[kind],
        "norm_eps": networks.NORM_EPS[kind],
        "preprocessing": {"mode": "stretch", "pixel_mm": 1.0, "size": [256, 256], "clip": 5.0},
        "training": {},
        "notice": "random weights: results mean nothing",
        **own,
    }
    write_model(path, tensors, metadata, dtype="F32")


class Bench:
    """Weights of one network, in the forms that peers want, each made when asked for."""

    def __init__(self, kind: str, folder: Path, *, seed: int = 0) -> None:
        self.kind = kind
        self.folder = folder
        self.tensors = networks.random_tensors(kind, seed)
        self.model_path = folder / f"{kind}.safetensors"
        self.quantized: dict = {}  # OpenVINO's models, by image size
        write_random(self.model_path, kind, self.tensors)

    def module(self):
        """Return the PyTorch module, ready to compute."""
        from spinalcord.training.torch_networks import build, load_tensors

        module = build(self.kind).eval()
        load_tensors(module, self.tensors)
        return module

    def onnx_path(self, opset: int, size: tuple[int, int]) -> Path:
        """Export to ONNX; the batch is left open, the image size is not."""
        import torch

        path = self.folder / f"{self.kind}-{opset}-{size[0]}x{size[1]}.onnx"
        if not path.exists():
            image = torch.zeros(1, networks.IN_CHANNELS[self.kind], *size)
            with warnings.catch_warnings(), torch.inference_mode():
                warnings.simplefilter("ignore")
                torch.onnx.export(
                    torch.jit.trace(self.module(), image),
                    (image,),
                    str(path),
                    opset_version=opset,
                    dynamo=False,
                    input_names=["image"],
                    output_names=["probability"],
                    dynamic_axes={"image": {0: "n"}, "probability": {0: "n"}},
                )
        return path

    def quantize(self, size: tuple[int, int]) -> list[tuple[str, float, float]]:
        """Measure our scales for int8, on random images, and store them beside the model file."""
        network = spinalcord.Network.open(self.model_path)
        write_ranges(network.model, measure_ranges(network, self.calibration(size)), {})
        return stored_ranges(network.model)

    def calibration(self, size: tuple[int, int]) -> list[np.ndarray]:
        """Make the images that all quantise with."""
        rng = np.random.default_rng(1)
        shape = (1, networks.IN_CHANNELS[self.kind], *size)
        return [rng.random(shape, np.float32) for _ in range(4)]

    def reference(self, images: np.ndarray) -> np.ndarray:
        """Compute with PyTorch in float32: the reference for every runner."""
        import torch

        with torch.inference_mode():
            return self.module()(torch.from_numpy(images)).numpy()


def runners(peer: str, bench: Bench, task: Task) -> Iterator[Runner]:
    """Make the ways in which a peer does a task.

    Raises
    ------
    UnavailableError
        It is not installed, or does not offer this.
    """
    if version(peer) is None:
        raise UnavailableError("not installed")
    try:
        yield from _MAKERS[peer](bench, task)
    except ImportError as error:
        raise UnavailableError(f"cannot be imported: {error}") from error


def _spinalcord(bench: Bench, task: Task) -> Iterator[Runner]:
    ranges = bench.quantize(task.size) if task.precision == "int8" else []
    try:
        for isa, backend in itertools.product(task.isas, task.backends):
            variant = VARIANTS["sse2"] if backend == "onednn" else VARIANTS.get(isa, isa)
            network = _network(bench.model_path, task, isa, backend, ranges)
            yield Runner("spinalcord", variant, network)
    except BackendError as error:
        raise UnavailableError(str(error)) from error


def _network(
    path: Path, task: Task, isa: str, backend: str, ranges: list[tuple[str, float, float]]
) -> Callable[[np.ndarray], np.ndarray]:
    """Open a network of ours; with another instruction set than the best, past `Network.open`."""
    if isa == "auto":
        return spinalcord.Network.open(path, task.precision, task.threads, backend=backend)
    with map_model(path) as (model, buffer):
        return _core.Network(
            model.network,
            list(model.tensors),
            buffer,
            in_channels=model.in_channels,
            outputs=len(model.outputs),
            norm_eps=model.metadata["norm_eps"],
            final_norm=model.metadata.get("final_norm", True),
            final_relu=model.metadata.get("final_relu", True),
            precision=task.precision,
            threads=task.threads,
            isa=isa,
            backend=backend,
            ranges=ranges,
        )


def _pytorch(bench: Bench, task: Task) -> Iterator[Runner]:
    import torch

    if task.precision == "int8":
        raise UnavailableError("not measured in int8")
    torch.set_num_threads(task.threads)
    module = bench.module().to(memory_format=torch.channels_last)

    def tensor(images: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(images).contiguous(memory_format=torch.channels_last)

    def plain(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return module(tensor(images)).float().numpy()

    if task.precision == "f32":
        yield Runner("pytorch", "channels_last", plain)
        return

    def autocast(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            return module(tensor(images)).float().numpy()

    half = bench.module().to(memory_format=torch.channels_last, dtype=torch.bfloat16)

    def converted(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return half(tensor(images).to(torch.bfloat16)).float().numpy()

    yield Runner("pytorch", "autocast", autocast)
    yield Runner("pytorch", "to(bfloat16)", converted)


def _onnxruntime(bench: Bench, task: Task) -> Iterator[Runner]:
    import onnxruntime

    if task.precision != "f32":
        raise UnavailableError(f"not measured in {task.precision}")
    for opset in OPSETS:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = task.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(
            bench.onnx_path(opset, task.size), options, providers=["CPUExecutionProvider"]
        )

        def run(images: np.ndarray, session=session) -> np.ndarray:
            return session.run(None, {"image": images})[0]

        yield Runner("onnxruntime", f"opset {opset}", run)


def _openvino(bench: Bench, task: Task) -> Iterator[Runner]:
    import openvino

    core = openvino.Core()
    capabilities = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    wanted = {"f32": "FP32", "bf16": "BF16", "int8": "INT8"}[task.precision]
    # In int8, what is not quantised runs in bf16 where the CPU has it: as ours does.
    hinted = task.precision
    if hinted == "int8":
        hinted = "bf16" if "BF16" in capabilities else "f32"
    if wanted not in capabilities:
        raise UnavailableError(f"offers no {wanted} on this CPU")

    def compiled(hint: str, batch: int):
        model = core.read_model(bench.onnx_path(OPSETS[0], task.size))
        if task.precision == "int8":
            model = _quantized(model, bench, task)
        model.reshape([batch, *task.shape[1:]])
        network = core.compile_model(
            model,
            "CPU",
            {
                "PERFORMANCE_HINT": hint,
                "INFERENCE_PRECISION_HINT": hinted,
                "INFERENCE_NUM_THREADS": task.threads,
            },
        )
        used = network.get_property("INFERENCE_PRECISION_HINT").to_string()
        if used != hinted:
            raise UnavailableError(f"was asked for {hinted} and took {used}")
        return network

    for hint in ("LATENCY", "THROUGHPUT"):
        request = compiled(hint, task.batch).create_infer_request()

        def run(images: np.ndarray, request=request) -> np.ndarray:
            return request.infer({0: images}, share_inputs=True)[0]

        yield Runner("openvino", hint, run)
    if task.batch > 1:
        yield Runner(
            "openvino",
            "THROUGHPUT, one request per image",
            _in_flight(openvino, compiled("THROUGHPUT", 1), task),
        )


def _quantized(model, bench: Bench, task: Task):
    """Quantise with NNCF, OpenVINO's own tool, for speed (its preset PERFORMANCE)."""
    import nncf

    if task.size not in bench.quantized:
        images = bench.calibration(task.size)
        model.reshape(images[0].shape)
        bench.quantized[task.size] = nncf.quantize(
            model,
            nncf.Dataset(images),
            subset_size=len(images),
            preset=nncf.QuantizationPreset.PERFORMANCE,
        )
    return bench.quantized[task.size].clone()


def _in_flight(openvino, network, task: Task) -> Callable[[np.ndarray], np.ndarray]:
    """Spread a batch over OpenVINO's own number of requests, each of one image."""
    queue = openvino.AsyncInferQueue(network)
    parts: list[np.ndarray | None] = [None] * task.batch

    def keep(request, index: int) -> None:
        parts[index] = np.array(request.get_output_tensor().data)

    queue.set_callback(keep)

    def run(images: np.ndarray) -> np.ndarray:
        for index in range(task.batch):
            queue.start_async({0: images[index : index + 1]}, index, share_inputs=True)
        queue.wait_all()
        return np.concatenate(parts)

    return run


_MAKERS = {
    "spinalcord": _spinalcord,
    "openvino": _openvino,
    "onnxruntime": _onnxruntime,
    "pytorch": _pytorch,
}
