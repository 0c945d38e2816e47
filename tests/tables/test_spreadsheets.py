"""Workbooks, SPSS and R data, as their own libraries write them."""

from __future__ import annotations

import contextlib
import datetime
import sys
import zipfile

import pytest

from spinalcord.errors import InputError, SpinalcordWarning
from spinalcord.tables import read_table, spreadsheets


def workbook(path, rows, *, more=()):
    openpyxl = pytest.importorskip("openpyxl", reason="needs openpyxl, of the extra tables")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for title, cell in more:
        book.create_sheet(title)["A1"] = cell
    book.save(path)
    return path


def test_a_workbook(tmp_path):
    rows = [
        ["Case_ID", "age", "seen", None],
        ["a", 41.0, datetime.datetime(2020, 1, 2), None],
        [None, None, None, None],
        ["b", None, "n/a", None],
    ]
    # What it is called does not matter: many are called .csv.
    table = read_table(workbook(tmp_path / "x.csv", rows), known=("case_id",))
    assert table.dicts() == [
        {"case_id": "a", "age": "41", "seen": "2020-01-02"},
        {"case_id": "b", "age": "", "seen": ""},
    ]
    assert table.where(1) == f"{tmp_path / 'x.csv'}, line 4"


def test_of_several_sheets_the_first_is_read_with_a_word(tmp_path):
    path = workbook(tmp_path / "x.xlsx", [["case_id"], ["a"]], more=[("notes", "x"), ("empty", "")])
    with pytest.warns(SpinalcordWarning, match="read the sheet Sheet, the first of Sheet, notes"):
        assert read_table(path).dicts() == [{"case_id": "a"}]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([["case_id", "age"], ["a", "=1+1"]], "line 2, cell B2: a formula without its value"),
        ([["case_id", "age"], ["a", "#DIV/0!"]], "line 2, cell B2: #DIV/0!"),
        ([["case_id", "case_id"], ["a", "b"]], "a column twice"),
        ([["case_id"], ["a", "b"]], "column 2 has no name"),
        ([], "no sheet with a table"),
    ],
)
def test_workbooks_that_cannot_be_read_as_they_are(tmp_path, rows, message):
    path = workbook(tmp_path / "x.xlsx", rows)
    if "no name" in message:
        with pytest.warns(SpinalcordWarning, match=message):
            read_table(path)
    else:
        with pytest.raises(InputError, match=message):
            read_table(path)


def test_files_of_other_kinds(tmp_path):
    (tmp_path / "x.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    with pytest.raises(InputError, match=r"old Excel workbook \(\.xls\)"):
        read_table(tmp_path / "x.xls")
    pytest.importorskip("openpyxl", reason="needs openpyxl, of the extra tables")
    (tmp_path / "x.xlsx").write_bytes(b"PK\x03\x04" + b"\0" * 100)
    with pytest.raises(InputError, match="cannot be read as a workbook"):
        read_table(tmp_path / "x.xlsx")


def test_spss_data_have_their_labels(tmp_path):
    pandas = pytest.importorskip("pandas", reason="needs pandas, of the extra report")
    pyreadstat = pytest.importorskip("pyreadstat", reason="needs pyreadstat, of the extra tables")
    frame = pandas.DataFrame({"case_id": ["a", "b"], "sex": [1.0, 2.0], "age": [41.5, None]})
    labels = {"sex": {1: "männlich", 2: "weiblich"}}
    pyreadstat.write_sav(frame, str(tmp_path / "x.sav"), variable_value_labels=labels)
    assert read_table(tmp_path / "x.sav").dicts() == [
        {"case_id": "a", "sex": "männlich", "age": "41.5"},
        {"case_id": "b", "sex": "weiblich", "age": ""},
    ]
    (tmp_path / "broken.sav").write_bytes(b"$FL2" + b"\0" * 50)
    with pytest.raises(InputError, match=r"broken\.sav: cannot be read as a table"):
        read_table(tmp_path / "broken.sav")


def test_a_data_frame_of_r(tmp_path):
    pandas = pytest.importorskip("pandas", reason="needs pandas, of the extra report")
    pyreadr = pytest.importorskip("pyreadr", reason="needs pyreadr, of the extra tables")
    frame = pandas.DataFrame({"case_id": ["a", "b"], "age": [41.5, None]})
    pyreadr.write_rds(str(tmp_path / "x.rds"), frame)
    assert read_table(tmp_path / "x.rds").column("age") == ("41.5", "")
    (tmp_path / "broken.rds").write_bytes(b"nothing of R")
    with pytest.raises(InputError, match="cannot be read as a table"):
        read_table(tmp_path / "broken.rds")


def test_a_missing_library_is_named(tmp_path, monkeypatch):
    (tmp_path / "x.xlsx").write_bytes(b"PK\x03\x04" + b"\0" * 100)
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ImportError, match=r"needs openpyxl: .*spinalcord\[tables\]"):
        read_table(tmp_path / "x.xlsx")


def test_damaged_workbooks_and_bombs_are_refused(tmp_path, monkeypatch):
    """What zip, zlib, XML and openpyxl raise for damaged parts is not for users to read."""
    whole = workbook(tmp_path / "x.xlsx", [["case_id"], ["a"]]).read_bytes()
    path = tmp_path / "damaged.xlsx"
    for at in range(40, len(whole), 97):
        path.write_bytes(whole[:at] + b"\x55\xaa\x55" + whole[at + 3 :])
        with contextlib.suppress(InputError):
            read_table(path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cannot be read as a workbook"):
        read_table(path)

    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", bytes(30_000_000))
    monkeypatch.setattr(spreadsheets, "MAX_UNPACKED_NBYTES", 20_000_000)
    with pytest.raises(InputError, match="unpacks to 30 MB; expected at most 20 MB"):
        read_table(bomb)

    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = "case_id", "far"
    book.save(tmp_path / "far.xlsx")
    with pytest.raises(InputError, match="1048576 rows and 16384 columns; expected at most"):
        read_table(tmp_path / "far.xlsx")
