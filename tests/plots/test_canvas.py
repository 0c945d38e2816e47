"""Figures: what is missing is named with the command that brings it; notebooks show one once."""

from __future__ import annotations

import re
import sys

import pytest

from spinalcord.errors import InputError
from spinalcord.plots.canvas import require, style, take_axes, take_figure


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


def test_what_is_there_is_imported():
    assert require("json", "report", "a test").dumps([1]) == "[1]"


def test_given_ones_are_taken(figure):
    assert take_figure(figure, 3, 3) is figure
    ax = figure.add_subplot()
    assert take_axes(ax, 3, 3) is ax


def test_settings_do_not_leak(pyplot, segmentation):
    before = dict(pyplot.rcParams)
    segmentation.plot()
    assert dict(pyplot.rcParams) == before


def test_a_notebook_shows_a_figure_once(pyplot, monkeypatch):
    figure = take_figure(None, 2, 2)
    with pytest.raises(NotImplementedError):  # no notebook: shown as any other
        figure._ipython_display_()
    monkeypatch.setattr(pyplot, "get_backend", lambda: "module://matplotlib_inline.backend_inline")
    assert figure._ipython_display_() is None  # the backend shows it at the end of the cell
    assert pyplot.get_fignums() == [figure.number]
    pyplot.close(figure)
    with pytest.raises(NotImplementedError):  # looked at again in a later cell
        figure._ipython_display_()
