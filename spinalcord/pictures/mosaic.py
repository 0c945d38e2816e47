"""Show the lesion slices of a result side by side as HTML, without a plotting package."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from .rendering import CORD_COLOUR, LESION_COLOUR, Outlines, Picture, heat_colours, render_slice
from .scene import MARGIN_MM, Edges, Scene

MOST = 8
"""Slices in a notebook."""

MAX_SIDE = 300
"""Pixels along the longer side of a slice."""

_LETTER = (
    "position:absolute;color:#fff;font:bold 11px sans-serif;text-shadow:0 0 3px #000,0 0 2px #000;"
)
_PLACES = (
    "top:2px;left:50%;transform:translateX(-50%)",
    "bottom:2px;left:50%;transform:translateX(-50%)",
    "left:3px;top:50%;transform:translateY(-50%)",
    "right:3px;top:50%;transform:translateY(-50%)",
)


@dataclass(frozen=True, eq=False)
class Mosaic:
    """Slices from the patient's left to the right, with what their colours mean.

    Parameters
    ----------
    pictures : tuple of Picture
        Left to right.
    edges : Edges
        Letters at the edges of each.
    legend : tuple of (str, colour)
        Description of each outline.
    note : str
        Description of the slices.
    heat_label : str
        Meaning of the map's values; empty without a map.
    heat_span : (float, float)
        The values at the ends of its colours.
    height_px : int, default 240
        Height of each slice on the page.
    """

    pictures: tuple[Picture, ...]
    edges: Edges
    legend: tuple[tuple[str, tuple[int, int, int]], ...]
    note: str
    heat_label: str = ""
    heat_span: tuple[float, float] = (0.0, 0.0)
    height_px: int = 240

    def to_html(self) -> str:
        """Return HTML that needs nothing else: pictures inside it, letters and numbers as text."""
        style = f"display:block;height:{self.height_px}px;max-width:none;margin:0"
        slices = "".join(
            f'<div style="display:inline-block;margin:0 4px 4px 0;text-align:center">'
            f"{picture.to_html(over=self._letters(), style=style)}</div>"
            for picture in self.pictures
        )
        lines = [
            f'<span style="white-space:nowrap"><span style="display:inline-block;width:1.4em;'
            f'border-top:3px solid {_css(colour)};vertical-align:middle"></span> {escape(name)}'
            "</span>"
            for name, colour in self.legend
        ]
        parts = [escape(self.note), *lines, self._bar()]
        line = " &nbsp; ".join(part for part in parts if part)
        return f'<div><div>{slices}</div><div style="font-size:smaller">{line}</div></div>'

    def _letters(self) -> str:
        return "".join(
            f'<span aria-hidden="true" style="{_LETTER}{place}">{escape(letter)}</span>'
            for letter, place in zip(self.edges, _PLACES, strict=True)
        )

    def _bar(self) -> str:
        low, high = self.heat_span
        if not self.heat_label or low == high:
            return f"{escape(self.heat_label)}: 0 everywhere" if self.heat_label else ""
        stops = []
        for step in range(9):
            value = low + (high - low) * step / 8
            *colour, opacity = heat_colours(np.array(value), self.heat_span).tolist()
            # Over the grey of tissue, as on the slices.
            stops.append(_css(255 * (opacity * c + (1 - opacity) * 0.35) for c in colour))
        return (
            f'<span style="white-space:nowrap">{low:.3g} <span style="display:inline-block;'
            f"width:8em;height:0.8em;vertical-align:middle;"
            f'background:linear-gradient(to right,{",".join(stops)})"></span> {high:.3g}</span> '
            f"{escape(self.heat_label)}"
        )


def draw_mosaic(
    scene: Scene,
    slices: Sequence[int] | None = None,
    *,
    most: int = MOST,
    margin_mm: float | None = MARGIN_MM,
    max_side: int = MAX_SIDE,
    height_px: int = 240,
    outline: bool = True,
    opacity: float = 1.0,
    grey_span: tuple[float, float] | None = None,
) -> Mosaic:
    """Draw the slices that hold lesion, or the middle one where none does.

    Parameters
    ----------
    scene : Scene
        The contents to draw.
    slices : sequence of int, optional
        Others, as stored.
    most : int, default 8
        More slices with lesion than this are thinned out evenly.
    margin_mm : float or None, default 40
        Margin around the lesions; None shows whole slices.
    max_side : int, default 300
        Pixels along the longer side of each, at most.
    height_px : int, default 240
        Height of each on the page.
    outline : bool, default True
        Whether to outline lesion and cord.
    opacity : float, default 1
        Opacity of the map, from 0 to 1.
    grey_span : (float, float), optional
        Intensities that are black and white; by the slices themselves if not given.

    Returns
    -------
    Mosaic

    Raises
    ------
    InputError
        A slice that the scan has not; a margin below 0.
    """
    shown = scene.choose_slices(slices, most=most)
    frame = scene.crop(margin_mm)
    colours = {"lesion": LESION_COLOUR, "cord": CORD_COLOUR}
    legend = [(n, c) for n, c in colours.items() if outline and getattr(scene, n) is not None]
    outlines: Outlines = tuple((scene.working(n), c) for n, c in reversed(legend))
    pictures = tuple(
        render_slice(
            scene.working("scan"),
            scene.spacing_mm,
            index,
            slice_title(scene, index, shown),
            outlines=outlines,
            heat=None if scene.heat is None else scene.working("heat"),
            heat_span=scene.heat_span,
            opacity=opacity,
            grey_span=grey_span or scene.grey_span(shown, frame),
            frame=frame,
            max_side=max_side,
        )
        for index in shown
    )
    return Mosaic(
        pictures,
        scene.edges,
        tuple(legend),
        slices_note(scene, shown),
        scene.heat_label if scene.heat is not None else "",
        scene.heat_span,
        height_px,
    )


def slice_title(scene: Scene, index: int, row: Sequence[int]) -> str:
    """Name a slice by its stored number; the first and the last of a row say where L and R are."""
    left = "L ← " if index == row[0] else ""
    right = " → R" if index == row[-1] else ""
    return f"{left}slice {scene.scan.stored_slice(index)}{right}"


def slices_note(scene: Scene, shown: Sequence[int]) -> str:
    """Describe which slices are shown, and of how many."""
    total = len(scene.lesion_slices)
    n_found = len(set(shown) & set(scene.lesion_slices))
    if n_found < len(shown):
        text = f"{len(shown)} of {scene.n_slices} slices" + ("" if total else ", none with lesion")
    elif total == 1:
        return "the one slice with lesion"
    else:
        text = f"{'all ' if n_found == total else f'{n_found} of '}{total} slices with lesion"
    return text if len(shown) == 1 else f"{text}, from the patient's left to the right"


def _css(colour: Iterable[float]) -> str:
    red, green, blue = (round(c) for c in colour)
    return f"rgb({red},{green},{blue})"
