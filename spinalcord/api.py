"""Segment, classify or explain a scan in one call; models stay open between calls.

The options are those of `Pipeline`'s methods, whose documentation the functions take over.
"""

from __future__ import annotations

import inspect
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from .analysis.attribution import RING_MM
from .analysis.classification import Diagnosis
from .analysis.explanation import Explanation
from .analysis.pipeline import Pipeline
from .analysis.region import check_roi
from .analysis.segmentation import Segmentation
from .models.folder import find_models
from .models.network import check_settings, resolve_precision
from .scans.labels import Label

Function = TypeVar("Function", bound=Callable[..., Any])

MAX_SHARED = 4
"""Largest number of pipelines kept open."""

_shared: OrderedDict[Any, Pipeline] = OrderedDict()
_shared_lock = threading.Lock()


def _documented_as(method: Callable[..., Any]) -> Callable[[Function], Function]:
    """Insert documentation of a method and `Pipeline`'s options before a function's examples.

    So each option is described in one place. ``python -OO`` has no docstrings to join.
    """

    def complete(function: Function) -> Function:
        if function.__doc__ and method.__doc__ and Pipeline.__doc__:
            text = inspect.cleandoc(method.__doc__)
            opening = inspect.cleandoc(Pipeline.__doc__)
            begin = opening.index("models : ")
            opening = opening[begin : opening.index("\nRaises\n", begin)]
            text = text.partition("\nExamples\n")[0].rstrip()
            text = text.replace("\nReturns\n", f"{opening}\nReturns\n", 1)
            _, heading, examples = inspect.cleandoc(function.__doc__).partition("Examples\n")
            function.__doc__ = f"{text}\n\n{heading}{examples}\n"
        return function

    return complete


@_documented_as(Pipeline.segment)
def segment(
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
    models: str | os.PathLike[str] | None = None,
    precision: str = "f32",
    threads: int | None = None,
    progress: bool = False,
    roi: str = "full",
) -> Segmentation:
    """Outline lesions on a sagittal T2-weighted scan of the spinal cord.

    Examples
    --------
    A synthetic scan, whose lesions are known:

    >>> import spinalcord as sc
    >>> phantom = sc.phantom.make_case("MS", 5, region="cervical", kind="2d")
    >>> found = sc.segment(phantom.t2)
    >>> found.found
    True
    >>> found.mask.same_grid(phantom.t2)
    True
    """
    pipeline = shared_pipeline(models, precision, threads, progress, roi)
    return pipeline.segment(
        volume,
        threshold=threshold,
        min_lesion_mm3=min_lesion_mm3,
        min_thickness_mm=min_thickness_mm,
        min_peak=min_peak,
        cord=cord,
        cord_label=cord_label,
        min_in_cord=min_in_cord,
        keep_outside_cord=keep_outside_cord,
        series=series,
    )


@_documented_as(Pipeline.classify)
def classify(
    volume: Any,
    *,
    mask: Any = None,
    lesion_label: Label = None,
    t1c: Any = None,
    series: str | None = None,
    models: str | os.PathLike[str] | None = None,
    precision: str = "f32",
    threads: int | None = None,
    progress: bool = False,
    roi: str = "full",
) -> Diagnosis:
    """Distinguish tumour from demyelination, astrocytoma from ependymoma, and MS from NMOSD.

    Examples
    --------
    >>> import spinalcord as sc
    >>> phantom = sc.phantom.make_case("MS", 5, region="cervical", kind="2d")
    >>> found = sc.classify(phantom.t2, mask=phantom.lesion)
    >>> sorted(found.probabilities)
    ['MS', 'NMOSD', 'astrocytoma', 'ependymoma']
    >>> abs(sum(found.probabilities.values()) - 1) < 1e-6
    True
    """
    pipeline = shared_pipeline(models, precision, threads, progress, roi)
    return pipeline.classify(volume, mask=mask, lesion_label=lesion_label, t1c=t1c, series=series)


@_documented_as(Pipeline.explain)
def explain(
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
    models: str | os.PathLike[str] | None = None,
    precision: str = "f32",
    threads: int | None = None,
    progress: bool = False,
    roi: str = "full",
) -> Explanation:
    """Compute an attribution map of an answer on the slices with lesion.

    Examples
    --------
    >>> import spinalcord as sc
    >>> phantom = sc.phantom.make_case("MS", 5, region="cervical", kind="2d")
    >>> shown = sc.explain(phantom.t2, task="ms_vs_nmosd", mask=phantom.lesion, target="MS")
    >>> shown.target, shown.map.same_grid(phantom.t2)
    ('MS', True)
    >>> 0 <= shown.inside_fraction <= 1
    True
    """
    pipeline = shared_pipeline(models, precision, threads, progress, roi)
    return pipeline.explain(
        volume,
        task=task,
        mask=mask,
        lesion_label=lesion_label,
        t1c=t1c,
        target=target,
        method=method,
        layer=layer,
        of=of,
        ring_mm=ring_mm,
        curves=curves,
        compare=compare,
        series=series,
    )


def shared_pipeline(
    models: str | os.PathLike[str] | None,
    precision: str,
    threads: int | None,
    progress: bool,
    roi: str = "full",
) -> Pipeline:
    """Return the pipeline that calls with equal settings share; the last few are kept open.

    Parameters
    ----------
    models, precision, threads, progress, roi
        As for `Pipeline`.

    Returns
    -------
    Pipeline
        Another one once a file in the folder has changed.

    Raises
    ------
    InputError, ModelError
        As for `Pipeline`.
    """
    count = check_settings(precision, threads)
    folder = find_models(models)
    stamps = tuple((model.path, model.stamp) for model in folder.models.values())
    precision = resolve_precision(precision)
    key = (folder.path.resolve(), stamps, precision, count, progress, check_roi(roi))
    with _shared_lock:
        if key not in _shared:
            _shared[key] = Pipeline(models, precision, count, progress=progress, roi=roi)
        _shared.move_to_end(key)
        while len(_shared) > MAX_SHARED:
            _shared.popitem(last=False)
        return _shared[key]
