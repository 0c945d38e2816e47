"""Tables of cases: columns, values, exclusions, what is refused."""

from __future__ import annotations

import re

import pytest

from spinalcord.cohort.listing import file_name, list_cohort
from spinalcord.errors import InputError


def listing(tmp_path, text, **options):
    path = tmp_path / "cohort.csv"
    path.write_text(text, encoding="utf-8")
    return list_cohort(path, **options)


def test_a_table_gives_files_and_truth(tmp_path):
    found = listing(
        tmp_path,
        "case_id,path,mask,t1c,participant_id,diagnosis,age,sex,split,reader_a,name,site\n"
        "a,scans/a.nii,m/a.nii,t/a.nii,p1,nmosd,41,F,test,MS,Jane Doe,Basel\n"
        "b,/abs/b.nii,,n/a,p2,sarcoma,,M,test,NMOSD,John Doe,Bern\n",
        carry=["site"],
    )
    a, b = found.cases
    assert (a.case_id, a.participant_id, b.participant_id) == ("a", "p1", "p2")
    assert a.path == str(tmp_path / "scans/a.nii")
    assert b.path == "/abs/b.nii"
    assert (a.mask, a.t1c) == (str(tmp_path / "m/a.nii"), str(tmp_path / "t/a.nii"))
    assert (b.mask, b.t1c) == (None, None)
    assert a.truth == {
        "reference_diagnosis": "NMOSD",
        "age": "41",
        "sex": "F",
        "split": "test",
        "reader_a": "MS",
        "site": "Basel",
    }
    assert b.truth["reference_diagnosis"] == "sarcoma"
    assert "age" not in b.truth
    assert found.columns == ("reader_a", "site")
    assert "Doe" not in repr(found)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_separators(tmp_path, mark):
    found = listing(tmp_path, f"\ufeffcase_id{mark}path\na{mark}a.nii\n")
    assert [case.case_id for case in found.cases] == ["a"]


def test_rows_in_memory_and_dataframes():
    rows = [{"case_id": 7, "path": "a.nii", "age": 41.0}, {"case_id": 8, "path": "b.nii"}]
    first, second = list_cohort(rows).cases
    assert (first.case_id, first.truth, second.truth) == ("7", {"age": "41"}, {})
    pandas = pytest.importorskip("pandas")
    assert list_cohort(pandas.DataFrame(rows)).cases == [first, second]


def test_masks_and_contrast_can_be_left_aside(tmp_path):
    text = "case_id,path,mask,t1c\na,a.nii,m.nii,t.nii\n"
    (case,) = listing(tmp_path, text, masks="ignore", t1c=False).cases
    assert (case.mask, case.t1c) == (None, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("case_id,path\n", "no case in it"),
        ("id,path\na,a.nii\n", "no column case_id"),
        ("case_id,path\na,a.nii\na,b.nii\n", "case a is there twice"),
        ("case_id,path\nx/1,a.nii\nx-1,b.nii\n", "x/1 and x-1 would have the same file names"),
        ("case_id,path\nA,a.nii\na,b.nii\n", "A and a would have the same file names"),
        ("case_id,path\na,\n", "line 2, column path: no path"),
        ("case_id,path\na,a.nii,7\n", "line 2, cell 3: the row has more values"),
        ("case_id,path\ncases.tsv,a.nii\n", "cannot be a case_id"),
        ("case_id,path\n" + "a" * 151 + ",a.nii\n", "cannot be a case_id"),
    ],
)
def test_tables_that_are_refused(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        listing(tmp_path, text)


def test_what_is_no_table(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        list_cohort(tmp_path / "absent.csv")
    (tmp_path / "scan.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="in UTF-8"):
        list_cohort(tmp_path / "scan.csv")
    for value in (7, [], [1, 2]):
        with pytest.raises(InputError, match="a cohort is a folder"):
            list_cohort(value)
    with pytest.raises(InputError, match="masks is compare, use, ignore, got 'all'"):
        list_cohort([{"case_id": "a", "path": "a"}], masks="all")
    with pytest.raises(InputError, match="no column site"):
        list_cohort([{"case_id": "a", "path": "a"}], carry=["site"])


def test_exclusions_name_cases_or_participants(tmp_path):
    rows = [
        {"case_id": "a1", "path": "x", "participant_id": "a"},
        {"case_id": "a2", "path": "x", "participant_id": "a"},
        {"case_id": "b", "path": "x"},
        {"case_id": "c", "path": "x"},
    ]
    (tmp_path / "list").write_text("# moved\na\tmoved too much\nb # blurred\n")
    found = list_cohort(rows, exclude=tmp_path / "list")
    assert [case.case_id for case in found.cases] == ["c"]
    assert [(case.case_id, reason) for case, reason in found.excluded] == [
        ("a1", "moved too much"),
        ("a2", "moved too much"),
        ("b", "excluded on request"),
    ]
    assert len(list_cohort(rows, exclude=["a1"]).cases) == 3
    assert list_cohort(rows, exclude={"c": "pilot"}).excluded[0][1] == "pilot"
    with pytest.raises(InputError, match="has no case d, which exclude= names"):
        list_cohort(rows, exclude=["c", "d"])
    with pytest.raises(InputError, match="all 4 cases are excluded"):
        list_cohort(rows, exclude=["a", "b", "c"])
    with pytest.raises(InputError, match="cannot be read"):
        list_cohort(rows, exclude=tmp_path)


def test_names_of_files():
    assert re.fullmatch(r"[\w.+-]+", file_name("../é 1/2"))
    assert file_name("..") == "case"
