from __future__ import annotations

import csv
import hashlib
import json
import os
import warnings
from collections import Counter
from pathlib import Path

import nibabel
import numpy as np
import pytest

import spinalcord as sc
from spinalcord.errors import InputError, SpinalcordWarning
from spinalcord.phantom import DIAGNOSES, make_cohort
from spinalcord.phantom import dataset as cohort_module
from spinalcord.phantom.dataset import LETTER, draw_plans
from spinalcord.threads import thread_limits
from spinalcord.training.patients import list_cases


def participants(folder):
    with open(folder / "participants.tsv", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def sums(folder):
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    out = tmp_path_factory.mktemp("cohort") / "bids"
    return make_cohort(4, 7, out, lesion_free=1, progress=False)


def test_the_letters_counts():
    plans = draw_plans(None, 0)
    counts = Counter((plan.split, plan.diagnosis) for plan in plans)
    assert sum(counts.values()) == 647
    assert [counts["test", d] for d in DIAGNOSES] == [34, 45, 33, 45]
    assert [counts["train", d] + counts["validation", d] for d in DIAGNOSES] == [118, 130, 101, 141]
    assert sum(LETTER["train"]) == 392
    assert sum(LETTER["validation"]) == 98


def test_any_number_keeps_the_shares():
    plans = draw_plans(100, 0, lesion_free=3)
    assert len(plans) == 103
    assert len({plan.name for plan in plans}) == 103
    tests = [plan for plan in plans if plan.split == "test" and plan.diagnosis != "none"]
    assert len(tests) == pytest.approx(24, abs=2)


def test_cases_without_lesion_go_to_test_or_to_all_splits_alike():
    plain, only, spread = (
        draw_plans(60, 3, lesion_free=50, **options)
        for options in ({}, {"lesion_free_in": "test"}, {"lesion_free_in": "all"})
    )
    assert {plan.split for plan in only if plan.diagnosis == "none"} == {"test"}
    counts = Counter(plan.split for plan in spread if plan.diagnosis == "none")
    assert counts == {"train": 30, "validation": 8, "test": 12}  # 392, 98 and 157 of 647
    # The same patients and images: only the split is another.
    a, b, c = (
        [(p.name, p.diagnosis, p.age, p.sex, p.difficulty, p.seed.spawn_key) for p in plans]
        for plans in (plain, only, spread)
    )
    assert a == b == c
    assert [p.split for p in plain] == [p.split for p in only]
    assert all(p.split == q.split or p.diagnosis == "none"
               for p, q in zip(only, spread, strict=True))  # fmt: skip


@pytest.mark.slow
def test_training_takes_cases_without_lesion(tmp_path):
    out = make_cohort(1, 3, tmp_path / "c", lesion_free=4, lesion_free_in="all", progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error", SpinalcordWarning)  # "left out"
        cases, origin = list_cases(out, "segmentation")
    assert origin == "cohort"
    free = [case for case in cases if not case.diagnosis]
    assert Counter(case.split for case in free) == {"train": 2, "validation": 1}
    for case in free:
        assert not nibabel.load(case.mask).dataobj[:].any()
        assert nibabel.load(case.cord).dataobj[:].any()


@pytest.mark.slow
def test_one_split_is_that_of_the_whole_cohort(tmp_path):
    for name, split in (("whole", None), ("part", "test")):
        make_cohort(6, 5, tmp_path / name, split=split, t1c=False, progress=False)
    whole, part = (
        (tmp_path / name / "participants.tsv").read_text().splitlines()
        for name in ("whole", "part")
    )
    assert part == [whole[0], *(row for row in whole if "\ttest\t" in row)]
    assert len(part) > 1
    for row in part[1:]:
        file = Path(row.split("\t")[0], "anat", row.split("\t")[0] + "_acq-sag_T2w.nii.gz")
        assert (tmp_path / "part" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()
    assert len(list((tmp_path / "part").glob("sub-*"))) == len(part) - 1


def test_age_and_sex_go_by_diagnosis():
    plans = draw_plans(4000, 1)
    age = {d: np.mean([p.age for p in plans if p.diagnosis == d]) for d in DIAGNOSES}
    women = {d: np.mean([p.sex == "F" for p in plans if p.diagnosis == d]) for d in DIAGNOSES}
    assert age["MS"] < age["NMOSD"]
    assert women["NMOSD"] == pytest.approx(0.89, abs=0.04)
    assert women["astrocytoma"] == pytest.approx(0.32, abs=0.05)


def test_files_are_bids_and_on_one_grid(cohort):
    rows = participants(cohort)
    assert len(rows) == 5
    assert sorted(row["diagnosis"] for row in rows).count("n/a") == 1
    for row in rows:
        name = row["participant_id"]
        stem = f"{name}_acq-sag"
        t2 = sc.read(cohort / name / "anat" / f"{stem}_T2w.nii.gz")
        truth = cohort / "derivatives" / "truth" / name / "anat"
        about = json.loads((truth / f"{stem}_desc-phantom.json").read_text(encoding="utf-8"))
        assert (about["diagnosis"] or "n/a") == row["diagnosis"]
        for mask in ("lesion", "cord"):
            image = sc.Volume.from_any(nibabel.load(truth / f"{stem}_label-{mask}_mask.nii.gz"))
            assert image.same_grid(t2)
            shown = mask == "cord" or any(q["visible"] for q in about["lesions"])
            assert image.array.any() == shown
    readers = [row["reader_1"] for row in rows if row["diagnosis"] != "n/a"]
    assert set(readers) <= set(DIAGNOSES)
    assert (
        "synthetic"
        in json.loads((cohort / "dataset_description.json").read_text(encoding="utf-8"))["Notice"]
    )


@pytest.mark.slow
def test_jobs_do_not_change_a_bit(cohort, tmp_path):
    again = make_cohort(4, 7, tmp_path / "again", lesion_free=1, jobs=2, progress=False)
    assert sums(again) == sums(cohort)


@pytest.mark.slow
def test_jobs_use_one_thread_each(tmp_path, monkeypatch):
    seen = []
    real = cohort_module.ProcessPoolExecutor

    def noted(*arguments, **options):
        seen.append({name: os.environ[name] for name in thread_limits(1)})
        return real(*arguments, **options)

    monkeypatch.setattr(cohort_module, "ProcessPoolExecutor", noted)
    make_cohort(1, 0, tmp_path / "c", jobs=2, progress=False)
    assert seen == [thread_limits(1)]


@pytest.mark.slow
def test_dicom_series_lie_on_the_grid_of_the_masks(tmp_path):
    out = make_cohort(1, 3, tmp_path / "d", format="dicom", t1c=True, progress=False)
    scan = sc.read(out / "dicom" / "sub-0001" / "T2w")
    (mask,) = (out / "derivatives" / "truth" / "sub-0001" / "anat").glob("*lesion_mask.nii.gz")
    assert sc.Volume.from_any(nibabel.load(mask)).same_grid(scan)
    with pytest.warns(SpinalcordWarning, match="T1"):
        t1c = sc.read(out / "dicom" / "sub-0001" / "ce-gd_T1w")
    assert t1c.same_grid(scan)


@pytest.mark.parametrize(
    ("n", "options", "words"),
    [(0, {}, "0 cases"), (1, {"format": "nrrd"}, "nrrd"), (1, {"difficulty": 3}, "difficulty"),
     (1, {"random_contrast": -1}, "random_contrast"), (1, {"lesion_free": -1}, "too few"),
     (1, {"jobs": 0}, "jobs"), (1, {"split": "all"}, "'all'"),
     (1, {"lesion_free_in": "train"}, "lesion_free_in")],
)  # fmt: skip
def test_options_outside_the_list_are_refused(n, options, words, tmp_path):
    with pytest.raises(InputError, match=words):
        make_cohort(n, 0, tmp_path / "x", **options)
    assert not (tmp_path / "x").exists()
