"""Batches drawn by class: patches for segmentation, windows for the classifiers.

A batch depends on the seed and its step alone, so a training that is taken up again sees what it
would have seen; there is no state to keep.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .cache import CORD, LESION, Entry

AROUND_LESION, AROUND_CORD = 0.35, 0.35
"""Shares of the patches; the others lie anywhere.  With half of them around lesions a network calls
too much: on whole slices the best threshold was then 0.9."""


@dataclass(frozen=True)
class Batch:
    """What one step sees, before augmentation.

    Attributes
    ----------
    images : float32 (n, channels, h, w)
    masks : float32 (n, m, h, w)
        0 and 1: lesion and cord, or the lesion mask that is a classifier's third channel.
    labels : int64 (n,)
        Class; 0 for patches.
    known : float32 (n, m)
        1 where a mask is known, 0 for the cord of a case without cord mask.
    size : int
        Side of the images to make of these.
    """

    images: NDArray[np.float32]
    masks: NDArray[np.float32]
    labels: NDArray[np.int64]
    known: NDArray[np.float32]
    size: int


class PatchSampler:
    """Draw patches around lesions, around the cord, and anywhere (against false alarms).

    Diagnoses come equally often, and so do the patients of each.

    Parameters
    ----------
    entries : sequence of Entry
    batch : int
    patch : (int, int)
        Smallest and largest side; the patches of a batch have one.
    seed : int
    margin : float, default 0
        What is cut in addition on each side, as a share of the side, for turning.

    Raises
    ------
    InputError
        No slice among the entries.
    """

    def __init__(
        self, entries: Sequence[Entry], batch: int, patch: tuple[int, int], seed: int,
        *, margin: float = 0.0,
    ) -> None:  # fmt: skip
        self._all = _by(entries, lambda e: e.shape[0] > 0)
        if not self._all:
            raise InputError("no slice to draw patches from")
        self._lesion = _by(entries, lambda e: bool(e.lesion))
        self._cord = _by(entries, lambda e: bool(e.cord))
        self._batch, self._patch, self._seed, self._margin = batch, patch, seed, margin

    def draw(self, step: int) -> Batch:
        """Return the batch of a step."""
        rng = np.random.default_rng([self._seed, step])
        size = int(rng.integers(self._patch[0] // 16, self._patch[1] // 16 + 1)) * 16
        side = size + 2 * int(np.ceil(size * self._margin))
        images = np.zeros((self._batch, 1, side, side), np.float32)
        bits = np.zeros((self._batch, side, side), np.uint8)
        known = np.ones((self._batch, 2), np.float32)
        for i, u in enumerate((np.arange(self._batch) + rng.random()) / self._batch):
            entry, index, centre = self._place(rng, u, size)
            target = entry.target(index)
            images[i, 0] = cut(entry.image(index)[0], centre, side)
            bits[i] = cut(target, centre, side)
            known[i, 1] = entry.has_cord
        masks = np.stack([bits & LESION, bits & CORD], 1).astype(bool).astype(np.float32)
        return Batch(images, masks, np.zeros(self._batch, np.int64), known, size)

    def _place(
        self, rng: np.random.Generator, u: float, size: int
    ) -> tuple[Entry, int, tuple[int, int]]:
        """Choose a slice, and the middle of a patch: `u` in [0, 1) says around what."""
        for bit, pool, until in (
            (LESION, self._lesion, AROUND_LESION),
            (CORD, self._cord, AROUND_LESION + AROUND_CORD),
        ):
            if u < until and pool:
                entry = _pick(rng, pool)
                index = int(rng.choice(entry.lesion if bit == LESION else entry.cord))
                pixels = np.argwhere(entry.target(index) & bit)
                row, column = pixels[rng.integers(len(pixels))] + rng.integers(
                    -size // 4, size // 4 + 1, 2
                )
                return entry, index, (int(row), int(column))
        entry = _pick(rng, self._all)
        n, h, w = entry.shape
        return entry, int(rng.integers(n)), (int(rng.integers(h)), int(rng.integers(w)))


class WindowSampler:
    """Draw the classifiers' windows: classes equally often, and so the patients of each.

    Parameters
    ----------
    entries : sequence of Entry
        Those without slices are left out.
    labels : sequence of int
        Class of each entry, from 0.
    batch : int
        At least one of each class.
    seed : int

    Raises
    ------
    InputError
        A class without slices; a batch smaller than the number of classes.
    """

    def __init__(
        self, entries: Sequence[Entry], labels: Sequence[int], batch: int, seed: int
    ) -> None:
        n_classes = max(labels) + 1
        self._classes = [
            [e for e, own in zip(entries, labels, strict=True) if own == c and e.lesion]
            for c in range(n_classes)
        ]
        if not all(self._classes):
            raise InputError("a class has no slice with lesion to train with")
        if batch < n_classes:
            raise InputError(f"a batch of {batch} cannot hold {n_classes} classes")
        self._batch, self._seed = batch, seed

    def draw(self, step: int) -> Batch:
        """Return the batch of a step."""
        rng = np.random.default_rng([self._seed, step])
        n = len(self._classes)
        # What does not divide evenly goes to another class at each step.
        labels = (np.arange(self._batch) + step) % n
        windows = []
        for label in labels:
            pool = self._classes[label]
            entry = pool[rng.integers(len(pool))]
            windows.append(entry.image(int(rng.integers(entry.shape[0]))))
        x = np.stack(windows)
        known = np.ones((self._batch, 1), np.float32)
        return Batch(x[:, :2], x[:, 2:], labels.astype(np.int64), known, x.shape[-1])


def cut(image: NDArray[np.generic], centre: tuple[int, int], side: int) -> NDArray[np.generic]:
    """Cut a square around a pixel; zeros beyond the image, as beyond a prepared slice."""
    out = np.zeros((side, side), image.dtype)
    row, column = centre[0] - side // 2, centre[1] - side // 2
    top, left = max(row, 0), max(column, 0)
    bottom, right = min(row + side, image.shape[0]), min(column + side, image.shape[1])
    if top < bottom and left < right:
        part = image[top:bottom, left:right]
        out[top - row : bottom - row, left - column : right - column] = part
    return out


def _by(entries: Sequence[Entry], keep: Callable[[Entry], bool]) -> list[list[Entry]]:
    """Group the entries to keep by diagnosis, in a fixed order."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        if keep(entry):
            groups.setdefault(entry.case.diagnosis, []).append(entry)
    return [groups[name] for name in sorted(groups)]


def _pick(rng: np.random.Generator, groups: Sequence[Sequence[Entry]]) -> Entry:
    group = groups[int(rng.integers(len(groups)))]
    return group[int(rng.integers(len(group)))]
