"""What cannot be used is said, with how many."""

from __future__ import annotations

import math

from spinalcord.tables.checks import is_plausible, unusable


def test_values_that_cannot_be():
    assert [is_plausible("age", v) for v in (-99, 0, 120, 999, math.inf)] == [
        False, True, True, False, False,
    ]  # fmt: skip
    assert not is_plausible("dice", 69)
    assert is_plausible("anything", -99)


def test_each_column_has_its_sentence():
    said = unusable(
        {
            "sex": ["F", "U", "", "U"],
            "age": ["41", "-99", "999", ""],
            "dice": ["0.9", "69", "89+", "0,5"],
            "reader_a": ["MS", "?", "", "NMOSD"],
            "reference_diagnosis": ["MS", "healthy", "", "tumor"],
            "split": ["x"] * 4,
        },
        "patients",
    )
    assert said == (
        "sex: 2 of 4 patients have an unknown word, which counts as missing: 'U' (2)",
        "age: 2 of 4 patients have a value outside 0 to 120, which counts as missing: "
        "'-99' (1), '999' (1)",
        "dice: 1 of 4 patients have a value outside 0 to 1, which counts as missing: '69' (1)",
        "reader_a: 1 of 4 patients have an unknown word, which counts as missing: '?' (1)",
    )
