"""Explain an answer with attribution maps of the slices with lesion."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._moved import old_names
from ..errors import InputError
from ..pictures.scene import Scene
from ..scans.preparation import LesionSlices, Stopwatch
from ..scans.writing import camel_case, save_volume, sidecar_path, write_json
from ..tasks import TASKS
from .attribution import (
    METHODS,
    Agreement,
    Attribution,
    Curves,
    ExplanationOptions,
    Focus,
    Method,
    OnePass,
    find_attribution,
)
from .classification import Answer, lesion_record
from .results import Record, Result, output_path

if TYPE_CHECKING:
    from ..models.network import Network
    from ..scans.volume import Volume
    from .segmentation import Segmentation


@dataclass(frozen=True, eq=False)
class Explanation(Result):
    """Attribution map of one answer, on the scan's own grid.

    Attributes
    ----------
    task : str
        The question.
    target : str or None
        The answer that is explained; None without a lesion.
    probability : float or None
        Probability of that answer for the patient; None without a lesion.
    map : Volume or None
        float32, signed: positive where the slice supports the answer, negative where it opposes it,
        0 in slices without lesion. In the units of what is explained (`of`), for each pixel of
        the layer. None without a lesion.
    options : ExplanationOptions
        `method`, `layer`, `of`, and how the map was judged.
    focus : Focus or None
        Shares of the attribution in the lesion and around it; None without a lesion.
    channels : mapping of str to float, or None
        What t1c, t2 and mask each add to the answer, mean over the slices, where a method tells:
        "integrated", and "hirescam" at the input.
    curves : Curves or None
        Deletion and insertion, where asked for.
    agreement : mapping of str to Agreement
        By ``"method:layer"``, where asked for.
    segmentation : Segmentation or None
        The lesions, where no mask was given.
    record : Record
        Record of how it was made.
    scan, mask : Volume
        The scan, and the lesions on it (uint8).

    Examples
    --------
    >>> import spinalcord as sc
    >>> phantom = sc.phantom.make_case("MS", 5, region="cervical", kind="2d")
    >>> shown = sc.explain(phantom.t2, task="ms_vs_nmosd", mask=phantom.lesion, target="MS")
    >>> shown.method.title, shown.options.ring_mm
    ('Grad-CAM', 5.0)
    >>> shown.map.array.dtype, shown.map.same_grid(phantom.t2)
    (dtype('float32'), True)
    """

    task: str
    target: str | None
    probability: float | None
    map: Volume | None
    options: ExplanationOptions
    focus: Focus | None
    channels: Mapping[str, float] | None
    curves: Curves | None
    agreement: Mapping[str, Agreement]
    segmentation: Segmentation | None
    record: Record
    scan: Volume
    mask: Volume

    @property
    def found(self) -> bool:
        """Whether there is any lesion; without one nothing is explained."""
        return self.map is not None

    @property
    def manner(self) -> ExplanationOptions:
        """Old name of `options`."""
        warnings.warn(
            "Explanation.manner is now Explanation.options; the old name will be removed in "
            "version 0.3",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.options

    @property
    def method(self) -> Method:
        """Description of the method."""
        return METHODS[self.options.method]

    @property
    def inside_fraction(self) -> float | None:
        """Share of the attribution that lies in the lesion; None where there is none."""
        return None if self.focus is None else self.focus.inside_fraction

    @property
    def ring_fraction(self) -> float | None:
        """Share of the attribution outside the lesion, within `options.ring_mm` of it."""
        return None if self.focus is None else self.focus.ring_fraction

    @property
    def scale(self) -> float | None:
        """Largest value of the attribution, which `shown` shows as 1; 0 where there is none."""
        if self.map is None:
            return None
        return float(self.method.attribution(self.map.array).max())

    @property
    def shown(self) -> Volume | None:
        """The attribution, float32 from 0 to 1, as pictures show it: in units of `scale`."""
        if self.map is None:
            return None
        attribution = self.method.attribution(self.map.array)
        return self.map.like(attribution / np.float32(self.scale or 1))

    @property
    def headline(self) -> str:
        """The result in a sentence, with what an even map would have."""
        if not self.found or self.focus is None:
            return "No lesion found: nothing to explain"
        said = f"{self.task}: {self.target} (p = {self.probability:.2f}), {self.method.title}"
        inside, around = self.inside_fraction, self.ring_fraction
        if inside is None or around is None:
            return said + "; no attribution for it"
        flat = self.focus.flat_inside_fraction, self.focus.flat_ring_fraction
        return (
            f"{said}; {inside:.1%} of the attribution in the lesion, {around:.1%} within "
            f"{self.options.ring_mm:g} mm around (of an even map: {flat[0]:.1%}, {flat[1]:.1%})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the map as plain values for JSON."""
        focus: dict[str, Any] = dict.fromkeys(each.name for each in fields(Focus))
        if self.focus is not None:
            focus = asdict(self.focus)
        return {
            "found": self.found,
            "task": self.task,
            "target": self.target,
            "probability": self.probability,
            "method": self.options.method,
            "layer": self.options.layer,
            "of": self.options.of,
            "scale": self.scale,
            **focus,
            "channels": None if self.channels is None else dict(self.channels),
            "curves": None if self.curves is None else self.curves.to_dict(),
            "agreement": {name: found.to_dict() for name, found in self.agreement.items()},
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
        label = f"desc-{self.options.label}_task-{camel_case(self.task)}"
        target = output_path(path, self.record.stem, label, ".nii.gz")
        files = [] if self.map is None else [save_volume(self.map, target)]
        return [*files, write_json(sidecar_path(target), self.to_dict())]

    def scene(self) -> Scene:
        """Return the contents of pictures: scan, lesions and map."""
        if self.method.magnitude:
            label = f"size of the {self.method.title} for {self.target}, largest 1"
            return Scene(self.scan, self.mask, heat=self.shown, heat_label=label)
        label = f"attribution for {self.target}, in the {self.options.of}'s units"
        return Scene(self.scan, self.mask, heat=self.map, heat_label=label)


def explain_slices(
    lesion: LesionSlices,
    network: Network,
    *,
    target: str | None = None,
    options: ExplanationOptions | None = None,
    answer: Answer | None = None,
    classified: OnePass | None = None,
    segmentation: Segmentation | None = None,
    watch: Stopwatch,
    progress: bool = False,
) -> Explanation:
    """Explain one answer for lesions with a given mask.

    Parameters
    ----------
    lesion : LesionSlices
        The scan, the mask and the contrast-enhanced scan.
    network : Network
        The task's classifier.
    target
        As for `Pipeline.{n}`.
    options : ExplanationOptions, optional
        Method, layer and extras; Grad-CAM at the last maps if not given.
    answer : Answer, optional
        Answer of this network for these slices, to avoid computing it again.
    classified : OnePass, optional
        Maps that the classification of these slices kept, likewise.
    segmentation : Segmentation, optional
        Source of the mask, for the record.
    watch : Stopwatch
        Stopwatch to which the seconds of each stage are added.
    progress : bool, default False
        Whether to show a bar on a terminal.

    Returns
    -------
    Explanation

    Raises
    ------
    InputError, ModelError, BackendError
        As for `Pipeline.{n}`.
    """
    model = network.model
    check_answer(model.role, target)
    options = ExplanationOptions() if options is None else options
    found: Attribution | None = None
    doubts: tuple[str, ...] = ()
    if lesion.found:
        index = None if target is None else model.outputs.index(target)
        positive = None if answer is None else answer.probability
        found = find_attribution(
            lesion,
            network,
            options,
            index=index,
            positive=positive,
            classified=classified,
            watch=watch,
            progress=progress,
        )
        target = model.outputs[found.index]
        doubts = found.reservations(METHODS[options.method], target)
    else:
        target = None
    record = lesion_record(
        lesion,
        [network],
        segmentation,
        watch,
        settings={"target": target, **options.to_dict()},
        warnings=doubts,
    )
    return Explanation(
        task=model.role,
        target=target,
        probability=None if found is None else found.probability,
        map=None if found is None else lesion.scan.place(found.map),
        options=options,
        focus=None if found is None else found.focus,
        channels=None if found is None else found.channels,
        curves=None if found is None else found.curves,
        agreement={} if found is None else found.agreement,
        segmentation=segmentation,
        record=record,
        scan=lesion.scan.volume,
        mask=lesion.stored_mask,
    )


def check_answer(task: str, target: str | None) -> None:
    """Check the names of a task and of the answer to explain.

    Raises
    ------
    InputError
        An unknown task, or a target that is not one of its two answers.
    """
    if task not in TASKS:
        raise InputError(f"task is {task!r}, expected one of {', '.join(TASKS)}")
    answers = TASKS[task].negative, TASKS[task].positive
    if target is not None and target not in answers:
        raise InputError(f"target is {target!r}, expected {answers[0]} or {answers[1]} for {task}")


__getattr__ = old_names(__name__)
