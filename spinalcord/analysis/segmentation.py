"""Segment lesions on a scan: segmentation network, thresholds, and lesion table."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from .._moved import old_names
from ..errors import InputError, ModelError, SpinalcordWarning
from ..extras import require
from ..limits import LesionLimits
from ..memory import check_memory
from ..pictures.scene import MARGIN_MM, Scene
from ..scans.preparation import Array, Stopwatch, WorkingScan, batches
from ..scans.writing import save_volume, sidecar_path, write_json
from .cord_shape import CordShape, judge_cord
from .lesions import Lesion, measure_lesions
from .region import check_roi, cord_maps
from .results import (
    Record,
    Result,
    make_record,
    output_path,
    table_html,
)

if TYPE_CHECKING:
    from ..models.network import Network
    from ..scans.volume import Volume


@dataclass(frozen=True, eq=False)
class Segmentation(Result):
    """Lesions found on a scan; everything lies on the scan's own grid.

    Attributes
    ----------
    mask : Volume
        uint8, 1 in lesion.
    probability : Volume
        float32, the network's lesion probability in [0, 1].
    cord : Volume or None
        uint8, 1 in the cord: the user's own mask, or the one column of the network's outline,
        where it knows the cord.
    lesions : tuple of Lesion
        Connected components of the mask, the largest first.
    dropped : tuple of Lesion
        Lesions found but excluded from the mask, the largest first.
    record : Record
        Record of how it was made: models, settings, sources, versions.
    scan : Volume
        The scan.
    cord_plausible : bool or None
        Whether the network's cord has the shape of one; None where the cord is the user's, or
        unknown. Where it has not, the warnings say why, and the lesions are not to be trusted.

    Examples
    --------
    >>> import spinalcord as sc
    >>> phantom = sc.phantom.make_case("MS", 5, region="cervical", kind="2d")
    >>> found = sc.segment(phantom.t2)
    >>> found.mask.array.dtype, found.mask.same_grid(phantom.t2)
    (dtype('uint8'), True)
    >>> found.lesions[0].volume_mm3 >= found.lesions[-1].volume_mm3 > 0
    True
    >>> [path.name for path in found.save("lesions.nii.gz")]
    ['lesions.nii.gz', 'lesions.json', 'lesions_desc-cord_mask.nii.gz']
    """

    mask: Volume
    probability: Volume
    cord: Volume | None
    lesions: tuple[Lesion, ...]
    dropped: tuple[Lesion, ...]
    record: Record
    scan: Volume
    cord_plausible: bool | None = None

    @property
    def found(self) -> bool:
        """Whether there is any lesion."""
        return bool(self.lesions)

    @cached_property
    def volume_mm3(self) -> float:
        """Volume of all lesions together."""
        return int(np.count_nonzero(self.mask.array)) * self.mask.voxel_mm3

    @property
    def headline(self) -> str:
        """The number of lesions and their volume."""
        if not self.found:
            return "No lesion found"
        n = len(self.lesions)
        return f"{n} lesion{'s' * (n != 1)}, {self.volume_mm3:.0f} mm³"

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the images as plain values for JSON."""
        return {
            "found": self.found,
            "volume_mm3": self.volume_mm3,
            "cord_plausible": self.cord_plausible,
            "lesions": [lesion.to_dict() for lesion in self.lesions],
            "dropped": {
                "n_lesions": len(self.dropped),
                "volume_mm3": sum(lesion.volume_mm3 for lesion in self.dropped),
                "lesions": [lesion.to_dict() for lesion in self.dropped],
            },
            **self.record.to_dict(),
        }

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        probability: bool = False,
        format: str = "nifti",
        fractional: bool = False,
    ) -> list[Path]:
        """Write the mask on the scan's grid: as NIfTI with a JSON sidecar, or in another format.

        Parameters
        ----------
        path : path-like
            A folder (created if absent), in which files get BIDS-derivative names, or the mask's
            file name, ending in ``.nii`` or ``.nii.gz``. A cord mask that the network made is
            written beside it: ``m.nii.gz`` has its cord in ``m_desc-cord_mask.nii.gz``. Other
            formats have the endings ``.seg.nrrd`` and ``.dcm``.
        probability : bool, default False
            Whether to write the probabilities too; only into a folder, as NIfTI.
        format : {"nifti", "seg.nrrd", "dicom-seg", "dicom-sc"}, default "nifti"
            "seg.nrrd" is for 3D Slicer, with the cord as a segment of its own; "dicom-seg" is a
            Segmentation object that refers to the scan's images, "dicom-sc" a Secondary Capture of
            the slices with their outlines. Both need the extra `dicom`, and a scan read from DICOM
            files, whose patient and study they carry.
        fractional : bool, default False
            Whether "dicom-seg" holds the probabilities in place of the mask.

        Returns
        -------
        list of pathlib.Path
            The files, the mask first.

        Raises
        ------
        InputError
            Another ending or format, `probability` with a file name or another format,
            `fractional` with another format than "dicom-seg", a scan that is not from DICOM files,
            or a place that cannot be written.
        MissingExtraError
            DICOM without highdicom.
        """
        from .handover import FORMATS, check_format, save_segmentation

        check_format(format, FORMATS)
        if fractional and format != "dicom-seg":
            raise InputError(f'fractional belongs to format="dicom-seg", not to {format!r}')
        if format != "nifti":
            if probability:
                raise InputError(f"probability belongs to NIfTI files, not to {format!r}")
            return save_segmentation(self, path, format, fractional=fractional)
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

    def to_nibabel(self) -> Any:
        """Return the mask as a nibabel image (uint8), with the header's geometry of the scan."""
        return self.mask.to_nibabel()

    def to_sitk(self) -> Any:
        """Return the mask as a SimpleITK image (uint8)."""
        return self.mask.to_sitk()

    def to_frame(self, rows: str = "lesions") -> Any:
        """Return the lesions, or the slices that hold lesion, as a pandas DataFrame.

        Parameters
        ----------
        rows : {"lesions", "slices"}
            "lesions": the columns of `Lesion`, the largest first. "slices": slice (as stored),
            lesion_mm2, left to right.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        InputError
            Other rows.
        MissingExtraError
            Without pandas.
        """
        pandas = require("pandas", "report", "to_frame", instead="lesions and to_dict()")
        if rows == "lesions":
            table = [lesion.to_dict() for lesion in self.lesions]
            return pandas.DataFrame(
                table, columns=None if table else [f.name for f in fields(Lesion)]
            )
        if rows != "slices":
            raise InputError(f"rows is {rows!r}, expected 'lesions' or 'slices'")
        counts = np.count_nonzero(self.mask.sagittal().array, axis=(1, 2))
        filled = np.flatnonzero(counts)
        area = self.mask.sagittal_spacing_mm[1] * self.mask.sagittal_spacing_mm[2]
        numbers = [self.mask.stored_slice(index) for index in filled.tolist()]
        return pandas.DataFrame({"slice": numbers, "lesion_mm2": counts[filled] * area})

    def scene(self, *, probability: bool = False) -> Scene:
        """Return the contents of pictures, optionally with the probability map."""
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

    def _tables_html(self) -> str:
        rows = [lesion.to_dict() for lesion in self.lesions]
        return table_html(rows[:20], ("label", "volume_mm3", "length_mm", "max_diameter_mm"))


def _beside(target: Path, label: str) -> Path:
    """Return the name of another file beside the mask: m.nii.gz gives m_desc-cord_mask.nii.gz."""
    name = sidecar_path(target).stem
    ending = target.name.removeprefix(name)
    return target.with_name(f"{name.removesuffix('_desc-lesion_mask')}_{label}{ending}")


def segment_scan(
    scan: WorkingScan,
    network: Network,
    *,
    limits: LesionLimits | None = None,
    cord: Any = None,
    cord_label: int | str | None = None,
    roi: str = "full",
    watch: Stopwatch,
    progress: bool = False,
) -> Segmentation:
    """Segment the lesions of a prepared scan.

    Parameters
    ----------
    scan : WorkingScan
        The scan.
    network : Network
        A segmentation network.
    limits : LesionLimits, optional
        Thresholds that define a lesion; those of the model file if not given.
    cord, cord_label
        As for `Pipeline.segment`.
    roi
        As for `Pipeline`.
    watch : Stopwatch
        Stopwatch to which the seconds of each stage are added.
    progress : bool, default False
        Whether to show a bar on a terminal.

    Returns
    -------
    Segmentation

    Raises
    ------
    InputError, ModelError, BackendError
        As for `Pipeline.segment`.
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
    voxels = " x ".join(map(str, scan.array.shape))
    name = scan.volume.source.path or "the scan"
    check_memory(scan.segment_nbytes(model), f"{name}: to segment {voxels} voxels")
    labels = model.metadata["labels"]
    known = "given" if cord is not None else "network" if "cord" in model.outputs else "none"
    limits = (limits or LesionLimits()).fill(labels, cord=known)
    if cord is None and cord_label is not None:
        raise InputError(f"cord_label={cord_label} needs a cord mask, got none")
    inside = None if cord is None else scan.cord(cord, cord_label)
    maps, computed = _probabilities(scan, network, check_roi(roi), watch, progress)
    shape = None
    with watch.stage("lesions"):
        lesion = maps["lesion"]
        if inside is None and "cord" in maps:
            least = float(labels.get("cord_threshold", 0.5))
            shape = judge_cord((maps["cord"] >= least).astype(np.uint8), scan.affine)
            inside = shape.mask
        mask, lesions, dropped, doubts = measure_lesions(
            scan,
            (lesion >= limits.threshold).astype(np.uint8),
            lesion,
            inside,
            limits,
            cord_given=known == "given",
        )
    with watch.stage("restore"):
        placed = scan.place(mask), scan.place(lesion)
        cord_volume = None if inside is None else scan.place(inside)
    record = make_record(
        [scan],
        [network],
        settings=_settings(limits, known) | computed,
        seconds=watch.seconds,
        warnings=_in_order(shape, doubts),
    )
    plausible = None if shape is None else shape.plausible
    return Segmentation(*placed, cord_volume, lesions, dropped, record, scan.volume, plausible)


def warn_if_emptied(segmentation: Segmentation) -> None:
    """Warn if every detected lesion was excluded."""
    if segmentation.dropped and not segmentation.found:
        text = "; ".join(segmentation.warnings)
        warnings.warn(f"{segmentation.record.stem}: {text}", SpinalcordWarning, stacklevel=4)


def _in_order(shape: CordShape | None, about_lesions: list[str]) -> list[str]:
    """Return the warnings, those about the cord first because those about lesions depend on it."""
    if shape is None:
        return about_lesions
    if not shape.mask.any():  # no lesion can lie in it, as reported with the lesions
        return [*about_lesions, *shape.warnings]
    return [*shape.warnings, *about_lesions]


def _settings(limits: LesionLimits, cord: str) -> dict[str, Any]:
    """Return the limits for a sidecar, without those of the cord if it is unknown."""
    values = limits.to_dict()
    about_cord = {name: values.pop(name) for name in ("min_in_cord", "keep_outside_cord")}
    return values | {"cord": cord} | (about_cord if cord != "none" else {})


def _probabilities(
    scan: WorkingScan, network: Network, roi: str, watch: Stopwatch, progress: bool
) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the probabilities of each output on the working grid, and settings for the record."""
    with watch.stage("prepare"):
        images, frame = scan.segmentation_images(network.model)
    outputs = network.model.outputs

    def compute(some: Array) -> Array:
        maps = np.empty((len(outputs), len(some), *some.shape[2:]), np.float32)
        for part in batches(len(some), 2 * network.threads, "segment", progress=progress):
            maps[:, part] = network(some[part]).transpose(1, 0, 2, 3)
        return maps

    computed: dict[str, Any] = {}
    with watch.stage("network"):
        if roi == "full":
            maps = compute(images)
        elif "cord" not in outputs:
            raise ModelError(f"{network.model.path} outlines no cord, which roi='cord' needs")
        else:
            least = float(network.model.metadata["labels"].get("cord_threshold", 0.5))
            maps, found = cord_maps(compute, images, outputs.index("cord"), least)
            computed = {"roi": {"kind": roi, **found}}
    with watch.stage("restore"):
        shape = scan.array.shape[1:]
        restored = {name: _core.restore(maps[k], frame, shape) for k, name in enumerate(outputs)}
        return restored, computed


__getattr__ = old_names(__name__)
