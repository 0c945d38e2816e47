"""Compare lesions found with roi='cord' with those of whole slices, scan by scan.

    python benchmarks/bench_region.py FOLDER --out benchmarks/results/mine.jsonl

Every NIfTI file below FOLDER that reads as a sagittal scan is segmented both ways. It may be the
default only where on every scan the kept lesions agree within a Dice of 0.995 (both empty: 1).
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from bench_networks import add_out, write_lines

from spinalcord import Pipeline
from spinalcord.errors import SpinalcordError

LEAST = 0.995


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, print a table, and return 1 where a scan differs by more than is allowed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--precision", default="auto")
    add_out(parser)
    options = parser.parse_args(arguments)
    pipelines = [Pipeline(precision=options.precision, roi=roi) for roi in ("full", "cord")]
    lines, refused = [], 0
    print("| scan | voxels full | voxels cord | Dice | pixels computed | time ratio |")
    print("|---|---|---|---|---|---|")
    for number, path in enumerate(sorted(options.folder.rglob("*.nii*"))):
        try:
            line = compare(path, pipelines)
        except SpinalcordError:
            refused += 1
            continue
        lines.append({"scan": number, **line})
        print("| " + " | ".join(str(value) for value in lines[-1].values()) + " |", flush=True)
    bad = sum(not line["dice"] >= LEAST for line in lines)
    print(f"\n{len(lines)} scans, {refused} files refused; Dice below {LEAST} on {bad}")
    write_lines(lines, options.out)
    return 1 if bad else 0


def compare(path: Path, pipelines: list[Pipeline]) -> dict:
    """Return a line of the table."""
    masks, seconds, told = [], [], {}
    for pipeline in pipelines:
        begin = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = pipeline.segment(path)
        seconds.append(time.perf_counter() - begin)
        masks.append(result.mask.array > 0)
        told = result.record.settings
    a, b = (int(mask.sum()) for mask in masks)
    both = int(np.logical_and(*masks).sum())
    return {
        "full": a,
        "cord": b,
        "dice": 1.0 if a + b == 0 else round(2 * both / (a + b), 4),
        "pixel_share": told["roi"]["pixel_share"],
        "time_ratio": round(seconds[1] / seconds[0], 2),
    }


if __name__ == "__main__":
    sys.exit(main())
