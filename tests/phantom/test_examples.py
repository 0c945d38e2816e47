"""The examples in the docstrings of `spinalcord.phantom` run, and every public name has one."""

from __future__ import annotations

import doctest

import pytest

from spinalcord import phantom
from spinalcord.phantom import case, dataset, insertion

MODULES = {"Case": case, "make_case": case, "Insertion": insertion, "insert_lesion": insertion,
           "make_cohort": dataset}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("module", [phantom, case, dataset, insertion], ids=lambda m: m.__name__)
def test_examples_run(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("name", phantom.__all__)
def test_every_public_name_has_an_example(name):
    if name in MODULES:
        assert ">>>" in getattr(MODULES[name], name).__doc__
    else:  # a constant
        assert f"phantom.{name}" in phantom.__doc__
