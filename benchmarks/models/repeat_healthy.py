"""Make real.tsv, train.tsv with more of the healthy scans, each where its cord is, and last.tsv.

    python benchmarks/models repeat_healthy WORK --models WORK/models

Drawn as often as any other case, four healthy volunteers among a thousand phantoms are hardly seen:
a network then finds lesions even in them.  A scan without cord mask gets the network's own, or no
patch would lie around its cord.  last.tsv is the same without random contrasts.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from spinalcord import Pipeline
from spinalcord.scans.writing import save_volume

from .tables import read_table, write_table

TIMES = 25


def main() -> None:
    """Outline the cords that are not known, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--models", type=Path, required=True)
    options = parser.parse_args()
    rows = read_table(options.work / "train.tsv")
    pipeline = Pipeline(options.models)
    more = []
    for row in rows:
        if Path(row["mask"]).name != f"{row['case_id']}_zero.nii.gz":
            continue  # written by `make_data.untouched`
        if not row["cord"]:
            row["cord"] = str(options.work.resolve() / f"{row['case_id']}_cord.nii.gz")
            save_volume(pipeline.segment(row["path"]).cord, row["cord"])
        more += [{**row, "case_id": f"{row['case_id']}_{k}"} for k in range(1, TIMES)]
    physical = {row["case_id"] for row in read_table(options.work / "physical.tsv")}
    write_table(options.work / "real.tsv", [*rows, *more])
    write_table(options.work / "last.tsv", [*(r for r in rows if r["case_id"] in physical), *more])
