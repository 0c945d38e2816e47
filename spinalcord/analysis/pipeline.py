"""Pipeline of models that are opened once for any number of scans."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

from .._moved import old_names
from ..limits import LesionLimits
from ..models.ensemble import open_model
from ..models.folder import ModelFolder, find_models
from ..models.network import Network, check_settings, resolve_precision
from ..scans.labels import Label
from ..scans.preparation import LesionSlices, Stopwatch
from ..tasks import TASKS
from .attribution import RING_MM, ExplanationOptions
from .case import CaseResults, analyse
from .classification import Diagnosis, classify_slices
from .explanation import Explanation, check_answer, explain_slices
from .opening import meanwhile, read_inputs, read_scan
from .region import check_roi
from .segmentation import Segmentation, segment_scan, warn_if_emptied

Kind = TypeVar("Kind")


class Pipeline:
    """Models opened once, for any number of scans and threads.

    Parameters
    ----------
    models : path-like, optional
        Folder with model files; those that come with the package if not given. Several files
        for one role are an ensemble, whose answers are the mean of theirs.
    precision : {"f32", "bf16", "auto"}, default "f32"
        Arithmetic of the networks; ``"auto"`` is bf16 where the CPU computes in it, which is 2
        to 3 times faster, else f32.
    threads : int, optional
        Threads of one call; the CPUs this process may use if not given.
    progress : bool, default False
        Whether to show bars on standard error, where that is a terminal.
    roi : {"full", "cord"}, default "full"
        What the segmentation computes: whole slices, or of most of them only a window round the
        cord, which is faster and nearly the same (``docs/core.md``); results say which.

    Raises
    ------
    InputError
        An unknown precision or roi, or fewer than one thread.
    ModelError
        No such folder, a damaged file in it, or files for one role that make no ensemble, since
        their settings differ. A missing role is an error only when it is needed.

    Examples
    --------
    >>> import spinalcord as sc
    >>> pipeline = sc.Pipeline(threads=2)
    >>> phantom = sc.phantom.make_case("MS", 5, region="cervical", kind="2d")
    >>> case = pipeline.run(phantom.t2)
    >>> case.segmentation.found, sorted(case.explanations)[0] in case.diagnosis.tasks
    (True, True)
    """

    def __init__(
        self,
        models: str | os.PathLike[str] | None = None,
        precision: str = "f32",
        threads: int | None = None,
        *,
        progress: bool = False,
        roi: str = "full",
    ) -> None:
        self._threads = check_settings(precision, threads)
        self._precision = resolve_precision(precision)
        self._progress, self._roi = progress, check_roi(roi)
        self._folder = find_models(models)
        self._networks: dict[str, Network] = {}
        self._locks: dict[str, threading.Lock] = {}  # of each role, so that several can open

    @property
    def models(self) -> ModelFolder:
        """The model files, opened or not."""
        return self._folder

    @property
    def precision(self) -> str:
        """Arithmetic of the networks."""
        return self._precision

    @property
    def threads(self) -> int:
        """Threads of one call."""
        return self._threads

    def network(self, role: str) -> Network:
        """Return the network for ``"segmentation"`` or a task; opened at the first call.

        Raises
        ------
        ModelError
            No model for it, or a damaged one.
        BackendError
            This CPU lacks the precision, or oneDNN failed.
        """
        with self._locks.setdefault(role, threading.Lock()):
            if role not in self._networks:
                model = self._folder.model(role)
                network = open_model(model, self._precision, self._threads)
                network.model.sha256  # noqa: B018 - kept now, while the file is this one
                self._networks[role] = network
            return self._networks[role]

    def segment(
        self,
        volume: Any,
        *,
        threshold: float | None = None,
        min_lesion_mm3: float | None = None,
        min_thickness_mm: float | None = None,
        min_peak: float | None = None,
        cord: Any = None,
        cord_label: int | str | None = None,
        min_in_cord: float | None = None,
        keep_outside_cord: bool | None = None,
        series: str | None = None,
    ) -> Segmentation:
        """Outline lesions on a sagittal T2-weighted scan of the spinal cord.

        Parameters
        ----------
        volume : path, Volume, nibabel or SimpleITK image
            The scan. Not modified.
        threshold : float, optional
            Smallest probability of a lesion voxel, in [0, 1]; the model file's if not given.
        min_lesion_mm3 : float, optional
            Smallest volume of a lesion, connected by 26 neighbours; smaller ones are excluded. The
            model file's, or 0, if not given.
        min_thickness_mm : float, optional
            Smallest thickness of a lesion from slice to slice: its volume over the area of its
            largest slice. Thinner ones are excluded with a warning: in thin slices noise and the
            central canal make streaks of one slice. The model file's, or 0, if not given.
        min_peak : float, optional
            Smallest peak probability of a lesion, in [0, 1]; lesions that reach it nowhere are
            excluded with a warning (hysteresis thresholding: `threshold` draws the outline, this
            asks for a confident voxel). The model file's, or 0, if not given.
        cord : path, Volume, nibabel or SimpleITK image, optional
            Mask of the cord on the scan's grid; the network's, where it outlines the cord, if not
            given. Lesions outside the cord are excluded with a warning and listed in
            `Segmentation.dropped`.
        cord_label : int or str, optional
            Value of the cord, or name of its segment, in a mask with others. If not given, all that
            is not 0 is cord, and several values give a warning; of segments what is called cord.
        min_in_cord : float, optional
            Smallest share, in [0, 1], of a lesion's voxels in the cord; a lesion with a smaller
            share, or none, lies outside. The model file's, or 0, if not given.
        keep_outside_cord : bool, optional
            Whether to keep lesions outside the cord, with a warning; False if not given, unless the
            model file sets it and the cord is the network's.
        series : str, optional
            SeriesInstanceUID, for a path to DICOM with several series.

        Returns
        -------
        Segmentation
            On the scan's own grid. A scan without lesion is a valid result.

        Raises
        ------
        InputError
            Unreadable or unusable scan; a cord mask on another grid; an option out of range;
            `min_in_cord` where no cord is known; `cord_label` without a cord mask.
        SeriesError
            Several DICOM series that fit equally well, or none.
        ModelError
            No segmentation model, or a damaged one.
        BackendError
            This CPU lacks the precision, or oneDNN failed.
        """
        limits = LesionLimits(
            threshold=threshold,
            min_lesion_mm3=min_lesion_mm3,
            min_thickness_mm=min_thickness_mm,
            min_peak=min_peak,
            min_in_cord=min_in_cord,
            keep_outside_cord=keep_outside_cord,
        )
        watch = Stopwatch()
        scan = self._meanwhile(("segmentation",), lambda: read_scan(volume, series, watch))
        segmentation = segment_scan(
            scan,
            self.network("segmentation"),
            limits=limits,
            cord=cord,
            cord_label=cord_label,
            watch=watch,
            **self._computing(),
        )
        warn_if_emptied(segmentation)
        return segmentation

    def classify(
        self,
        volume: Any,
        *,
        mask: Any = None,
        lesion_label: Label = None,
        t1c: Any = None,
        series: str | None = None,
    ) -> Diagnosis:
        """Distinguish tumour from demyelination, astrocytoma from ependymoma, and MS from NMOSD.

        Each network sees the sagittal slices that hold lesion; the patient's probability is the
        mean of theirs [1]_.

        Parameters
        ----------
        volume : path, Volume, nibabel or SimpleITK image
            Sagittal T2-weighted scan. Not modified.
        mask : Segmentation, path, Volume, nibabel or SimpleITK image, optional
            The lesions; outlined as by `segment` if not given. A path also to a ``.seg.nrrd`` of 3D
            Slicer, a DICOM SEG or RTSTRUCT. A mask on another grid of the same frame of reference
            is resampled, with a warning.
        lesion_label : int, str or mapping, optional
            What is lesion in a mask that holds other things too: a value, such as 2 where 1 is
            cord; the name of a segment; or a map, such as ``{"cord": 1, "lesion": 2}``. If not
            given, all voxels that are not 0 are lesion, and several values give a warning; of named
            segments those that are called lesion, plaque, tumour and the like.
        t1c : path, Volume, nibabel or SimpleITK image, optional
            Contrast-enhanced T1-weighted scan on the same grid. Without it that channel is zero.
        series : str, optional
            SeriesInstanceUID, for a path to DICOM with several series.

        Returns
        -------
        Diagnosis
            Without a lesion `found` is False and `diagnosis` None.

        Raises
        ------
        InputError
            Unreadable or unusable scan; a mask or a T1w scan on another grid; `lesion_label`
            without a mask.
        SeriesError
            Several DICOM series that fit equally well, or none.
        ModelError
            No model for a task, or a damaged one.
        BackendError
            This CPU lacks the precision, or oneDNN failed.

        References
        ----------
        .. [1] The letter that this package follows, Methods.
        """
        watch = Stopwatch()
        lesion, segmentation = self._lesion(
            volume, mask, lesion_label, t1c, series, watch, roles=tuple(TASKS)
        )
        networks = {task: self.network(task) for task in TASKS}
        return classify_slices(
            lesion, networks, segmentation=segmentation, watch=watch, progress=self._progress
        )

    def explain(
        self,
        volume: Any,
        *,
        task: str,
        mask: Any = None,
        lesion_label: Label = None,
        t1c: Any = None,
        target: str | None = None,
        method: str = "gradcam",
        layer: str | None = None,
        of: str | None = None,
        ring_mm: float = RING_MM,
        curves: bool = False,
        compare: Iterable[str] = (),
        series: str | None = None,
    ) -> Explanation:
        """Compute an attribution map of an answer on the slices with lesion.

        Grad-CAM [1]_ is fast and coarse: the network's last maps have 1/32 of the image, so one of
        their pixels is 3 cm at 1 mm. Other methods and layers look closer; none shows what a
        radiologist would call a reason. ``docs/explanations.md`` says what each can tell.

        Parameters
        ----------
        volume : path, Volume, nibabel or SimpleITK image
            Sagittal T2-weighted scan. Not modified.
        task : {"tumor_vs_demyelination", "astrocytoma_vs_ependymoma", "ms_vs_nmosd"}
            The question.
        mask, lesion_label, t1c
            As for `classify`.
        target : str, optional
            The answer to explain, such as ``"NMOSD"``; the one that the network gives if not given.
        method : str, default "gradcam"
            "gradcam" [1]_, "gradcam++" [2]_, "hirescam" [3]_, "layercam" [4]_ look at one layer's
            maps; "gradient" [5]_, "integrated" [6]_ and "occlusion" [7]_ at the image.
        layer : {"last", "block1", "block2", "block3", "block4", "input"}, optional
            The method's first layer if not given: "last", or "input". "hirescam" knows them all.
        of : {"logit", "difference", "probability"}, optional
            What is explained: the answer's logit (default), its difference from the other answer's
            (default of "occlusion", which knows no logit), or the answer's probability.
        ring_mm : float, default 5
            Width of the perilesional ring of `ring_fraction`.
        curves : bool, default False
            Whether to trace deletion and insertion [8]_: 41 passes more a slice.
        compare : iterable of str, default ()
            Other methods to compare the map with, as ``"method"`` or ``"method:layer"``.
        series
            As for `classify`.

        Returns
        -------
        Explanation
            Without a lesion `found` is False and `map` None.

        Raises
        ------
        InputError
            Unreadable or unusable scan; a mask or a T1w scan on another grid; an unknown task,
            target or method; a layer that the method does not know; an option out of range.
        SeriesError
            Several DICOM series that fit equally well, or none.
        ModelError
            No model for the task, or a damaged one.
        BackendError
            This CPU lacks the precision, or oneDNN failed.

        References
        ----------
        .. [1] R. R. Selvaraju et al., "Grad-CAM", ICCV 2017.
        .. [2] A. Chattopadhay et al., "Grad-CAM++", WACV 2018.
        .. [3] R. L. Draelos, L. Carin, "Use HiResCAM instead of Grad-CAM", arXiv 2011.08891, 2020.
        .. [4] P.-T. Jiang et al., "LayerCAM", IEEE Transactions on Image Processing 30, 2021.
        .. [5] K. Simonyan et al., "Deep inside convolutional networks", arXiv 1312.6034, 2014.
        .. [6] M. Sundararajan et al., "Axiomatic attribution for deep networks", ICML 2017.
        .. [7] M. D. Zeiler, R. Fergus, "Visualizing and understanding convolutional networks",
           ECCV 2014.
        .. [8] V. Petsiuk et al., "RISE", BMVC 2018.
        """
        check_answer(task, target)
        options = ExplanationOptions(method, layer, of, ring_mm, curves, compare)
        watch = Stopwatch()
        lesion, segmentation = self._lesion(
            volume, mask, lesion_label, t1c, series, watch, roles=(task,)
        )
        return explain_slices(
            lesion,
            self.network(task),
            target=target,
            options=options,
            segmentation=segmentation,
            watch=watch,
            progress=self._progress,
        )

    def run(
        self,
        volume: Any,
        *,
        mask: Any = None,
        lesion_label: Label = None,
        t1c: Any = None,
        series: str | None = None,
    ) -> CaseResults:
        """Segment, classify and explain a scan that is read and prepared once.

        Parameters
        ----------
        volume, mask, lesion_label, t1c, series
            As for `classify`.

        Returns
        -------
        CaseResults
            Explanations are those of the tasks that led to the diagnosis.

        Raises
        ------
        InputError, SeriesError, ModelError, BackendError
            As for `classify`.
        """
        watch = Stopwatch()
        roles = TASKS if mask is not None else ("segmentation", *TASKS)
        scan, given, contrast = self._meanwhile(
            roles, lambda: read_inputs(volume, mask, lesion_label, t1c, series, watch)
        )
        case = analyse(
            scan, self.network, mask=given, t1c=contrast, watch=watch, **self._computing()
        )
        if case.segmentation is not None:
            warn_if_emptied(case.segmentation)
        return case

    def _computing(self) -> dict[str, Any]:
        return {"progress": self._progress, "roi": self._roi}

    def _meanwhile(self, roles: Iterable[str], read: Callable[[], Kind]) -> Kind:
        """Read while the networks of `roles` are opened; errors of models are raised first."""
        for role in roles:
            self._folder.model(role)
        return meanwhile([partial(self.network, role) for role in roles], read, self._threads)

    def _lesion(
        self,
        volume: Any,
        mask: Any,
        lesion_label: Label,
        t1c: Any,
        series: str | None,
        watch: Stopwatch,
        *,
        roles: tuple[str, ...],
    ) -> tuple[LesionSlices, Segmentation | None]:
        """Read the scan, and use the given mask or segment the lesions."""
        scan, given, contrast = self._meanwhile(
            roles if mask is not None else (*roles, "segmentation"),
            lambda: read_inputs(volume, mask, lesion_label, t1c, series, watch),
        )
        if given is not None:
            return LesionSlices(scan, given, contrast), None
        segmentation = segment_scan(
            scan, self.network("segmentation"), watch=watch, **self._computing()
        )
        warn_if_emptied(segmentation)
        found = scan.working(segmentation.mask.array)
        return LesionSlices(scan, found, contrast), segmentation

    def __reduce__(self) -> tuple[Any, ...]:
        own = self._folder.path, self._precision, self._threads, self._progress, self._roi
        return _rebuild, own

    def __repr__(self) -> str:
        roles = ", ".join(self._folder.models) or "no models"
        return (
            f"<Pipeline {self._folder.path}: {roles}; {self._precision}, {self._threads} threads>"
        )


def _rebuild(
    models: os.PathLike[str], precision: str, threads: int, progress: bool, roi: str = "full"
) -> Pipeline:
    return Pipeline(models, precision, threads, progress=progress, roi=roi)


__getattr__ = old_names(__name__)
