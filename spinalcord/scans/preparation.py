"""Prepare a scan for the networks, and bring their outputs back to its grid.

The input of the networks has the working orientation (slice L->R, row S->I, column A->P); results
are returned on the scan's own grid. The voxels are moved by the C core.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .. import _core
from ..errors import InputError, ModelError, note_warnings
from .annotations import Annotation, read_annotation, read_structure
from .labels import Label
from .volume import Volume, check_scan
from .writing import describe_source

Array = np.ndarray[Any, Any]

BAR_DELAY_S = 2.0
"""Seconds after which a progress bar is shown."""


class ModelSettings(Protocol):
    """Properties of a model, as `spinalcord.models.model_file.Model`, used in preparation."""

    @property
    def path(self) -> Path:
        """The model file, for messages."""

    @property
    def in_channels(self) -> int:
        """Channels of the network's input."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the network's outputs."""

    @property
    def preprocessing(self) -> Mapping[str, Any]:
        """The model file's `preprocessing`."""


class WorkingScan:
    """A scan in the working orientation, with intermediate results that several steps share.

    Parameters
    ----------
    scan : path, Volume, nibabel or SimpleITK image
        A sagittal T2-weighted scan.
    series : str, optional
        SeriesInstanceUID, for a path to DICOM with several series.

    Attributes
    ----------
    volume : Volume
        The scan as stored.
    array : float32 (slices, rows, columns) array
        Its intensities in the working orientation.
    affine : float64 (4, 4) array
        From working index to RAS+ millimetres.
    spacing_mm : tuple of float
        Spacing along slice, row and column axis.
    warnings : list of str
        Warnings so far, with file names instead of whole paths.

    Raises
    ------
    InputError
        Unreadable or unusable as a sagittal scan of a spinal cord.
    SeriesError
        Several DICOM series that fit equally well, or none.
    """

    def __init__(self, scan: Any, *, series: str | None = None) -> None:
        self.warnings: list[str] = []
        with self._noted(scan):
            self.volume = take_scan(scan, series=series)
        self.array = self._orient(self.volume)
        self.affine = np.ascontiguousarray(self.volume.sagittal().affine)
        self.spacing_mm = self.volume.sagittal_spacing_mm
        self._normalized: dict[float, Array] = {}

    @cached_property
    def source(self) -> dict[str, Any]:
        """Identify the files that the scan was read from; see `describe_source`.

        If they have been removed since, the checksum is None: the scan is still in memory.

        Raises
        ------
        InputError
            A file that is there cannot be read: what was read before may be damaged, too.
        """
        try:
            return describe_source(self.volume)
        except InputError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise
            origin = self.volume.source
            self.warnings.append("the scan's files have gone since it was read: no checksum")
            return {
                "name": None if origin.path is None else origin.path.name,
                "kind": origin.kind,
                "files": len(origin.files),
                "sha256": None,
            }

    def normalized(self, clip: float) -> Array:
        """Return the intensities scaled to [0, 1], as the networks expect them; computed once."""
        if clip not in self._normalized:
            self._normalized[clip] = _core.normalize(self.array, clip=clip)
        return self._normalized[clip]

    def segmentation_images(self, model: ModelSettings) -> tuple[Array, Array]:
        """Return the input images of the segmentation network, and their position.

        Returns
        -------
        images : float32 (slices, c, h, w) array
            One channel, or three where the model file has `preprocessing.context_mm`: each slice
            between its neighbours at that distance.
        frame : float64 (4,) array
        """
        settings = model.preprocessing
        t2 = self.normalized(settings["clip"])
        images, frame = _core.prepare_segmentation(t2, self.spacing_mm, **_resampling(model))
        if "context_mm" in settings:
            step = settings["context_mm"] / self.spacing_mm[0]
            images = _core.with_context(images[:, 0], step)
        return images, frame

    def segment_nbytes(self, model: ModelSettings) -> int:
        """Estimate the additional memory that segmenting this scan takes.

        Per voxel: the scan in the working orientation once more, scaled, each output's map, and
        masks, labels and results; per pixel of the images: their channels and each output.
        """
        slices, rows, columns = self.array.shape
        n_outputs = len(model.outputs)
        settings = model.preprocessing
        if settings["mode"] == "physical":
            h, w = (
                math.ceil(n * mm / settings["pixel_mm"]) + 16
                for n, mm in zip((rows, columns), self.spacing_mm[1:], strict=True)
            )
        else:
            h, w = settings["size"]
        channels = model.in_channels + 1
        per_voxel = 4 + 5 * n_outputs + 16
        pixels = slices * h * w * 4 * (channels + n_outputs)
        return int(slices * rows * columns * per_voxel + pixels)

    def mask(self, mask: Any, label: Label = None) -> Array:
        """Convert a user's lesion mask to the working orientation.

        Parameters
        ----------
        mask, label
            As for `read_annotation`.

        Returns
        -------
        uint8 (slices, rows, columns) array

        Raises
        ------
        InputError
            As for `read_annotation`; a bare array.
        """
        return self.working(self.annotation(mask, label).lesion.array)

    def annotation(self, mask: Any, label: Label = None, cord: Any = None) -> Annotation:
        """Read an annotation of the scan: lesion, cord, and which slices were not annotated.

        Parameters
        ----------
        mask, label, cord
            As for `read_annotation`.

        Returns
        -------
        Annotation
            On the scan's own grid; `working` reorients its arrays.

        Raises
        ------
        InputError
            As for `read_annotation`; a bare array.
        """
        with self._noted(mask):
            return read_annotation(mask, like=self.volume, label=label, cord=cord)

    def cord(self, mask: Any, label: int | str | None = None) -> Array:
        """Convert a user's cord mask, or the cord of a file of named segments, likewise."""
        with self._noted(mask):
            placed = read_structure(mask, like=self.volume, structure="cord", label=label)
        return self.working(placed.array)

    def coregistered(self, scan: Any, name: str) -> WorkingScan:
        """Convert another scan of the same patient on the same grid.

        Parameters
        ----------
        scan : path, Volume, nibabel or SimpleITK image
            Stored in any axis order.
        name : str
            Name of the scan in error messages.

        Returns
        -------
        WorkingScan

        Raises
        ------
        InputError
            On another grid, or unusable.
        """
        other = WorkingScan(scan)
        self.warnings += other.warnings
        ours, theirs = self.volume.sagittal(), other.volume.sagittal()
        if not ours.same_grid(theirs):
            raise InputError(
                f"{name} lies on another grid ({_grid(other.volume)}) than the scan "
                f"({_grid(self.volume)}): resample it onto the scan first, for example with "
                "nibabel.processing.resample_from_to or SimpleITK.Resample"
            )
        return other

    def working(self, array: Array) -> Array:
        """Convert an array stored like the scan to the working orientation; keeps the dtype."""
        moved = array.transpose(self.volume.orientation.permutation)
        flips = tuple(slice(None, None, -1 if f else 1) for f in self.volume.orientation.flips)
        return np.ascontiguousarray(moved[flips])

    def place(self, array: Array) -> Volume:
        """Return a working array of uint8, int32 or float32 to the grid of the scan."""
        orientation = self.volume.orientation
        return self.volume.like(_core.unorient(array, orientation.permutation, orientation.flips))

    @contextlib.contextmanager
    def _noted(self, scan: Any) -> Iterator[None]:
        with note_warnings() as heard:
            yield
        # The name of a folder may be that of a patient, and results are passed on.
        path = Path(scan) if _is_path(scan) else None
        self.warnings += [
            text if path is None else text.replace(str(path), path.name) for text in heard
        ]

    @staticmethod
    def _orient(volume: Volume) -> Array:
        orientation = volume.orientation
        return _core.orient(volume.array, orientation.permutation, orientation.flips)


def take_scan(scan: Any, *, series: str | None = None) -> Volume:
    """Convert a scan from any accepted form, and check that it can be a sagittal cord scan.

    Parameters
    ----------
    scan : path, Volume, nibabel or SimpleITK image
        As for `spinalcord.segment`.
    series : str, optional
        Only for a path to DICOM.

    Returns
    -------
    Volume

    Raises
    ------
    InputError
        Unreadable or unusable; a bare array without an affine.
    SeriesError
        Several DICOM series that fit equally well, or none.
    """
    volume = Volume.from_any(scan, series=series)
    if not _is_path(scan):  # checked by the reader
        check_scan(volume)
    return volume


class LesionSlices:
    """Slices with lesion, prepared as inputs of the classifiers.

    Parameters
    ----------
    scan : WorkingScan
        The scan.
    mask : uint8 (slices, rows, columns) array
        Lesion in the working orientation.
    t1c : WorkingScan, optional
        Contrast-enhanced T1w on the same grid; its channel is zero without.
    """

    def __init__(self, scan: WorkingScan, mask: Array, t1c: WorkingScan | None = None) -> None:
        self.scan = scan
        self.mask = mask
        self.t1c = t1c
        self.found = bool(mask.any())
        self._images: dict[str, tuple[Array, Array, Array]] = {}

    @cached_property
    def stored_mask(self) -> Volume:
        """The mask on the scan's own grid."""
        return self.scan.place(self.mask)

    def images(self, model: ModelSettings) -> tuple[Array, Array, Array]:
        """Prepare the slices as a model expects them; computed once for equal settings.

        Parameters
        ----------
        model : Model or ModelSettings
            A classifier.

        Returns
        -------
        images : float32 (n, 3, h, w) array
            Channels [t1c, t2, mask].
        slices : int64 (n,) array
            Slice that each image shows, ascending.
        frames : float64 (n, 4) array
            Position of each image on its slice.

        Raises
        ------
        ModelError
            The model takes other than three channels.
        """
        if model.in_channels != 3:
            raise ModelError(
                f"{model.path} takes {model.in_channels} input channels; a classifier for this "
                "pipeline takes 3 (contrast-enhanced T1w, T2w, lesion mask)"
            )
        settings = {**_resampling(model), "clip": model.preprocessing["clip"]}
        key = json.dumps(settings, sort_keys=True)
        if key not in self._images:
            clip = settings.pop("clip")
            contrast = None if self.t1c is None else self.t1c.normalized(clip)
            self._images[key] = _core.prepare_classification(
                self.scan.normalized(clip), self.mask, contrast, self.scan.spacing_mm, **settings
            )
        return self._images[key]


class Stopwatch:
    """Seconds per stage, summed if a stage is entered several times.

    Attributes
    ----------
    seconds : dict of str to float
        Seconds of the finished stages.
    current : str
        Stage entered last; after an error, the one that raised it. Empty before the first.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.current = ""

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a ``with`` block."""
        start = time.perf_counter()
        self.current = name
        try:
            yield
        finally:
            passed = time.perf_counter() - start
            self.seconds[name] = self.seconds.get(name, 0.0) + passed


def batches(n: int, size: int, title: str, *, progress: bool) -> Iterator[slice]:
    """Iterate over n images in small batches, with a progress bar, interruptible by Ctrl-C.

    Parameters
    ----------
    n : int
        Images.
    size : int
        Images per batch, at least 1.
    title : str
        Title of the bar.
    progress : bool
        Whether to show a bar on standard error, where that is a terminal, once `BAR_DELAY_S`
        have passed.

    Yields
    ------
    slice
        The next ones.
    """
    if not progress:
        yield from (slice(i, min(i + size, n)) for i in range(0, n, size))
        return
    from tqdm import tqdm

    with tqdm(
        total=n, desc=title, unit="slice", delay=BAR_DELAY_S, disable=None, leave=False
    ) as bar:
        for part in batches(n, size, title, progress=False):
            yield part
            bar.update(part.stop - part.start)


def _resampling(model: ModelSettings) -> dict[str, Any]:
    settings = model.preprocessing
    return {key: settings[key] for key in ("mode", "size", "pixel_mm") if key in settings}


def _is_path(value: Any) -> bool:
    return isinstance(value, str) or hasattr(value, "__fspath__")


def _grid(volume: Volume) -> str:
    shape = " x ".join(str(n) for n in volume.shape)
    spacing = " x ".join(f"{mm:.4g}" for mm in volume.spacing_mm)
    origin = ", ".join(f"{mm:.1f}" for mm in volume.affine[:3, 3])
    return f"{shape} voxels of {spacing} mm, first at {origin} mm"
