"""Measure the cost of quality control: pictures per case, and the page of a large cohort in a
browser.

    python benchmarks/bench_qc.py pictures OUT COHORT        draw again the cases of a run
    python benchmarks/bench_qc.py page 1000 10000            simulated cases, Chromium

Seconds are of the processor, not of the clock, so that other work on the machine counts little.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from browser import Browser
from reviews import DESCRIPTION, make_run

from spinalcord.cohort.listing import list_cohort
from spinalcord.cohort.records import read_record
from spinalcord.cohort.run_tables import write_tables
from spinalcord.qc.case_picture import draw_case
from spinalcord.scans.preparation import WorkingScan


def pictures(out: Path, cohort: Path) -> None:
    """Draw the cases of a run again from its results; print milliseconds and bytes."""
    spent, sizes = [], []
    for case in list_cohort(cohort).cases:
        record = read_record(out, case)
        if record is None or record.get("status") != "done":
            continue
        scan = WorkingScan(case.path)
        names = [out / file["name"] for file in record["files"]]
        mask = next(name for name in names if name.name.endswith("desc-lesion_mask.nii.gz"))
        maps = {
            str(index): scan.working(WorkingScan(name).volume.array)
            for index, name in enumerate(names)
            if re.search(r"desc-gradcam.*\.nii\.gz$", name.name)
        }
        reference = None if case.mask is None else scan.mask(case.mask)
        lesion = scan.mask(mask)
        start = time.process_time()
        picture = draw_case(scan.array, scan.spacing_mm, lesion, reference=reference, maps=maps)
        spent.append(1e3 * (time.process_time() - start))
        sizes.append(len(picture.png) / 1e3)
    for name, values in (("milliseconds", spent), ("kilobytes", sizes)):
        quarters = np.percentile(values, (0, 50, 100))
        print(f"{len(values)} cases: {name} least {quarters[0]:.0f}, median {quarters[1]:.0f}, "
              f"most {quarters[2]:.0f}")  # fmt: skip


def page(n: int) -> None:
    """Write the page of n simulated cases and open it."""
    with tempfile.TemporaryDirectory() as scratch, Browser(timeout=300) as browser:
        out = Path(scratch)
        listing = make_run(out, n, pictures=False)
        spent = []
        for qc in (False, True):
            start = time.process_time()
            write_tables(out, listing, DESCRIPTION, qc=qc)
            spent.append(time.process_time() - start)
        empty = browser.cost()
        browser.open((out / "qc.html").as_uri())
        browser.wait("document.querySelectorAll('.row').length")
        opened = browser.cost()
        browser.press("/")
        browser.type("0077")
        searched = browser.cost()
        heap = browser.send("Performance.getMetrics")["metrics"]
        print(json.dumps({
            "cases": n, "page_mb": round((out / "qc.html").stat().st_size / 1e6, 1),
            "tables_s": round(spent[0], 2), "page_s": round(spent[1] - spent[0], 2),
            "open_s": round(opened[0] - empty[0], 2),
            "key_of_a_search_ms": round(1e3 * (searched[0] - opened[0]) / 5),
            "heap_mb": round(next(m["value"] for m in heap if m["name"] == "JSHeapUsedSize") / 1e6),
            "resident_mb": round(opened[1] - empty[1]),
        }))  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1] == "pictures":
        pictures(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        for count in map(int, sys.argv[2:]):
            page(count)
