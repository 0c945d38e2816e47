"""Tables of cases: columns, values, exclusions, what is refused."""

from __future__ import annotations

import re

import pytest

from spinalcord.cohort.listing import file_name, list_cohort
from spinalcord.errors import InputError, SpinalcordWarning
from spinalcord.run_options import CohortInputs


def listing(tmp_path, text, **options):
    path = tmp_path / "cohort.csv"
    path.write_text(text, encoding="utf-8")
    return list_cohort(path, CohortInputs(**options))


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
        ("case_id,path\na,a.nii\na,b.nii\n", "case a occurs twice"),
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
        list_cohort([{"case_id": "a", "path": "a"}], CohortInputs(masks="all"))
    with pytest.raises(InputError, match="no column site"):
        list_cohort([{"case_id": "a", "path": "a"}], CohortInputs(carry=["site"]))


def test_exclusions_name_cases_or_participants(tmp_path):
    rows = [
        {"case_id": "a1", "path": "x", "participant_id": "a"},
        {"case_id": "a2", "path": "x", "participant_id": "a"},
        {"case_id": "b", "path": "x"},
        {"case_id": "c", "path": "x"},
    ]
    (tmp_path / "list").write_text("# moved\na\tmoved too much\nb # blurred\n")
    found = list_cohort(rows, CohortInputs(exclude=tmp_path / "list"))
    assert [case.case_id for case in found.cases] == ["c"]
    assert [(case.case_id, reason) for case, reason in found.excluded] == [
        ("a1", "moved too much"),
        ("a2", "moved too much"),
        ("b", "excluded on request"),
    ]
    assert len(list_cohort(rows, CohortInputs(exclude=["a1"])).cases) == 3
    assert list_cohort(rows, CohortInputs(exclude={"c": "pilot"})).excluded[0][1] == "pilot"
    with pytest.raises(InputError, match="has no case d, which exclude= names"):
        list_cohort(rows, CohortInputs(exclude=["c", "d"]))
    with pytest.raises(InputError, match="all 4 cases are excluded"):
        list_cohort(rows, CohortInputs(exclude=["a", "b", "c"]))
    with pytest.raises(InputError, match="cannot be read"):
        list_cohort(rows, CohortInputs(exclude=tmp_path))


def test_names_of_files():
    assert re.fullmatch(r"[\w.+-]+", file_name("../é 1/2"))
    assert file_name("..") == "case"


def test_what_cannot_be_used_is_said(tmp_path):
    text = (
        "case_id;path;sex;age;diagnosis;reader_a;participant_id\n"
        "a;a.nii;Frau;30,5;nmo;MS;p\nb;b.nii;U;999;M.S.;ms?;q\nc;c.nii;m;-;MS;;p\n"
    )
    with pytest.warns(SpinalcordWarning) as heard:
        found = listing(tmp_path, text)
    assert [str(one.message) for one in heard] == list(found.notes)
    assert found.notes == (
        "cohort.csv: sex: 1 of 3 cases have an unknown word, which counts as missing: 'U' (1)",
        "cohort.csv: age: 1 of 3 cases have a value outside 0 to 120, which counts as missing: "
        "'999' (1)",
        "cohort.csv: reader_a: 1 of 3 cases have an unknown word, which counts as missing: "
        "'ms?' (1)",
        "cohort.csv: reference_diagnosis: 1 of 3 cases have an unknown word, which counts as "
        "missing: 'M.S.' (1)",
        "cohort.csv: 1 participants have more than one diagnosis: p",
    )
    assert [case.truth.get("sex") for case in found.cases] == ["F", "U", "M"]
    assert [case.truth.get("age") for case in found.cases] == ["30.5", "999", None]
    assert [case.diagnosis for case in found.cases] == ["NMOSD", "M.S.", "MS"]


def test_columns_in_any_case_by_other_names_and_a_coding(tmp_path):
    text = "CASE_ID,File,Gender,Cord,Site\na,a.nii,2,c.nii,X\n"
    found = listing(
        tmp_path,
        text,
        columns={"path": "file", "sex": "Gender"},
        words={"sex": {"1": "M", "2": "F"}},
        carry=["site"],
    )
    (case,) = found.cases
    assert case.truth == {"sex": "F", "site": "X"}
    assert case.cord == str(tmp_path / "c.nii")
    with pytest.raises(InputError, match="no column 'Geschlecht' to be read as sex"):
        listing(tmp_path, text, columns={"sex": "Geschlecht"})
    with pytest.raises(InputError, match="words are for sex and diagnosis"):
        listing(tmp_path, text, words={"age": {}})


def test_a_runs_own_table_says_what_is_true_and_what_was_answered():
    row = {"case_id": "a", "path": "a.nii", "diagnosis": "MS", "reference_diagnosis": "NMOSD"}
    assert list_cohort([row]).cases[0].diagnosis == "NMOSD"


def test_the_old_name_of_the_reader(tmp_path):
    from spinalcord.cohort.listing import read_rows

    (tmp_path / "x.csv").write_text("case_id;path\na;a.nii\n")
    with pytest.warns(DeprecationWarning, match=r"spinalcord\.tables\.read_table"):
        assert read_rows(tmp_path / "x.csv") == [{"case_id": "a", "path": "a.nii"}]
