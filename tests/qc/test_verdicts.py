"""Verdicts: what a page exports and a run reads."""

from __future__ import annotations

import pytest

from spinalcord.errors import InputError
from spinalcord.qc.verdicts import excluded_cases, is_verdicts, read_exclusions, read_verdicts

HEAD = "case_id\tverdict\tnote\n"


def test_fail_and_artefact_leave_out_with_their_notes():
    text = HEAD + (
        "a\tpass\tfine\n"
        "b\tfail\tn/a\n"
        'c\tartefact\t"moved ""a lot"" # 3"\n'
        "d\tn/a\tto ask\n"
        "e\tFail\n"
        "\n"
        "f\t\t\n"
    )
    assert is_verdicts(text)
    assert read_verdicts(text, "x")["d"] == ("", "to ask")
    assert excluded_cases(text, "x") == {
        "b": "quality control: fail",
        "c": 'quality control: artefact: moved "a lot" # 3',
        "e": "quality control: fail",
    }


def test_columns_may_stand_in_another_order():
    assert excluded_cases("note\tverdict\tcase_id\r\nwhy\tfail\ta\r\n", "x") == {
        "a": "quality control: fail: why"
    }


@pytest.mark.parametrize("text", ["", "a\nb\n", "a\treason\n", "case_id\treason\n"])
def test_other_lists_are_no_verdicts(text):
    assert not is_verdicts(text)
    with pytest.raises(InputError, match="expected verdicts"):
        read_verdicts(text, "list")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("\tfail\tx\n", "line 2 has no case_id"),
        ("a\tmaybe\tx\n", "line 2: 'maybe' is none of pass, fail, artefact"),
        ("a\tpass\tx\na\tfail\tx\n", "line 3: case a occurs twice"),
    ],
)
def test_a_verdict_that_cannot_be_meant_is_refused(rows, message):
    with pytest.raises(InputError, match=f"list, {message}"):
        read_verdicts(HEAD + rows, "list")


def test_lists_of_every_kind(tmp_path):
    path = tmp_path / "list"
    path.write_text("\ufeffa\twhy not\n# nobody\nb # they asked\n\n", encoding="utf-8")
    assert read_exclusions(path) == {"a": "why not", "b": "excluded on request"}
    path.write_text(HEAD + "a\tfail\tx\nb\tpass\ty\n")
    assert read_exclusions(str(path)) == {"a": "quality control: fail: x"}
    assert read_exclusions({"a": "why"}) == {"a": "why"}
    assert read_exclusions(["a"]) == {"a": "excluded on request"}
    assert read_exclusions(None) == {}


def test_a_list_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(InputError, match="absent: cannot be read: No such file"):
        read_exclusions(tmp_path / "absent")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="bytes: no text in UTF-8"):
        read_exclusions(tmp_path / "bytes")


@pytest.mark.parametrize(
    "raw",
    [
        b"case_id\tverdict\tnote\r\na\tfail\tx\r\nb\tpass\ty\r\n",
        b"Case_ID;Verdict;Note\na;fail;x\nb;pass;y\n",
        b'"case_id","verdict","note"\n"a","FAIL","x"\n"b","pass","y"\n',
        b"\xef\xbb\xbfcase_id\tverdict\tnote\na\tfail\tx\n\t\t\nb\tpass\ty",
        "case_id\tverdict\tnote\na\tfail\tx\nb\tpass\ty\n".encode("utf-16"),
    ],
)
def test_verdicts_as_other_programs_save_them(tmp_path, raw):
    (tmp_path / "verdicts").write_bytes(raw)
    assert read_exclusions(tmp_path / "verdicts") == {"a": "quality control: fail: x"}


def test_a_stray_quote_loses_no_verdict(tmp_path):
    path = tmp_path / "verdicts.tsv"
    path.write_text(HEAD + 'a\tfail\t"moved\nb\tfail\tx\n')
    with pytest.raises(InputError, match=r"verdicts\.tsv, line 2, column note: the quote in"):
        read_exclusions(path)
    path.write_text('a\t"moved\nb\tx\n')
    with pytest.raises(InputError, match=r"verdicts\.tsv, line 1, cell 2: the quote in"):
        read_exclusions(path)


def test_tables_of_cases_to_leave_out(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("participant_id;Reason\np1;moved\np2;\n")
    assert read_exclusions(path) == {"p1": "moved", "p2": "excluded on request"}
    path.write_text("case_id,reason\nn/a,x\n")
    with pytest.raises(InputError, match="line 2, column case_id: no case_id"):
        read_exclusions(path)


def test_a_workbook_of_cases_to_leave_out(tmp_path):
    openpyxl = pytest.importorskip("openpyxl", reason="needs openpyxl, of the extra tables")
    book = openpyxl.Workbook()
    for row in (["case_id", "verdict", "note"], ["a", "artefact", "moved"], ["b", "pass", None]):
        book.active.append(row)
    book.save(tmp_path / "verdicts.xlsx")
    reasons = {"a": "quality control: artefact: moved"}
    assert read_exclusions(tmp_path / "verdicts.xlsx") == reasons
    book.active["A1"] = "name"
    book.save(tmp_path / "other.xlsx")
    with pytest.raises(InputError, match="no column case_id among name"):
        read_exclusions(tmp_path / "other.xlsx")
