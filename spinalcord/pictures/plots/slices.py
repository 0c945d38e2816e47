"""One sagittal slice on axes in millimetres: outlines, a map, letters, a scale bar."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import InputError
from ..mosaic import slice_title
from ..rendering import CORD_COLOUR, LESION_COLOUR, Array, heat_colours
from ..scene import MARGIN_MM, Crop, Scene
from ..style import matplotlib, style, take_axes

LESION = "#{:02x}{:02x}{:02x}".format(*LESION_COLOUR)
CORD = "#{:02x}{:02x}{:02x}".format(*CORD_COLOUR)
LOOKS = {"cord": (CORD, 0.8, 0.0), "lesion": (LESION, 1.2, 2.0)}
"""Of each outline, in the order of drawing: colour, width, and width with a black rim, if any.

They differ in width and rim for grey print."""

_BARS_MM = (100, 50, 20, 10, 5, 2)


def draw_slice(
    scene: Scene,
    index: int | None = None,
    *,
    ax: Any = None,
    margin_mm: float | None = MARGIN_MM,
    outline: bool = True,
    opacity: float = 1.0,
    grey_span: tuple[float, float] | None = None,
    title: str | None = None,
) -> Any:
    """Draw one sagittal slice, head up, face to the left, in millimetres.

    Parameters
    ----------
    scene : Scene
        The scan and what lies on it.
    index : int, optional
        The slice, counted from the patient's left; the one with most lesion if not given.
    ax : matplotlib Axes, optional
        x runs from anterior to posterior and y from superior to inferior, in millimetres from
        the outer corner of the slice's first pixel.
    margin_mm : float or None, default 40
        Margin around the lesions; None shows the whole slice.
    outline : bool, default True
        Whether to outline lesion and cord.
    opacity : float, default 1
        Opacity of the map, from 0 to 1.
    grey_span : (float, float), optional
        Intensities that are black and white; by the slice itself if not given.
    title : str, optional
        The slice's number, and where L and R lie, if not given.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        Without matplotlib; a slice that the scan has not; an opacity that is none.
    """
    if index is None:
        index = scene.main_slice
    if not 0 <= index < scene.n_slices:
        raise InputError(f"slice {index}, expected one from 0 to {scene.n_slices - 1}")
    if not 0 <= opacity <= 1:
        raise InputError(f"opacity is {opacity!r}, expected a number from 0 to 1")
    frame = scene.crop(margin_mm)
    left, right, bottom, top = extent_mm(scene, frame)
    ax = take_axes(ax, 3.6 * min(2.5, (right - left) / (bottom - top)) + 0.2, 4.0)
    with style():
        low, high = grey_span or scene.grey_span((index,), frame)
        cut = (index, frame.rows, frame.columns)
        where = {"extent": (left, right, bottom, top), "aspect": "equal"}
        ax.imshow(scene.working("scan")[cut], cmap="gray", vmin=low, vmax=high, **where)
        if scene.heat is not None and scene.heat_span != (0, 0):
            colours = heat_colours(scene.working("heat")[cut], scene.heat_span)
            colours[..., 3] *= opacity
            ax.imshow(colours, **where)
        if outline:
            _draw_outlines(scene, index, ax)
        ax.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[])
        ax.set_title(slice_title(scene, index, (index,)) if title is None else title, fontsize=8)
        ax.spines[:].set_visible(False)
        _draw_letters(scene, ax)
        _draw_scale(ax, right - left)
    return ax


def extent_mm(scene: Scene, frame: Crop) -> tuple[float, float, float, float]:
    """Return left, right, bottom and top of the frame in millimetres."""
    _, row_mm, column_mm = scene.spacing_mm
    return (
        frame.columns.start * column_mm,
        frame.columns.stop * column_mm,
        frame.rows.stop * row_mm,
        frame.rows.start * row_mm,
    )


def edge_lines(mask: Array, row_mm: float, column_mm: float) -> Array:
    """Return the pixel edges between a mask and its outside.

    Parameters
    ----------
    mask : (rows, columns) array
        Not 0 inside.
    row_mm, column_mm : float
        Spacing.

    Returns
    -------
    float64 (n, 2, 2) array
        Two ends of each line, x and y in millimetres from the corner of the first pixel.
    """
    inside = np.pad(np.asarray(mask) != 0, 1)
    # Above row r and before column c, with the padding taken off again.
    row, column = np.nonzero((inside[1:] != inside[:-1])[:, 1:-1])
    level = np.stack([column, row, column + 1, row], axis=1)
    row, column = np.nonzero((inside[:, 1:] != inside[:, :-1])[1:-1])
    upright = np.stack([column, row, column, row + 1], axis=1)
    lines = np.concatenate([level, upright]).reshape(-1, 2, 2)
    scaled: Array = lines * np.array([column_mm, row_mm])
    return scaled


def _draw_outlines(scene: Scene, index: int, ax: Any) -> None:
    collection = matplotlib("matplotlib.collections").LineCollection
    for name, (colour, width, rim) in LOOKS.items():
        if getattr(scene, name) is None:
            continue
        lines = edge_lines(scene.working(name)[index], *scene.spacing_mm[1:])
        for part, own, broad in ((f"{name} rim", "black", rim), (name, colour, width)):
            drawn = collection(lines, colors=own, linewidths=broad, capstyle="projecting", gid=part)
            if broad:
                ax.add_collection(drawn, autolim=False)


def _draw_letters(scene: Scene, ax: Any) -> None:
    edges = scene.edges
    for letter, x, y, across, along in (
        (edges.top, 0.5, 0.99, "center", "top"),
        (edges.bottom, 0.5, 0.01, "center", "bottom"),
        (edges.left, 0.02, 0.5, "left", "center"),
        (edges.right, 0.98, 0.5, "right", "center"),
    ):
        ax.text(
            x, y, letter, transform=ax.transAxes, ha=across, va=along, color="white", fontsize=8,
            fontweight="bold", path_effects=_halo(),
        )  # fmt: skip


def _draw_scale(ax: Any, width_mm: float) -> None:
    length = next((mm for mm in _BARS_MM if mm <= 0.4 * width_mm), None)
    if length is None:
        return
    left, right = ax.get_xlim()
    bottom, top = ax.get_ylim()
    x, y = left + 0.04 * (right - left), bottom - 0.04 * (bottom - top)
    ax.plot(
        [x, x + length], [y, y], color="white", linewidth=2, solid_capstyle="butt",
        path_effects=_halo(), gid="scale",
    )  # fmt: skip
    ax.text(
        x, y - 0.015 * (bottom - top), f"{length} mm", color="white", fontsize=7, va="bottom",
        path_effects=_halo(),
    )  # fmt: skip


def _halo() -> list[Any]:
    return [matplotlib("matplotlib.patheffects").withStroke(linewidth=2, foreground="black")]
