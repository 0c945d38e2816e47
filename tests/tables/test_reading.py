"""Files and tables in memory: the same table whichever way it comes."""

from __future__ import annotations

import csv
import math

import pytest

from spinalcord.errors import InputError, SpinalcordWarning
from spinalcord.tables import parse_table, read_table
from spinalcord.tables.reading import read_text

ROWS = [
    {"case_id": "a", "age": "30.5", "note": "x, y; z"},
    {"case_id": "b", "age": "", "note": ""},
    {"case_id": "c", "age": "41", "note": 'say "no"'},
]


def written(path, mark=",", decimal=".", end="\n", **options):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=mark, lineterminator=end, **options)
        writer.writerow(ROWS[0])
        for row in ROWS:
            writer.writerow([row["case_id"], row["age"].replace(".", decimal), row["note"]])
    return path


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x"])
def test_dialects(tmp_path, mark, decimal, end, quoting, name):
    path = written(tmp_path / name, mark, decimal, end, quoting=quoting)
    assert read_table(path).dicts() == ROWS


def test_tables_in_memory():
    want = read_table(ROWS).dicts()
    assert want == ROWS
    assert read_table({key: [row[key] for row in ROWS] for key in ROWS[0]}).dicts() == ROWS
    assert read_table([{"a": 1.0}, {"b": math.nan}]).dicts() == [{"a": "1", "b": ""},
                                                                 {"a": "", "b": ""}]  # fmt: skip
    assert read_table({"case_id": []}).columns == ("case_id",)


def test_dataframes():
    pandas = pytest.importorskip("pandas", reason="needs pandas, of the extra report")
    frame = pandas.DataFrame(
        {
            "whole": pandas.Series([45, pandas.NA], dtype="Int64"),
            "word": pandas.Series(["F", pandas.NA], dtype="string"),
            "kind": pandas.Series(["MS", None], dtype="category"),
            "flag": pandas.Series([True, pandas.NA], dtype="boolean"),
            "day": pandas.to_datetime(["2020-01-02", None]),
        }
    )
    first, second = read_table(frame).dicts()
    assert first["whole"] == "45"
    assert set(second.values()) == {""}
    frame.columns = ["a", "b", "c", "d", "A"]
    with pytest.raises(InputError, match="both a and A"):
        read_table(frame)
    frame.columns = ["a", "b", "c", "d", "a"]
    with pytest.raises(InputError, match="a twice"):
        read_table(frame)


def test_what_is_guessed_is_said(tmp_path):
    (tmp_path / "x.csv").write_bytes("case_id,note\na,Müller\n".encode("cp1252"))
    with pytest.warns(SpinalcordWarning, match=r"x\.csv: not UTF-8; read as cp1252"):
        table = read_table(tmp_path / "x.csv")
    assert table.dicts()[0]["note"] == "Müller"
    assert "cp1252" in table.notes[0]
    with pytest.warns(SpinalcordWarning, match="cp1252"):
        assert "Müller" in read_text(tmp_path / "x.csv")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (3, "is a table .*, got int"),
        ([], "got list without rows"),
        ([1, 2], "rows must be mappings"),
        ({"a": [1], "b": [1, 2]}, "columns of 1 to 2 cases"),
    ],
)
def test_what_is_no_table(source, message):
    with pytest.raises(InputError, match=message):
        read_table(source, what="this is")


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"absent\.csv: cannot be read: No such file"):
        read_table(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_table(tmp_path)
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(InputError, match=r"empty\.csv: no header"):
        read_table(tmp_path / "empty.csv")


def test_text_with_a_mark_of_its_order():
    table = parse_table("\ufeffCase_ID;Age\na;30,5\n", "x", known=("case_id", "age"))
    assert table.dicts() == [{"case_id": "a", "age": "30.5"}]


def test_what_r_writes():
    text = '"case_id"\t"age"\n"1"\t"a"\t30\n"2"\t"b"\tNA\n'
    assert parse_table(text, "x").dicts() == [{"case_id": "a", "age": "30"},
                                              {"case_id": "b", "age": ""}]  # fmt: skip
    text = '"";"case_id";"age"\n"1";"a";30,5\n"2";"b";NA\n'  # write.csv2
    assert parse_table(text, "x").dicts()[0] == {"case_id": "a", "age": "30.5"}
