"""Small pictures of single slices: outlines and a map over a sagittal slice.

Written as PNG by the package itself, so that showing a result needs no plotting package.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape
from typing import Any, TypeAlias

import numpy as np

from .. import _core
from .png import encode_rgb
from .scene import Crop

Array = np.ndarray[Any, Any]
Outlines: TypeAlias = tuple[tuple[Array, tuple[int, int, int]], ...]

MAX_SIDE = 480
"""Pixels along the longer side of a picture."""

LESION_COLOUR = (255, 80, 60)
CORD_COLOUR = (90, 200, 250)

_WARM = (235, 110, 0), (255, 235, 60)
_COLD = (0, 70, 190)


@dataclass(frozen=True, eq=False)
class Picture:
    """One slice, head up and face to the left, in square pixels.

    Parameters
    ----------
    rgb : uint8 (rows, columns, 3) array
        Red, green, blue.
    caption : str
        Its contents, in one line.
    """

    rgb: Array
    caption: str

    def to_png(self) -> bytes:
        """Encode as a PNG file."""
        return encode_rgb(self.rgb)

    def to_html(self, *, over: str = "", style: str = "") -> str:
        """Return an HTML figure with the picture inside it.

        Parameters
        ----------
        over : str, optional
            HTML to lay over the picture, which positions itself.
        style : str, optional
            CSS of the picture.

        Returns
        -------
        str
        """
        data = base64.b64encode(self.to_png()).decode("ascii")
        return (
            '<figure style="margin:0"><div style="position:relative">'
            f'<img alt="{escape(self.caption)}" style="{style}" '
            f'src="data:image/png;base64,{data}">{over}</div>'
            f"<figcaption>{escape(self.caption)}</figcaption></figure>"
        )


def render_slice(
    scan: Array,
    spacing_mm: tuple[float, float, float],
    index: int,
    caption: str,
    *,
    outlines: Outlines = (),
    heat: Array | None = None,
    heat_span: tuple[float, float] | None = None,
    opacity: float = 1.0,
    grey_span: tuple[float, float] | None = None,
    frame: Crop | None = None,
    max_side: int = MAX_SIDE,
) -> Picture:
    """Draw one sagittal slice with its true proportions.

    Parameters
    ----------
    scan : float32 (slices, rows, columns) array
        Intensities in the working orientation.
    spacing_mm : tuple of float
        Along slice, row and column axis.
    index : int
        The slice.
    caption : str
        Description of the picture.
    outlines : tuple of (mask, colour), optional
        uint8 masks of the shape of `scan`, and red, green, blue of their borders.
    heat : float32 array of the shape of `scan`, optional
        Drawn over the slice as `heat_colours` says.
    heat_span : (float, float), optional
        Values that get the strongest colours; from 0 to the slice's maximum if not given.
    opacity : float, default 1
        Opacity of the heat map, from 0 to 1.
    grey_span : (float, float), optional
        Intensities that are black and white; the slice's percentiles 1 and 99 if not given.
    frame : Crop, optional
        The part of the slice to show; all of it if not given.
    max_side : int, default 480
        Pixels along the longer side, at most.

    Returns
    -------
    Picture
    """
    window = (slice(None), slice(None)) if frame is None else (frame.rows, frame.columns)

    def square(array: Array, kind: str) -> Array:
        return _to_square(array[index][window], spacing_mm, kind, max_side)

    grey = square(scan, "area")
    low, high = np.percentile(grey, (1, 99)) if grey_span is None else grey_span
    grey = np.clip((grey - low) / max(float(high - low), 1e-30), 0, 1)
    rgb = np.repeat(grey[..., None] * 255, 3, axis=2)
    if heat is not None:
        span = (0.0, float(heat[index].max())) if heat_span is None else heat_span
        colour = heat_colours(square(heat, "linear"), span)
        alpha = opacity * colour[..., 3:]
        rgb = (1 - alpha) * rgb + alpha * 255 * colour[..., :3]
    for mask, line in outlines:
        rgb[_border(square(mask != 0, "nearest") > 0)] = line
    return Picture(np.round(rgb).astype(np.uint8), caption)


def heat_colours(values: Array, span: tuple[float, float]) -> Array:
    """Return the colours of the values of a map, for drawing over grey.

    Parameters
    ----------
    values : array of any shape
        Values of a map.
    span : (float, float)
        The lowest (0 or below) and the highest value that has a colour of its own. Above 0 from
        transparent orange to yellow, below 0 from transparent to dark blue: the two differ for
        eyes of all kinds, and in grey print, where one is brighter and one darker than tissue.

    Returns
    -------
    float64 array of that shape, with an axis of 4 more
        Red, green, blue and opacity, from 0 to 1.
    """
    low, high = span
    warm = np.clip(values / high, 0, 1) if high > 0 else np.zeros(np.shape(values))
    cold = np.clip(values / low, 0, 1) if low < 0 else np.zeros(np.shape(values))
    share = np.maximum(warm, cold)[..., None]
    hot = np.array(_WARM[0]) * (1 - share) + np.array(_WARM[1]) * share
    colour = np.where(cold[..., None] > 0, np.array(_COLD), hot) / 255
    return np.concatenate([colour, 0.7 * np.sqrt(share)], axis=-1)


def _to_square(
    image: Array, spacing_mm: tuple[float, float, float], kind: Any, max_side: int
) -> Array:
    """Resample one slice to square pixels, at most max_side along the longer side."""
    _, row_mm, column_mm = spacing_mm
    rows, columns = image.shape
    pixel_mm = max(min(row_mm, column_mm), max(rows * row_mm, columns * column_mm) / max_side)
    size = (max(1, round(rows * row_mm / pixel_mm)), max(1, round(columns * column_mm / pixel_mm)))
    steps = rows / size[0], columns / size[1]
    frame = np.array([steps[0] / 2 - 0.5, steps[0], steps[1] / 2 - 0.5, steps[1]])
    source = np.ascontiguousarray(image[None], np.float32)
    square: Array = _core.resample(source, size, frame, filter=kind, outside="edge")[0]
    return square


def _border(mask: Array) -> Array:
    """Return the pixels of a mask that touch its outside by a side."""
    padded = np.pad(mask, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    border: Array = mask & ~inner
    return border
