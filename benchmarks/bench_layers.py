"""Compare each convolution of both networks by our kernels with the same by oneDNN.

    ONEDNN_MAX_CPU_ISA=AVX2_VNNI python benchmarks/bench_layers.py --isa avx2 --precisions f32 int8

One image and one thread, `Network.profile` of both backends in turn. oneDNN takes its instruction
set from that environment variable; ours is limited by --isa. Listed are the layers whose minimum
and median both are at least 5 % above oneDNN's.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bench_networks import add_out, describe_machine, write_lines

from spinalcord import _core
from spinalcord.models.folder import find_models
from spinalcord.models.int8 import stored_ranges
from spinalcord.models.model_file import map_model

ROLES = ("segmentation", "tumor_vs_demyelination")
BACKENDS = ("own", "onednn")
SLOWER = 1.05


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--isa", default="auto")
    parser.add_argument("--precisions", nargs="+", default=["f32"], choices=["f32", "bf16", "int8"])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=15)
    add_out(parser)
    options = parser.parse_args(arguments)
    machine, lines = describe_machine(), []
    for role in ROLES:
        path = find_models().model(role).path
        for precision in options.precisions:
            line = compare(path, precision, options)
            lines.append({"isa": options.isa, "precision": precision, **line, "machine": machine})
            slower = line["slower"]
            print(
                f"{line['network']} {precision} {options.isa}: own {line['own_ms']} ms, oneDNN "
                f"{line['onednn_ms']} ms; {len(slower)} of {line['layers']} layers slower, by "
                f"{line['lost_ms']} ms in all",
                flush=True,
            )
            for layer in slower:
                print("   " + "  ".join(str(value) for value in layer.values()))
    write_lines(lines, options.out)
    return 0


def compare(path: Path, precision: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return the time of a network by both, and the layers that are slower by ours."""
    with map_model(path) as (model, buffer):
        networks = [
            _core.Network(
                model.network,
                list(model.tensors),
                buffer,
                in_channels=model.in_channels,
                outputs=len(model.outputs),
                norm_eps=float(model.metadata.get("norm_eps", 1e-3)),
                final_norm=bool(model.metadata.get("final_norm", True)),
                final_relu=bool(model.metadata.get("final_relu", True)),
                precision=precision,
                threads=1,
                isa=options.isa,
                backend=backend,
                ranges=stored_ranges(model) if precision == "int8" else [],
            )
            for backend in BACKENDS
        ]
        shape = (1, model.in_channels, options.size, options.size)
    images = np.random.default_rng(0).random(shape, np.float32)
    layers = [network.profile(images) for network in networks]
    times: list[list[list[float]]] = [[], []]
    for number in range(options.rounds + 1):
        for i in (0, 1) if number % 2 else (1, 0):
            steps = networks[i].profile(images)
            if number > 0:
                times[i].append([step["milliseconds"] for step in steps])
    least, median = np.min(times, axis=1), np.median(times, axis=1)
    slower = [
        {
            "layer": ours["name"],
            "shape": list(ours["shape"]),
            "own": ours["implementation"],
            "onednn": theirs["implementation"],
            "own_ms": round(float(median[0, k]), 3),
            "onednn_ms": round(float(median[1, k]), 3),
        }
        for k, (ours, theirs) in enumerate(zip(*layers, strict=True))
        if theirs["implementation"].startswith("onednn")
        and all(value[0, k] > SLOWER * value[1, k] for value in (least, median))
    ]
    return {
        "network": model.network,
        "own_ms": round(float(np.median(np.sum(times[0], axis=1))), 2),
        "onednn_ms": round(float(np.median(np.sum(times[1], axis=1))), 2),
        "layers": sum(step["implementation"].startswith("onednn") for step in layers[1]),
        "lost_ms": round(sum(layer["own_ms"] - layer["onednn_ms"] for layer in slower), 3),
        "slower": slower,
    }


if __name__ == "__main__":
    sys.exit(main())
