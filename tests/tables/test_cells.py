"""Cells: what is missing, and which number is meant."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.tables.cells import age_text, cell_text, number_text, to_number, with_points


def test_values_of_every_kind():
    values = [None, " x ", "N/A", math.nan, 3.0, 3.5, "0", True, np.float32(45), np.float64(0.1),
              np.int64(7), np.float32("nan"), np.str_("NA")]  # fmt: skip
    want = ["", "x", "", "", "3", "3.5", "0", "True", "45", "0.1", "7", "", ""]
    assert [cell_text(value) for value in values] == want


@pytest.mark.parametrize(
    "text", ["", " ", "n/a", "NA", "NaN", "None", "null", ".", "-", "–", "<NA>", "NaT", "#N/A"]
)
def test_missing_values(text):
    assert cell_text(text) == ""


@pytest.mark.parametrize("text", ["0", "--x", "N", "nah", "-1", "..", "unknown"])
def test_values_that_are_there(text):
    assert cell_text(text) == text


def test_missing_values_of_pandas():
    pandas = pytest.importorskip("pandas", reason="needs pandas, of the extra report")
    assert [cell_text(value) for value in (pandas.NA, pandas.NaT)] == ["", ""]


def test_infinity_is_no_whole_number():
    assert cell_text(math.inf) == "inf"
    assert to_number("inf", "x") == math.inf


@pytest.mark.parametrize(
    ("text", "value"),
    [("30,5", 30.5), ("0,123", 0.123), ("-1,5e3", -1500), ("1e-3", 1e-3), ("12,3456", 12.3456)],
)
def test_numbers(text, value):
    assert to_number(text, "age") == value


def test_a_missing_number():
    assert math.isnan(to_number("", "age"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,234", "age: '1,234' may be 1.234 or 1234"),
        ("89+", "age: '89\\+' is not a number"),
        ("1.234,5", "is not a number"),
        ("1_000", "is not a number"),
        ("nan", "is not a number"),
        ("1,2,3", "is not a number"),
    ],
)
def test_what_is_no_number(text, message):
    with pytest.raises(InputError, match=message):
        to_number(text, "age")


def test_a_comma_is_decimal_where_it_must_be():
    assert number_text("1,234") is None
    assert number_text("1,234", comma=True) == "1.234"
    # One cell tells what the others of its column are.
    assert with_points(["1,234", "", "5,75"], comma=False) == ("1.234", "", "5.75")
    assert with_points(["1,234", "2,345"], comma=False) == ("1,234", "2,345")
    assert with_points(["1,234", "2,345"], comma=True) == ("1.234", "2.345")
    assert with_points(["3,5", "see note"], comma=True) == ("3,5", "see note")
    assert with_points(["a", "b"], comma=True) == ("a", "b")


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("034Y", "34"), ("000Y", "0"), ("120Y", "120"), ("018M", "1.5"), ("052W", "0.9966"),
        ("365D", "0.9993"), ("34Y", "34"),
        # No age of a DICOM header.
        ("034y", "034y"), ("34 Y", "34 Y"), ("1034Y", "1034Y"), ("Y", "Y"), ("034", "034"),
        ("34.5Y", "34.5Y"), ("", ""),
    ],
)  # fmt: skip
def test_ages_of_dicom_headers_are_years(text, years):
    assert age_text(text) == years
