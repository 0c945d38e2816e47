"""Draw a case for review: slices, outlines and attribution as layers of one small image.

All layers are in one PNG file, one band below the other, so that there is one more file per case
and the page can show, hide and fade each layer. The first band is the scan in grey; the others are
transparent where there is nothing to see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _core
from ..pictures.png import encode_table

Array = np.ndarray[Any, Any]

MAX_TILES = 12
"""Slices of a case."""

MAX_TILES_WITHOUT = 9
"""The same where no lesion leads to them; they are shown whole."""

MAX_PIXELS = 300_000
"""Of one layer, so that no scan makes a large file."""

GAP = 2
"""Pixels between tiles and between layers: interpolation in a browser must not see the next one."""

BESIDE_MM = 35.0
"""Margin in front of the lesions and behind them; from head to foot, everything is shown."""

LESION, REFERENCE, CORD = "lesion", "reference", "cord"

_N_GREYS, _N_HEATS = 128, 96
_CLEAR = _N_GREYS
_LINES = {
    LESION: (_CLEAR + 1, (255, 84, 60)),
    REFERENCE: (_CLEAR + 2, (90, 220, 120)),
    CORD: (_CLEAR + 3, (90, 200, 250)),
}
_FIRST_HEAT = _CLEAR + 4


@dataclass(frozen=True)
class CasePicture:
    """The picture of a case.

    Parameters
    ----------
    png : bytes
        The file.
    layout : dict
        Layout for the page: ``layers`` (names, from the top), ``size`` (rows and columns of
        a tile), ``gap`` (pixels between tiles, and between layers), ``slices`` (numbers of the
        tiles, from the patient's left), ``n_lesion_slices``, ``pixel_mm``.
    """

    png: bytes
    layout: dict[str, Any]


def draw_case(
    scan: Array,
    spacing_mm: tuple[float, float, float],
    lesion: Array,
    *,
    reference: Array | None = None,
    cord: Array | None = None,
    maps: Mapping[str, Array] | None = None,
    number: Callable[[int], int] = int,
) -> CasePicture:
    """Draw a case.

    Parameters
    ----------
    scan : float32 (slices, rows, columns) array
        Intensities in the working orientation.
    spacing_mm : tuple of float
        Spacing along slice, row and column axis.
    lesion : uint8 array of that shape
        The mask that was classified.
    reference, cord : uint8 arrays of that shape, optional
        The mask it is compared with; the cord.
    maps : mapping of str to float32 array of that shape, optional
        Attribution by task; shown where positive, on one scale for all slices.
    number : callable, optional
        Function that returns the number of a slice in the scan.

    Returns
    -------
    CasePicture
    """
    outlined = lesion if reference is None else lesion | reference
    chosen, n_outlined = choose_slices(outlined)
    first, past = _columns(outlined, spacing_mm[2])
    tiles = _Tiles(chosen, first, past, scan.shape, spacing_mm)
    layers = {"scan": _greys(tiles.resample(scan, "area"))}
    for name, mask in ((LESION, lesion), (REFERENCE, reference), (CORD, cord)):
        if mask is not None and mask[chosen].any():
            border = _borders(tiles.cover(mask))
            layers[name] = np.where(border, np.uint8(_LINES[name][0]), np.uint8(_CLEAR))
    for name, heat in (maps or {}).items():
        if heat[chosen].max(initial=0) > 0:
            layers[name] = _heats(tiles.resample(heat, "linear"), float(heat.max()))
    layout = {
        "layers": list(layers),
        "size": list(tiles.size),
        "gap": GAP,
        "slices": [number(index) for index in chosen],
        "n_lesion_slices": n_outlined,
        "pixel_mm": round(tiles.pixel_mm, 3),
    }
    return CasePicture(encode_table(_sheet(list(layers.values())), _COLOURS), layout)


def choose_slices(mask: Array) -> tuple[list[int], int]:
    """Choose the slices that show a mask.

    Parameters
    ----------
    mask : uint8 (slices, rows, columns) array

    Returns
    -------
    chosen : list of int
        Those that contain some of it and their neighbours, ascending; evenly spaced ones of those
        that do where that makes too many; those around the middle where it is empty.
    n_slices : int
        Number of slices that contain some of it.
    """
    n = mask.shape[0]
    inside = np.flatnonzero(mask.any(axis=(1, 2)))
    if inside.size == 0:
        count = min(n, MAX_TILES_WITHOUT)
        start = (n - count) // 2
        return list(range(start, start + count)), 0
    near = np.unique(np.clip(np.concatenate([inside - 1, inside, inside + 1]), 0, n - 1))
    if near.size > MAX_TILES:
        near = inside
    if near.size > MAX_TILES:
        near = inside[np.round(np.linspace(0, inside.size - 1, MAX_TILES)).astype(int)]
    return [int(index) for index in near], int(inside.size)


class _Tiles:
    """The chosen slices, cropped and resampled to square pixels."""

    def __init__(
        self,
        chosen: Sequence[int],
        first: int,
        past: int,
        shape: Sequence[int],
        spacing_mm: tuple[float, float, float],
    ) -> None:
        _, row_mm, column_mm = spacing_mm
        rows, columns = shape[1], past - first
        height, width = rows * row_mm, columns * column_mm
        fits = (len(chosen) * height * width / MAX_PIXELS) ** 0.5
        self.pixel_mm = max(min(row_mm, column_mm), fits)
        self.size = max(1, round(height / self.pixel_mm)), max(1, round(width / self.pixel_mm))
        self._chosen = list(chosen)
        steps = rows / self.size[0], columns / self.size[1]
        self._frame = np.array(
            [steps[0] / 2 - 0.5, steps[0], first + steps[1] / 2 - 0.5, steps[1]], np.float64
        )

    def resample(self, array: Array, kind: Any) -> Array:
        """Return float32 (tiles, rows, columns)."""
        source = np.ascontiguousarray(array[self._chosen], np.float32)
        tiles: Array = _core.resample(source, self.size, self._frame, filter=kind, outside="edge")
        return tiles

    def cover(self, mask: Array) -> Array:
        """Return the pixels that a mask covers largely; for a small lesion, those it touches."""
        covered = self.resample(mask != 0, "area")
        # No lesion vanishes between pixels: with four of them meeting in it, each has a quarter.
        result: Array = covered > np.minimum(0.2, covered.max(axis=(1, 2), keepdims=True) / 2)
        return result


def _columns(mask: Array, column_mm: float) -> tuple[int, int]:
    """Return the first column that is shown, and one past the last."""
    inside = np.flatnonzero(mask.any(axis=(0, 1)))
    if inside.size == 0:
        return 0, mask.shape[2]
    beside = round(BESIDE_MM / column_mm)
    return max(0, int(inside[0]) - beside), min(mask.shape[2], int(inside[-1]) + 1 + beside)


def _greys(tiles: Array) -> Array:
    low, high = np.percentile(tiles, (1, 99.5))
    scaled = np.clip((tiles - low) / max(float(high - low), 1e-30), 0, 1)
    greys: Array = np.round(scaled * (_N_GREYS - 1)).astype(np.uint8)
    return greys


def _heats(tiles: Array, most: float) -> Array:
    levels = np.round(np.clip(tiles / most, 0, 1) * _N_HEATS).astype(np.uint8)
    return np.where(levels > 0, _FIRST_HEAT - 1 + levels, np.uint8(_CLEAR)).astype(np.uint8)


def _borders(masks: Array) -> Array:
    """Return the pixels of masks that touch the outside by a side."""
    padded = np.pad(masks, ((0, 0), (1, 1), (1, 1)))
    inner = padded[:, :-2, 1:-1] & padded[:, 2:, 1:-1] & padded[:, 1:-1, :-2] & padded[:, 1:-1, 2:]
    borders: Array = masks & ~inner
    return borders


def _sheet(layers: Sequence[Array]) -> Array:
    """Place tiles side by side and layers one below the other."""
    n, rows, columns = layers[0].shape
    sheet = np.full((len(layers) * (rows + GAP) - GAP, n * (columns + GAP) - GAP), _CLEAR, np.uint8)
    for band, layer in enumerate(layers):
        top = band * (rows + GAP)
        for at, tile in enumerate(layer):
            left = at * (columns + GAP)
            sheet[top : top + rows, left : left + columns] = tile
    return sheet


def _colour_table() -> Array:
    table = np.zeros((_FIRST_HEAT + _N_HEATS, 4), np.uint8)
    table[:_N_GREYS, :3] = np.round(np.linspace(0, 255, _N_GREYS))[:, None]
    table[:_N_GREYS, 3] = 255
    for index, colour in _LINES.values():
        table[index] = *colour, 255
    warm = np.arange(1, _N_HEATS + 1) / _N_HEATS
    heat = table[_FIRST_HEAT:]
    heat[:, 0], heat[:, 1] = 255, np.round(255 * warm)
    heat[:, 3] = np.round(255 * np.sqrt(warm))
    return table


_COLOURS = _colour_table()
