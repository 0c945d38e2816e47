"""Masks against the truth: by hand, by definition, SimpleITK, panoptica."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.stats import LesionCounts, count_lesions, lesion_detection, score_segmentation

SPACING = (3.0, 0.5, 0.8)


def box(first, last, shape=(12, 40, 30)):
    mask = np.zeros(shape, bool)
    mask[tuple(slice(a, b) for a, b in zip(first, last, strict=True))] = True
    return mask


def blobs(seed, iterations=3):
    ndimage = pytest.importorskip("scipy.ndimage")
    mask = np.zeros((14, 46, 38), bool)
    mask[4:10, 8:38, 8:30] = np.random.default_rng(seed).random((6, 30, 22)) < 0.003
    return ndimage.binary_dilation(mask, iterations=iterations)


def test_shifted_box_by_hand():
    truth, predicted = box((2, 5, 5), (8, 25, 15)), box((2, 5, 7), (8, 25, 17))
    s = score_segmentation(truth, predicted, SPACING)
    assert s.dice == pytest.approx(0.8)
    assert s.iou == pytest.approx(8 / 12)
    assert s.volume_difference_mm3 == 0
    assert s.true_mm3 == pytest.approx(6 * 20 * 10 * 1.2)
    assert s.hd_mm == pytest.approx(1.6)
    assert s.hd95_mm == pytest.approx(1.6)
    assert s.reason == ""
    far = score_segmentation(truth, predicted, SPACING, tolerance_mm=1.6)
    assert far.surface_dice == 1
    near = score_segmentation(truth, predicted, SPACING, tolerance_mm=0.7)
    assert 0.4 < near.surface_dice < 1
    assert near.tolerance_mm == 0.7


def test_identical_masks():
    mask = blobs(0)
    s = score_segmentation(mask, mask, SPACING)
    assert (s.dice, s.iou, s.surface_dice) == (1, 1, 1)
    assert (s.hd95_mm, s.hd_mm, s.assd_mm, s.volume_difference_mm3) == (0, 0, 0, 0)


def test_empty_masks():
    mask = box((2, 5, 5), (4, 9, 9))
    none = np.zeros_like(mask)
    both = score_segmentation(none, none, SPACING)
    assert (both.dice, both.iou, both.surface_dice, both.reason) == (
        1,
        1,
        1,
        "both masks are empty",
    )
    missed = score_segmentation(mask, none, SPACING)
    invented = score_segmentation(none, mask, SPACING)
    assert missed.reason == "the predicted mask is empty"
    assert invented.reason == "the true mask is empty"
    for s in (missed, invented):
        assert (s.dice, s.iou, s.surface_dice) == (0, 0, 0)
        assert math.isnan(s.hd95_mm)
        assert math.isnan(s.assd_mm)
        assert json.loads(json.dumps(s.to_dict(), allow_nan=False))["hd95_mm"] is None
    assert missed.volume_difference_mm3 == -invented.volume_difference_mm3 < 0


def test_surface_distances_equal_simpleitk_s():
    sitk = pytest.importorskip("SimpleITK")
    truth, predicted = blobs(1), blobs(2, iterations=2)

    def contour(mask):
        image = sitk.GetImageFromArray(mask.astype(np.uint8))
        image.SetSpacing(SPACING[::-1])
        return sitk.LabelContour(image, fullyConnected=False)

    surfaces = [contour(truth), contour(predicted)]
    distances = []
    for own, other in (surfaces, surfaces[::-1]):
        away = sitk.Abs(sitk.SignedMaurerDistanceMap(other, False, False, True))
        distances.append(sitk.GetArrayFromImage(away)[sitk.GetArrayFromImage(own) > 0])
    both = np.concatenate(distances)
    s = score_segmentation(truth, predicted, SPACING, tolerance_mm=2)
    assert s.hd95_mm == pytest.approx(max(np.percentile(d, 95) for d in distances), rel=1e-5)
    assert s.hd_mm == pytest.approx(both.max(), rel=1e-5)
    assert s.assd_mm == pytest.approx(both.mean(), rel=1e-5)
    assert s.surface_dice == pytest.approx((both <= 2 + 1e-5).mean())
    assert 0.1 < s.surface_dice < 0.9
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(*(sitk.GetImageFromArray(m.astype(np.uint8)) for m in (truth, predicted)))
    assert s.dice == pytest.approx(overlap.GetDiceCoefficient())
    assert s.iou == pytest.approx(overlap.GetJaccardCoefficient())


def test_result_does_not_depend_on_threads_or_dtype():
    truth, predicted = blobs(3), blobs(4)
    one = score_segmentation(truth, predicted, SPACING, threads=1)
    assert one == score_segmentation(truth, predicted, SPACING, threads=3)
    swapped = np.asfortranarray(predicted.astype(np.int16) * 7)
    assert one == score_segmentation(truth, swapped, SPACING)


def test_tolerance_forgives_rounding():
    truth, predicted = box((2, 5, 5), (3, 6, 6)), box((2, 5, 8), (3, 6, 9))
    spacing = (1, 1, 0.1)  # three steps are 0.30000000000000004
    assert score_segmentation(truth, predicted, spacing, tolerance_mm=0.3).surface_dice == 1


def test_lesions_by_hand():
    truth = box((1, 2, 2), (2, 6, 6)) | box((1, 20, 2), (2, 24, 6)) | box((8, 2, 20), (9, 6, 24))
    predicted = (
        box((1, 5, 5), (2, 9, 9)) | box((1, 20, 2), (2, 24, 6)) | box((4, 30, 20), (5, 32, 22))
    )
    assert count_lesions(truth, predicted, SPACING) == LesionCounts(3, 2, 3, 2)
    strict = count_lesions(truth, predicted, SPACING, overlap=0.1)
    assert strict == LesionCounts(3, 1, 3, 1)  # the first pair shares 1 of 16 voxels
    big = count_lesions(truth, predicted, SPACING, min_volume_mm3=10)
    assert big == LesionCounts(3, 2, 2, 2)


def test_lesions_that_touch_at_a_corner():
    truth = box((1, 2, 2), (2, 4, 4)) | box((2, 4, 4), (3, 6, 6))
    assert count_lesions(truth, truth, SPACING).n_true == 1
    assert count_lesions(truth, truth, SPACING, connectivity=6).n_true == 2


def test_lesion_f1():
    assert LesionCounts(0, 0, 0, 0).f1 == 1
    assert LesionCounts(2, 0, 0, 0).f1 == 0
    assert LesionCounts(0, 0, 2, 0).f1 == 0
    assert LesionCounts(4, 2, 3, 3).f1 == pytest.approx(2 / 3)


def test_lesion_counts_equal_panoptica_s():
    """Where lesions match one to one, its counts of matched instances are ours."""
    panoptica = pytest.importorskip("panoptica")
    rng = np.random.default_rng(0)
    truth, predicted = np.zeros((2, 8, 80, 80), bool)
    for k in range(36):
        i, j = divmod(k, 6)
        at = (slice(2, 5), slice(12 * i + 2, 12 * i + 8), slice(12 * j + 2, 12 * j + 8))
        truth[at] = rng.random() < 0.6
        predicted[at] = rng.random() < 0.6
    evaluator = panoptica.Panoptica_Evaluator(
        expected_input=panoptica.InputType.SEMANTIC,
        instance_approximator=panoptica.ConnectedComponentsInstanceApproximator(),
        instance_matcher=panoptica.NaiveThresholdMatching(),
    )
    result = evaluator.evaluate(predicted.astype(np.uint8), truth.astype(np.uint8), verbose=False)
    theirs = result["ungrouped"] if isinstance(result, dict) else result
    c = count_lesions(truth, predicted, SPACING)
    assert (c.n_found, c.n_true - c.n_found, c.n_predicted - c.n_right) == (
        theirs.tp,
        theirs.fn,
        theirs.fp,
    )
    assert 5 < c.n_found < c.n_true


def test_detection_over_patients():
    counts = [LesionCounts(4, 3, 3, 3), LesionCounts(0, 0, 1, 0), LesionCounts(2, 2, 3, 2)]
    sensitivity, precision = lesion_detection(counts)
    assert (sensitivity.k, sensitivity.n) == (5, 6)
    assert (precision.k, precision.n) == (5, 7)
    assert sensitivity.unit == "lesions"
    assert sensitivity.details["patients"] == 3
    for e in lesion_detection([]):
        assert not e.defined
    with pytest.raises(InputError, match="3 replicates"):
        lesion_detection(counts, replicates=3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"predicted": np.zeros((2, 2, 3), bool)}, "the predicted one"),
        ({"truth": np.zeros((2, 2), bool)}, "mask truth has shape"),
        ({"predicted": np.zeros((2, 2, 2))}, "bool or integers"),
    ],
)
def test_masks_are_checked(change, message):
    masks = {"truth": np.ones((2, 2, 2), bool), "predicted": np.ones((2, 2, 2), bool), **change}
    for call in (score_segmentation, count_lesions):
        with pytest.raises(InputError, match=message):
            call(masks["truth"], masks["predicted"], SPACING)


def test_settings_are_checked():
    mask = np.ones((2, 2, 2), bool)
    for spacing in ((1, 1), (1, 1, 0), (1, 1, math.nan)):
        with pytest.raises(InputError, match="spacing"):
            score_segmentation(mask, mask, spacing)
    with pytest.raises(InputError, match="tolerance 0"):
        score_segmentation(mask, mask, SPACING, tolerance_mm=0)
    with pytest.raises(InputError, match="overlap is 1"):
        count_lesions(mask, mask, SPACING, overlap=1)
    with pytest.raises(InputError):
        count_lesions(mask, mask, SPACING, connectivity=8)
    with pytest.raises(InputError):
        count_lesions(mask, mask, (1, 0, 1))
    with pytest.raises(InputError):
        count_lesions(mask, mask, SPACING, min_volume_mm3=-1)
