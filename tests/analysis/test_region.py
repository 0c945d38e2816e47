"""Slices computed in a window round the cord."""

from __future__ import annotations

import json

import numpy as np
import pytest

from spinalcord import Pipeline
from spinalcord.analysis import region
from spinalcord.errors import InputError


def scans(n=12, h=160, w=192):
    """Images, and what computes them: their brightest pixels are cord, all are 'lesion'."""
    images = np.full((n, 1, h, w), 0.25, np.float32)
    images[2:9, 0, 60:100, 90:98] = 1
    images[5:6, 0, 4, 4] = 1  # no part of the column
    seen = []

    def compute(some):
        seen.append(some.shape)
        assert some.flags.c_contiguous
        return np.stack([some[:, 0] + 1, some[:, 0]])

    return images, compute, seen


def test_window_and_whole_slices():
    images, compute, seen = scans()
    maps, computed = region.cord_maps(compute, images, 1, 0.5)
    assert seen == [(4, 1, 160, 192), (8, 1, 112, 80)]
    row0, row1, column0, column1 = computed["window"]
    assert (row0, column0) == (60 - region.MARGIN, 90 - region.MARGIN)
    assert (row1 - row0 + 1) % region.UNIT == (column1 - column0 + 1) % region.UNIT == 0
    assert row1 >= 99 + region.MARGIN
    assert column1 >= 97 + region.MARGIN
    assert computed["whole_slices"] == 4
    assert computed["pixel_share"] == round((4 + 8 * 112 * 80 / (160 * 192)) / 12, 4)
    full = np.stack([images[:, 0] + 1, images[:, 0]])
    inside = (slice(None), slice(None), slice(row0, row1 + 1), slice(column0, column1 + 1))
    np.testing.assert_array_equal(maps[inside], full[inside])
    np.testing.assert_array_equal(maps[:, [0, 5, 10, 11]], full[:, [0, 5, 10, 11]])
    assert not maps[:, 3, :row0].any()
    assert not maps[:, 3, :, column1 + 1 :].any()


def test_without_a_cord_all_is_computed():
    images, compute, seen = scans()
    maps, computed = region.cord_maps(compute, images * 0.1, 1, 0.5)
    np.testing.assert_array_equal(maps[1], images[:, 0] * np.float32(0.1))
    assert computed == {"whole_slices": 12, "window": None, "pixel_share": 1.0}
    assert sum(shape[0] for shape in seen) == 12


def test_a_window_stays_on_the_image():
    images, compute, _ = scans(h=48, w=32)
    images[:, 0, :, 20:30] = 1
    maps, computed = region.cord_maps(compute, images, 1, 0.5)
    assert computed["window"] == [0, 47, 0, 31]
    assert computed["pixel_share"] == 1.0
    np.testing.assert_array_equal(maps[1], images[:, 0])


def test_one_slice():
    images, compute, _ = scans(n=1)
    maps, computed = region.cord_maps(compute, images, 1, 0.5)
    assert maps.shape == (2, 1, 160, 192)
    assert computed["pixel_share"] == 1.0


def test_another_setting_is_refused():
    with pytest.raises(InputError, match="roi is full or cord, got 'lesion'"):
        region.check_roi("lesion")
    with pytest.raises(InputError, match="roi is full or cord, got None"):
        Pipeline(roi=None)


@pytest.mark.slow
def test_the_record_says_what_was_computed():
    from spinalcord.phantom import make_case

    case = make_case("MS", seed=4, region="cervical")
    full = Pipeline(threads=1).segment(case.t2)
    some = Pipeline(threads=1, roi="cord").segment(case.t2)
    assert "roi" not in full.to_dict()["settings"]
    told = json.loads(json.dumps(some.to_dict()))["settings"]["roi"]
    assert told["kind"] == "cord"
    assert 0 < told["pixel_share"] <= 1
    assert some.mask.array.shape == full.mask.array.shape
