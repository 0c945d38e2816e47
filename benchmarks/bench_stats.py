"""Time the statistics of a large cohort: bootstrap of AUCs, distances of surfaces.

Beside scikit-learn and SimpleITK where they are installed, which compute one AUC and the Hausdorff
distance; each figure becomes one JSON line, and the table goes to stdout as Markdown.

    python benchmarks/bench_stats.py --out benchmarks/results/mine.jsonl
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
from bench_networks import add_out, describe_machine, show, spread, write_lines

from spinalcord import _core
from spinalcord.stats.resampling import Sample, resample_auc

PATIENTS, MODELS, REPLICATES = 10_000, 3, 2000
SHAPE, SPACING_MM = (40, 512, 512), (3.0, 0.5, 0.5)


def main(arguments: Sequence[str] | None = None) -> int:
    """Time the tasks; print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=_core.cpu()["threads"])
    add_out(parser)
    options = parser.parse_args(arguments)
    machine = describe_machine()
    lines = []
    print("| task | program | seconds (p10 - p90) |\n|---|---|---|")
    for task, program, call in [*bootstrap(options.threads), *surfaces(options.threads)]:
        seconds = spread(timed(call, options.rounds))
        lines.append({"task": task, "peer": program, "seconds": seconds, "machine": machine})
        print(f"| {task} | {program} | {show(seconds, 3)} |", flush=True)
    write_lines(lines, options.out)
    return 0


def timed(call: Callable[[], object], rounds: int) -> np.ndarray:
    """Return the seconds of each round, after one that is not counted."""
    seconds = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return np.array(seconds[1:])


def bootstrap(threads: int) -> list[tuple[str, str, Callable[[], object]]]:
    """2,000 class-stratified replicates of three AUCs, and what one AUC costs elsewhere."""
    rng = np.random.default_rng(0)
    truth = np.arange(PATIENTS) % 2 == 1
    scores = rng.normal(truth, 1.0, (MODELS, PATIENTS))
    sample = Sample.of(truth, scores, None)
    task = f"{REPLICATES} replicates of {MODELS} AUCs, {PATIENTS} patients"

    def ours() -> object:
        return resample_auc(sample, replicates=REPLICATES, seed=0, threads=threads)

    calls = [(task, "spinalcord", ours)]
    if importlib.util.find_spec("sklearn"):
        from sklearn.metrics import roc_auc_score

        def theirs() -> object:
            return roc_auc_score(truth, scores[0])

        calls.append(("one AUC, no replicate", "scikit-learn", theirs))
    return calls


def surfaces(threads: int) -> list[tuple[str, str, Callable[[], object]]]:
    """All distances between two surfaces: what HD95, ASSD and surface Dice are made of."""
    z, y, x = np.ogrid[tuple(slice(n) for n in SHAPE)]
    a = ((z - 20) / 18) ** 2 + ((y - 256) / 240) ** 2 + ((x - 250) / 235) ** 2 < 1
    b = ((z - 21) / 17) ** 2 + ((y - 250) / 235) ** 2 + ((x - 256) / 245) ** 2 < 1
    task = "surface distances, " + " x ".join(map(str, SHAPE))

    def ours() -> object:
        return _core.surface_distances(a, b, SPACING_MM, threads=threads)

    import SimpleITK as sitk

    images = [sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in (a, b)]
    for image in images:
        image.SetSpacing(SPACING_MM[::-1])
    hausdorff = sitk.HausdorffDistanceImageFilter()

    def theirs() -> object:
        return hausdorff.Execute(*images)

    return [
        (task, "spinalcord", ours),
        ("Hausdorff distance of the same", "SimpleITK", theirs),
    ]


if __name__ == "__main__":
    sys.exit(main())
