"""What all plots need: matplotlib, figures that a notebook shows once, and a style."""

from __future__ import annotations

import importlib
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

from ..errors import InputError
from ..report.figures.style import style as report_style


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
    with style():
        return pyplot.figure(
            FigureClass=_figure_class(), figsize=(width, height), layout="constrained"
        )


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


@cache
def _figure_class() -> Any:
    class ResultFigure(matplotlib("matplotlib.figure").Figure):  # type: ignore[misc]
        """A figure that a notebook shows once, though `plot` also returns it."""

        def _ipython_display_(self) -> None:
            pyplot = matplotlib("matplotlib.pyplot")
            shown_anyway = "inline" in pyplot.get_backend() and self in map(
                pyplot.figure, pyplot.get_fignums()
            )
            if not shown_anyway:
                raise NotImplementedError  # IPython then shows it as it shows every figure

    return ResultFigure
