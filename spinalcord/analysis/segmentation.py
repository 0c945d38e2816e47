"""Outline lesions on a scan: the segmentation network, thresholds, and the lesion table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from ..errors import InputError, ModelError
from ..pictures.mosaic import draw_mosaic
from ..pictures.scene import MARGIN_MM, Scene
from ..scans.preparation import Array, Stopwatch, WorkingScan, batches
from ..scans.writing import save_volume, sidecar_path, write_json
from .lesions import Lesion, measure_lesions
from .results import (
    Record,
    Recorded,
    check_number,
    make_record,
    output_path,
    result_html,
    table_html,
)

if TYPE_CHECKING:
    from ..models.network import Network
    from ..scans.volume import Volume


@dataclass(frozen=True, eq=False)
class Segmentation(Recorded):
    """Lesions found on a scan; everything lies on the scan's own grid.

    Attributes
    ----------
    mask : Volume
        uint8, 1 in lesion.
    probability : Volume
        float32, the network's lesion probability in [0, 1].
    cord : Volume or None
        uint8, 1 in the cord: the user's own mask, or the network's where it knows the cord.
    lesions : tuple of Lesion
        Connected components of the mask, the largest first.
    dropped : tuple of Lesion
        What was found outside the cord and left out of the mask, the largest first.
    record : Record
        How it was made: models, settings, sources, versions.
    scan : Volume
        The scan.
    """

    mask: Volume
    probability: Volume
    cord: Volume | None
    lesions: tuple[Lesion, ...]
    dropped: tuple[Lesion, ...]
    record: Record
    scan: Volume

    @property
    def found(self) -> bool:
        """Whether there is any lesion."""
        return bool(self.lesions)

    @cached_property
    def volume_mm3(self) -> float:
        """Volume of all lesions together."""
        return int(np.count_nonzero(self.mask.array)) * self.mask.voxel_mm3

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the images as plain values for JSON."""
        return {
            "found": self.found,
            "volume_mm3": self.volume_mm3,
            "lesions": [lesion.to_dict() for lesion in self.lesions],
            "dropped": {
                "n_lesions": len(self.dropped),
                "volume_mm3": sum(lesion.volume_mm3 for lesion in self.dropped),
                "lesions": [lesion.to_dict() for lesion in self.dropped],
            },
            **self.record.to_dict(),
        }

    def save(self, path: str | os.PathLike[str], *, probability: bool = False) -> list[Path]:
        """Write the mask as NIfTI on the scan's grid, with a JSON sidecar.

        Parameters
        ----------
        path : path-like
            A folder (created if absent), in which files get BIDS-derivative names, or the mask's
            file name, ending in ``.nii`` or ``.nii.gz``. A cord mask that the network made is
            written beside it: ``m.nii.gz`` has its cord in ``m_desc-cord_mask.nii.gz``.
        probability : bool, default False
            Whether to write the probabilities too; only into a folder.

        Returns
        -------
        list of pathlib.Path
            The files, the mask first.

        Raises
        ------
        InputError
            Another ending, `probability` with a file name, or a place that cannot be written.
        """
        stem = self.record.stem
        target = output_path(path, stem, "desc-lesion_mask", ".nii.gz")
        named = target == Path(path)
        if named and probability:
            raise InputError(
                f"{target}: the probabilities need a folder to go to, not the mask's file name"
            )
        files = [save_volume(self.mask, target)]
        files.append(write_json(sidecar_path(target), self.to_dict()))
        if probability:
            extra = output_path(path, stem, "desc-lesion_probseg", ".nii.gz")
            files.append(save_volume(self.probability, extra))
        if self.cord is not None and self.record.settings["cord"] == "network":
            label = "desc-cord_mask"
            extra = _beside(target, label) if named else output_path(path, stem, label, ".nii.gz")
            files.append(save_volume(self.cord, extra))
        return files

    def scene(self, *, probability: bool = False) -> Scene:
        """Put together what pictures show; on request with the network's probability."""
        if not probability:
            return Scene(self.scan, self.mask, self.cord)
        label = "probability of lesion"
        return Scene(self.scan, self.mask, self.cord, self.probability, label, 1.0)

    def plot(
        self,
        *,
        probability: bool = False,
        slices: Sequence[int] | None = None,
        margin_mm: float | None = MARGIN_MM,
        figure: Any = None,
        ax: Any = None,
    ) -> Any:
        """Plot the slices that hold lesion, left to right; needs the extra `report`.

        Parameters
        ----------
        probability : bool, default False
            Whether to lay the network's probability over them.
        slices, margin_mm, figure, ax
            As for `spinalcord.pictures.plots.plot_scene`.

        Returns
        -------
        matplotlib Figure, or Axes where `ax` is given

        Raises
        ------
        InputError
            Without matplotlib, or as for `spinalcord.pictures.plots.plot_scene`.
        """
        from ..pictures import plots

        return plots.plot_segmentation(
            self, probability=probability, slices=slices, margin_mm=margin_mm, figure=figure, ax=ax
        )

    def view(self, *, probability: bool = False, margin_mm: float | None = None) -> Any:
        """Show one slice at a time in a notebook, with a slider; needs the extra `notebook`.

        Parameters
        ----------
        probability : bool, default False
            Whether to lay the network's probability over the scan.
        margin_mm
            As for `spinalcord.pictures.plots.view_scene`.

        Returns
        -------
        ipywidgets VBox

        Raises
        ------
        InputError
            Without ipywidgets, or as for `spinalcord.pictures.plots.view_scene`.
        """
        from ..pictures import plots

        return plots.view_scene(self.scene(probability=probability), margin_mm=margin_mm)

    def _repr_html_(self) -> str:
        title = f"{len(self.lesions)} lesion{'s' * (len(self.lesions) != 1)}"
        if self.found:
            title += f", {self.volume_mm3:.0f} mm³"
        rows = [lesion.to_dict() for lesion in self.lesions]
        return result_html(
            title if self.found else "No lesion found",
            draw_mosaic(self.scene()),
            table_html(rows[:20], ("label", "volume_mm3", "length_mm", "max_diameter_mm")),
            self.record,
        )


def _beside(target: Path, label: str) -> Path:
    """Name another file after the mask's: m.nii.gz gives m_desc-cord_mask.nii.gz."""
    name = sidecar_path(target).stem
    ending = target.name.removeprefix(name)
    return target.with_name(f"{name.removesuffix('_desc-lesion_mask')}_{label}{ending}")


def segment_scan(
    scan: WorkingScan,
    network: Network,
    *,
    threshold: float | None = None,
    min_lesion_mm3: float | None = None,
    min_thickness_mm: float | None = None,
    min_peak: float | None = None,
    cord: Any = None,
    min_in_cord: float | None = None,
    keep_outside_cord: bool | None = None,
    watch: Stopwatch,
    progress: bool = False,
) -> Segmentation:
    """Outline the lesions of a prepared scan; see `segment` for the options.

    Parameters
    ----------
    scan : WorkingScan
        The scan.
    network : Network
        A segmentation network.
    threshold, min_lesion_mm3, min_thickness_mm, min_peak, cord, min_in_cord, keep_outside_cord
        As for `segment`.
    watch : Stopwatch
        Gets the seconds of each stage added.
    progress : bool, default False
        Whether to show a bar on a terminal.

    Returns
    -------
    Segmentation

    Raises
    ------
    InputError, ModelError, BackendError
        As for `segment`.
    """
    model = network.model
    context = "context_mm" in model.preprocessing
    if model.in_channels != (3 if context else 1):
        raise ModelError(
            f"{model.path} takes {model.in_channels} input channels; a segmentation model "
            + (
                "with context_mm takes 3 (a slice of T2w and two neighbours)"
                if context
                else "without context_mm takes 1 (a slice of T2w)"
            )
        )
    labels = model.metadata["labels"]
    known = "given" if cord is not None else "network" if "cord" in model.outputs else "none"
    if known == "none" and min_in_cord is not None:
        raise InputError(
            f"min_in_cord is {min_in_cord!r}, but no cord is known: pass a cord mask, or use a "
            "model that outlines the cord"
        )
    settings = {
        "threshold": _setting("threshold", threshold, model.threshold, 1.0),
        "min_lesion_mm3": _setting(
            "min_lesion_mm3", min_lesion_mm3, labels.get("min_lesion_mm3", 0.0), 1e9
        ),
        "min_thickness_mm": _setting(
            "min_thickness_mm", min_thickness_mm, labels.get("min_thickness_mm", 0.0), 1e3
        ),
        "min_peak": _setting("min_peak", min_peak, labels.get("min_peak", 0.0), 1.0),
        "cord": known,
    }
    if known != "none":
        least = _setting("min_in_cord", min_in_cord, labels.get("min_in_cord", 0.0), 1.0)
        keep = keep_outside_cord
        if keep is None:
            keep = known == "network" and labels.get("keep_outside_cord", False)
        settings |= {"min_in_cord": least, "keep_outside_cord": bool(keep)}
    inside = None if cord is None else scan.mask(cord)
    maps = _probabilities(scan, network, watch, progress)
    with watch.stage("lesions"):
        lesion = maps["lesion"]
        if inside is None and "cord" in maps:
            limit = float(labels.get("cord_threshold", 0.5))
            inside = (maps["cord"] >= limit).astype(np.uint8)
        mask = (lesion >= settings["threshold"]).astype(np.uint8)
        mask, lesions, dropped, warnings = measure_lesions(scan, mask, lesion, inside, settings)
    with watch.stage("restore"):
        placed = scan.place(mask), scan.place(lesion)
        cord_volume = None if inside is None else scan.place(inside)
    record = make_record(
        [scan],
        [network],
        settings=settings,
        seconds=watch.seconds,
        warnings=warnings,
    )
    return Segmentation(*placed, cord_volume, lesions, dropped, record, scan.volume)


def _setting(name: str, given: Any, otherwise: float, most: float) -> float:
    return check_number(name, otherwise if given is None else given, 0.0, most)


def _probabilities(
    scan: WorkingScan, network: Network, watch: Stopwatch, progress: bool
) -> dict[str, Array]:
    """Return each output's probabilities on the working grid, (slices, rows, columns)."""
    with watch.stage("prepare"):
        images, frame = scan.segmentation_images(network.model)
    outputs = network.model.outputs
    n, _, h, w = images.shape
    maps = np.empty((len(outputs), n, h, w), np.float32)
    with watch.stage("network"):
        for part in batches(n, 2 * network.threads, "segment", progress=progress):
            maps[:, part] = network(images[part]).transpose(1, 0, 2, 3)
    with watch.stage("restore"):
        shape = scan.array.shape[1:]
        return {name: _core.restore(maps[k], frame, shape) for k, name in enumerate(outputs)}


def segment(
    volume: Any,
    *,
    threshold: float | None = None,
    min_lesion_mm3: float | None = None,
    min_thickness_mm: float | None = None,
    min_peak: float | None = None,
    cord: Any = None,
    min_in_cord: float | None = None,
    keep_outside_cord: bool | None = None,
    series: str | None = None,
    models: str | os.PathLike[str] | None = None,
    precision: str = "f32",
    threads: int | None = None,
    progress: bool = False,
) -> Segmentation:
    """Outline lesions on a sagittal T2-weighted scan of the spinal cord.

    Parameters
    ----------
    volume : path, Volume, nibabel or SimpleITK image
        The scan. Not modified.
    threshold : float, optional
        A voxel is lesion where its probability is at least this, in [0, 1]; the model file's
        own if not given.
    min_lesion_mm3 : float, optional
        Connected lesions (26 neighbours) smaller than this are left out; the model file's own,
        or 0, if not given.
    min_thickness_mm : float, optional
        Lesions thinner than this from slice to slice (volume over the area of their largest
        slice) are left out, which `Segmentation.warnings` tells: in thin slices noise and the
        central canal make streaks of one slice; the model file's own, or 0, if not given.
    min_peak : float, optional
        Lesions in which no voxel has at least this probability, in [0, 1], are left out, which
        `Segmentation.warnings` tells: `threshold` draws the outline, this asks the network to be
        sure of it somewhere (hysteresis thresholding); the model file's own, or 0, if not given.
    cord : path, Volume, nibabel or SimpleITK image, optional
        A mask of the cord on the scan's grid; the network's own, where it outlines the cord, if
        not given. Lesions outside it are left out, which `Segmentation.warnings` and `.dropped`
        tell.
    min_in_cord : float, optional
        A lesion lies outside the cord if no voxel of it lies inside, or less than this share of
        them, in [0, 1]; the model file's own, or 0, if not given.
    keep_outside_cord : bool, optional
        Whether to keep lesions outside the cord, and only warn of them; False if not given,
        unless the model file asks for it and the cord is the network's own.
    series : str, optional
        SeriesInstanceUID, for a path to DICOM with several series.
    models : path-like, optional
        Folder with model files; those that come with the package if not given.
    precision : {"f32", "bf16", "auto"}, default "f32"
        Arithmetic of the networks; ``"auto"`` is bf16 where the CPU computes in it, which is 2
        to 3 times faster, else f32.
    threads : int, optional
        The CPUs this process may use if not given.
    progress : bool, default False
        Whether to show a bar on standard error, where that is a terminal.

    Returns
    -------
    Segmentation
        On the scan's own grid. That there is no lesion is a result too.

    Raises
    ------
    InputError
        Unreadable or unusable scan; a cord mask on another grid; an option out of range;
        `min_in_cord` where no cord is known.
    SeriesError
        Several DICOM series that fit equally well, or none.
    ModelError
        No segmentation model, or a damaged one.
    BackendError
        This CPU lacks the precision, or oneDNN failed.

    Examples
    --------
    >>> found = segment("t2.nii.gz", models="models")  # doctest: +SKIP
    >>> found.volume_mm3, found.lesions[0].length_mm  # doctest: +SKIP
    """
    from .pipeline import shared_pipeline

    pipeline = shared_pipeline(models, precision, threads, progress)
    return pipeline.segment(
        volume,
        threshold=threshold,
        min_lesion_mm3=min_lesion_mm3,
        min_thickness_mm=min_thickness_mm,
        min_peak=min_peak,
        cord=cord,
        min_in_cord=min_in_cord,
        keep_outside_cord=keep_outside_cord,
        series=series,
    )
