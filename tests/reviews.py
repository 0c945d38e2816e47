"""Runs that were never computed, as large as one likes, with pages for quality control."""

from __future__ import annotations

import os

import numpy as np

from spinalcord.cohort.listing import CohortCase, Listing, file_name
from spinalcord.cohort.records import picture_path, write_record
from spinalcord.cohort.run_tables import write_tables
from spinalcord.qc.case_picture import draw_case
from spinalcord.tasks import DIAGNOSES, TASKS

DESCRIPTION = {"versions": {"spinalcord": "simulated"}, "notice": "simulated: means nothing"}


def make_case(index):
    name = f"sub-{index:05d}"
    return CohortCase(name, name, f"/scans/jane-doe-{index}.nii.gz", folder=file_name(name))


def make_picture(seed, lesion=True):
    """A grey gradient with a cord, a lesion in slices 3 and 4 and evidence around it."""
    rng = np.random.default_rng(seed)
    scan = rng.normal(100, 8, (9, 200, 160)).astype(np.float32)
    scan[:, :, 70:84] += 120
    mask = np.zeros(scan.shape, np.uint8)
    if lesion:
        mask[3:5, 80:110, 74:80] = 1
    near = np.exp(-(((np.arange(200) - 95) / 30.0) ** 2))[None, :, None]
    heat = (near * mask.any(axis=(1, 2))[:, None, None] * np.ones(scan.shape)).astype(np.float32)
    maps = {"tumor_vs_demyelination": heat, "ms_vs_nmosd": heat[:, ::-1]} if lesion else {}
    cord = np.zeros(scan.shape, np.uint8)
    cord[2:7, :, 72:82] = 1
    reference = np.roll(mask, 3, axis=1)
    return draw_case(scan, (3.0, 1.0, 1.0), mask, reference=reference, cord=cord, maps=maps)


def make_record(index, layout):
    """Every fifth case has no lesion, every seventh a warning, every eleventh failed."""
    if index % 11 == 10:
        failure = {"stage": "read", "error": "InputError", "seconds": 0.1}
        failure["reason"] = f"jane-doe-{index}.nii.gz: damaged <b>&amp;</b>"
        return {"status": "failed", "failure": failure}
    rng = np.random.default_rng(index)
    found = index % 5 != 4
    p = rng.random(3)
    row = {
        "found": found, "diagnosis": DIAGNOSES[index % 4] if found else None,
        "n_lesions": 2 if found else 0, "lesion_volume_mm3": 100.0 + index if found else 0.0,
        "mask": "segmented", "dice": float(p[0]), "notice": DESCRIPTION["notice"],
        "warnings": "" if index % 7 else f"jane-doe-{index}.nii.gz: slices 5 mm apart; <i>odd</i>",
    }  # fmt: skip
    if found:
        for (name, task), value in zip(TASKS.items(), p.tolist(), strict=True):
            row[f"{name}_probability"], row[f"{name}_threshold"] = value, 0.5
            row[f"{name}_label"] = task.positive if value >= 0.5 else task.negative
        row |= dict.fromkeys((f"{name}_probability" for name in DIAGNOSES), 0.25)
        row["ms_vs_nmosd_inside_fraction"] = 0.4
        row["ms_vs_nmosd_flat_inside_fraction"] = 0.025
    sizes = {"volume_mm3": 60.0, "length_mm": 12.3, "width_mm": 4.0, "depth_mm": 3.0,
             "max_diameter_mm": 12.9, "overlap_fraction": 0.8, "in_cord_fraction": 1.0}  # fmt: skip
    lesions = [
        {"mask": mask, "label": label, **sizes}
        for mask in ("found", "reference")
        for label in (1, 2)
        if found
    ]
    return {"status": "done", "key": f"{index:08d}", "case": row, "lesions": lesions,
            "slices": [], "files": [], "qc": layout}  # fmt: skip


def make_run(out, n, *, pictures=True, excluded=None):
    """Write the records, pictures (or none), tables and pages of n cases; return them."""
    cases = [make_case(index) for index in range(n)]
    drawn = {True: make_picture(0), False: make_picture(1, lesion=False)}
    synchronise, os.fsync = os.fsync, lambda _: None  # thousands of them would take minutes
    try:
        for index, case in enumerate(cases):
            picture = drawn[index % 5 != 4]
            record = make_record(index, picture.layout)
            write_record(out, case, record)
            if pictures and "qc" in record:
                path = picture_path(out, case)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(picture.png)
    finally:
        os.fsync = synchronise
    reasons = excluded or {}
    listing = Listing(
        "simulated <cohort>",
        [case for case in cases if case.case_id not in reasons],
        [(case, reasons[case.case_id]) for case in cases if case.case_id in reasons],
        (),
    )
    write_tables(out, listing, DESCRIPTION, qc=True)
    return listing
