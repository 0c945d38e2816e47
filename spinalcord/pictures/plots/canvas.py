"""What all plots need: matplotlib, figures that a notebook shows once, and a style."""

from __future__ import annotations

import importlib
from contextlib import AbstractContextManager
from typing import Any

from ...errors import InputError
from ...report.figures.style import style as report_style


def require(module: str, extra: str, what: str) -> Any:
    """Import a package that comes with an extra.

    Parameters
    ----------
    module : str
        Such as ``"matplotlib.figure"``.
    extra : str
        Such as ``"report"``.
    what : str
        What needs it.

    Raises
    ------
    InputError
        It is not installed; says what to install.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(
            f"{what} needs {module.partition('.')[0]}, which is not installed: "
            f"pip install 'spinalcord[{extra}]'"
        ) from error


def matplotlib(module: str = "matplotlib") -> Any:
    """Import matplotlib or a module of it.

    Raises
    ------
    InputError
        It is not installed; says what to install.
    """
    return require(module, "report", "a plot")


def style() -> AbstractContextManager[Any]:
    """Settings under which plots are made: those of the report's figures.

    Raises
    ------
    InputError
        Without matplotlib.
    """
    matplotlib()
    return report_style()


def take_figure(figure: Any, width: float, height: float) -> Any:
    """Return the figure to draw on: the one given, or a new one of pyplot's.

    In a notebook with pictures in the page pyplot forgets it again: it shows as the value of a
    cell, or by ``display(figure)``.

    Parameters
    ----------
    figure : matplotlib Figure or SubFigure, or None
    width, height : float
        Of a new figure, in inches.

    Raises
    ------
    InputError
        Without matplotlib.
    """
    if figure is not None:
        return figure
    pyplot = matplotlib("matplotlib.pyplot")
    # Outside of style(): a notebook's backend sets itself up with the first figure, for good.
    made = pyplot.figure(figsize=(width, height), layout="constrained")
    if "inline" in pyplot.get_backend():
        # Or a notebook would show it twice: as the cell's value and as pyplot's open figure.
        pyplot.close(made)
    return made


def take_axes(ax: Any, width: float, height: float) -> Any:
    """Return the axes to draw on: those given, or new ones of a pyplot figure.

    Parameters
    ----------
    ax : matplotlib Axes or None
    width, height : float
        Of a new figure, in inches.

    Raises
    ------
    InputError
        Without matplotlib.
    """
    if ax is not None:
        return ax
    figure = take_figure(None, width, height)
    with style():
        return figure.add_subplot()
