"""What is missing is named with the command that brings it."""

from __future__ import annotations

import pytest

from spinalcord.errors import InputError
from spinalcord.extras import MissingExtraError, require


def test_what_is_there_is_imported():
    assert require("json", "report", "a test").dumps([1]) == "[1]"


@pytest.mark.parametrize("kind", [InputError, ImportError, MissingExtraError])
def test_a_missing_extra_is_named(kind):
    expected = r"^a test needs no_such_package, which .*: pip install 'spinalcord\[report\]'$"
    with pytest.raises(kind, match=expected):
        require("no_such_package.part", "report", "a test")


def test_what_does_without_is_named():
    with pytest.raises(MissingExtraError, match=r"spinalcord\[report\]', or use rows\(\)$"):
        require("no_such_package", "report", "a DataFrame", instead="rows()")
