"""Cohorts read from files and tables; answers judged."""

from __future__ import annotations

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.report.cases import ask, judge_readings, read_cases, read_further

TABLE = {
    "case_id": ["a", "b", "c", "d", "e"],
    "reference_diagnosis": ["ms", "NMOSD", "Ependymoma", "tumor", None],
    "tumor_vs_demyelination_probability": [0.9, 0.4, 0.2, float("nan"), 0.5],
    "ms_vs_nmosd_label": ["MS", "MS", "", "", ""],
    "age": [30, "n/a", 12.5, "", 4],
}


def test_spelling_and_missing_values():
    cases = read_cases(TABLE)
    assert list(cases.words("reference_diagnosis")) == ["MS", "NMOSD", "ependymoma", "tumor", ""]
    np.testing.assert_array_equal(cases.numbers("age"), [30, np.nan, 12.5, np.nan, 4])
    assert list(cases.words("participant_id")) == list("abcde")
    assert not cases.has("sex")


@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_files_and_tables_are_the_same(tmp_path, ending):
    mark = {"csv": ",", "tsv": "\t"}[ending]
    rows = [list(TABLE), *zip(*TABLE.values(), strict=True)]
    text = "\n".join(mark.join("n/a" if x is None else str(x) for x in row) for row in rows)
    path = tmp_path / f"cases.{ending}"
    path.write_text(text + "\n")
    want = read_cases(TABLE)
    for got in (read_cases(path), read_cases([dict(zip(TABLE, r, strict=True)) for r in rows[1:]])):
        for name in TABLE:
            np.testing.assert_array_equal(got.words(name), want.words(name))


def test_dataframe():
    pandas = pytest.importorskip("pandas", reason="needs pandas, of the extra report")
    frame = pandas.DataFrame(TABLE)
    assert list(read_cases(frame).words("case_id")) == TABLE["case_id"]
    assert read_cases(frame).words("reference_diagnosis")[4] == ""


def test_a_run_knows_no_quotes(tmp_path):
    path = tmp_path / "cases.tsv"
    path.write_text('case_id\twarnings\na\t"half quoted\nb\tfine\n')
    assert list(read_cases(path, of_run=True).words("warnings")) == ['"half quoted', "fine"]
    assert read_further(tmp_path / "absent.tsv").n == 0


def test_own_column_names():
    cases = read_cases(
        {"id": ["a"], "histology": ["MS"]},
        columns={"case_id": "id", "reference_diagnosis": "histology"},
    )
    assert cases.words("reference_diagnosis")[0] == "MS"
    with pytest.raises(InputError, match="no column 'x' to be read as age"):
        read_cases({"case_id": ["a"]}, columns={"age": "x"})


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"age": [1]}, "no column case_id among age"),
        ({"case_id": ["a", "a"]}, "'a' is empty or occurs twice"),
        ({"case_id": ["a", ""]}, "'' is empty or occurs twice"),
        ({"case_id": ["a"], "age": [1, 2]}, "columns of 1 to 2 cases"),
        ([1, 2], "must be mappings"),
        (3, "a cohort is .*, got int"),
    ],
)
def test_what_is_no_cohort(table, message):
    with pytest.raises(InputError, match=message):
        read_cases(table)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no header"),
        ("a\ta\n", "a column twice"),
        ("case_id\tb\n1\n", "line 2, column b: .* 1 cells"),
    ],
)
def test_broken_files(tmp_path, text, message):
    path = tmp_path / "cases.tsv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_cases(path)
    with pytest.raises(InputError, match=r"none\.tsv: cannot be read"):
        read_cases(tmp_path / "none.tsv")


def test_questions_take_the_cases_that_truly_belong():
    cases = read_cases(TABLE)
    first = ask(cases, "tumor_vs_demyelination")
    assert list(first.index) == [0, 1, 2, 3]
    assert list(first.truth) == [True, True, False, False]
    assert list(first.answered) == [True, True, True, False]
    assert list(first.right) == [True, False, True, False]
    last = ask(cases, "ms_vs_nmosd")
    assert list(last.right) == [True, False]
    assert not last.scored.any()


def test_thresholds_decide_and_labels_win():
    table = {
        "case_id": list("abc"),
        "reference_diagnosis": ["NMOSD"] * 3,
        "ms_vs_nmosd_probability": [0.6, 0.6, 0.6],
        "ms_vs_nmosd_threshold": [0.5, 0.7, 0.5],
        "ms_vs_nmosd_label": ["", "", "MS"],
    }
    assert list(ask(read_cases(table), "ms_vs_nmosd").answer) == [True, False, False]


def test_the_chain_is_followed_where_no_diagnosis_is_given():
    table = {
        "case_id": ["a", "b"],
        "tumor_vs_demyelination_probability": [0.9, 0.1],
        "astrocytoma_vs_ependymoma_probability": [0.9, 0.9],
        "ms_vs_nmosd_probability": [0.1, "n/a"],
    }
    assert list(read_cases(table).words("diagnosis")) == ["MS", ""]


@pytest.mark.parametrize(
    ("column", "word", "message"),
    [
        ("ms_vs_nmosd_probability", "high", "case a: 'high' is not a number"),
        ("ms_vs_nmosd_probability", "1.5", "outside 0 to 1"),
        ("ms_vs_nmosd_label", "tumor", "expected MS or NMOSD"),
    ],
)
def test_unusable_answers(column, word, message):
    row = {"case_id": ["a"], "diagnosis": ["MS"], "reference_diagnosis": ["MS"], column: [word]}
    cases = read_cases(row)
    with pytest.raises(InputError, match=message):
        ask(cases, "ms_vs_nmosd")


def test_flags():
    cases = read_cases({"case_id": list("abcd"), "difficult": [True, "no", "", 1]})
    assert list(cases.flags("difficult")) == [True, False, None, True]
    with pytest.raises(InputError, match="'hard' is neither true nor false"):
        read_cases({"case_id": ["a"], "difficult": ["hard"]}).flags("difficult")


def test_readers_are_right_by_group_first_and_by_diagnosis_then():
    answer = np.array(["MS", "tumor", ""], object)
    truth = np.array(["NMOSD", "astrocytoma", "MS"], object)
    read, right = judge_readings(answer, truth, "tumor_vs_demyelination")
    assert list(read) == [True, True, False]
    assert list(right) == [True, True, False]
    assert not judge_readings(answer, truth, "ms_vs_nmosd")[1].any()


def test_words_numbers_and_names_that_people_write():
    table = {
        "Case_ID": list("abcd"),
        "SEX": ["Frau", "U", "m", "-"],
        "Age": ["30,5", "-99", "41", "."],
        "Dice": [0.7, 69, None, 0.5],
        "Reference_Diagnosis": ["nmo", "M.S.", "Multiple Sclerosis", "NA"],
    }
    cases = read_cases(table)
    assert list(cases.words("sex")) == ["F", "U", "M", ""]
    np.testing.assert_array_equal(cases.numbers("age"), [30.5, np.nan, 41, np.nan])
    np.testing.assert_array_equal(cases.numbers("dice"), [0.7, np.nan, np.nan, 0.5])
    assert list(cases.words("reference_diagnosis")) == ["NMOSD", "M.S.", "MS", ""]
    said = cases.unusable()
    assert [one.partition(":")[0] for one in said] == ["sex", "reference_diagnosis", "age", "dice"]
    assert cases.take(np.array([True, False, True, True])).unusable() == ()
    stated = read_cases(table, words={"sex": {"U": "F"}, "diagnosis": {"M.S.": "MS"}})
    assert list(stated.words("sex")) == ["F", "F", "M", ""]


def test_a_readers_word_that_is_not_known_is_no_answer():
    answer = np.array(["MS", "ependimoma", "healthy"], object)
    truth = np.array(["MS", "MS", "MS"], object)
    read, right = judge_readings(answer, truth, "ms_vs_nmosd")
    assert list(read) == [True, False, True]
    assert list(right) == [True, False, False]
