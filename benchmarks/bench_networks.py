"""Time the two networks: ours, OpenVINO, ONNX Runtime and PyTorch, side by side in one process.

Same weights and images for all, outputs compared before anything is timed, precision forced,
equal thread counts, and every peer timed once per round in rotating order: on a shared machine
only ratios within one round mean anything.  Each figure becomes one JSON line; the table goes to
stdout as Markdown.

    python benchmarks/bench_networks.py --out benchmarks/results/mine.jsonl
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from peers import PEERS, Bench, Runner, Task, UnavailableError, runners, version
from tqdm import tqdm

from spinalcord.models import architectures as networks

#: Largest difference of a probability from PyTorch's in float32 before a result is void.  In int8
#: the random weights amplify each step: that shows gross mistakes only.
TOLERANCE = {"f32": 1e-4, "bf16": 3e-2, "int8": 0.5}
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
#: Idle time before each block: other libraries' threads spin for a while after their work.
PAUSE_S = 0.03


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    machine = describe_machine()
    lines: list[dict] = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.networks:
            bench = Bench(kind, Path(folder), seed=options.seed)
            for task in tasks(kind, options):
                found = run_task(bench, task, options, machine)
                write_lines(found, options.out)
                lines += found
    print(markdown(lines, machine))
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--networks", nargs="+", default=list(networks.OUTPUTS), choices=list(networks.OUTPUTS))
    add("--precisions", nargs="+", default=["f32", "bf16"], choices=list(TOLERANCE))
    add("--peers", nargs="+", default=list(PEERS), choices=PEERS)
    add("--peers-only", action="store_true", help="leave ourselves out")
    add("--sizes", nargs="+", default=["256x256"], metavar="HxW")
    add("--batches", nargs="+", type=int, default=[1])
    add("--threads", nargs="+", type=int, default=[len(os.sched_getaffinity(0))])
    add("--isas", nargs="+", default=["auto"],
        choices=["auto", "sse2", "avx2", "avx512", "avx512_bf16"],
        help="of our own network; sse2 leaves convolutions to oneDNN")  # fmt: skip
    add("--backends", nargs="+", default=["own"], choices=["own", "onednn"],
        help="whose convolutions our own network takes")  # fmt: skip
    add("--clock", default="wall", choices=list(CLOCKS), help="cpu: of all threads together")
    add("--rounds", type=int, default=15)
    add("--seconds", type=float, default=0.5, help="per runner and round")
    add("--seed", type=int, default=0)
    add_out(parser)
    options = parser.parse_args(arguments)
    if options.peers_only:
        options.peers = [peer for peer in options.peers if peer != "spinalcord"]
    options.sizes = [tuple(int(side) for side in size.split("x")) for size in options.sizes]
    return options


def add_out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, help="JSON lines are appended here")


def write_lines(lines: list[dict], path: Path | None) -> None:
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


def tasks(kind: str, options: argparse.Namespace) -> list[Task]:
    return [
        Task(kind, precision, size, batch, threads, tuple(options.isas), tuple(options.backends))
        for precision, size, batch, threads in itertools.product(
            options.precisions, options.sizes, options.batches, options.threads
        )
    ]


def run_task(bench: Bench, task: Task, options: argparse.Namespace, machine: dict) -> list[dict]:
    """Compare, then time, all runners of one task; return one line per runner or absent peer."""
    common = {
        "network": task.network,
        "precision": task.precision,
        "size": list(task.size),
        "batch": task.batch,
        "threads": task.threads,
    }
    rng = np.random.Generator(np.random.PCG64(options.seed))
    images = rng.random(task.shape, dtype=np.float32)
    field: list[Runner] = []
    absent: list[dict] = []
    for peer in options.peers:
        try:
            field += list(runners(peer, bench, task))
        except UnavailableError as reason:
            absent.append({**common, "peer": peer, "absent": str(reason)})
    if not field:
        return absent
    differences = compare(bench, task, field, images)
    times = time_rounds(field, images, options, task)
    best = fastest([runner for runner in field if runner.peer == "openvino"], times)
    lines = []
    for runner in field:
        ms = 1e3 * times[runner.name] / task.batch
        line = {
            **common,
            "peer": runner.peer,
            "variant": runner.variant,
            "version": version(runner.peer),
            "max_difference": differences[runner.name],
            "clock": options.clock,
            "ms_per_image": spread(ms),
            "rounds": options.rounds,
            "machine": machine,
        }
        if best is not None:
            line["ratio_to_openvino"] = spread(times[runner.name] / times[best.name])
        lines.append(line)
    return lines + absent


def compare(bench: Bench, task: Task, field: list[Runner], images: np.ndarray) -> dict[str, float]:
    """Return each runner's largest difference from PyTorch in float32, or end the program."""
    want = bench.reference(images)
    if task.network == networks.MULTIRESUNET and not want.std() > 0.05:
        sys.exit(
            f"{task.network}: the reference is nearly constant (sd {want.std():.4f}); "
            "choose another --seed"
        )
    differences = {}
    for runner in field:
        got = runner.call(images)
        difference = float(np.abs(got - want).max()) if got.shape == want.shape else np.nan
        if not difference <= TOLERANCE[task.precision]:
            sys.exit(
                f"{runner.name}, {task}: differs from PyTorch in float32 by {difference:.2g}, "
                f"allowed {TOLERANCE[task.precision]:.2g}; nothing was timed"
            )
        differences[runner.name] = difference
    return differences


def time_rounds(
    field: list[Runner], images: np.ndarray, options: argparse.Namespace, task: Task
) -> dict[str, np.ndarray]:
    """Return seconds per call, (rounds,), of each runner: the median of the calls in a round."""
    times = {runner.name: np.empty(options.rounds) for runner in field}
    title = (
        f"{task.network} {task.precision} {task.batch}x{task.size[0]}x{task.size[1]} "
        f"{task.threads} threads"
    )
    for index in tqdm(range(options.rounds), desc=title, disable=None):
        start = index % len(field)
        for runner in field[start:] + field[:start]:
            times[runner.name][index] = time_block(runner, images, options.seconds, options.clock)
    return times


def time_block(runner: Runner, images: np.ndarray, seconds: float, clock: str) -> float:
    now = CLOCKS[clock]
    time.sleep(PAUSE_S)
    runner.call(images)
    calls: list[float] = []
    begin = time.perf_counter()
    while not calls or time.perf_counter() - begin < seconds:
        before = now()
        runner.call(images)
        calls.append(now() - before)
    return float(np.median(calls))


def fastest(field: list[Runner], times: dict[str, np.ndarray]) -> Runner | None:
    return min(field, key=lambda runner: np.median(times[runner.name]), default=None)


def spread(values: np.ndarray) -> dict[str, float]:
    p10, median, p90 = np.percentile(values, (10, 50, 90))
    return {"p10": float(p10), "median": float(median), "p90": float(p90)}


def describe_machine() -> dict:
    """Return what a figure depends on beside the code: CPU, its flags, system, versions."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    fields = dict(
        (part.strip() for part in line.split(":", 1)) for line in info.splitlines() if ":" in line
    )
    flags = fields.get("flags", "").split()
    wanted = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
    return {
        "cpu": fields.get("model name", platform.processor()),
        "family_model": f"{fields.get('cpu family')}/{fields.get('model')}",
        "isa": [flag for flag in wanted if flag in flags],
        "cpus": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
        "system": f"{platform.system()} {platform.machine()}, {' '.join(platform.libc_ver())}",
        "python": platform.python_version(),
        "versions": {peer: version(peer) for peer in PEERS},
        "date": time.strftime("%Y-%m-%d"),
    }


def markdown(lines: list[dict], machine: dict) -> str:
    """Lay the figures out as one table, with what they were measured on above it."""
    unit = "CPU ms" if any(line.get("clock") == "cpu" for line in lines) else "ms"
    text = [
        f"{machine['cpu']} ({machine['family_model']}; {', '.join(machine['isa'])}), "
        f"{machine['cpus']} CPUs, load {machine['load']:.1f}, {machine['date']}. "
        + ", ".join(f"{peer} {number}" for peer, number in machine["versions"].items() if number),
        "",
        f"| network | precision | batch x size | threads | runner | {unit} per image (p10 - p90) "
        "| ratio to OpenVINO (p10 - p90) | max difference |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for line in lines:
        head = (
            f"| {line['network']} | {line['precision']} "
            f"| {line['batch']} x {line['size'][0]} x {line['size'][1]} | {line['threads']} "
        )
        if "absent" in line:
            text.append(f"{head}| {line['peer']} | {line['absent']} | | |")
            continue
        ratio = line.get("ratio_to_openvino")
        runner = f"{line['peer']} {line['variant']}".strip()
        text.append(
            f"{head}| {runner} | {show(line['ms_per_image'], 1)} "
            f"| {show(ratio, 2) if ratio else ''} | {line['max_difference']:.1e} |"
        )
    return "\n".join(text)


def show(values: dict[str, float], digits: int) -> str:
    return (
        f"{values['median']:.{digits}f} ({values['p10']:.{digits}f} - {values['p90']:.{digits}f})"
    )


if __name__ == "__main__":
    sys.exit(main())
