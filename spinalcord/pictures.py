"""Small pictures of results for notebooks: one sagittal slice with outlines or a map over it.

Written as PNG here [1]_, so that showing a result needs no plotting package.

References
----------
.. [1] Portable Network Graphics Specification, third edition, W3C, sections 5 and 11.
"""

from __future__ import annotations

import base64
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _core
from .scene import Scene

Array = np.ndarray[Any, Any]

MAX_SIDE = 480
"""Pixels along the longer side of a picture."""

LESION_COLOUR = (255, 80, 60)
CORD_COLOUR = (90, 200, 250)


@dataclass(frozen=True, eq=False)
class Picture:
    """One slice, head up and face to the left, in square pixels.

    Parameters
    ----------
    rgb : uint8 (rows, columns, 3) array
        Red, green, blue.
    caption : str
        What it shows, in one line.
    """

    rgb: Array
    caption: str

    def to_png(self) -> bytes:
        """Encode as a PNG file."""
        rows, columns, _ = self.rgb.shape
        lines = np.zeros((rows, 1 + 3 * columns), np.uint8)  # filter 0 before every line
        lines[:, 1:] = self.rgb.reshape(rows, -1)
        header = struct.pack(">2I5B", columns, rows, 8, 2, 0, 0, 0)
        return (
            b"\x89PNG\r\n\x1a\n"
            + _chunk(b"IHDR", header)
            + _chunk(b"IDAT", zlib.compress(lines.tobytes(), 6))
            + _chunk(b"IEND", b"")
        )

    def to_html(self) -> str:
        """Return an HTML figure with the picture inside it."""
        from html import escape

        data = base64.b64encode(self.to_png()).decode("ascii")
        return (
            f'<figure style="margin:0"><img alt="{escape(self.caption)}" '
            f'src="data:image/png;base64,{data}"><figcaption>{escape(self.caption)}</figcaption>'
            "</figure>"
        )


def draw_slice(
    scan: Array,
    spacing_mm: tuple[float, float, float],
    index: int,
    caption: str,
    *,
    outlines: tuple[tuple[Array, tuple[int, int, int]], ...] = (),
    heat: Array | None = None,
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
        What the picture shows.
    outlines : tuple of (mask, colour), optional
        uint8 masks of the shape of `scan`, and red, green, blue of their borders.
    heat : float32 array of the shape of `scan`, optional
        Drawn over the slice where positive, from transparent to yellow at its maximum.

    Returns
    -------
    Picture
    """
    grey = _to_square(scan[index], spacing_mm, "area")
    low, high = np.percentile(grey, (1, 99))
    grey = np.clip((grey - low) / max(float(high - low), 1e-30), 0, 1)
    rgb = np.repeat(grey[..., None] * 255, 3, axis=2)
    if heat is not None and heat[index].max() > 0:
        warm = np.clip(_to_square(heat[index], spacing_mm, "linear") / heat[index].max(), 0, 1)
        colour = np.stack([255 * np.ones_like(warm), 255 * warm, np.zeros_like(warm)], axis=2)
        alpha = 0.6 * np.sqrt(warm)[..., None]
        rgb = (1 - alpha) * rgb + alpha * colour
    for mask, line in outlines:
        square = _to_square(mask[index].astype(np.float32), spacing_mm, "nearest") > 0
        rgb[_border(square)] = line
    return Picture(np.round(rgb).astype(np.uint8), caption)


def draw_scene(scene: Scene) -> Picture:
    """Draw the slice with most lesion: lesion and cord outlined, what is positive of a map."""
    lesion = scene.working("lesion")
    index = middle_slice(lesion)
    caption = f"sagittal slice {scene.stored_slice(index)}: lesion red"
    outlines: tuple[tuple[Array, tuple[int, int, int]], ...] = ((lesion, LESION_COLOUR),)
    if scene.cord is not None:
        outlines = ((scene.working("cord"), CORD_COLOUR), *outlines)
        caption += ", cord blue"
    heat = None
    if scene.heat is not None:
        heat = scene.working("heat")
        caption += ", what spoke for the answer yellow"
    return draw_slice(
        scene.working("scan"), scene.spacing_mm, index, caption, outlines=outlines, heat=heat
    )


def middle_slice(mask: Array) -> int:
    """Return the slice that holds most of a mask, or the middle one where it is empty."""
    per_slice = mask.reshape(mask.shape[0], -1).sum(axis=1, dtype=np.int64)
    return int(per_slice.argmax()) if per_slice.any() else mask.shape[0] // 2


def _to_square(image: Array, spacing_mm: tuple[float, float, float], kind: Any) -> Array:
    """Resample one slice to square pixels, at most MAX_SIDE along the longer side."""
    _, row_mm, column_mm = spacing_mm
    rows, columns = image.shape
    pixel_mm = max(min(row_mm, column_mm), max(rows * row_mm, columns * column_mm) / MAX_SIDE)
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


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
