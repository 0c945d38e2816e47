"""Pages of a run: which cases are on them and what of each, and what a full disk leaves."""

from __future__ import annotations

import errno
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from reviews import DESCRIPTION, make_case, make_run

from spinalcord.cohort import textfile
from spinalcord.cohort.listing import Listing
from spinalcord.cohort.qc_pages import SHOWN_LESIONS
from spinalcord.cohort.records import write_record
from spinalcord.cohort.run_tables import write_tables
from spinalcord.errors import InputError
from spinalcord.qc import review_page as page


def rows_of(path):
    text = Path(path).read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="data">\n(.*?)\n</script>', text, re.S)[1])
    return [dict(zip(data["columns"], row, strict=True)) for row in data["rows"]]


def test_a_page_shows_what_the_records_say(tmp_path):
    make_run(tmp_path, 12, excluded={"sub-00003": "quality control: artefact: moved"})
    rows = {row["id"]: row for row in rows_of(tmp_path / "qc.html")}
    assert list(rows) == [f"sub-{i:05d}" for i in (*range(3), *range(4, 12), 3)]
    first = rows["sub-00000"]
    assert (first["status"], first["answer"], first["volume"]) == ("done", "astrocytoma", 100.0)
    assert first["mask"] == "segmented"
    assert len(first["p"]) == len(first["labels"]) == len(first["thresholds"]) == 3
    assert (first["inside"], first["flat"]) == ([None, None, 0.4], [None, None, 0.025])
    assert first["lesions"][0] == [1, 1.0, 60.0, 12.3, 4.0, 3.0, 12.9, 1.0, 0.8]
    assert [lesion[0] for lesion in first["lesions"]] == [1, 1, 0, 0]
    assert (tmp_path / unquote(first["picture"]["file"])).is_file()
    assert first["picture"]["file"].startswith("qc/")
    assert rows["sub-00004"]["answer"] == ""
    assert rows["sub-00003"]["excluded"] == "quality control: artefact: moved"
    assert rows["sub-00003"]["answer"] == "NMOSD"
    assert (rows["sub-00010"]["status"], rows["sub-00010"]["picture"]) == ("failed", None)
    assert first["key"] != rows["sub-00001"]["key"]


def test_names_of_files_and_patients_are_not_on_the_page(tmp_path):
    cases = make_run(tmp_path, 12).cases
    text = (tmp_path / "qc.html").read_text(encoding="utf-8")
    assert "jane" not in text
    assert "the scan: slices 5 mm apart" in text
    assert "the scan: damaged" in text
    truth = {"age": "41", "sex": "F", "reference_diagnosis": "truth-word", "reader_1": "x-word"}
    known = [replace(case, participant_id="patient-7", truth=truth) for case in cases]
    write_tables(tmp_path, Listing("c", known, (), ("reader_1",)), DESCRIPTION, qc=True)
    text = (tmp_path / "qc.html").read_text(encoding="utf-8")
    assert len(rows_of(tmp_path / "qc.html")) == 12
    for word in ("patient-7", "truth-word", "x-word"):
        assert word not in text


def test_names_that_a_url_cannot_hold_are_quoted(tmp_path):
    case = replace(make_case(0), case_id="ä+1 %", folder="x")
    layout = {"layers": ["scan"]}
    write_record(tmp_path, case, {"status": "done", "case": {}, "lesions": [], "slices": [],
                                  "qc": layout})  # fmt: skip
    write_tables(tmp_path, Listing("c", [case], (), ()), DESCRIPTION, qc=True)
    (row,) = rows_of(tmp_path / "qc.html")
    assert re.fullmatch(r"qc/[0-9a-f]{2}/%C3%A4%2B1\.png", row["picture"]["file"])


def test_the_largest_lesions_are_shown(tmp_path):
    case = make_case(0)
    lesions = [
        {"mask": mask, "label": k, "volume_mm3": 9.0}
        for mask in ("found", "reference")
        for k in range(1, 41)
    ]
    write_record(tmp_path, case, {"status": "done", "case": {}, "lesions": lesions, "slices": []})
    write_tables(tmp_path, Listing("c", [case], (), ()), DESCRIPTION, qc=True)
    (row,) = rows_of(tmp_path / "qc.html")
    assert len(row["lesions"]) == 2 * SHOWN_LESIONS
    assert row["more"] == 2 * (40 - SHOWN_LESIONS)


def test_a_large_cohort_has_several_pages_and_a_smaller_one_loses_them(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "PER_PAGE", 5)
    make_run(tmp_path, 11, pictures=False)
    assert [len(rows_of(tmp_path / n)) for n in ("qc.html", "qc-2.html", "qc-3.html")] == [5, 5, 1]
    make_run(tmp_path, 10, pictures=False)
    assert sorted(p.name for p in tmp_path.glob("qc*.html")) == ["qc-2.html", "qc.html"]
    (tmp_path / "qc-notes.html").write_text("mine")
    case = make_case(0)
    write_tables(tmp_path, Listing("c", [case], (), ()), DESCRIPTION)
    assert sorted(p.name for p in tmp_path.glob("qc*.html")) == ["qc-notes.html"]


def test_cases_not_come_to_yet_are_not_on_the_page(tmp_path):
    write_tables(tmp_path, Listing("c", [make_case(0)], [(make_case(1), "why")], ()),
                 DESCRIPTION, qc=True)  # fmt: skip
    (row,) = rows_of(tmp_path / "qc.html")
    assert (row["id"], row["status"], row["excluded"]) == ("sub-00001", "not run", "why")


def test_a_full_disk_leaves_the_old_page(tmp_path, monkeypatch):
    make_run(tmp_path, 3, pictures=False)
    before = (tmp_path / "qc.html").read_bytes()

    class Full(textfile.TextFile):
        def finish(self):
            with self._named():
                raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("spinalcord.cohort.qc_pages.TextFile", Full)
    with pytest.raises(InputError, match=r"qc\.html: cannot be written: No space left"):
        make_run(tmp_path, 6, pictures=False)
    assert (tmp_path / "qc.html").read_bytes() == before
    assert [name for name in os.listdir(tmp_path) if name.endswith(".part")] == []
