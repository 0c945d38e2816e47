"""Compare a mask with the truth: overlap, volume, surface distances, detected lesions.

Conventions follow Metrics Reloaded (Maier-Hein et al., Nat Methods 21:195, 2024) where they differ
between packages: surfaces are voxels that share a face with the background, distances run between
voxel centres, HD95 is the larger of the two directed 95th percentiles.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from ..errors import InputError
from .estimate import Estimate
from .means import pooled


@dataclass(frozen=True)
class SegmentationScore:
    """One mask against the truth.

    Parameters
    ----------
    dice, iou : float
        Overlap: 1 where both masks are empty, 0 where one is.
    volume_difference_mm3 : float
        Predicted less true volume.
    hd95_mm, hd_mm, assd_mm : float
        95th percentile and maximum of the surface distances, each the larger of both directions,
        and the mean of all of them. NaN where a mask is empty: `reason` says which.
    surface_dice : float
        Share of both surfaces within `tolerance_mm` of the other one; as `dice` for empty masks.
    tolerance_mm : float
    true_mm3, predicted_mm3 : float
    reason : str
        Why distances are not defined; empty where they are.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.zeros((8, 20, 20), bool)
    >>> truth[3:5, 5:12, 5:12] = True
    >>> score = score_segmentation(truth, np.roll(truth, 1, axis=1), (3.0, 0.5, 0.5))
    >>> f"IoU {score.iou:.2f}, {score.true_mm3:.1f} mm3"
    'IoU 0.75, 73.5 mm3'
    >>> score_segmentation(truth, np.zeros_like(truth), (3.0, 0.5, 0.5)).reason
    'the predicted mask is empty'
    """

    dice: float
    iou: float
    volume_difference_mm3: float
    hd95_mm: float
    hd_mm: float
    assd_mm: float
    surface_dice: float
    tolerance_mm: float
    true_mm3: float
    predicted_mm3: float
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, with None for what is not defined."""
        return {
            key: None if isinstance(value, float) and math.isnan(value) else value
            for key, value in asdict(self).items()
        }


def dice_score(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return the Dice coefficient of two masks, 2 |A and B| / (|A| + |B|).

    Parameters
    ----------
    a, b : arrays of one shape
        Not 0 inside.

    Returns
    -------
    float
        1 where both are empty.

    Examples
    --------
    >>> import numpy as np
    >>> dice_score(np.array([1, 1, 0]), np.array([0, 1, 1]))
    0.5
    """
    total = np.count_nonzero(a) + np.count_nonzero(b)
    return float(2 * np.count_nonzero((a != 0) & (b != 0)) / total) if total else 1.0


def score_segmentation(
    truth: ArrayLike,
    predicted: ArrayLike,
    spacing_mm: Sequence[float],
    *,
    tolerance_mm: float = 1.0,
    threads: int | None = None,
) -> SegmentationScore:
    """Compare a mask with the truth.

    Parameters
    ----------
    truth, predicted : (a, b, c) bool, or integers
        Lesion where not 0; on one grid.
    spacing_mm : three floats
        Along the axes of the masks.
    tolerance_mm : float, default 1.0
        Tolerance of the surface Dice score; a distance larger by a millionth of it still counts as
        within.
    threads : int, optional
        Those that the process may use if not given. The result does not depend on it.

    Returns
    -------
    SegmentationScore

    Raises
    ------
    InputError
        Grids that differ; not three axes; a spacing or tolerance that is not positive and finite.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.zeros((8, 20, 20), bool)
    >>> truth[3:5, 5:12, 5:12] = True
    >>> score = score_segmentation(truth, np.roll(truth, 1, axis=1), (3.0, 0.5, 0.5))
    >>> f"{score.dice:.3f}, {score.hd95_mm:.1f} mm"
    '0.857, 0.5 mm'
    """
    t, p = _mask(truth, "truth"), _mask(predicted, "predicted")
    if t.shape != p.shape:
        raise InputError(f"the true mask has shape {t.shape}, the predicted one {p.shape}")
    spacing = [float(x) for x in spacing_mm]
    if len(spacing) != 3 or not all(0 < x < math.inf for x in (*spacing, tolerance_mm)):
        raise InputError(
            f"spacing {spacing} mm, tolerance {tolerance_mm} mm; expected three lengths and one, "
            "positive and finite"
        )
    n_true, n_predicted = np.count_nonzero(t), np.count_nonzero(p)
    n_both, voxel = np.count_nonzero(t & p), math.prod(spacing)
    total = n_true + n_predicted
    overlap = {
        "dice": dice_score(t, p),
        "iou": n_both / (total - n_both) if total else 1.0,
        "volume_difference_mm3": (n_predicted - n_true) * voxel,
        "true_mm3": n_true * voxel,
        "predicted_mm3": n_predicted * voxel,
    }
    if not (n_true and n_predicted):
        empty = (
            "both masks are"
            if not total
            else f"the {'true' if n_predicted else 'predicted'} mask is"
        )
        nan = {"hd95_mm": math.nan, "hd_mm": math.nan, "assd_mm": math.nan}
        return SegmentationScore(
            **overlap,
            **nan,
            surface_dice=overlap["dice"],
            tolerance_mm=tolerance_mm,
            reason=f"{empty} empty",
        )
    workers = int(_core.cpu()["threads"]) if threads is None else threads
    there, back = _core.surface_distances(t, p, spacing, threads=workers)
    both = np.concatenate([there, back])
    return SegmentationScore(
        **overlap,
        hd95_mm=max(float(np.percentile(d, 95)) for d in (there, back)),
        hd_mm=float(both.max()),
        assd_mm=float(both.mean()),
        surface_dice=float((both <= tolerance_mm * (1 + 1e-6)).mean()),
        tolerance_mm=tolerance_mm,
    )


@dataclass(frozen=True)
class LesionCounts:
    """Lesions of one patient, found or not.

    Parameters
    ----------
    n_true, n_found : int
        Lesions in the truth, and those of them that were found.
    n_predicted, n_right : int
        Lesions predicted, and those of them that meet a true one.

    Examples
    --------
    >>> counts = LesionCounts(n_true=3, n_found=2, n_predicted=2, n_right=2)
    >>> counts.n_true - counts.n_found
    1
    """

    n_true: int
    n_found: int
    n_predicted: int
    n_right: int

    @property
    def f1(self) -> float:
        """Harmonic mean of sensitivity and precision; 1 without any lesion in either mask."""
        if self.n_true + self.n_predicted == 0:
            return 1.0
        if self.n_found == 0 or self.n_right == 0:
            return 0.0
        sensitivity, precision = self.n_found / self.n_true, self.n_right / self.n_predicted
        return 2 * sensitivity * precision / (sensitivity + precision)


def count_lesions(
    truth: ArrayLike,
    predicted: ArrayLike,
    spacing_mm: Sequence[float],
    *,
    overlap: float = 0.0,
    connectivity: Literal[6, 18, 26] = 26,
    min_volume_mm3: float = 0.0,
) -> LesionCounts:
    """Count which lesions were found.

    Parameters
    ----------
    truth, predicted : (a, b, c) bool, or integers
        Lesion where not 0; on one grid.
    spacing_mm : three floats
    overlap : float, default 0
        A lesion is found, and a predicted one right, where more than this share of it lies in the
        other mask; 0 asks for one voxel.
    connectivity : {6, 18, 26}
        What makes voxels one lesion.
    min_volume_mm3 : float
        Smaller lesions are not counted, in either mask.

    Returns
    -------
    LesionCounts

    Raises
    ------
    InputError
        Grids that differ; not three axes; settings out of range.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.zeros((8, 8, 8), bool)
    >>> truth[1, 1, 1] = truth[5, 5, 5] = True
    >>> found = np.zeros_like(truth)
    >>> found[1, 1, 1:3] = True
    >>> count_lesions(truth, found, (3.0, 0.5, 0.5))
    LesionCounts(n_true=2, n_found=1, n_predicted=1, n_right=1)
    """
    t, p = _mask(truth, "truth"), _mask(predicted, "predicted")
    if t.shape != p.shape:
        raise InputError(f"the true mask has shape {t.shape}, the predicted one {p.shape}")
    if not 0 <= overlap < 1:
        raise InputError(f"overlap is {overlap}; expected a share from 0 to below 1")
    affine = np.diag([*(float(x) for x in spacing_mm), 1.0])
    counts = []
    for mask, other in ((t, p), (p, t)):
        labels, n = _core.label(
            mask, affine, connectivity=connectivity, min_volume_mm3=min_volume_mm3
        )
        sizes = np.bincount(labels.ravel(), minlength=n + 1)[1:]
        met = np.bincount(labels[other != 0], minlength=n + 1)[1:]
        counts += [n, int((met > overlap * sizes).sum())]
    return LesionCounts(*counts)


def lesion_detection(
    counts: Sequence[LesionCounts], *, level: float = 0.95, replicates: int = 2000, seed: int = 0
) -> tuple[Estimate, Estimate]:
    """Estimate sensitivity and precision over all lesions, drawing patients.

    Parameters
    ----------
    counts : sequence of LesionCounts
        One per patient.
    level, replicates, seed
        As in `pooled`.

    Returns
    -------
    sensitivity, precision : Estimate

    Raises
    ------
    InputError
        Settings out of range.

    Examples
    --------
    >>> counts = [LesionCounts(3, 2, 2, 2), LesionCounts(1, 1, 2, 1), LesionCounts(4, 4, 5, 4)] * 5
    >>> sensitivity, precision = lesion_detection(counts)
    >>> sensitivity.sentence()
    '88 % (35 of 40) [95 % CI: 72 %, 95 %]'
    """
    table = np.array([(c.n_found, c.n_true, c.n_right, c.n_predicted) for c in counts], np.int64)
    found, true, right, predicted = table.reshape(-1, 4).T
    options: dict[str, Any] = {"level": level, "replicates": replicates, "seed": seed}
    return (
        pooled(found, true, name="lesion-wise sensitivity", what="lesions", **options),
        pooled(right, predicted, name="lesion-wise precision", what="lesions", **options),
    )


def _mask(values: ArrayLike, name: str) -> NDArray[np.uint8]:
    array = np.asarray(values)
    if array.ndim != 3 or array.dtype.kind not in "bui":
        raise InputError(
            f"the mask {name} has shape {array.shape} and dtype {array.dtype}; expected three axes "
            "of bool or integers"
        )
    return np.ascontiguousarray(array != 0).view(np.uint8)
