"""Public names have an example, which runs: `pytest --doctest-modules spinalcord` in .ci/run."""

from __future__ import annotations

import doctest
import importlib
import inspect
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "spinalcord"
MODULES = ("spinalcord", "spinalcord.stats", "spinalcord.report", "spinalcord.phantom")
NAMES = [(module, name) for module in MODULES for name in importlib.import_module(module).__all__]


def examples(text):
    return doctest.DocTestParser().get_examples(text or "")


@pytest.mark.parametrize(("module", "name"), NAMES, ids=list(map(".".join, NAMES)))
def test_a_public_name_has_an_example(module, name):
    package = importlib.import_module(module)
    if (module, name) == ("spinalcord", "training"):
        pytest.importorskip("torch", reason="torch is not installed")
    value = getattr(package, name)
    if inspect.isroutine(value) or inspect.isclass(value):
        assert "\nExamples\n--------\n" in inspect.getdoc(value)
        assert examples(value.__doc__)
    elif inspect.ismodule(value):
        assert examples(value.__doc__)
    else:  # a constant: shown by an example of its module
        assert any(name in example.source for example in examples(package.__doc__))


def test_no_example_is_skipped():
    paths = sorted(PACKAGE.rglob("*.py"))
    assert len(paths) > 100
    skipped = [
        f"{path.relative_to(PACKAGE)}, line {number}"
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if "doctest: +SKIP" in line
    ]
    assert skipped == []
