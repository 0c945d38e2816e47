"""Cost per image against image size, batch, threads and number of cases, and the roofline.

    python benchmarks/bench_scaling.py --out benchmarks/results/mine.jsonl
    python benchmarks/plot_scaling.py benchmarks/results/mine.jsonl docs

The networks have the shipped weights. A figure is the median of the calls of `--seconds`; the
order of the figures is shuffled, so that a slow minute of the machine does not fall on one curve,
and each is measured in `--rounds`, of which the picture takes the median. Calls with the same
`--out` add rounds.
Cases are phantoms, each run is a process of its own: file to written results, as `spinalcord run`.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bench_networks import add_out, describe_machine, write_lines

from spinalcord import Network, _core
from spinalcord.bench import layer_class, measure_peaks
from spinalcord.models.folder import find_models
from spinalcord.phantom import make_cohort

ROLES = {"densenet121": "ms_vs_nmosd", "multiresunet": "segmentation"}
BYTES = {"f32": 4, "bf16": 2, "int8": 1}
TAPS = {"1x1": 1, "3x3": 9, "3x3 + 1x1": 10, "7x7": 49, "2x2 up": 4}
"""Weights of each class of layer by input and output channel."""


@dataclass(frozen=True)
class Point:
    """One figure: a network in one setting, and the curves that it lies on."""

    network: str
    precision: str
    size: int
    batch: int
    threads: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; print and store the lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--precisions", nargs="+", default=list(_core.cpu()["precisions"]), choices=list(BYTES))
    add("--sizes", nargs="+", type=int, default=[128, 192, 256, 384, 512, 768, 1024])
    add("--batches", nargs="+", type=int, default=[1, 2, 4, 8, 16, 32])
    add("--threads", nargs="+", type=int, default=list(range(1, 1 + len(os.sched_getaffinity(0)))))
    add("--cases", nargs="*", type=int, default=[1, 2, 4, 8])
    add("--rounds", type=int, default=3)
    add("--seconds", type=float, default=0.5, help="of each figure, three calls at least")
    add_out(parser)
    options = parser.parse_args(arguments)
    machine = describe_machine()
    lines = [{"bench": "scaling", **line} for line in measure(options)]
    lines.append({"bench": "roofline", **roofline(options)})
    write_lines([{"machine": machine, **line} for line in lines], options.out)
    return 0


def measure(options: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Yield a line for each point, then for each number of cases, in each round."""
    points = sorted(points_of(options), key=str)
    for turn in range(options.rounds):
        random.Random(turn).shuffle(points)
        for point in points:
            line = {**vars(point), "ms_per_image": round(time_point(point, options.seconds), 3)}
            print(line, flush=True)
            yield line
        if options.cases:
            for line in time_cases(options.cases, options.precisions):
                print(line, flush=True)
                yield line


def points_of(options: argparse.Namespace) -> set[Point]:
    """Every curve through the same point: 256 x 256, one image, all threads."""
    most = max(options.threads)
    points = set()
    for network in ROLES:
        for precision in options.precisions:
            points |= {Point(network, precision, size, 1, most) for size in options.sizes}
            points |= {Point(network, precision, 256, batch, most) for batch in options.batches}
            points |= {Point(network, precision, 256, 1, n) for n in options.threads}
    return points


def time_point(point: Point, seconds: float) -> float:
    """Return the median milliseconds per image."""
    model = find_models(None).model(ROLES[point.network])
    network = Network.open(model.path, point.precision, point.threads)
    shape = (point.batch, model.in_channels, point.size, point.size)
    images = np.random.default_rng(0).random(shape, np.float32)
    network(images)
    taken: list[float] = []
    while len(taken) < 3 or sum(taken) < seconds:
        begin = time.perf_counter()
        network(images)
        taken.append(time.perf_counter() - begin)
    return 1e3 * float(np.median(taken)) / point.batch


def time_cases(counts: Sequence[int], precisions: Sequence[str]) -> Iterator[dict[str, object]]:
    """Run cohorts of phantoms, each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        for n in counts:
            cohort = Path(folder) / f"cohort-{n}"
            make_cohort(n, 1, cohort, progress=False)
            for precision in precisions:
                out = Path(folder) / f"out-{n}-{precision}"
                command = [sys.executable, "-m", "spinalcord", "run", str(cohort), str(out)]
                begin = time.perf_counter()
                subprocess.run(
                    [*command, "--precision", precision, "--quiet"], check=True, capture_output=True
                )
                seconds = time.perf_counter() - begin
                yield {"precision": precision, "cases": n, "s_per_case": round(seconds / n, 3)}


def roofline(options: argparse.Namespace) -> dict[str, object]:
    """Return the measured peaks, and speed and intensity of each class of layer.

    Intensity counts every operand once: input, weights and output of each layer in the precision's
    own type.  What a cache keeps from one layer to the next makes a layer faster than its roof.
    """
    found = measure_peaks(precisions=options.precisions, seconds=options.seconds)
    counted = {
        (network, precision): intensities(network, precision, found["size"])
        for network in ROLES
        for precision in options.precisions
    }
    for row in found["layers"]:
        kind = row["class"].rpartition(" ")[0] or row["class"]
        row["flops_per_byte"] = counted[row["network"], row["precision"]].get(kind)
    return found


def intensities(network: str, precision: str, size: int) -> dict[str, float]:
    """Return the operations per byte of each class of layer that multiplies."""
    model = find_models(None).model(ROLES[network])
    layers = Network.open(model.path, precision, 1).layers(size, size)
    sums: dict[str, list[float]] = {}
    for layer in layers:
        kind = layer_class(layer["name"], layer["kind"])
        if kind == "other":
            continue
        c_out, h, w = layer["shape"]
        applied = 1 if kind == "2x2 up" else TAPS[kind]  # of the weights, to each output
        c_in = layer["flops"] / (2.0 * applied * c_out * h * w)
        shrinks = {"7x7": 4, "2x2 up": 0.25}.get(kind, 1)
        moved = c_in * h * w * shrinks + c_in * c_out * TAPS[kind] + c_out * h * w
        total = sums.setdefault(kind, [0.0, 0.0])
        total[0] += layer["flops"]
        total[1] += moved * BYTES[precision]
    return {kind: round(flops / moved, 1) for kind, (flops, moved) in sums.items()}


if __name__ == "__main__":
    sys.exit(main())
