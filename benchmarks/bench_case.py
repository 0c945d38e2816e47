"""Time whole cases, from file to written results: ours, and a pipeline of SimpleITK and OpenVINO.

Read, segment, classify, explain, write. The peer is what a good engineer would write with these
two libraries: the scan is read by SimpleITK and put into the same orientation, slices are
prepared by NumPy and SimpleITK, OpenVINO computes them with one request a thread, Grad-CAM is made
of the last maps of the same pass that classifies, and SimpleITK writes the results. Its networks
have our weights and shapes. Each run is a process of its own, in turn, with the page cache warm and
modules compiled, as in an installed package; a source tree has no bytecode where Python may not
write it, and compiling ours takes .1 s.

    python benchmarks/bench_case.py SCAN [SCAN ...] --out benchmarks/results/mine.jsonl
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from bench_networks import add_out, describe_machine, show, spread, write_lines
from case_peer import export_models
from tqdm import tqdm

HERE = Path(__file__).resolve().parent

OURS = """
import sys
from spinalcord import Pipeline
scan, out, precision, threads = sys.argv[1:]
for result in Pipeline(precision=precision, threads=int(threads)).run(scan).results:
    result.save(out)
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    options = parse(arguments)
    machine = describe_machine()
    lines: list[dict] = []
    with tempfile.TemporaryDirectory() as folder:
        for scan in options.scans:
            lines += measure(scan, Path(folder), options, machine)
    write_lines(lines, options.out)
    print(markdown(lines, machine))
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("scans", nargs="+", type=Path, metavar="SCAN")
    add("--precisions", nargs="+", default=["f32", "bf16"], choices=["f32", "bf16"])
    add("--threads", type=int, default=len(os.sched_getaffinity(0)))
    add("--rounds", type=int, default=5)
    add_out(parser)
    return parser.parse_args(arguments)


def measure(scan: Path, folder: Path, options: argparse.Namespace, machine: dict) -> list[dict]:
    """Return one line for each runner and precision."""
    models = export_models(folder, scan)
    runners = {}
    for precision in options.precisions:
        tail = [str(scan), str(folder / "out"), precision, str(options.threads)]
        runners["spinalcord", precision] = [sys.executable, "-c", OURS, *tail]
        program = str(HERE / "case_peer.py")
        runners["simpleitk and openvino", precision] = [
            sys.executable, program, str(models), *tail,
        ]  # fmt: skip
    seconds: dict[tuple[str, str], list[float]] = {key: [] for key in runners}
    mib: dict[tuple[str, str], list[float]] = {key: [] for key in runners}
    for number in tqdm(range(options.rounds + 1), desc=scan.name, disable=None):
        keys = list(runners)
        start = number % len(keys)
        for key in keys[start:] + keys[:start]:
            took, peak = run(runners[key], folder / "bytecode")
            if number > 0:  # the first fills the page cache and compiles
                seconds[key].append(took)
                mib[key].append(peak)
    best = np.array(seconds["simpleitk and openvino", options.precisions[0]])
    return [
        {
            "case": case_name(scan),
            "runner": runner,
            "precision": precision,
            "threads": options.threads,
            "rounds": options.rounds,
            "seconds": spread(np.array(seconds[runner, precision])),
            "ratio_to_peer_in_first_precision": spread(np.array(seconds[runner, precision]) / best),
            "peak_mib": float(np.median(mib[runner, precision])),
            "machine": machine,
        }
        for runner, precision in runners
    ]


def case_name(scan: Path) -> str:
    """Say what a scan is by its size alone: names may be a patient's."""
    from spinalcord.scans.preparation import WorkingScan

    shape = WorkingScan(scan).array.shape
    return f"{shape[0]} slices of {shape[1]} x {shape[2]}"


def run(command: list[str], bytecode: Path) -> tuple[float, float]:
    """Return seconds and peak MiB of one process; `bytecode` is a folder for compiled modules."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    child = subprocess.run(
        [sys.executable, "-c", WATCH, *command],
        capture_output=True,
        text=True,
        check=False,
        env={**environment, "PYTHONPYCACHEPREFIX": str(bytecode)},
    )
    found = re.search(r"peak_kib (\d+) seconds ([\d.]+)", child.stdout)
    if child.returncode != 0 or found is None:
        sys.exit(f"{' '.join(command)} failed:\n{child.stderr}")
    return float(found[2]), int(found[1]) / 1024


WATCH = """
import resource, subprocess, sys, time
begin = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
took = time.perf_counter() - begin
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(f"peak_kib {peak} seconds {took:.4f}")
sys.exit(code)
"""


def markdown(lines: list[dict], machine: dict) -> str:
    """Lay the figures out as a table."""
    text = [
        f"{machine['cpu']} ({', '.join(machine['isa'])}), {machine['cpus']} CPUs, "
        f"load {machine['load']:.1f}, {machine['date']}.",
        "",
        "| case | runner | precision | s (p10 - p90) | ratio to the peer's first precision "
        "(p10 - p90) | peak MiB |",
        "|---|---|---|---|---|---|",
    ]
    text += [
        f"| {line['case']} | {line['runner']} | {line['precision']} | {show(line['seconds'], 2)} "
        f"| {show(line['ratio_to_peer_in_first_precision'], 2)} | {line['peak_mib']:.0f} |"
        for line in lines
    ]
    return "\n".join(text)


if __name__ == "__main__":
    sys.exit(main())
