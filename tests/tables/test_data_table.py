"""Tables of named columns: what is refused, renamed, ignored with a note."""

from __future__ import annotations

import pytest

from spinalcord.errors import InputError
from spinalcord.tables.data_table import DataTable, make_table
from spinalcord.tables.parsing import Row


def made(header, *rows, **options):
    return make_table("x.csv", header, [Row(n, tuple(r)) for n, r in enumerate(rows, 2)], **options)


def test_columns_rows_and_places():
    table = made(["a", "b"], ["1", "n/a"], ["2", "x"])
    assert table.column("a") == ("1", "2")
    assert table.column("z") == ("", "")
    assert table.dicts() == [{"a": "1", "b": ""}, {"a": "2", "b": "x"}]
    assert (table.where(1), table.where(0, "b")) == ("x.csv, line 3", "x.csv, line 2, column b")


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        (["a", "a"], [], r"x\.csv, line 1: a column twice: the header has a twice"),
        (["Age", "b", "age"], [], "has both Age and age"),
        ([], [], "no header"),
        (["", ""], [["1", "2"]], "no header"),
        (["a"], [["x", "2"]], "line 2, cell 2: the row has more values"),
        (["a", "b", "c"], [["1", "2", "3"], ["1", "2"]], "line 3, column c: the row ends before"),
    ],
)
def test_what_is_refused(header, rows, message):
    with pytest.raises(InputError, match=message):
        made(header, *rows)


def test_cells_that_may_be_left_off():
    assert made(["a", "note"], ["1"], optional=("note",)).rows == (("1", ""),)
    with pytest.raises(InputError, match="ends before it"):
        made(["note", "a"], ["1"], optional=("note",))


def test_row_names_of_r_and_pandas_are_no_column():
    table = made(["a", "b"], ["1", "x", "y"], ["3", "z", "w"])
    assert table.rows == (("x", "y"), ("z", "w"))
    assert table.notes == ("x.csv: the first cell of each row is ignored: R's row names",)
    assert made(["", "a"], ["0", "x"], ["1", "y"]).notes == ()
    rows = [Row(2, ("pat 1", "x"), quoted=True), Row(3, ("pat 2", "y"), quoted=True)]
    assert make_table("x", ["a"], rows).rows == (("x",), ("y",))


def test_a_column_without_a_name_is_left_out_with_a_word():
    table = made(["a", "", "b"], ["1", "?", "2"], ["3", "", "4"])
    assert table.columns == ("a", "b")
    assert table.notes == ("x.csv: column 2 has no name and is ignored (1 values)",)


def test_separators_at_the_ends_of_lines_are_no_columns():
    assert made(["a", "b", "", ""], ["1", "2", "", ""], ["3", "4"]).columns == ("a", "b")
    assert made(["a", "b"], ["1", "2", "", ""]).rows == (("1", "2"),)


def test_names_in_any_case_and_a_mapping():
    table = made(["Case_ID", "AGE", "Reader_A", "Site"], ["a", "4", "MS", "X"])
    assert table.renamed(("case_id", "age")).columns == ("case_id", "age", "reader_A", "Site")
    assert table.renamed(("age",), {"split": "SITE"}).columns[-1] == "split"
    with pytest.raises(InputError, match=r"x\.csv: no column 'histology' to be read as age"):
        table.renamed((), {"age": "histology"})
    with pytest.raises(InputError, match="AGE is to be read as age and split"):
        table.renamed((), {"age": "AGE", "split": "AGE"})


def test_a_column_that_another_is_named_for_is_left_out_with_a_word():
    table = made(["age", "age_at_scan"], ["1", "2"]).renamed(("age",), {"age": "age_at_scan"})
    assert (table.columns, table.rows) == (("age",), (("2",),))
    assert "column age is ignored" in table.notes[0]


def test_missing_columns_are_named_with_those_that_are_there():
    table = DataTable("x.csv", ("a", "b"), (), ())
    table.need("a", "b")
    with pytest.raises(InputError, match=r"x\.csv: no column c and d among a, b; see"):
        table.need("a", "c", "d", hint="; see")
