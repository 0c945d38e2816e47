"""Time a training step on a CPU, with batch normalisation by the core and by PyTorch.

    python benchmarks/bench_training.py --out benchmarks/results/mine.jsonl

One thread, bf16, both in turn in each round; seconds are of the processor, not of the clock, so
that other work on the machine counts little.  Batches as the models that ship were trained with.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import spinalcord
from spinalcord import _core
from spinalcord.training import batch_norm as norm
from spinalcord.training.torch_networks import build

BATCHES = {"multiresunet": (8, 1, 144, 64), "densenet121": (16, 3, 224, 96)}


def main() -> None:
    """Measure both networks, print a table, append to the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--out", type=Path, help="JSON lines are appended")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| network | batch | core, CPU s | PyTorch's | ratio (p10 - p90) |")
    print("|---" * 5 + "|")
    for network, shape in BATCHES.items():
        seconds = measure(network, shape, options.rounds)
        ratios = np.percentile(seconds[norm.CORE] / seconds[norm.TORCH], (10, 50, 90))
        core, torchs = (float(np.median(seconds[kind])) for kind in (norm.CORE, norm.TORCH))
        print(f"| {network} | {' x '.join(map(str, shape))} | {core:.2f} | {torchs:.2f} | "
              f"{ratios[1]:.2f} ({ratios[0]:.2f} - {ratios[2]:.2f}) |")  # fmt: skip
        figure = {
            "benchmark": "training step", "network": network, "shape": shape, "threads": 1,
            "core_cpu_s": core, "torch_cpu_s": torchs, "ratio": ratios.round(3).tolist(),
            "rounds": options.rounds, "cpu": _core.cpu(), "torch": torch.__version__,
            "spinalcord": spinalcord.__version__,
        }  # fmt: skip
        if options.out:
            with open(options.out, "a", encoding="utf-8") as file:
                file.write(json.dumps(figure) + "\n")


def measure(network: str, shape: tuple[int, ...], rounds: int) -> dict[str, np.ndarray]:
    """Return the processor's seconds of a step, by who normalises, one for each round."""
    torch.manual_seed(0)
    module: Any = build(network).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-4, fused=True)
    x = torch.rand(shape).contiguous(memory_format=torch.channels_last)
    taken: dict[str, list[float]] = {norm.CORE: [], norm.TORCH: []}
    for turn in range(rounds + 1):  # the first round warms up
        for kind, seconds in taken.items():
            norm.kind_of = lambda x, kind=kind: kind
            start = time.process_time()
            with torch.autocast("cpu", torch.bfloat16):
                y = module(x, logits=True)
            optimizer.zero_grad(set_to_none=True)
            y.float().square().mean().backward()
            optimizer.step()
            if turn:
                seconds.append(time.process_time() - start)
    return {kind: np.array(seconds) for kind, seconds in taken.items()}


if __name__ == "__main__":
    main()
