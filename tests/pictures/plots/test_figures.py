"""Figures: what is missing is named with the command that brings it; notebooks show one once."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from spinalcord.errors import InputError
from spinalcord.pictures.style import style, take_axes, take_figure


def without(monkeypatch, *names):
    for name in list(sys.modules):
        if name.partition(".")[0] in names:
            monkeypatch.delitem(sys.modules, name)
    for name in names:
        monkeypatch.setitem(sys.modules, name, None)


def test_missing_matplotlib_is_named_with_the_command(monkeypatch, segmentation, diagnosis):
    without(monkeypatch, "matplotlib")
    expected = re.escape("which is not installed: pip install 'spinalcord[report]'")
    for result in (segmentation, diagnosis):
        with pytest.raises(InputError, match=f"a plot needs matplotlib, {expected}"):
            result.plot()
    for call in (style, lambda: take_axes(None, 3, 3), lambda: take_figure(None, 3, 3)):
        with pytest.raises(InputError, match=expected):
            call()
    assert "data:image/png" in segmentation._repr_html_()  # needs none


def test_given_ones_are_taken(figure):
    assert take_figure(figure, 3, 3) is figure
    ax = figure.add_subplot()
    assert take_axes(ax, 3, 3) is ax


def test_settings_do_not_leak(pyplot, segmentation):
    before = dict(pyplot.rcParams)
    segmentation.plot()
    assert dict(pyplot.rcParams) == before


def test_a_notebook_shows_a_figure_once(pyplot, monkeypatch):
    """As the value of a cell; pyplot would show what it knows at the end of the cell too."""
    figure = take_figure(None, 2, 2)
    assert pyplot.get_fignums() == [figure.number]
    pyplot.close("all")
    monkeypatch.setattr(pyplot, "get_backend", lambda: "module://matplotlib_inline.backend_inline")
    figure = take_figure(None, 2, 2)
    assert pyplot.get_fignums() == []
    assert figure.get_figwidth() == 2
    figure.canvas.draw()


@pytest.mark.slow
def test_the_first_figure_leaves_the_backend_set_up():
    """A notebook's backend turns interactive mode on when the first figure is made."""
    pytest.importorskip("matplotlib", reason="plots need the extra report")
    program = """
import importlib.abc, importlib.machinery, sys, types
import matplotlib
from matplotlib.backends import backend_agg
backend = types.ModuleType("inline_like")
backend.__dict__.update({k: v for k, v in vars(backend_agg).items() if not k.startswith("__")})
backend.FigureCanvas = backend_agg.FigureCanvasAgg
class Loader(importlib.abc.Loader):
    def create_module(self, spec):
        return backend
    def exec_module(self, module):
        matplotlib.interactive(True)
class Finder:
    def find_spec(self, name, path, target=None):
        if name == "inline_like":
            return importlib.machinery.ModuleSpec(name, Loader())
sys.meta_path.insert(0, Finder())
matplotlib.rcParams["backend"] = "module://inline_like"
TAKE
assert matplotlib.is_interactive()
"""
    take = "from spinalcord.pictures.style import take_axes; take_axes(None)"
    done = subprocess.run(
        [sys.executable, "-c", program.replace("TAKE", take)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
