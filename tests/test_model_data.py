"""The tables that the shipped models are trained on can be trained on."""

from __future__ import annotations

from collections import Counter

import pytest
from model_steps import step

from spinalcord.phantom import DIAGNOSES
from spinalcord.training.patients import list_cases


def made_before(folder, stem, kinds):
    """Files of a case that was made before: the programs then only list it."""
    for kind in kinds:
        (folder / f"{stem}_{kind}.nii.gz").touch()


def test_insertions_into_one_person_are_patients_of_one_group(tmp_path):
    data, tables = step("make_data"), step("tables")
    rows = []
    for name, split in (("h1", "train"), ("h2", "validation")):
        host = {"host": name, "path": f"{name}.nii", "cord": f"{name}_c.nii", "use": "train"}
        made_before(tmp_path, name, ["zero"])
        rows.append(data.untouched(host, tmp_path))
        for diagnosis in DIAGNOSES:
            made_before(tmp_path, f"{name}_{diagnosis}_00", ["t2", "lesion", "cord"])
            rows.append(data.insert_one((host, 0, diagnosis, 0, False, tmp_path)))
        rows[-5:] = [{**row, "split": split} for row in rows[-5:]]
    tables.write_table(tmp_path / "train.tsv", rows)
    for target, n in (("segmentation", 10), ("diagnosis", 8)):
        cases, _ = list_cases(tmp_path / "train.tsv", target)
        assert len(cases) == len({c.participant_id for c in cases}) == n
        assert Counter(c.group for c in cases) == {"h1": n / 2, "h2": n / 2}


def test_so_are_those_into_lumbar_scans(tmp_path):
    pytest.importorskip("scipy", reason="scipy is not installed")
    lumbar, tables = step("lumbar_cases"), step("tables")
    row = {"case_id": "spider001", "path": "a.nii", "mask": "z.nii", "cord": "c.nii", "t1c": "",
           "diagnosis": "", "participant_id": "spider001", "group": "spider001",
           "split": "train"}  # fmt: skip
    rows = [row]
    for diagnosis in DIAGNOSES:
        made_before(tmp_path, f"spider001_{diagnosis}_00", ["t2", "lesion", "cord"])
        rows.append(lumbar.insert_one((1, diagnosis, 0, row, tmp_path)))
    other = [{**r, "case_id": f"b{k}", "participant_id": f"b{k}", "group": "b",
              "split": "validation"} for k, r in enumerate(rows)]  # fmt: skip
    tables.write_table(tmp_path / "lumbar.tsv", [*rows, *other])
    cases, _ = list_cases(tmp_path / "lumbar.tsv", "diagnosis")
    assert len({c.participant_id for c in cases}) == 8
    assert {c.group for c in cases} == {"spider001", "b"}
