"""Make the training and test data of the shipped models, reproducibly for the same hosts.

    python benchmarks/models make_data WORK --hosts hosts.tsv

hosts.tsv lists healthy scans: columns host, path, cord (mask; empty: none), use (train or held).
Made in WORK: three phantom cohorts, lesions and shams put into the hosts, and the tables

- train.tsv: what `spinalcord train --data` takes.  Validation is phantoms only, 20 without lesion;
- physical.tsv: the same without random contrast, to finish with;
- first.tsv: the same without the varied phantoms, to begin with;
- typical.tsv and hard.tsv: two frozen cohorts of 157 phantoms, the letter's split test, at a
  difficulty of .2 and .5; typical_t1c.tsv and hard_t1c.tsv with their T1c;
- healthy.tsv: the phantoms without lesion of both, and the held hosts as they are;
- inserted.tsv: lesions put into held hosts, which no training and no choice has seen.

With --train-only nothing frozen is made: the letter's cohort for validation alone, the varied one,
and the training hosts.  --letter, --varied, --free and --per-host make fewer cases of each kind.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from spinalcord import Volume
from spinalcord.phantom import insert_lesion, make_cohort
from spinalcord.scans.writing import save_volume
from spinalcord.tasks import DIAGNOSES

from .tables import read_table, write_table

LETTER_SEED, TYPICAL_SEED, VARIED_SEED = 157, 158, 1001
HOST_SEED, HELD_SEED = 4, 18
PER_HOST = {"train": 20, "held": 10}
"""Insertions for each host and diagnosis."""
SHAMS = 5
"""Likewise without contrast, in the training hosts."""
FREE_TO_VALIDATE = 20
"""Shares of varied phantoms without lesion, and with physical contrast."""


def main() -> None:
    """Make everything that is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--hosts", type=Path, required=True, metavar="TSV")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--train-only", action="store_true")
    parser.add_argument("--letter", type=int, metavar="N", help="default: the letter's 647")
    parser.add_argument("--varied", type=int, default=520, metavar="N", help="default: 520")
    parser.add_argument("--free", type=int, default=90, metavar="N", help="default: 90")
    parser.add_argument("--per-host", type=int, default=PER_HOST["train"], metavar="N")
    options = parser.parse_args()
    work: Path = options.work.resolve()
    hosts = read_hosts(options.hosts)
    letter, typical, varied = (work / name for name in ("letter", "typical", "varied"))
    if not (letter / "participants.tsv").exists():
        make_cohort(options.letter, LETTER_SEED, letter, lesion_free=60, t1c=True,
                    split="validation" if options.train_only else None,
                    jobs=options.jobs)  # fmt: skip
    if not options.train_only and not (typical / "participants.tsv").exists():
        make_cohort(None, TYPICAL_SEED, typical, difficulty=0.2, lesion_free=60, split="test",
                    t1c=True, jobs=options.jobs)  # fmt: skip
    if not (varied / "participants.tsv").exists():
        make_cohort(options.varied, VARIED_SEED, varied, difficulty=0.3, lesion_free=options.free,
                    random_contrast=0.25, jobs=options.jobs)  # fmt: skip
    PER_HOST["train"] = options.per_host
    if options.train_only:
        hosts = [host for host in hosts if host["use"] == "train"]
    rows = insert_all(hosts, work / "hosts", options.jobs)
    healthy = [untouched(host, work / "hosts") for host in hosts]
    mixed = list(phantom_rows(varied, split="train"))
    anyhow = {row["case_id"] for row in mixed if has_random_contrast(row)}
    free_ones = [r for r in mixed if not r["diagnosis"] and r["case_id"] not in anyhow]
    for row in free_ones[:FREE_TO_VALIDATE]:
        row["split"] = "validation"
    hard = list(phantom_rows(letter))
    trained = [r for r in (*hard, *mixed, *rows, *healthy) if r["split"] in ("train", "validation")]
    write_table(work / "train.tsv", trained)
    write_table(work / "physical.tsv", [r for r in trained if r["case_id"] not in anyhow])
    write_table(work / "first.tsv", [r for r in trained if not r["case_id"].startswith("varied-")])
    if options.train_only:
        return
    free = []
    for name, cohort in (("typical", list(phantom_rows(typical))), ("hard", hard)):
        test = [r for r in cohort if r["split"] == "test"]
        write_table(work / f"{name}_t1c.tsv", [r for r in test if r["diagnosis"]])
        write_table(work / f"{name}.tsv", [{**r, "t1c": ""} for r in test if r["diagnosis"]])
        free += [{**r, "t1c": ""} for r in test if not r["diagnosis"]]
    free += [{**r, "t1c": ""} for r in healthy if r["split"] == "test"]
    write_table(work / "healthy.tsv", free)
    write_table(work / "inserted.tsv", [r for r in rows if r["split"] == "test"])


def read_hosts(path: Path) -> list[dict[str, str]]:
    """Read the list of hosts; files relative to it."""
    rows = read_table(path)
    for row in rows:
        row["path"] = str((path.parent / row["path"]).resolve())
        row["cord"] = str((path.parent / row["cord"]).resolve()) if row["cord"] else ""
    return rows


def phantom_rows(cohort: Path, split: str | None = None) -> Iterator[dict[str, str]]:
    """List a phantom cohort; `split` overrides the cohort's own."""
    for row in read_table(cohort / "participants.tsv"):
        name = row["participant_id"]
        anat, truth = cohort / name / "anat", cohort / "derivatives" / "truth" / name / "anat"
        t1c = anat / f"{name}_acq-sag_ce-gd_T1w.nii.gz"
        yield {
            "case_id": f"{cohort.name}-{name}",
            "path": str(anat / f"{name}_acq-sag_T2w.nii.gz"),
            "mask": str(truth / f"{name}_acq-sag_label-lesion_mask.nii.gz"),
            "cord": str(truth / f"{name}_acq-sag_label-cord_mask.nii.gz"),
            "t1c": str(t1c) if t1c.exists() else "",
            "diagnosis": "" if row["diagnosis"] == "n/a" else row["diagnosis"],
            "participant_id": f"{cohort.name}-{name}",
            "group": "",
            "split": split or row["split"],
        }


def has_random_contrast(row: dict[str, str]) -> bool:
    """Say whether a phantom's tissues took any signal."""
    sidecar = Path(row["mask"].replace("_label-lesion_mask.nii.gz", "_desc-phantom.json"))
    return bool(json.loads(sidecar.read_text(encoding="utf-8"))["random_contrast"])


def insert_all(hosts: list[dict[str, str]], out: Path, jobs: int) -> list[dict[str, str]]:
    """Put lesions, and shams, into every host that has a cord mask."""
    tasks = []
    for use in PER_HOST:
        used = [host for host in hosts if host["use"] == use and host["cord"]]
        for number, host in enumerate(used):
            for d in DIAGNOSES:
                tasks += [(host, number, d, k, False, out) for k in range(PER_HOST[use])]
                tasks += [(host, number, d, k, True, out) for k in range(SHAMS) if use == "train"]
    out.mkdir(exist_ok=True)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        return list(pool.map(insert_one, tasks, chunksize=4))


def insert_one(task: tuple[dict[str, str], int, str, int, bool, Path]) -> dict[str, str]:
    """Make one case, unless it is there; difficulty is drawn from .1 to .8."""
    host, number, diagnosis, k, sham, out = task
    start = HOST_SEED if host["use"] == "train" else HELD_SEED
    seed = np.random.SeedSequence([start, number, DIAGNOSES.index(diagnosis), k, int(sham)])
    stem = f"{host['host']}_{diagnosis}_{k:02d}{'_sham' if sham else ''}"
    files = {kind: out / f"{stem}_{kind}.nii.gz" for kind in ("t2", "lesion", "cord")}
    if not all(path.exists() for path in files.values()):
        difficulty = float(np.random.default_rng(seed.spawn(1)[0]).uniform(0.1, 0.8))
        made = insert_lesion(
            host["path"], host["cord"], diagnosis, seed, difficulty=difficulty, sham=sham
        )
        for kind, volume in (("t2", made.volume), ("lesion", made.lesion), ("cord", made.cord)):
            save_volume(volume, files[kind])
    return {
        "case_id": stem, "path": str(files["t2"]), "mask": str(files["lesion"]),
        "cord": str(files["cord"]), "t1c": "", "diagnosis": "" if sham else diagnosis,
        "participant_id": stem, "group": host["host"],
        "split": "train" if host["use"] == "train" else "test",
    }  # fmt: skip


def untouched(host: dict[str, str], out: Path) -> dict[str, str]:
    """List a host as it is, with a mask of zeros."""
    mask = out / f"{host['host']}_zero.nii.gz"
    if not mask.exists():
        scan = Volume.from_any(host["path"])
        save_volume(scan.like(np.zeros(scan.shape, np.uint8)), mask)
    return {
        "case_id": host["host"], "path": host["path"], "mask": str(mask), "cord": host["cord"],
        "t1c": "", "diagnosis": "", "participant_id": host["host"], "group": host["host"],
        "split": "train" if host["use"] == "train" else "test",
    }  # fmt: skip
