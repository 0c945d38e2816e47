"""Make cases for the classifiers: lesions drawn by several rules, one of them held out.

    python benchmarks/models make_lesions WORK --hosts hosts.tsv [--lumbar lumbar.tsv]

hosts.tsv is as for `make_data`, lumbar.tsv the table of `lumbar_cases`.  Made in WORK/lesions:

- phantoms and insertions into the hosts of use train, in the style "mixed" (ellipsoids or
  contours), difficulties from 0 to .6, listed in diagnosis.tsv; every eighth phantom validates.
  With --with TABLE the diagnosed cases of a further table come first.  Columns besides a table's
  usual ones: the numbers of `lesion_values`, for --auxiliary;
- phantoms and insertions into the hosts of use held in the style "chains", which no training sees,
  listed in chains.tsv.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from spinalcord.errors import InputError
from spinalcord.phantom import DIAGNOSES, insert_lesion, make_case
from spinalcord.scans.writing import save_volume

from .lesion_values import VALUES, lesion_values
from .make_data import read_hosts
from .tables import COLUMNS, read_table, write_table

CHAINS = {"phantom": 30, "insertion": 20}
"""Held-out cases of each diagnosis."""
MIXED = {"phantom": 130, "insertion": 88}
"""Training cases likewise; insertions for cervical and for lumbar hosts."""
VALIDATED = 8
"""One of this number of training phantoms is used for validation."""
HELD_DIFFICULTY = 0.2
"""Difficulties of the held-out phantoms; those of held-out insertions are drawn from .1 to .8."""
T1C, ANY_CONTRAST = 0.3, 0.15
"""Shares of the phantoms with contrast-enhanced T1w and with tissues of any signal."""


@dataclass(frozen=True)
class Wanted:
    """One case to make: files begin with `stem`; without `host` a phantom."""

    stem: str
    diagnosis: str
    seed: int
    style: str
    host: dict[str, str] | None
    folder: Path


def main() -> None:
    """Make what does not exist yet, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--hosts", type=Path, required=True, metavar="TSV")
    parser.add_argument("--lumbar", type=Path, metavar="TSV")
    parser.add_argument("--with", dest="further", type=Path, metavar="TSV")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--share", type=float, default=1.0, help="of all cases (default: 1)")
    options = parser.parse_args()
    folder = options.work.resolve() / "lesions"
    folder.mkdir(parents=True, exist_ok=True)
    hosts = [host for host in read_hosts(options.hosts) if host["cord"]]
    lumbar = lumbar_hosts(options.lumbar) if options.lumbar else []
    tasks = list(wanted(hosts, lumbar, folder, options.share))
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        made = list(tqdm(pool.map(make, tasks, chunksize=2), total=len(tasks), unit="case"))
    rows = [row for row in made if row]
    print(f"{len(tasks) - len(rows)} of {len(tasks)} cases show no lesion and are excluded")
    empty = dict.fromkeys(VALUES, "")
    first = read_table(options.further) if options.further else []
    trained = [{**empty, **row} for row in first if row["diagnosis"]]
    trained += [row for row in rows if row["split"] != "test"]
    write_table(options.work / "diagnosis.tsv", trained, (*COLUMNS, *VALUES))
    held = [row for row in rows if row["split"] == "test"]
    write_table(options.work / "chains.tsv", held, (*COLUMNS, *VALUES))


def lumbar_hosts(table: Path) -> list[dict[str, str]]:
    """List the lesion-free lumbar scans into which lesions are put."""
    rows = read_table(table)
    inserted = {row["group"] for row in rows if row["diagnosis"]}
    return [
        {"host": row["case_id"], "path": row["path"], "cord": row["cord"], "group": row["group"]}
        for row in rows
        if not row["diagnosis"] and row["group"] in inserted
    ]


def wanted(
    hosts: list[dict[str, str]], lumbar: list[dict[str, str]], folder: Path, share: float
) -> Iterator[Wanted]:
    """List the cases to make: the held-out ones first, then all diagnoses in turn."""
    train, held = ([h for h in hosts if h["use"] == use] for use in ("train", "held"))
    number = {name: [round(n * share) for n in (own["phantom"], own["insertion"])]
              for name, own in (("chains", CHAINS), ("mixed", MIXED))}  # fmt: skip
    for i, name in enumerate(DIAGNOSES):
        for k in range(number["chains"][0]):
            yield Wanted(
                f"chains-{name}-{k:03d}", name, 100000 + 1000 * i + k, "chains", None, folder
            )
        for k in range(number["chains"][1]) if held else ():
            host = held[k % len(held)]
            yield Wanted(f"{host['host']}-chains-{name}-{k:03d}", name, 200000 + 1000 * i + k,
                         "chains", host, folder)  # fmt: skip
    for k in range(number["mixed"][0]):
        for i, name in enumerate(DIAGNOSES):
            yield Wanted(
                f"mixed-{name}-{k:03d}", name, 300000 + 1000 * i + k, "mixed", None, folder
            )
            if k >= number["mixed"][1]:
                continue
            for start, group, at in ((400000, train, k), (500000, lumbar, 4 * k + i)):
                if group:
                    host = group[at % len(group)]
                    yield Wanted(f"{host['host']}-{name}-{k:03d}", name, start + 1000 * i + k,
                                 "mixed", host, folder)  # fmt: skip


def make(task: Wanted) -> dict[str, str] | None:
    """Make one case, unless it exists; return its row, or None where no lesion is visible."""
    path = task.folder / f"{task.stem}.json"
    if not path.exists():
        try:
            volumes, parameters = draw(task)
        except InputError as error:  # a host with too little cord in view
            volumes, parameters = {}, {"lesions": [], "error": str(error)}
        for kind, volume in volumes.items():
            if volume is not None:
                save_volume(volume, task.folder / f"{task.stem}_{kind}.nii.gz")
        path.write_text(json.dumps(parameters), encoding="utf-8")
    parameters = json.loads(path.read_text(encoding="utf-8"))
    if not any(lesion["visible"] for lesion in parameters["lesions"]):
        return None
    files = {k: task.folder / f"{task.stem}_{k}.nii.gz" for k in ("t2", "lesion", "cord", "t1c")}
    validates = task.host is None and int(task.stem[-3:]) % VALIDATED == 0
    split = "test" if task.style == "chains" else "validation" if validates else "train"
    return {
        "case_id": task.stem, "path": str(files["t2"]), "mask": str(files["lesion"]),
        "cord": str(files["cord"]), "t1c": str(files["t1c"]) if files["t1c"].exists() else "",
        "diagnosis": task.diagnosis, "participant_id": task.stem,
        "group": (task.host.get("group") or task.host["host"]) if task.host else "",
        "split": split, **lesion_values(parameters),
    }  # fmt: skip


def draw(task: Wanted) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw a phantom or an insertion; return its volumes and its parameters."""
    rng = np.random.default_rng([77, task.seed])
    chains = task.style == "chains"
    if task.host is not None:
        difficulty = float(rng.uniform(0.1, 0.8) if chains else rng.uniform(0, 0.6))
        made = insert_lesion(
            task.host["path"], task.host["cord"], task.diagnosis,
            np.random.SeedSequence([56, task.seed]), difficulty=difficulty, style=task.style,
        )  # fmt: skip
        return {"t2": made.volume, "lesion": made.lesion, "cord": made.cord}, made.parameters
    difficulty = HELD_DIFFICULTY if chains else float(rng.uniform(0, 0.6))
    case = make_case(
        task.diagnosis, np.random.SeedSequence([57, task.seed]), difficulty=difficulty,
        style=task.style, t1c=not chains and bool(rng.random() < T1C),
        random_contrast=not chains and bool(rng.random() < ANY_CONTRAST),
    )  # fmt: skip
    volumes = {"t2": case.t2, "lesion": case.lesion, "cord": case.cord, "t1c": case.t1c}
    return volumes, case.parameters
