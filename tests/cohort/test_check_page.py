"""The page and the table of a check."""

from __future__ import annotations

from cohorts import save_mask, save_scan, table

from spinalcord.cohort.check_page import make_page, write_check
from spinalcord.cohort.checking import COLUMNS, check_cohort


def make_check(folder):
    save_mask(save_scan(folder / "a.nii.gz"), folder / "a_mask.nii.gz")
    save_scan(folder / "b.nii.gz", lesion=False)
    rows = [
        {"case_id": "a", "path": "a.nii.gz", "mask": "a_mask.nii.gz", "diagnosis": "<MS>"},
        {"case_id": "b", "path": "b.nii.gz", "diagnosis": "healthy"},
    ]
    text = "\n".join(["case_id,path,mask,diagnosis", *(
        f"{r['case_id']},{r['path']},{r.get('mask', '')},{r['diagnosis']}" for r in rows
    )])  # fmt: skip
    (folder / "cohort.csv").write_text(text, encoding="utf-8")
    return check_cohort(folder / "cohort.csv")


def test_the_page_and_the_table(tmp_path):
    check = make_check(tmp_path)
    page, rows = write_check(check, tmp_path / "out")
    text = page.read_text(encoding="utf-8")
    assert text.count("<article>") == 2
    assert "1 problem must be fixed before training" in text
    assert "&lt;MS&gt;" in text
    assert "<MS>" not in text
    assert str(tmp_path) not in text
    assert "nii.gz" not in text
    found = table(rows)
    assert tuple(found[0]) == COLUMNS
    assert [one["mask"] for one in found] == ["found", "not found"]


def test_a_sound_cohort_says_so(tmp_path):
    save_scan(tmp_path / "b.nii.gz", lesion=False)
    page = make_page(check_cohort([{"case_id": "b", "path": str(tmp_path / "b.nii.gz")}]))
    assert "1 case. Nothing has to be fixed." in page
