"""The style of all figures: colours, marks, fonts, axes and files."""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any

import numpy as np

from ..extras import require
from ..tasks import TASKS

# Okabe and Ito, Color Universal Design (2008).
BLACK, GREY = "#000000", "#666666"
ORANGE, GREEN = "#E69F00", "#009E73"
BLUE, RED, PURPLE = "#0072B2", "#D55E00", "#CC79A7"

TASK_LOOKS: Mapping[str, tuple[str, str]] = MappingProxyType(
    dict(zip(TASKS, ((BLUE, "-"), (RED, "--"), (GREEN, "-.")), strict=True))
)
"""Colour and line of each task."""

DIAGNOSIS_COLOURS: Mapping[str, str] = MappingProxyType(
    {"astrocytoma": RED, "ependymoma": ORANGE, "MS": BLUE, "NMOSD": PURPLE}
)

MANY = 1500
"""More points than this are drawn as pixels within an SVG: one element each would be slow."""

_SETTINGS: Mapping[str, Any] = MappingProxyType(
    {
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica", "sans-serif"],
        "font.size": 9.0,
        "axes.titlesize": 10.0,
        "axes.labelsize": 9.0,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": False,
        "legend.fontsize": 8.0,
        "legend.frameon": False,
        "lines.linewidth": 1.6,
        "figure.dpi": 100.0,
        "savefig.dpi": 200.0,
        # Text stays text; the same figure is the same file.
        "svg.fonttype": "none",
        "svg.hashsalt": "spinalcord",
    }
)


def matplotlib(module: str = "matplotlib") -> Any:
    """Import matplotlib or a module of it.

    Raises
    ------
    MissingExtraError
        Without matplotlib.
    """
    return require(module, "report", "a plot")


def style() -> AbstractContextManager[Any]:
    """Return the settings under which figures are made and saved, as a context.

    Raises
    ------
    MissingExtraError
        Without matplotlib.
    """
    found: AbstractContextManager[Any] = matplotlib().rc_context(dict(_SETTINGS))
    return found


def take_figure(figure: Any, width: float, height: float) -> Any:
    """Return the figure to draw on: the one given, or a new one of pyplot's.

    In a notebook with pictures in the page pyplot forgets it again: it shows as the value of a
    cell, or by ``display(figure)``.

    Parameters
    ----------
    figure : matplotlib Figure or SubFigure, or None
    width, height : float
        Size of a new figure, in inches.

    Raises
    ------
    MissingExtraError
        Without matplotlib.
    """
    if figure is not None:
        return figure
    made = _pyplot_figure(width, height)
    pyplot = matplotlib("matplotlib.pyplot")
    if "inline" in pyplot.get_backend():
        # Or a notebook would show it twice: as the cell's value and as pyplot's open figure.
        pyplot.close(made)
    return made


def take_axes(ax: Any, width: float = 4.8, height: float = 4.2) -> Any:
    """Return the axes to draw on: those given, or new ones of a pyplot figure.

    Parameters
    ----------
    ax : matplotlib Axes or None
    width, height : float
        Size of a new figure, in inches.

    Raises
    ------
    MissingExtraError
        Without matplotlib.
    """
    if ax is not None:
        return ax
    # Stays open in pyplot: axes are no picture as the value of a notebook's cell.
    figure = _pyplot_figure(width, height)
    with style():
        return figure.add_subplot()


def new_figure(width: float, height: float) -> Any:
    """Create a figure outside pyplot, which need not be closed.

    Raises
    ------
    MissingExtraError
        Without matplotlib.
    """
    return matplotlib("matplotlib.figure").Figure(figsize=(width, height), layout="constrained")


def _pyplot_figure(width: float, height: float) -> Any:
    # Outside of style(): a notebook's backend sets itself up with the first figure, for good.
    pyplot = matplotlib("matplotlib.pyplot")
    return pyplot.figure(figsize=(width, height), layout="constrained")


def to_svg(figure: Any) -> bytes:
    """Return a figure as SVG; the same figure gives the same bytes."""
    data = io.BytesIO()
    with style():
        figure.savefig(data, format="svg", metadata={"Date": None, "Creator": "spinalcord"})
    return data.getvalue()


def to_png(figure: Any) -> bytes:
    """Return a figure as PNG of 200 dots an inch; the same figure gives the same bytes."""
    data = io.BytesIO()
    with style():
        figure.savefig(data, format="png", metadata={"Software": "spinalcord"})
    return data.getvalue()


def spread(n: int) -> Any:
    """Return n offsets between -0.5 and 0.5 that keep neighbours apart, always the same."""
    return (np.arange(n) * 0.6180339887498949) % 1 - 0.5
