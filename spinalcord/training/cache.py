"""Cache prepared slices on disk: each scan is prepared once, then read slice by slice.

Scans are prepared by the code of `spinalcord.segment` and `spinalcord.classify`, with the settings
that the model file will contain. Images are stored as uint16, 65535 for 1, masks as bits.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from ..cohort.listing import CohortCase
from ..errors import InputError
from ..models.model_file import Model
from ..scans.annotations import Annotation
from ..scans.labels import Label, check_label
from ..scans.preparation import LesionSlices, WorkingScan
from ..scans.writing import write_bytes, write_json
from .settings import SEGMENTATION

LESION, CORD = 1, 2
"""Bits of a target mask."""

OUTLINED = "outlined"
"""Key of a case's `truth` if its mask is the output of a network: 1 is lesion, whatever the
label."""

UNKNOWN_CORD = "cord ignored"
"""Key of a case's `truth` if its cord is to be treated as unknown."""

_LAYOUT = 3
_ONE = 65535


@dataclass(frozen=True)
class Entry:
    """The prepared slices of one case.

    Attributes
    ----------
    case : CohortCase
    folder, key : Path, str
        Their files: ``KEY.images.npy`` and, for segmentation, ``KEY.targets.npy``.
    shape : tuple of int
        (slices, h, w).
    lesion, cord : tuple of int
        Slices that hold any.
    ends : tuple of (int, int), empty or two
        Row and column of the cord's upper and lower end.
    spacing_mm : float
        Distance between slices.
    context_mm : float, optional
        Distance of the slices that are the first and third channel of an image; None: one channel.
    has_cord, has_t1c : bool
        Whether the cord is known; whether there is a contrast-enhanced T1w scan.
    unannotated : frozenset of int
        Slices that were not annotated, whose lesion is unknown.
    """

    case: CohortCase
    folder: Path
    key: str
    shape: tuple[int, int, int]
    lesion: tuple[int, ...]
    cord: tuple[int, ...]
    ends: tuple[tuple[int, int], ...]
    spacing_mm: float
    context_mm: float | None
    has_cord: bool
    has_t1c: bool
    unannotated: frozenset[int] = frozenset()

    @property
    def channels(self) -> int:
        """Number of channels of an image: 1, or 3 with the neighbouring slices."""
        return 1 if self.context_mm is None else 3

    def image(self, index: int) -> NDArray[np.float32]:
        """Return one slice, float32 (channels, h, w) in [0, 1]."""
        return self.patch(index, lambda stored: stored)

    def patch(
        self, index: int, cut: Callable[[NDArray[np.uint16]], NDArray[np.uint16]]
    ) -> NDArray[np.float32]:
        """Return what `cut` selects of a slice and its neighbours, scaled as by `image`."""
        stored = self._stored("images", mapped=True)
        if self.context_mm is None:
            return _scaled(np.stack([cut(channel) for channel in stored[index]]))
        step = self.context_mm / self.spacing_mm
        first = max(index - math.ceil(step), 0)
        near = stored[first : index + math.ceil(step) + 1, 0]
        beside = _core.with_context(_scaled(np.stack([cut(s) for s in near])), step)
        seen: NDArray[np.float32] = beside[index - first]
        return seen

    def images(self) -> NDArray[np.float32]:
        """Return all slices, float32 (slices, channels, h, w) in [0, 1]."""
        stored = _scaled(self._stored("images"))
        if self.context_mm is None:
            return stored
        return _core.with_context(stored[:, 0], self.context_mm / self.spacing_mm)

    def target(self, index: int) -> NDArray[np.uint8]:
        """Return the target of one slice, uint8 (h, w) with the bits above."""
        return np.array(self._stored("targets", mapped=True)[index])

    def targets(self) -> NDArray[np.uint8]:
        """Return the targets of all slices, uint8 (slices, h, w)."""
        stored: NDArray[np.uint8] = self._stored("targets")
        return stored

    def _stored(self, what: str, *, mapped: bool = False) -> NDArray[Any]:
        path = self.folder / f"{self.key}.{what}.npy"
        try:
            stored: NDArray[Any] = np.load(path, mmap_mode="r" if mapped else None)
        except (OSError, ValueError) as error:
            raise _unreadable(path, error) from error
        return stored


def prepare_cases(
    cases: Iterable[CohortCase],
    metadata: Mapping[str, Any],
    folder: str | os.PathLike[str],
    *,
    lesion_label: Label = None,
    progress: bool = False,
) -> list[Entry]:
    """Prepare the cases that are not in the cache.

    Parameters
    ----------
    cases : iterable of CohortCase
    metadata : mapping
        Metadata of the future model file, of which preprocessing, labels and in_channels are used.
    folder : path
        Created if absent; several trainings may share it.
    lesion_label : int, str or mapping, optional
        As for `spinalcord.classify`: what in the lesion masks is lesion.
    progress : bool
        Whether to show a bar on a terminal.

    Returns
    -------
    list of Entry
        In the order of the cases.  For a classifier without slices where the mask is empty.

    Raises
    ------
    InputError
        An unreadable scan or mask; a mask outside the patient or flipped; a T1w on another grid.
    """
    from tqdm import tqdm

    folder = Path(folder)
    model = Model(Path("training"), metadata, ())
    listed = list(cases)
    shown = tqdm(listed, desc="prepare", unit="case", disable=None if progress else True)
    label = check_label(lesion_label)
    return [_prepare(case, model, folder, label) for case in shown]


def _prepare(case: CohortCase, model: Model, folder: Path, label: Label) -> Entry:
    if OUTLINED in case.truth:
        label = None
    key = _key(case, model, label)
    about = folder / f"{key}.json"
    if not about.is_file():
        scan = WorkingScan(case.path, series=case.series)
        drawn = scan.annotation(case.mask, label, case.cord)
        if drawn.doubts:
            raise InputError(
                f"{case.mask}: {'; '.join(drawn.doubts)}; correct it or exclude the case"
            )
        make = _segmentation if model.role == SEGMENTATION else _classification
        facts = make(case, model, scan, drawn, folder / key)
        # Written last: an entry with this file is complete.
        write_json(about, facts)
    facts = _facts(about)
    if UNKNOWN_CORD in case.truth:
        facts |= {"cord": [], "ends": [], "has_cord": False}
    return Entry(
        case=case,
        folder=folder,
        key=key,
        shape=tuple(facts["shape"]),
        lesion=tuple(facts["lesion"]),
        cord=tuple(facts["cord"]),
        ends=tuple((row, column) for row, column in facts["ends"]),
        spacing_mm=facts["spacing_mm"],
        context_mm=model.preprocessing.get("context_mm"),
        has_cord=facts["has_cord"],
        has_t1c=facts["has_t1c"],
        unannotated=frozenset(facts["unannotated"]),
    )


def _facts(path: Path) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    return facts


def _unreadable(path: Path, error: Exception) -> InputError:
    why = getattr(error, "strerror", None) or error
    return InputError(f"{path}: what was prepared cannot be read: {why}")


def ignore_cord(case: CohortCase) -> CohortCase:
    """Return a copy of a case whose cord is treated as unknown, even if it is annotated."""
    return replace(case, truth={**case.truth, UNKNOWN_CORD: "yes"})


def cord_counts(entries: Sequence[Entry]) -> str:
    """Return a sentence on the number of cases with known cord; empty if it is known in all."""
    n = sum(entry.has_cord for entry in entries)
    if n == len(entries):
        return ""
    return f"the cord is known in {n} of {len(entries)} cases; the others are ignored for it"


def _segmentation(
    case: CohortCase, model: Model, scan: WorkingScan, drawn: Annotation, stem: Path
) -> dict[str, Any]:
    alone = Model(model.path, {**model.metadata, "preprocessing": _alone(model)}, ())
    images, frame = scan.segmentation_images(alone)
    lesion = scan.working(drawn.lesion.array)
    cord = None if drawn.cord is None else scan.working(drawn.cord.array)
    target = np.zeros((len(images), *images.shape[2:]), np.uint8)
    stretched = model.preprocessing["mode"] != "physical"
    for bit, mask in ((LESION, lesion), (CORD, cord)):
        if mask is not None:
            share = _core.resample(
                (mask > 0).astype(np.float32),
                images.shape[2:],
                frame,
                filter="nearest" if stretched else "area",
            )
            target |= np.where(share >= 0.5, np.uint8(bit), np.uint8(0))
    _save(stem, "images", _stored(images))
    _save(stem, "targets", target)
    return {
        "shape": list(target.shape),
        "lesion": _slices_with(target, LESION),
        "cord": _slices_with(target, CORD),
        "ends": _ends(target),
        "spacing_mm": scan.spacing_mm[0],
        "has_cord": cord is not None,
        "has_t1c": False,
        "unannotated": list(drawn.unannotated),
    }


def _classification(
    case: CohortCase, model: Model, scan: WorkingScan, drawn: Annotation, stem: Path
) -> dict[str, Any]:
    lesion = scan.working(drawn.lesion.array)
    t1c = None if case.t1c is None else scan.coregistered(case.t1c, "t1c")
    images, slices, _ = LesionSlices(scan, lesion, t1c).images(model)
    _save(stem, "images", _stored(images))
    return {
        "shape": [len(images), *images.shape[2:]],
        "lesion": list(range(len(slices))),
        "cord": [],
        "ends": [],
        "spacing_mm": scan.spacing_mm[0],
        "has_cord": False,
        "has_t1c": t1c is not None,
        "unannotated": [],
    }


def _slices_with(target: NDArray[np.uint8], bit: int) -> list[int]:
    found: list[int] = np.flatnonzero((target & bit).any((1, 2))).tolist()
    return found


def _ends(target: NDArray[np.uint8]) -> list[list[int]]:
    """Return row and mean column of the first and the last row with cord in any slice."""
    shown: NDArray[np.bool_] = ((target & CORD) > 0).max(axis=0)
    rows = np.flatnonzero(shown.any(1))
    if not rows.size:
        return []
    return [[int(row), int(np.flatnonzero(shown[row]).mean())] for row in rows[[0, -1]]]


def _alone(model: Model) -> dict[str, Any]:
    """Return the preparation of single slices; neighbours are stacked when slices are read."""
    return {key: value for key, value in model.preprocessing.items() if key != "context_mm"}


def _stored(images: NDArray[np.float32]) -> NDArray[np.uint16]:
    stored: NDArray[np.uint16] = np.rint(images * np.float32(_ONE)).astype(np.uint16)
    return stored


def _scaled(stored: NDArray[np.uint16]) -> NDArray[np.float32]:
    images: NDArray[np.float32] = stored.astype(np.float32) / np.float32(_ONE)
    return images


def _save(stem: Path, kind: str, array: NDArray[Any]) -> None:
    buffer = io.BytesIO()
    np.save(buffer, array)
    write_bytes(stem.with_name(f"{stem.name}.{kind}.npy"), buffer.getvalue())


def _key(case: CohortCase, model: Model, label: Label) -> str:
    """Return the cache key of a case: a digest of its files and of the preparation."""
    files = [case.path, case.mask, case.cord if model.role == SEGMENTATION else case.t1c]
    parts = [
        _LAYOUT,
        model.network,
        _alone(model),
        case.series,
        [None if file is None else _stamp(Path(file)) for file in files],
        *([] if label is None else [label]),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]


def _stamp(path: Path) -> list[Any]:
    try:
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        marks = [(f.stat().st_size, f.stat().st_mtime_ns) for f in files]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    return [str(path.absolute()), marks]
