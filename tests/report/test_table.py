"""One table in all its forms."""

from __future__ import annotations

import csv
import io
import json
import math

import pytest

from spinalcord.report import Table, table
from spinalcord.report.table import column_shares
from spinalcord.stats import mcnemar, proportion


def one(word: str = "a", number: float = 0.5) -> Table:
    rows = ({"task": word, "p": number, "n": 3},)
    return Table("name", "Title & more", ("task", "p", "n"), rows, ("task", "p"), ("a <note>",))


def test_html_escapes_everything():
    html = one("<script>alert(1)</script>").to_html()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "Title &amp; more" in html
    assert "a &lt;note&gt;" in html
    assert 'scope="col"' in html
    assert 'scope="row"' in html


def test_numbers_stay_with_their_signs():
    assert "&lt;&nbsp;.001" in one(number=1e-5).to_html()
    assert "96&nbsp;% (150 of 157)" in one("96 % (150 of 157)").to_html()


def test_markdown_escapes_what_would_be_markup():
    lines = one("a|b <i> *x* `y`").to_markdown().splitlines()
    (row,) = [line for line in lines if "x" in line]
    assert row == "| a\\|b &lt;i&gt; \\*x\\* \\`y\\` | .500 |"
    assert "- a &lt;note&gt;" in lines


def test_csv_comes_back():
    rows = list(csv.reader(io.StringIO(one('a, "b"\nc', math.nan).to_csv())))
    assert rows == [["task", "p", "n"], ['a, "b"\nc', "", "3"]]


def test_json_has_no_nan():
    content = one(number=math.nan).to_dict()
    assert json.loads(json.dumps(content, allow_nan=False))["rows"][0]["p"] is None
    assert one(number=math.inf).to_dict()["rows"][0]["p"] == "infinity"


def test_frame_keeps_notes_and_whole_numbers():
    pytest.importorskip("pandas", reason="needs pandas, of the extra report")
    frame = one().frame()
    assert list(frame.columns) == ["task", "p", "n"]
    assert frame.attrs == {"title": "Title & more", "notes": ["a <note>"]}
    assert str(frame["n"].dtype) == "Int64"


@pytest.mark.parametrize(
    ("value", "column", "shown"),
    [
        (None, "", "–"),
        (math.nan, "p", "–"),
        (0.0004, "p", "< .001"),
        (0.0416, "p_holm", ".042"),
        ("ms_vs_nmosd", "task", "MS or NMOSD"),
        (True, "", "yes"),
        (3.0, "", "3"),
        (0.12345, "", "0.123"),
        ("word", "", "word"),
    ],
)
def test_cells(value, column, shown):
    assert table.text(value, column) == shown


def test_rows_hold_all_that_a_reader_needs():
    row = table.estimate_row(proportion(150, 157, name="ppv, MS"), task="t")
    assert list(row) == ["task", *table.ESTIMATE]
    assert (row["figure"], row["k"], row["n"]) == ("positive predictive value, MS", 150, 157)
    assert row["sentence"] == "96 % (150 of 157) [95 % CI: 91 %, 98 %]"
    row = table.comparison_row(mcnemar(1, 7, 20), 0.2, task="t")
    assert list(row) == ["task", *table.COMPARISON]
    assert row["p"] == pytest.approx(0.0703, abs=5e-5)
    assert row["p_holm"] == 0.2
    assert table.comparison_row(mcnemar(0, 0, 0), math.nan)["reason"] == "no patients to compare"


def test_first_rows_say_how_many_there_are():
    rows = tuple({"a": i} for i in range(5))
    table = Table("name", "Title", ("a",), rows, ("a",))
    assert table.first(5) is table
    assert len(table.first(2).rows) == 2
    assert table.first(2).notes == ("the first 2 of 5 rows; name.csv contains all",)


def test_columns_share_the_line_by_their_longest_words_and_cells():
    columns = ("a", "b")
    short = Table("t", "T", columns, ({"a": "x" * 12, "b": "y" * 48},), columns)
    assert column_shares(short, 100) == pytest.approx([0.2, 0.8])
    # Sentences take what the words of the others leave.
    long = Table("t", "T", columns, ({"a": "x" * 12, "b": "yyyy " * 18},), columns)
    assert column_shares(long, 48) == pytest.approx([0.25, 0.75])
    # No word is cut for a longer cell beside it, unless it may break: a checksum or a name.
    crowded = Table("t", "T", columns, ({"a": "x" * 30, "b": "yyyy " * 18},), columns)
    assert column_shares(crowded, 20) == pytest.approx([16 / 22, 6 / 22])
    assert column_shares(crowded, 20, margin=4) == pytest.approx([20 / 30, 10 / 30])
    percent = Table("t", "T", columns, ({"a": "96 %", "b": "yyyy"},), columns)
    assert column_shares(percent, 8) == pytest.approx([0.5, 0.5])
    endless = Table("t", "T", columns, ({"a": "", "b": "y" * 999},), columns)
    assert column_shares(endless, 100) == pytest.approx([6 / 96, 90 / 96])
