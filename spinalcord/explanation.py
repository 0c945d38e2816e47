"""Explain an answer: where on the lesion's slices the evidence for it lies."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from .classification import lesion_record
from .errors import InputError
from .mosaic import draw_mosaic
from .results import Record, Recorded, output_path, result_html
from .scene import MARGIN_MM, Scene
from .tasks import TASKS
from .working import Array, LesionSlices, Stopwatch, batches
from .writing import camel_case, save_volume, sidecar_path, write_json

if TYPE_CHECKING:
    from .network import Network
    from .segmentation import Segmentation
    from .volume import Volume


LAYERS = ("last",)
"""Maps that Grad-CAM can look at."""


@dataclass(frozen=True, eq=False)
class Explanation(Recorded):
    """A Grad-CAM map of one answer, on the scan's own grid.

    Attributes
    ----------
    task : str
        The question.
    target : str or None
        The answer that is explained; None without a lesion.
    probability : float or None
        Of that answer, for the patient; None without a lesion.
    map : Volume or None
        float32, signed: positive where the slice speaks for the answer, negative where against,
        0 in slices without lesion. In the logit's units. None without a lesion.
    inside_fraction : float or None
        Share of the positive part of the map that lies in the lesion; None where there is none.
    segmentation : Segmentation or None
        The lesions, where no mask was given.
    record : Record
        How it was made.
    scan, mask : Volume
        The scan, and the lesions on it (uint8).
    """

    task: str
    target: str | None
    probability: float | None
    map: Volume | None
    inside_fraction: float | None
    segmentation: Segmentation | None
    record: Record
    scan: Volume
    mask: Volume

    @property
    def found(self) -> bool:
        """Whether there is any lesion; without one nothing is explained."""
        return self.map is not None

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the map as plain values for JSON."""
        return {
            "found": self.found,
            "task": self.task,
            "target": self.target,
            "probability": self.probability,
            "inside_fraction": self.inside_fraction,
            **self.record.to_dict(),
        }

    def save(self, path: str | os.PathLike[str]) -> list[Path]:
        """Write the signed map as NIfTI on the scan's grid, with a JSON sidecar.

        Parameters
        ----------
        path : path-like
            A folder (made if absent), which gets BIDS-derivative names, or a file name that
            ends in ``.nii`` or ``.nii.gz``.

        Returns
        -------
        list of pathlib.Path
            The files, the map first; without a lesion the sidecar alone.

        Raises
        ------
        InputError
            Another ending, or a place that cannot be written.
        """
        label = f"desc-gradcam_task-{camel_case(self.task)}"
        target = output_path(path, self.record.stem, label, ".nii.gz")
        files = [] if self.map is None else [save_volume(self.map, target)]
        return [*files, write_json(sidecar_path(target), self.to_dict())]

    def scene(self) -> Scene:
        """Put together what pictures show: scan, lesions and map."""
        label = f"evidence for {self.target}, in the logit's units"
        return Scene(self.scan, self.mask, heat=self.map, heat_label=label)

    def plot(
        self,
        *,
        slices: Sequence[int] | None = None,
        margin_mm: float | None = MARGIN_MM,
        figure: Any = None,
        ax: Any = None,
    ) -> Any:
        """Plot the map over the slices that hold lesion, left to right.

        Needs the extra `report`.

        Parameters
        ----------
        slices, margin_mm, figure, ax
            As for `spinalcord.plots.plot_scene`.

        Returns
        -------
        matplotlib Figure, or Axes where `ax` is given

        Raises
        ------
        InputError
            Without matplotlib, or as for `spinalcord.plots.plot_scene`.
        """
        from . import plots

        return plots.plot_explanation(
            self, slices=slices, margin_mm=margin_mm, figure=figure, ax=ax
        )

    def view(self, *, margin_mm: float | None = None) -> Any:
        """Show one slice at a time in a notebook, with a slider; needs the extra `notebook`.

        Parameters
        ----------
        margin_mm : float, optional
            What is shown around the lesions; whole slices if not given.

        Returns
        -------
        ipywidgets VBox

        Raises
        ------
        InputError
            Without ipywidgets, or as for `spinalcord.plots.view_scene`.
        """
        from . import plots

        return plots.view_scene(self.scene(), margin_mm=margin_mm)

    def _repr_html_(self) -> str:
        if not self.found:
            return result_html(
                "No lesion found: nothing to explain", draw_mosaic(self.scene()), "", self.record
            )
        title = f"{self.task}: {self.target} (p = {self.probability:.3f})"
        if self.inside_fraction is not None:
            title += f"; {self.inside_fraction:.0%} of the evidence inside the lesion"
        return result_html(title, draw_mosaic(self.scene()), "", self.record)


def explain_slices(
    lesion: LesionSlices,
    network: Network,
    *,
    target: str | None = None,
    layer: str = "last",
    segmentation: Segmentation | None = None,
    watch: Stopwatch,
    progress: bool = False,
) -> Explanation:
    """Explain one answer for lesions that are outlined already; see `explain`.

    Parameters
    ----------
    lesion : LesionSlices
        The scan, the mask and the contrast-enhanced scan.
    network : Network
        The task's classifier.
    target, layer
        As for `explain`.
    segmentation : Segmentation, optional
        Where the mask comes from, for the record.
    watch : Stopwatch
        Gets the seconds of each stage added.
    progress : bool, default False
        Whether to show a bar on a terminal.

    Returns
    -------
    Explanation

    Raises
    ------
    InputError, ModelError, BackendError
        As for `explain`.
    """
    model = network.model
    check_target(model.role, target, layer)
    index, probability, stored, inside, heat = None, None, None, None, None
    warnings = []
    if lesion.found:
        with watch.stage("prepare"):
            images, slices, frames = lesion.images(model)
        index, probability, maps = _gradcam(network, images, target, watch, progress)
        with watch.stage("restore"):
            shape = lesion.mask.shape
            heat = _core.restore_map(maps, slices, frames, images.shape[2:], shape)
            stored = lesion.scan.place(heat)
        inside = _inside_fraction(heat, lesion.mask)
        if inside is None:
            warnings.append(
                f"the map is nowhere positive: nothing in the slices speaks for "
                f"{model.outputs[index]}"
            )
    chosen = None if index is None else model.outputs[index]
    record = lesion_record(
        lesion,
        [network],
        segmentation,
        watch,
        settings={"target": chosen, "layer": layer},
        warnings=warnings,
    )
    return Explanation(
        task=model.role,
        target=chosen,
        probability=probability,
        map=stored,
        inside_fraction=inside,
        segmentation=segmentation,
        record=record,
        scan=lesion.scan.volume,
        mask=lesion.stored_mask,
    )


def check_target(task: str, target: str | None, layer: str = "last") -> None:
    """Check the names of a task, of the answer to explain and of the layer to look at.

    Raises
    ------
    InputError
        An unknown task or layer, or a target that is none of the task's two answers.
    """
    if layer not in LAYERS:
        raise InputError(f"layer is {layer!r}, expected one of {', '.join(LAYERS)}")
    if task not in TASKS:
        raise InputError(f"task is {task!r}, expected one of {', '.join(TASKS)}")
    answers = TASKS[task].negative, TASKS[task].positive
    if target is not None and target not in answers:
        raise InputError(f"target is {target!r}, expected {answers[0]} or {answers[1]} for {task}")


def _gradcam(
    network: Network, images: Array, target: str | None, watch: Stopwatch, progress: bool
) -> tuple[int, float, Array]:
    """Return the answer's index, its probability for the patient, and (n, h', w') maps."""
    model = network.model
    index = 1 if target is None else model.outputs.index(target)
    with watch.stage("network"):
        maps, positive = _gradcam_of(network, images, index, progress)
        if target is None and positive < model.threshold:
            index = 0
            maps, positive = _gradcam_of(network, images, index, progress)
    return index, positive if index == 1 else 1.0 - positive, maps


def _gradcam_of(network: Network, images: Array, index: int, progress: bool) -> tuple[Array, float]:
    maps, positive = [], []
    title = network.model.role
    for part in batches(len(images), 2 * network.threads, title, progress=progress):
        some, probabilities = network.gradcam(images[part], index)
        maps.append(some)
        positive.append(probabilities[:, 1])
    return np.concatenate(maps), float(np.concatenate(positive).mean(dtype=np.float64))


def _inside_fraction(heat: Array, mask: Array) -> float | None:
    positive = np.maximum(heat, 0)
    total = float(positive.sum(dtype=np.float64))
    if not total > 0:
        return None
    return float(positive[mask > 0].sum(dtype=np.float64)) / total


def explain(
    volume: Any,
    *,
    task: str,
    mask: Any = None,
    t1c: Any = None,
    target: str | None = None,
    layer: str = "last",
    series: str | None = None,
    models: str | os.PathLike[str] | None = None,
    precision: str = "f32",
    threads: int | None = None,
    progress: bool = False,
) -> Explanation:
    """Show where on the lesion's slices the evidence for an answer lies: Grad-CAM [1]_.

    The map is that of the network's last maps (1/32 of the image), weighed by the gradient of
    the answer's logit, laid over each slice that holds lesion. It is coarse: one of its pixels
    is 32 of the image, 3 cm at 1 mm.

    Parameters
    ----------
    volume : path, Volume, nibabel or SimpleITK image
        Sagittal T2-weighted scan. Not modified.
    task : {"tumor_vs_demyelination", "astrocytoma_vs_ependymoma", "ms_vs_nmosd"}
        The question.
    mask, t1c
        As for `spinalcord.classify`.
    target : str, optional
        The answer to explain, such as ``"NMOSD"``; the one that the network gives if not given.
    layer : {"last"}, default "last"
        The maps to look at: the network's last ones.
    series, models, precision, threads, progress
        As for `spinalcord.classify`.

    Returns
    -------
    Explanation
        Without a lesion `found` is False and `map` None.

    Raises
    ------
    InputError
        Unreadable or unusable scan; a mask or a T1w scan on another grid; an unknown task,
        target or layer; an option out of range.
    SeriesError
        Several DICOM series that fit equally well, or none.
    ModelError
        No model for the task, or a damaged one.
    BackendError
        This CPU lacks the precision, or oneDNN failed.

    References
    ----------
    .. [1] R. R. Selvaraju et al., "Grad-CAM", ICCV 2017.

    Examples
    --------
    >>> shown = explain("t2.nii.gz", task="ms_vs_nmosd", models="models")  # doctest: +SKIP
    >>> shown.target, shown.inside_fraction  # doctest: +SKIP
    """
    from .pipeline import shared_pipeline

    pipeline = shared_pipeline(models, precision, threads, progress)
    return pipeline.explain(
        volume, task=task, mask=mask, t1c=t1c, target=target, layer=layer, series=series
    )
