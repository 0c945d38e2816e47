"""Tables: types there and back, order, what a full disk leaves."""

from __future__ import annotations

import errno
import json

import pytest
from cohorts import table

from spinalcord.analysis.attribution import ExplanationOptions
from spinalcord.cohort import run_tables as tables
from spinalcord.cohort.listing import CohortCase, Listing
from spinalcord.cohort.records import write_record
from spinalcord.cohort.run_tables import read_results, write_tables
from spinalcord.errors import InputError

DESCRIPTION = {"versions": {"spinalcord": "1"}}


@pytest.fixture
def listing(tmp_path):
    cases = [
        CohortCase(name, f"p-{name}", f"/x/{name}.nii", truth=truth)
        for name, truth in (
            ("b", {"age": "41", "reader_1": "MS"}),
            ("a", {}),
            ("c", {"age": "89+"}),
        )
    ]
    row = {
        "found": True,
        "diagnosis": "MS",
        "ms_vs_nmosd_probability": 0.1 + 0.2,
        "n_lesions": 2,
        "dice": float("nan"),
        "warnings": "two\twords\nand  a line",
    }
    lesions = [{"mask": "found", "label": 1, "volume_mm3": 3.25, "n_voxels": 4}]
    slices = [{"slice": 3, "lesion_mm2": 2.0, "ms_vs_nmosd": 0.3}]
    write_record(tmp_path, cases[0], {"status": "done"} | {
        "case": {**row, "dice": None}, "lesions": lesions, "slices": slices
    })  # fmt: skip
    failure = {"stage": "read", "error": "InputError", "reason": "broken", "seconds": 0.5}
    write_record(tmp_path, cases[1], {"status": "failed", "failure": failure})
    gone = CohortCase("x", "x", "/x.nii", truth={"split": "test"})
    return Listing("cohort", cases, [(gone, "blurred")], ("reader_1",))


def test_values_come_back_with_their_types(tmp_path, listing):
    counts, without_dicom = write_tables(tmp_path, listing, DESCRIPTION)
    assert without_dicom == {}
    assert counts == {"cases": 4, "done": 1, "failed": 1, "missing": 1, "excluded": 1}
    (row,) = read_results(tmp_path / "cases.tsv")
    assert row["case_id"] == "b"
    assert row["participant_id"] == "p-b"
    assert row["found"] is True
    assert row["ms_vs_nmosd_probability"] == 0.1 + 0.2
    assert (row["n_lesions"], type(row["n_lesions"])) == (2, int)
    assert row["dice"] is None
    assert row["age"] == 41.0
    assert row["reader_1"] == "MS"
    assert row["warnings"] == "two words and a line"
    assert list(row)[:7] == [
        "case_id", "participant_id", "split", "age", "sex", "reference_diagnosis", "reader_1",
    ]  # fmt: skip
    (lesion,) = read_results(tmp_path / "lesions.tsv")
    assert (lesion["case_id"], lesion["volume_mm3"], lesion["n_voxels"]) == ("b", 3.25, 4)
    (one,) = read_results(tmp_path / "slices.tsv")
    assert (one["slice"], one["ms_vs_nmosd"], one["tumor_vs_demyelination"]) == (3, 0.3, None)
    (failure,) = read_results(tmp_path / "failures.tsv")
    assert (failure["case_id"], failure["scan"], failure["seconds"]) == ("a", "a.nii", 0.5)
    (excluded,) = read_results(tmp_path / "excluded.tsv")
    assert (excluded["case_id"], excluded["split"], excluded["reason"]) == ("x", "test", "blurred")
    described = json.loads((tmp_path / "dataset_description.json").read_text(encoding="utf-8"))
    assert described["DatasetType"] == "derivative"
    assert described["Spinalcord"]["counts"] == counts


def test_columns_of_curves_and_comparisons_are_there_when_asked_for(tmp_path, listing):
    case = listing.cases[0]
    found = {"ms_vs_nmosd_deletion_auc": 0.25, "ms_vs_nmosd_gradientInput_spearman": 1.0}
    found |= {"ms_vs_nmosd_layercamBlock2_top_iou": 0.5, "ms_vs_nmosd_layercamBlock2_spearman": -1}
    write_record(tmp_path, case, {"status": "done", "case": found, "lesions": [], "slices": []})
    write_tables(tmp_path, listing, DESCRIPTION)
    (row,) = read_results(tmp_path / "cases.tsv")
    assert row.keys().isdisjoint(found)
    options = ExplanationOptions(curves=True, compare=["layercam:block2"])
    write_tables(tmp_path, listing, DESCRIPTION, options=options)
    (row,) = read_results(tmp_path / "cases.tsv")
    assert row["ms_vs_nmosd_deletion_auc"] == 0.25
    assert row["ms_vs_nmosd_layercamBlock2_top_iou"] == 0.5
    assert row["ms_vs_nmosd_layercamBlock2_spearman"] == -1.0
    assert row["ms_vs_nmosd_insertion_auc"] is None


def test_an_age_that_is_no_number_stays_text(tmp_path, listing):
    write_record(
        tmp_path,
        listing.cases[2],
        {"status": "done", "case": {"found": False}, "lesions": [], "slices": []},
    )
    write_tables(tmp_path, listing, DESCRIPTION)
    rows = read_results(tmp_path / "cases.tsv")
    assert [row["case_id"] for row in rows] == ["b", "c"]  # the cohort's order
    assert rows[1]["age"] == "89+"
    assert rows[1]["found"] is False


def test_a_full_disk_leaves_the_old_tables(tmp_path, listing, monkeypatch):
    write_tables(tmp_path, listing, DESCRIPTION)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.tsv")}

    def refuse(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tables.os, "fsync", refuse)
    with pytest.raises(InputError, match=r"tsv: cannot be written: No space left on device"):
        write_tables(tmp_path, listing, DESCRIPTION)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.tsv")} == before
    assert list(tmp_path.glob(".*.part")) == []


def test_left_overs_of_a_killed_run_go(tmp_path, listing):
    for name in ("cases.tsv", "dataset_description.json"):
        (tmp_path / f".{name}.1-00.part").write_text("half")
    write_tables(tmp_path, listing, DESCRIPTION)
    assert list(tmp_path.glob(".*.part")) == []
    assert len(table(tmp_path / "cases.tsv")) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tb\n1\n", r"x\.tsv, line 2, column b: the row ends before it"),
        ("n_lesions\nmany\n", r"x\.tsv: cannot be read as a table"),
    ],
)
def test_tables_that_are_none(tmp_path, text, message):
    (tmp_path / "x.tsv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_results(tmp_path / "x.tsv")
    with pytest.raises(InputError, match="No such file"):
        read_results(tmp_path / "absent.tsv")
