"""Measure the start: import, opening a model, first call, memory, installed size.

Each start is a process of its own, peers in turn, after one start that is not counted and leaves
the files in the page cache.  Each figure becomes one JSON line; the table goes to stdout as
Markdown.

    python benchmarks/bench_start.py --out benchmarks/results/mine.jsonl
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from bench_networks import add_out, describe_machine, show, spread, write_lines
from peers import DISTRIBUTIONS, OPSETS, PEERS, Bench, version
from tqdm import tqdm

import spinalcord
from spinalcord.models import architectures as networks

#: What is measured of one start, in the order of the table.
FIGURES = ("total_s", "import_s", "open_s", "first_s", "peak_mib")

CHILD = """
import json, re, sys, time
start = time.perf_counter()
peer, model, onnx, kind, channels, h, w, threads = sys.argv[1:]
threads = int(threads)
import numpy as np
images = np.zeros((1, int(channels), int(h), int(w)), np.float32)
if peer == "spinalcord":
    from spinalcord.models.network import Network
elif peer == "openvino":
    import openvino
elif peer == "onnxruntime":
    import onnxruntime
else:
    import torch
    from safetensors.torch import load_file
    from spinalcord.training.torch_networks import build
imported = time.perf_counter()
if peer == "spinalcord":
    call = Network.open(model, "f32", threads)
elif peer == "openvino":
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32",
                "INFERENCE_NUM_THREADS": threads}
    compiled = openvino.Core().compile_model(onnx, "CPU", settings)
    call = lambda x: compiled(x)[0]
elif peer == "onnxruntime":
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    call = lambda x: session.run(None, {"image": x})[0]
else:
    torch.set_num_threads(threads)
    module = build(kind).eval()
    module.load_state_dict(load_file(model), strict=False)
    module = module.to(memory_format=torch.channels_last)
    def call(x):
        with torch.inference_mode():
            return module(torch.from_numpy(x)).numpy()
opened = time.perf_counter()
assert np.isfinite(call(images)).all()
first = time.perf_counter()
# Not getrusage: its peak starts with the memory of the parent process.
peak_kib = int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
print(json.dumps({
    "import_s": imported - start, "open_s": opened - imported, "first_s": first - opened,
    "peak_mib": peak_kib / 1024,
}))
"""


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    machine = describe_machine()
    lines: list[dict] = []
    present = [peer for peer in options.peers if version(peer) is not None]
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.networks:
            bench = Bench(kind, Path(folder))
            figures = start_all(bench, present, options)
            for peer in present:
                line = {"network": kind, "peer": peer, "version": version(peer)}
                line |= {key: spread(np.array(figures[peer][key])) for key in FIGURES}
                lines.append(line | {"rounds": options.rounds, "machine": machine})
    for line in lines:
        line["installed_mib"], line["installed_with_needs_mib"] = installed_mib(line["peer"])
    write_lines(lines, options.out)
    print(markdown(lines))
    for peer in sorted(set(options.peers) - set(present)):
        print(f"\n{peer} is not installed.")
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--networks", nargs="+", default=list(networks.OUTPUTS), choices=list(networks.OUTPUTS))
    add("--peers", nargs="+", default=list(PEERS), choices=PEERS)
    add("--threads", type=int, default=len(os.sched_getaffinity(0)))
    add("--rounds", type=int, default=5)
    add_out(parser)
    return parser.parse_args(arguments)


def start_all(
    bench: Bench, peers: list[str], options: argparse.Namespace
) -> dict[str, dict[str, list[float]]]:
    """Start each peer once per round; return its figures, one list for each."""
    figures: dict[str, dict[str, list[float]]] = {
        peer: {key: [] for key in FIGURES} for peer in peers
    }
    for index in tqdm(range(options.rounds + 1), desc=f"{bench.kind} starts", disable=None):
        for peer in peers:
            report = start(bench, peer, options.threads)
            if index > 0:
                for key in FIGURES:
                    figures[peer][key].append(report[key])
    return figures


def start(bench: Bench, peer: str, threads: int) -> dict[str, float]:
    size = (256, 256)
    onnx = bench.onnx_path(OPSETS[0], size) if peer in ("openvino", "onnxruntime") else ""
    needed = (bench.model_path, onnx, bench.kind, networks.IN_CHANNELS[bench.kind], *size, threads)
    environment = {**os.environ, "PYTHONPATH": str(Path(spinalcord.__file__).parents[1])}
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", CHILD, peer, *map(str, needed)],
        stdout=subprocess.PIPE,
        check=True,
        env=environment,
    )
    return {"total_s": time.perf_counter() - begin, **json.loads(done.stdout)}


def installed_mib(peer: str) -> tuple[float, float]:
    """Return the size on disk of a peer's own files, and with all that it requires."""
    own = folder_mib(Path(spinalcord.__file__).parent) if peer == "spinalcord" else None
    sizes = {name: files_mib(name) for name in requirements(DISTRIBUTIONS[peer])}
    if own is not None:
        sizes[DISTRIBUTIONS[peer]] = own
    return sizes[DISTRIBUTIONS[peer]], sum(sizes.values())


def folder_mib(folder: Path) -> float:
    """Measure a package in place: a checkout has no list of installed files."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return sum(path.stat().st_size for path in files) / 2**20


def files_mib(name: str) -> float:
    try:
        files = importlib.metadata.files(name) or []
    except importlib.metadata.PackageNotFoundError:
        return 0.0
    paths = {Path(file.locate()).resolve() for file in files if file.suffix != ".pyc"}
    return sum(path.stat().st_size for path in paths if path.is_file()) / 2**20


def requirements(name: str) -> set[str]:
    """Return a distribution and all that it needs in turn, without extras, where installed."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name not in found:
            found.add(name)
            waiting += direct(name)
    return found


def direct(name: str) -> Iterator[str]:
    try:
        lines = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        # A checkout that is not installed: its own needs are known.
        lines = ["numpy", "nibabel", "SimpleITK", "safetensors", "tqdm"]
        lines = lines if name == "spinalcord" else []
    for line in lines:
        if "extra ==" not in line:
            yield re.split(r"[^\w.-]", line, maxsplit=1)[0]


def markdown(lines: list[dict]) -> str:
    text = [
        "| network | peer | process, s | import, s | open, s | first call, s | peak memory, MiB "
        "| installed, MiB (with needs) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for line in lines:
        times = " | ".join(show(line[key], 2) for key in FIGURES[:4])
        text.append(
            f"| {line['network']} | {line['peer']} | {times} | {line['peak_mib']['median']:.0f} "
            f"| {line['installed_mib']:.0f} ({line['installed_with_needs_mib']:.0f}) |"
        )
    return "\n".join(text)


if __name__ == "__main__":
    sys.exit(main())
