"""Text to cells: encodings, separators, quotes, and rows that must not vanish."""

from __future__ import annotations

import pytest

from spinalcord.errors import InputError
from spinalcord.tables.parsing import decode, find_separator, split_rows

TEXT = "case_id\tnote\na\tMüller\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_that_say_what_they_are(encoding):
    assert decode(TEXT.encode(encoding), "x") == (TEXT, "")


@pytest.mark.parametrize(
    ("encoding", "guess"), [("cp1252", "cp1252"), ("utf-16-le", "UTF-16-LE"), ("utf-16-be", "BE")]
)
def test_encodings_that_are_guessed_are_named(encoding, guess):
    text, said = decode(TEXT.encode(encoding), "x.tsv")
    assert text == TEXT
    assert said.startswith("x.tsv: ")
    assert guess in said


@pytest.mark.parametrize(
    "raw", [b"\xff\xfe\x00", b"a,b\n" + b"\0" * 900, b"a\x81b", b"\x1f\x8b\0x"]
)
def test_what_is_no_text(raw):
    with pytest.raises(InputError, match="x: no text in UTF-8"):
        decode(raw, "x")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(end):
    assert decode(TEXT.replace("\n", end).encode(), "x")[0] == TEXT


def test_other_marks_of_unicode_end_no_line():
    text = "a,b\nx\u2028y,z\x85\n"
    assert [row.cells for row in split_rows(text, ",", "x")][1][0] == "x\u2028y"


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("a\tb, c\n1\t2, 3\n", "\t"),
        ("a;b\n1,5;2,5\n", ";"),
        ("a,b\n1,2\n", ","),
        ('"a;x","b"\n"1;y","2"\n', ","),
        ('a,"b\tc"\n1,2\n', ","),
        ("case_id\na\nb\n", "\t"),
        ("a,b;c\n1;2\n3;4\n", ";"),
        ('"a";"b"\n"1";"2,5"\n', ";"),
        ("", "\t"),
    ],
)
def test_separators_are_found_by_content(text, mark):
    assert find_separator(text) == mark


def cells(text, mark=",", **options):
    return [list(row.cells) for row in split_rows(text, mark, "x.csv", **options)]


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ('a,b\n"x, y",z\n', ["x, y", "z"]),
        ('a,b\n"say ""no""",z\n', ['say "no"', "z"]),
        ('a,b\n5" lesion,z\n', ['5" lesion', "z"]),
        ('a,b\n  "x" , z \n', ["x", "z"]),
        ('a,b\n"",z\n', ["", "z"]),
        ('a,b\n"""",z\n', ['"', "z"]),
        ('a,b\n"x\ny",z\n', ["x\ny", "z"]),
        ('a,b\n"x\n\ny ""z""\nw",z\n', ['x\n\ny "z"\nw', "z"]),
        ('a,b\nx,"last"', ["x", "last"]),
        ('a,b\nx,"one, two\nthree"\n', ["x", "one, two\nthree"]),
    ],
)
def test_quotes(text, want):
    assert cells(text) == [["a", "b"], want]


STRAY = {
    "at a start": 'a,b,c\n1,"x,2\n3,4,5\n',
    "alone": 'a,b,c\n1,",2\n3,4,5\n',
    "in two rows": 'a,b,c\n1,"x,2\n3,y",5\n6,7,8\n',
    "in two rows, other columns": 'a,b,c\n1,2,"x\n3,y",5\n6,7,8\n',
    "in two rows far apart": 'a,b,c\n1,"x,2\n3,4,5\n6,7,8\n9,z",0\n',
    "before a quoted cell": 'a,b,c\n1,"x,2\n3,"4, 5",6\n',
    "after a quoted cell": 'a,b,c\n1,"x" y,2\n3,4,5\n',
    "in the first column": 'a,b,c\n"1,2,3\n4,"5",6\n',
    "in the first column of two rows": 'a,b,c\n"1,2,3\n"4,5,6\n7,8,9\n',
    "in the last row": 'a,b,c\n1,2,3\n4,5,"x\n',
}


@pytest.mark.parametrize("text", STRAY.values(), ids=STRAY)
def test_a_stray_quote_swallows_no_row(text):
    line = 3 if '4,5,"x\n' in text else 2
    with pytest.raises(InputError, match=rf"x\.csv, line {line}, column [abc]: the quote in \""):
        cells(text)


def test_a_stray_quote_in_the_header_is_refused():
    with pytest.raises(InputError, match=r"x\.csv, line 1, cell 1"):
        cells('"case_id,path\na,b\n')


def test_a_stray_quote_is_a_character_where_a_run_wrote_it():
    text = 'a\tb\n"half\t1\n2\t"half\n'
    assert cells(text, "\t", stray_quotes=True) == [["a", "b"], ['"half', "1"], ["2", '"half']]


def test_blank_rows_and_excels_note_are_no_rows():
    rows = split_rows("sep=;\n\na;b\n;;\n \n1;2\n;\n", ";", "x")
    assert [(row.line, row.cells) for row in rows] == [(3, ("a", "b")), (6, ("1", "2"))]


def test_lines_are_counted_through_cells_of_several_lines():
    rows = split_rows('a,b\n"x\ny",1\nz,2\n', ",", "x")
    assert [row.line for row in rows] == [1, 2, 4]
