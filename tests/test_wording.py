"""Numbers in sentences."""

from __future__ import annotations

import pytest

from spinalcord.wording import counted


@pytest.mark.parametrize(("n", "words"), [(0, "0 cases"), (1, "1 case"), (2, "2 cases")])
def test_one_is_singular(n, words):
    assert counted(n, "case") == words


def test_a_plural_of_its_own():
    assert counted(1, "diagnosis", "diagnoses") == "1 diagnosis"
    assert counted(4, "diagnosis", "diagnoses") == "4 diagnoses"
