"""What all figures share: colours, marks, fonts, axes and files."""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any

from ...tasks import TASKS
from ..table import need

# Okabe and Ito, Color Universal Design (2008).
BLACK, GREY = "#000000", "#666666"
ORANGE, SKY, GREEN = "#E69F00", "#56B4E9", "#009E73"
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


def style() -> AbstractContextManager[Any]:
    """Settings under which figures are made and saved.

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    found: AbstractContextManager[Any] = need("matplotlib").rc_context(dict(_SETTINGS))
    return found


def take_axes(ax: Any, *, width: float = 4.8, height: float = 4.2) -> Any:
    """Return the axes to draw on: those given, or new ones of a pyplot figure.

    Parameters
    ----------
    ax : matplotlib Axes or None
    width, height : float
        Of a new figure, in inches.

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    if ax is not None:
        return ax
    # Outside of style(): a notebook's backend sets itself up with the first figure, for good.
    figure = need("matplotlib.pyplot").figure(figsize=(width, height), layout="constrained")
    with style():
        return figure.add_subplot()


def new_figure(width: float, height: float) -> Any:
    """Make a figure that pyplot does not know, so that nobody need close it.

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    return need("matplotlib.figure").Figure(figsize=(width, height), layout="constrained")


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
    numpy = need("numpy")
    return (numpy.arange(n) * 0.6180339887498949) % 1 - 0.5
