"""Measure time and memory of a run apart from the computation, with simulated cases.

    python benchmarks/bench_cohort.py 1000 10000

Every case gets a record and a (tiny) scan file; then a fresh process lists the cohort, finds that
all is done, and makes the tables. No network is computed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from spinalcord.cohort.inputs import describe_input
from spinalcord.cohort.listing import list_cohort
from spinalcord.cohort.processing import RunSettings, is_done
from spinalcord.cohort.records import write_record
from spinalcord.cohort.run_tables import write_tables
from spinalcord.models.folder import ROLES
from spinalcord.tasks import DIAGNOSES, TASKS

SETTINGS = RunSettings(None, dict.fromkeys(ROLES, "0" * 64), "f32", 1, qc=False)
DESCRIPTION = {"versions": {"spinalcord": "simulated"}}


def simulate(folder: Path, n: int) -> None:
    """Write n scans, a table that lists them, and the records of a run that is through."""
    rng = np.random.default_rng(0)
    out = folder / "out"
    (folder / "scans").mkdir()
    lines = ["case_id,path,diagnosis,age,sex,split,reader_1"]
    for index in range(n):
        path = folder / "scans" / f"c{index:07d}.nii"
        path.write_bytes(rng.bytes(64))
        truth = DIAGNOSES[index % 4]
        lines.append(f"c{index:07d},scans/{path.name},{truth},{20 + index % 60},F,test,{truth}")
    (folder / "cohort.csv").write_text("\n".join(lines) + "\n")
    os.sync()
    real_sync, os.fsync = os.fsync, lambda _: None  # not what is measured here
    for case in list_cohort(folder / "cohort.csv").cases:
        inputs = {"scan": describe_input(case.path, [Path(case.path)])}
        p = rng.random(3)
        row = {
            "found": True, "diagnosis": "MS", "n_lesions": 2, "lesion_volume_mm3": p[0] * 1000,
            "warnings": "", "notice": "simulated", "precision": "f32", "version": "0",
            "scan_sha256": inputs["scan"]["sha256"],
            **{f"{t}_probability": v for t, v in zip(TASKS, p.tolist(), strict=True)},
            **{f"{t}_label": "x" for t in TASKS}, **{f"{t}_sha256": "0" * 64 for t in TASKS},
        }  # fmt: skip
        lesions = [{"mask": "found", "label": k, "volume_mm3": v} for k, v in enumerate(p.tolist())]
        slices = [{"slice": k, "lesion_mm2": v} for k, v in enumerate(p.tolist())]
        record = {"status": "done", "key": SETTINGS.key(case, inputs), "inputs": inputs,
                  "files": [], "case": row, "lesions": lesions, "slices": slices}  # fmt: skip
        write_record(out, case, record)
    os.fsync = real_sync


def measure(folder: Path) -> None:
    """List, resume, make the tables; print seconds and megabytes."""
    out = folder / "out"
    start = peak_mb()
    seconds = []
    now = time.perf_counter()
    listing = list_cohort(folder / "cohort.csv")
    seconds.append(time.perf_counter() - now)
    listed = peak_mb()
    now = time.perf_counter()
    done = sum(is_done(case, SETTINGS, out) for case in listing.cases)
    seconds.append(time.perf_counter() - now)
    now = time.perf_counter()
    counts = write_tables(out, listing, DESCRIPTION)
    seconds.append(time.perf_counter() - now)
    assert done == counts["done"] == len(listing.cases)
    print(json.dumps({
        "cases": done, "list_s": round(seconds[0], 3), "resume_s": round(seconds[1], 3),
        "tables_s": round(seconds[2], 3), "start_mb": round(start),
        "list_mb": round(listed - start), "rest_mb": round(peak_mb() - listed),
    }))  # fmt: skip


def peak_mb() -> float:
    """Return this process's largest resident size; ru_maxrss would include its parent's."""
    with open("/proc/self/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    if sys.argv[1] == "--measure":
        measure(Path(sys.argv[2]))
    else:
        for count in map(int, sys.argv[1:]):
            with tempfile.TemporaryDirectory() as scratch:
                simulate(Path(scratch), count)
                subprocess.run([sys.executable, __file__, "--measure", scratch], check=True)
