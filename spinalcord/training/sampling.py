"""Draw batches by class: patches for segmentation, windows for the classifiers.

A batch depends only on the seed and its step, so a resumed training sees the same batches and there
is no state to store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .cache import CORD, LESION, Entry

LESION_SHARE, CORD_SHARE, BESIDE_SHARE, BEYOND_SHARE = 0.25, 0.40, 0.20, 0.08
"""Of the patches, around lesions, on the cord, beside it, and above and below its ends; the others
lie anywhere.  Measured: with half of them around lesions a network calls too much; without those
beside the cord it takes the sac's edge for cord and lesion there, where most false lesions lay."""

BESIDE_SLICES, BESIDE_MM = 3, 6.0
"""Largest distance of patches beside the outermost slices of the cord: the larger of the two."""

BEYOND_ROWS = 24
"""Minimum number of rows beyond an end of the cord for a patch; fewer are mostly padding."""

LESION_FREE = 0.5
"""Share of the patches not around lesions that come from cases without any, where there are some:
patches around the cord of a patient mostly hold a lesion too."""


T = TypeVar("T", bound=np.generic)

Place: TypeAlias = tuple[int, tuple[int, int]]
"""Slice, and row and column of the centre of a patch."""


@dataclass(frozen=True)
class Batch:
    """Batch of one step, before augmentation.

    Attributes
    ----------
    images : float32 (n, channels, h, w)
    masks : float32 (n, m, h, w)
        0 and 1: lesion and cord, or the lesion mask that is a classifier's third channel.
    labels : int64 (n,)
        Class; 0 for patches.
    known : float32 (n, m)
        1 if a mask is known; 0 for the cord of a case without cord mask, and for the lesion on a
        slice that was not annotated.
    size : (int, int)
        Rows and columns of the augmented images.
    auxiliary : float32 (n, k), optional
        Auxiliary targets of a classifier, with mean 0 and standard deviation 1; NaN if unknown.
    """

    images: NDArray[np.float32]
    masks: NDArray[np.float32]
    labels: NDArray[np.int64]
    known: NDArray[np.float32]
    size: tuple[int, int]
    auxiliary: NDArray[np.float32] | None = None


class PatchSampler:
    """Draw patches around lesions, on, beside and beyond the cord, and at random places.

    Patches without lesion prevent false positives: beside the cord, in its outermost slices and a
    few further out, the edge of the dural sac looks like cord; above and below it are brainstem and
    cauda equina. All diagnoses are drawn equally often, and so are the patients of each.

    Parameters
    ----------
    entries : sequence of Entry
    batch : int
    patch : (int, int)
        Smallest and largest height; all patches of a batch have the same.
    seed : int
    margin : float, default 0
        Margin on each side for rotation, as a fraction of the height.
    aspect : float, default 1
        Height over width; widths are the nearest multiples of 16.
    shares : four floats
        Shares of patches around lesions, on the cord, beside it and beyond its ends.
    mined : float, default 0
        Share of the patches around `hard`, drawn before the other shares apply.

    Attributes
    ----------
    hard : list of (Entry, Place)
        Places of errors of a network; may be replaced at any time.

    Raises
    ------
    InputError
        No slice among the entries.
    """

    def __init__(
        self, entries: Sequence[Entry], batch: int, patch: tuple[int, int], seed: int,
        *, margin: float = 0.0, aspect: float = 1.0,
        shares: Sequence[float] = (LESION_SHARE, CORD_SHARE, BESIDE_SHARE, BEYOND_SHARE),
        mined: float = 0.0,
    ) -> None:  # fmt: skip
        self._all = _Pool(entries, lambda e: e.shape[0] > 0)
        if not self._all:
            raise InputError("no slice to draw patches from")
        cord = _Pool(entries, lambda e: bool(e.cord))
        until = np.cumsum(shares).tolist()
        self._ways: list[tuple[float, _Pool, Callable[..., Place]]] = [
            (until[0], _Pool(entries, lambda e: bool(e.lesion)), _around_lesion),
            (until[1], cord, _on_cord),
            (until[2], cord, _beside_cord),
            (until[3], _Pool(entries, lambda e: any(_beyond(e))), _beyond_cord),
        ]
        self._channels = max(e.channels for e in entries)
        self._batch, self._patch, self._seed, self._margin = batch, patch, seed, margin
        self._aspect, self._mined = aspect, mined
        self.hard: list[tuple[Entry, Place]] = []

    def pick(self, rng: np.random.Generator) -> Entry:
        """Draw a case, as for a patch."""
        return self._all.pick(rng)

    def draw(self, step: int) -> Batch:
        """Return the batch of a step."""
        rng = np.random.default_rng([self._seed, step])
        height = int(rng.integers(self._patch[0] // 16, self._patch[1] // 16 + 1)) * 16
        size = height, max(round(height / self._aspect / 16), 1) * 16
        margin = 2 * int(np.ceil(height * self._margin))
        shape = size[0] + margin, size[1] + margin
        images = np.zeros((self._batch, self._channels, *shape), np.float32)
        bits = np.zeros((self._batch, *shape), np.uint8)
        known = np.ones((self._batch, 2), np.float32)
        for i, u in enumerate((np.arange(self._batch) + rng.random()) / self._batch):
            entry, index, centre = self._place(rng, u, size)
            images[i] = entry.patch(index, partial(cut, centre=centre, shape=shape))
            bits[i] = cut(entry.target(index), centre, shape)
            known[i] = index not in entry.unannotated, entry.has_cord
        masks = np.stack([bits & LESION, bits & CORD], 1).astype(bool).astype(np.float32)
        return Batch(images, masks, np.zeros(self._batch, np.int64), known, size)

    def _place(
        self, rng: np.random.Generator, u: float, size: tuple[int, int]
    ) -> tuple[Entry, int, tuple[int, int]]:
        """Choose the slice and the centre of a patch; `u` in [0, 1) selects the kind of place."""
        if self.hard and rng.random() < self._mined:
            entry, (index, at) = self.hard[int(rng.integers(len(self.hard)))]
            return entry, index, _moved(np.array(at), rng, size)
        for until, pool, place in self._ways:
            if u < until and pool:
                entry = pool.pick(rng)
                return entry, *place(entry, rng, size)
        entry = self._all.pick(rng)
        n, h, w = entry.shape
        return entry, int(rng.integers(n)), (int(rng.integers(h)), int(rng.integers(w)))


def _around_lesion(entry: Entry, rng: np.random.Generator, size: tuple[int, int]) -> Place:
    index = int(rng.choice(entry.lesion))
    return index, _near(entry, index, LESION, rng, size)


def _on_cord(entry: Entry, rng: np.random.Generator, size: tuple[int, int]) -> Place:
    index = int(rng.choice(entry.cord))
    return index, _near(entry, index, CORD, rng, size)


def _beside_cord(entry: Entry, rng: np.random.Generator, size: tuple[int, int]) -> Place:
    """Return an outermost slice of the cord, or one further out at the same place."""
    reach = max(BESIDE_SLICES, round(BESIDE_MM / entry.spacing_mm))
    last = entry.shape[0] - 1
    choices = [(max(entry.cord[0] - k, 0), entry.cord[0]) for k in range(reach + 1)]
    choices += [(min(entry.cord[-1] + k, last), entry.cord[-1]) for k in range(reach + 1)]
    # Slices beyond the stack are replaced by its end, counted once.
    index, at = sorted(set(choices))[int(rng.integers(len(set(choices))))]
    return index, _near(entry, at, CORD, rng, size)


def _beyond_cord(entry: Entry, rng: np.random.Generator, size: tuple[int, int]) -> Place:
    """Return a place above or below the ends of the cord, in or near a slice with cord."""
    above, below = _beyond(entry)
    (top, left), (bottom, right) = entry.ends
    upwards = bool(above) and (not below or rng.random() < 0.5)
    row = int(rng.integers(top)) if upwards else bottom + int(rng.integers(1, below + 1))
    column = (left if upwards else right) + int(rng.integers(-size[1] // 2, size[1] // 2 + 1))
    low, high = entry.cord[0] - 1, entry.cord[-1] + 1
    index = int(np.clip(rng.integers(low, high + 1), 0, entry.shape[0] - 1))
    return index, (row, column)


def _beyond(entry: Entry) -> tuple[int, int]:
    """Return the number of rows above and below the cord; 0 if too few for a patch."""
    if not entry.ends:
        return 0, 0
    above, below = entry.ends[0][0], entry.shape[1] - 1 - entry.ends[1][0]
    return (above if above >= BEYOND_ROWS else 0), (below if below >= BEYOND_ROWS else 0)


def _near(
    entry: Entry, index: int, bit: int, rng: np.random.Generator, size: tuple[int, int]
) -> tuple[int, int]:
    """Draw a pixel of a mask and shift it by up to a quarter of the patch."""
    pixels = np.argwhere(entry.target(index) & bit)
    return _moved(pixels[rng.integers(len(pixels))], rng, size)


def _moved(
    pixel: NDArray[np.int64], rng: np.random.Generator, size: tuple[int, int]
) -> tuple[int, int]:
    reach = np.array(size) // 4
    row, column = pixel + rng.integers(-reach, reach + 1)
    return int(row), int(column)


class WindowSampler:
    """Draw windows for a classifier: classes equally often, and the patients of each equally often.

    Parameters
    ----------
    entries : sequence of Entry
        Those without slices are ignored.
    labels : sequence of int
        Class of each entry, from 0.
    batch : int
        At least one of each class.
    seed : int
    auxiliary : float32 (entries, k), optional
        As in `Batch`.

    Raises
    ------
    InputError
        A class without slices; a batch smaller than the number of classes.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        labels: Sequence[int],
        batch: int,
        seed: int,
        auxiliary: NDArray[np.float32] | None = None,
    ) -> None:
        n_classes = max(labels) + 1
        self._entries, self._auxiliary = entries, auxiliary
        self._classes = [
            [k for k, own in enumerate(labels) if own == c and entries[k].lesion]
            for c in range(n_classes)
        ]
        if not all(self._classes):
            raise InputError("a class has no slice with lesion to train with")
        if batch < n_classes:
            raise InputError(f"a batch of {batch} is too small for {n_classes} classes")
        self._batch, self._seed = batch, seed

    def draw(self, step: int) -> Batch:
        """Return the batch of a step."""
        rng = np.random.default_rng([self._seed, step])
        n = len(self._classes)
        # The remainder goes to another class at each step.
        labels = (np.arange(self._batch) + step) % n
        windows, drawn = [], []
        for label in labels:
            pool = self._classes[label]
            drawn.append(pool[rng.integers(len(pool))])
            entry = self._entries[drawn[-1]]
            windows.append(entry.image(int(rng.integers(entry.shape[0]))))
        x = np.stack(windows)
        known = np.ones((self._batch, 1), np.float32)
        auxiliary = None if self._auxiliary is None else self._auxiliary[drawn]
        return Batch(x[:, :2], x[:, 2:], labels.astype(np.int64), known, x.shape[-2:], auxiliary)


class _Pool:
    """Pool of entries: diagnoses equally often, those without lesion by their number."""

    def __init__(self, entries: Sequence[Entry], keep: Callable[[Entry], bool]) -> None:
        kept = [entry for entry in entries if keep(entry)]
        names = sorted({entry.case.diagnosis for entry in kept if entry.lesion})
        groups = [[e for e in kept if e.lesion and e.case.diagnosis == name] for name in names]
        self._ill, self._free = groups, [entry for entry in kept if not entry.lesion]

    def __bool__(self) -> bool:
        return bool(self._ill or self._free)

    def pick(self, rng: np.random.Generator) -> Entry:
        """Draw an entry."""
        free = bool(self._free) and (not self._ill or rng.random() < LESION_FREE)
        group = self._free if free else self._ill[int(rng.integers(len(self._ill)))]
        return group[int(rng.integers(len(group)))]


def cut(image: NDArray[T], centre: tuple[int, int], shape: tuple[int, int]) -> NDArray[T]:
    """Cut out a rectangle around a pixel, padded with zeros beyond the image."""
    out = np.zeros(shape, image.dtype)
    row, column = centre[0] - shape[0] // 2, centre[1] - shape[1] // 2
    top, left = max(row, 0), max(column, 0)
    bottom, right = min(row + shape[0], image.shape[0]), min(column + shape[1], image.shape[1])
    if top < bottom and left < right:
        part = image[top:bottom, left:right]
        out[top - row : bottom - row, left - column : right - column] = part
    return out
