"""Draw slices with the drawn and the found lesion: a picture with outlines as SVG.

The outlines follow the edges of the voxels. They differ in colour, safe for colour blindness, and
in width: where they coincide, the narrow one is drawn on the wide one.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from ..pictures.mosaic import slice_title, slices_note
from ..pictures.rendering import CORD_COLOUR, LESION_COLOUR, render_slice
from ..pictures.scene import Crop, Scene

Array = np.ndarray[Any, Any]

MARGIN_MM = 25.0
"""Margin around the lesions."""

MOST = 7
"""Slices that are shown enlarged."""

SIDE = 480
"""Pixels along the longer side of a slice."""

STYLE = """
.slices { display: flex; flex-wrap: wrap; gap: .5rem; }
.slices figure { margin: 0; }
.slices svg { display: block; height: 32rem; width: auto; max-width: 100%; background: #000; }
.slices text { fill: #fff; font-family: sans-serif; font-weight: bold; text-anchor: middle;
  dominant-baseline: central; paint-order: stroke; stroke: #000; stroke-width: .25em; }
.outline { fill: none; vector-effect: non-scaling-stroke; stroke-linecap: square; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.6rem; margin: .4rem 0; padding: 0;
  list-style: none; font-size: .9rem; }
.legend svg { width: 2.4em; height: .8em; vertical-align: middle; background: #444; }
"""
STYLE += "".join(
    f".{name} {{ stroke: rgb{colour}; stroke-width: {width}px; }}\n"
    for name, colour, width in (("drawn", CORD_COLOUR, 3.5), ("found", LESION_COLOUR, 1.5))
)

LEGEND = (
    '<ul class="legend">'
    '<li><svg viewBox="0 0 24 8" aria-hidden="true"><path class="outline drawn" d="M2 4H22"/>'
    "</svg> drawn: wide, light blue</li>"
    '<li><svg viewBox="0 0 24 8" aria-hidden="true"><path class="outline found" d="M2 4H22"/>'
    "</svg> found: narrow, red</li></ul>"
)


def draw_lesions(scene: Scene, drawn: Array, found: Array) -> str:
    """Draw the whole slice with most lesion, and then all slices with lesion around it.

    Parameters
    ----------
    scene : Scene
        The scan, with the drawn or found voxels as its lesion.
    drawn, found : uint8 (slices, rows, columns) arrays
        Masks in the working orientation.

    Returns
    -------
    str
        HTML with a legend, for a page with `STYLE`.
    """
    slices = scene.choose_slices(most=MOST)
    whole = [_plate(scene, scene.main_slice, (scene.main_slice,), scene.crop(None), drawn, found)]
    frame = scene.crop(MARGIN_MM)
    near = [_plate(scene, i, slices, frame, drawn, found) for i in slices]
    if not scene.lesion_slices:
        near = []
    note = f"The whole slice with most lesion, then {slices_note(scene, slices)}." if near else ""
    return f'{LEGEND}<div class="slices">{"".join(whole + near)}</div><p>{escape(note)}</p>'


def outline(mask: Array) -> str:
    """Return the edges between the voxels of a slice's mask and its outside as an SVG path.

    Parameters
    ----------
    mask : uint8 (rows, columns) array

    Returns
    -------
    str
        Path in voxels from the upper left corner; empty for an empty mask.
    """
    inside = np.pad(mask != 0, 1)
    across = inside[1:, 1:-1] != inside[:-1, 1:-1]  # (rows + 1, columns)
    along = inside[1:-1, 1:] != inside[1:-1, :-1]  # (rows, columns + 1)
    lines = [f"M{start} {row}H{stop}" for row, start, stop in _runs(across)]
    lines += [f"M{column} {start}V{stop}" for column, start, stop in _runs(along.T)]
    return "".join(lines)


def _runs(edges: Array) -> list[tuple[int, int, int]]:
    """Return line, start and stop of each run of nonzero values."""
    steps = np.diff(np.pad(edges, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    (lines, starts), (_, stops) = np.nonzero(steps == 1), np.nonzero(steps == -1)
    return list(zip(lines.tolist(), starts.tolist(), stops.tolist(), strict=True))


def _plate(
    scene: Scene, index: int, row: Sequence[int], frame: Crop, drawn: Array, found: Array
) -> str:
    title = slice_title(scene, index, row)
    picture = render_slice(
        scene.working("scan"),
        scene.spacing_mm,
        index,
        title,
        grey_span=scene.grey_span((index,), frame),
        frame=frame,
        max_side=SIDE,
    )
    h, w, _ = picture.rgb.shape
    data = base64.b64encode(picture.to_png()).decode("ascii")
    rows, columns = frame.rows.stop - frame.rows.start, frame.columns.stop - frame.columns.start
    scale = f"scale({w / columns:.5f} {h / rows:.5f})"
    lines, said = "", []
    for name, mask in (("drawn", drawn), ("found", found)):
        shown = mask[index, frame.rows, frame.columns]
        lines += f'<path class="outline {name}" transform="{scale}" d="{outline(shown)}"/>'
        said.append(f"{name} lesion" if shown.any() else f"no {name} lesion")
    size = h / 26  # letters as large on every slice, however much it is enlarged
    places = ((w / 2, size), (w / 2, h - size), (size, h / 2), (w - size, h / 2))
    letters = "".join(
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:.1f}" aria-hidden="true">'
        f"{escape(letter)}</text>"
        for letter, (x, y) in zip(scene.edges, places, strict=True)
    )
    text = escape(f"sagittal {title}: {', '.join(said)}")
    return (
        f'<figure><svg viewBox="0 0 {w} {h}" role="img" aria-label="{text}">'
        f'<image href="data:image/png;base64,{data}" width="{w}" height="{h}"/>'
        f"{lines}{letters}</svg><figcaption>{escape(title)}</figcaption></figure>"
    )
