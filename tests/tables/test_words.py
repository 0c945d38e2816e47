"""Words for sex and diagnosis: known, stated, or not known and counted as nothing."""

from __future__ import annotations

import pytest

from spinalcord.errors import InputError
from spinalcord.tables import Vocabulary, read_table
from spinalcord.tables.words import (
    KINDS,
    SYNONYMS,
    is_diagnosis,
    listed_words,
    parse_columns,
    parse_words,
    unknown_words,
)


@pytest.mark.parametrize(
    ("given", "want"),
    [
        (["F", "M", "female", "Male"], "FMFM"),
        (["w", "m", "Weiblich", "maennlich"], "FMFM"),
        (["Frau", "MÄNNLICH", "femme", "Homme"], "FMFM"),
        (["F", "H"], "FM"),  # femme, homme
    ],
)
def test_words_for_sex(given, want):
    assert "".join(Vocabulary().read("sex", given)) == want


@pytest.mark.parametrize("words", [["1", "2"], ["0", "1"], ["U", "unknown"], ["x", "?"]])
def test_what_is_not_known_stays_as_it_is(words):
    assert list(Vocabulary().read("sex", words)) == words
    assert unknown_words("sex", words) == dict.fromkeys(words, 1)


def test_w_and_m_alone_are_a_code_to_be_stated():
    words = ["w", "M", "w", "U", ""]
    assert Vocabulary().read("sex", words) == tuple(words)
    assert unknown_words("sex", words) == {"w": 2, "U": 1}
    stated = Vocabulary({"sex": {"w": "F", "m": "M"}})
    assert stated.read("sex", words) == ("F", "M", "F", "U", "")


def test_m_beside_h_may_be_mujer():
    assert Vocabulary().read("sex", ["H", "M", "H"]) == ("H", "M", "H")
    stated = Vocabulary({"sex": {"H": "male", "M": "F"}})
    assert stated.read("sex", ["H", "M"]) == ("M", "F")


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("nmo", "NMOSD"), ("Neuromyelitis Optica", "NMOSD"), ("devic's disease", "NMOSD"),
        ("multiple sclerosis", "MS"), ("Relapsing-Remitting  MS", "MS"), ("ms", "MS"),
        ("EPENDYMOMA", "ependymoma"), ("pilocytic astrocytoma", "astrocytoma"),
        ("Tumour", "tumor"), ("HC", "healthy"), ("other", "other"),
        ("M.S.", "M.S."), ("ependimoma", "ependimoma"), ("MS?", "MS?"), ("sarcoma", "sarcoma"),
    ],
)  # fmt: skip
def test_words_for_diagnoses(word, meaning):
    assert Vocabulary().read("diagnosis", [word]) == (meaning,)
    known = meaning in SYNONYMS["diagnosis"]
    assert bool(unknown_words("diagnosis", [meaning])) == (not known)
    assert is_diagnosis(meaning) == (known and meaning not in ("healthy", "other"))


def test_no_spelling_means_two_things():
    for kind, names in SYNONYMS.items():
        spellings = [word.casefold() for listed in names.values() for word in listed]
        assert len(spellings) == len(set(spellings))
        assert all(Vocabulary().read(kind, [name]) == (name,) for name in names)


def test_stated_words_come_first():
    stated = Vocabulary({"sex": {"1": "M", "2": "female"}, "diagnosis": {"M.S.": "ms"}})
    assert stated.read("sex", ["1", "2", "3"]) == ("M", "F", "3")
    assert stated.read("diagnosis", ["m.s."]) == ("MS",)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"age": {"1": "2"}}, "words are for sex and diagnosis, got 'age'"),
        (
            {"sex": {"1": "boyish"}},
            "'1' is mapped to 'boyish', which is not a sex; expected one of F",
        ),
        ({"diagnosis": {"M.S.": "M.S"}}, "not a diagnosis; expected one of astrocytoma"),
    ],
)
def test_words_that_cannot_be_stated(words, message):
    with pytest.raises(InputError, match=message):
        Vocabulary(words)


def test_the_columns_of_a_table_are_spelt():
    table = read_table({"case_id": ["nmo"], "sex": ["w"], "reader_a": ["nmo"], "diagnosis": ["ms"]})
    spelt = Vocabulary().spell(table).dicts()
    assert spelt == [{"case_id": "nmo", "sex": "F", "reader_a": "NMOSD", "diagnosis": "MS"}]
    assert set(KINDS) == {"sex", "diagnosis", "reference_diagnosis"}


def test_ages_are_those_of_the_column_age_alone():
    table = read_table({"case_id": ["034Y", "b"], "age": ["034Y", "41"], "stay": ["003D", ""]})
    (first, second) = Vocabulary().spell(table).dicts()
    assert first == {"case_id": "034Y", "age": "34", "stay": "003D"}
    assert second["age"] == "41"


def test_counted_words_are_listed_the_most_frequent_first():
    counts = unknown_words("sex", ["U"] * 3 + list("abcdef"))
    assert listed_words(counts) == "'U' (3), 'a' (1), 'b' (1), 'c' (1), 'd' (1) and 2 more"


def test_the_command_line_says_words_and_columns():
    assert parse_words("sex:1=M, sex:2=F,diagnosis:a=b=MS") == {
        "sex": {"1": "M", "2": "F"},
        "diagnosis": {"a=b": "MS"},
    }
    assert parse_columns("age=Age at scan, sex=Gender") == {"age": "Age at scan", "sex": "Gender"}
    for text in ("sex", "sex:1", "1=M", "sex:=M", "sex:1="):
        with pytest.raises(InputError, match="COLUMN:WORD=MEANING"):
            parse_words(text)
    for text in ("age", "=x", "age="):
        with pytest.raises(InputError, match="NAME=COLUMN"):
            parse_columns(text)
