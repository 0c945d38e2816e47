"""Whole figures of results: slices side by side, beside what was decided."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..mosaic import slice_title, slices_note
from ..rendering import heat_colours
from ..scene import MARGIN_MM, MAX_SLICES, Scene
from ..style import GREY, matplotlib, style, take_figure
from .answers import draw_diagnoses, draw_tasks
from .slices import LOOKS, draw_slice, extent_mm

if TYPE_CHECKING:
    from ...analysis.classification import Diagnosis
    from ...analysis.explanation import Explanation
    from ...analysis.results import Result
    from ...analysis.segmentation import Segmentation

_SIDE, _WIDTH = 3.0, 9.2  # inches: longer side of a slice, and all slices of a row together
_BARS = 4.3  # inches
_NOTES = 0.95  # inches: title, legend, notice


def plot_result(
    result: Result,
    *,
    slices: Sequence[int] | None = None,
    margin_mm: float | None = MARGIN_MM,
    figure: Any = None,
    ax: Any = None,
) -> Any:
    """Plot the scene of any result under its headline; see `Result.plot`."""
    title = result.headline.replace("; ", "\n")
    return plot_scene(
        result.scene(), title=title, notice=result.notice, slices=slices,
        margin_mm=margin_mm, figure=figure, ax=ax,
    )  # fmt: skip


def plot_segmentation(
    segmentation: Segmentation,
    *,
    probability: bool = False,
    slices: Sequence[int] | None = None,
    margin_mm: float | None = MARGIN_MM,
    figure: Any = None,
    ax: Any = None,
) -> Any:
    """Plot the lesions of a scan; see `Segmentation.plot`."""
    return plot_scene(
        segmentation.scene(probability=probability), title=segmentation.headline,
        notice=segmentation.notice, slices=slices, margin_mm=margin_mm, figure=figure, ax=ax,
    )  # fmt: skip


def plot_explanation(
    explanation: Explanation,
    *,
    slices: Sequence[int] | None = None,
    margin_mm: float | None = MARGIN_MM,
    figure: Any = None,
    ax: Any = None,
) -> Any:
    """Plot what spoke for an answer, and where; see `Explanation.plot`."""
    return plot_result(explanation, slices=slices, margin_mm=margin_mm, figure=figure, ax=ax)


def plot_diagnosis(
    diagnosis: Diagnosis,
    *,
    slices: Sequence[int] | None = None,
    margin_mm: float | None = MARGIN_MM,
    figure: Any = None,
    ax: Any = None,
) -> Any:
    """Plot the answers, their thresholds and what was decided; see `Diagnosis.plot`."""
    if ax is not None:
        return draw_tasks(diagnosis, ax=ax)
    scene = diagnosis.scene()
    if not diagnosis.found:
        return plot_result(diagnosis, slices=slices, margin_mm=margin_mm, figure=figure)
    shown = scene.choose_slices(slices)
    _, _, width, height = _layout(scene, len(shown), margin_mm, _WIDTH - 2.2)
    figure = take_figure(figure, _BARS + width, max(4.6, height))
    with style():
        bars, mosaic = figure.subfigures(1, 2, width_ratios=(_BARS, width))
        tasks, diagnoses = bars.subplots(2, 1, height_ratios=(1.25, 1))
        draw_tasks(diagnosis, ax=tasks)
        draw_diagnoses(diagnosis, ax=diagnoses)
        plot_scene(
            scene, title=f"decided: {diagnosis.diagnosis}", notice=diagnosis.notice,
            slices=slices, margin_mm=margin_mm, figure=mosaic, width=_WIDTH - 2.2,
        )  # fmt: skip
    return figure


def plot_scene(
    scene: Scene,
    *,
    title: str = "",
    notice: str = "",
    slices: Sequence[int] | None = None,
    margin_mm: float | None = MARGIN_MM,
    figure: Any = None,
    ax: Any = None,
    width: float = _WIDTH,
) -> Any:
    """Plot slices side by side, from the patient's left to the right.

    Parameters
    ----------
    scene : Scene
        The scan and what lies on it.
    title, notice : str, optional
        Above, and below in small letters.
    slices : sequence of int, optional
        As stored; those that hold lesion if not given (at most 12, evenly), or the middle one.
    margin_mm : float or None, default 40
        Margin around the lesions; None shows whole slices.
    figure : matplotlib Figure or SubFigure, optional
        To draw on; a new one of pyplot's if not given.
    ax : matplotlib Axes, optional
        To draw the slice with most lesion, or the first of `slices`, on, and nothing else.
    width : float, default 9.2
        Maximum width of the slices in one row, in inches.

    Returns
    -------
    matplotlib Figure, or Axes where `ax` is given

    Raises
    ------
    InputError
        Without matplotlib; a slice that the scan has not; a margin below 0.
    """
    shown = scene.choose_slices(slices, most=MAX_SLICES)
    if ax is not None:
        return draw_slice(scene, None if slices is None else shown[0], ax=ax, margin_mm=margin_mm)
    rows, columns, *size = _layout(scene, len(shown), margin_mm, width)
    figure = take_figure(figure, *size)
    with style():
        grey_span = scene.grey_span(shown, scene.crop(margin_mm))
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for unused in axes[len(shown) :]:
            unused.remove()
        for place, (index, own) in enumerate(zip(shown, axes, strict=False)):
            row = shown[place - place % columns :][:columns]
            draw_slice(
                scene, index, ax=own, margin_mm=margin_mm, grey_span=grey_span,
                title=slice_title(scene, index, row),
            )  # fmt: skip
        note = slices_note(scene, shown)
        lines = [*title.splitlines(), note]
        width = max(30, int(13 * size[0]))
        figure.suptitle("\n".join(textwrap.fill(line, width) for line in lines), fontsize=9)
        text = textwrap.fill(notice, max(30, int(15 * size[0])))
        _draw_legend(figure, scene, text)
        _draw_bar(figure, scene, axes[: len(shown)])
    return figure


def _layout(
    scene: Scene, n: int, margin_mm: float | None, width: float
) -> tuple[int, int, float, float]:
    """Return rows, columns, and the width and height of the figure, in inches."""
    left, right, bottom, top = extent_mm(scene, scene.crop(margin_mm))
    aspect = (right - left) / (bottom - top)
    side = _SIDE if n > 1 else 1.4 * _SIDE
    own = min(side, max(1.2, side * aspect))
    height = min(side, max(0.8, own / aspect))
    columns = min(n, max(1, int(width // own)))
    rows = -(-n // columns)
    columns = -(-n // rows)  # evenly filled
    bar = 0.9 if scene.heat is not None else 0.0
    return rows, columns, max(3.6, columns * (own + 0.1) + bar), rows * (height + 0.25) + _NOTES


def _draw_legend(figure: Any, scene: Scene, notice: str) -> None:
    line = matplotlib("matplotlib.lines").Line2D
    handles = [
        line([], [], color=colour, linewidth=1.5 * width, label=name)
        for name, (colour, width, _) in reversed(LOOKS.items())
        if getattr(scene, name) is not None
    ]
    legend = figure.legend(
        handles=handles, loc="outside lower center", ncols=len(handles), title=notice or None,
        title_fontproperties={"size": 7},
    )  # fmt: skip
    legend.get_title().set(color=GREY, multialignment="center")


def _draw_bar(figure: Any, scene: Scene, axes: Any) -> None:
    if scene.heat is None:
        return
    low, high = scene.heat_span
    if low == high:
        axes[0].text(
            0.5, 0.5, f"{scene.heat_label}:\n0 everywhere", transform=axes[0].transAxes,
            ha="center", va="center", color="white", backgroundcolor="black", fontsize=8,
        )  # fmt: skip
        return
    colours = heat_colours(np.linspace(low, high, 256), (low, high))
    opacity = colours[:, 3:]
    grey = 0.35  # as over tissue
    shades = opacity * colours[:, :3] + (1 - opacity) * grey
    mappable = matplotlib("matplotlib.cm").ScalarMappable(
        matplotlib("matplotlib.colors").Normalize(low, high),
        matplotlib("matplotlib.colors").ListedColormap(shades),
    )
    bar = figure.colorbar(mappable, ax=list(axes), location="right", shrink=0.8, aspect=25)
    bar.set_label(scene.heat_label, fontsize=8)
    bar.ax.tick_params(labelsize=7)
    bar.outline.set_linewidth(0.5)
