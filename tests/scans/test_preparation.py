"""Scans on their way in and back: orientation, masks, timing, batches."""

from __future__ import annotations

import io
import itertools
import sys
import time
import warnings

import numpy as np
import pytest
from stand_ins import SPACING, stored, working_array

from spinalcord.errors import InputError, SpinalcordWarning
from spinalcord.scans import preparation as working
from spinalcord.scans.preparation import Stopwatch, WorkingScan, batches, take_scan
from spinalcord.scans.reading import read_mask
from spinalcord.scans.writing import save_volume

AXES = list(itertools.permutations(range(3)))
FLIPS = [(False, False, False), (True, False, True)]


@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("flips", FLIPS)
def test_there_and_back(axes, flips):
    array = working_array()
    volume = stored(array, axes, flips)
    scan = WorkingScan(volume)
    np.testing.assert_array_equal(scan.array, array)
    assert scan.spacing_mm == SPACING
    np.testing.assert_allclose(scan.affine, stored(array).affine)
    back = scan.place(scan.array)
    np.testing.assert_array_equal(back.array, volume.array)
    assert back.same_grid(volume)
    np.testing.assert_array_equal(scan.working(volume.array), array)
    mask = scan.mask(volume.like(volume.array > 100))
    np.testing.assert_array_equal(mask, array > 100)
    assert mask.dtype == np.uint8
    stored_index = scan.volume.stored_slice(5)
    np.testing.assert_array_equal(np.take(volume.array, stored_index, axes.index(0)).sum(),
                                  array[5].sum())  # fmt: skip


def test_normalized_volume_is_made_once():
    scan = WorkingScan(stored(working_array()))
    first = scan.normalized(5.0)
    assert scan.normalized(5.0) is first
    assert (first.min(), first.max()) == (0, 1)
    assert not np.array_equal(scan.normalized(2.0), first)


def test_companion_keeps_its_own_storage():
    array = working_array()
    other = WorkingScan(stored(array)).coregistered(stored(array, (2, 0, 1)), "t1c")
    np.testing.assert_array_equal(other.array, array)
    with pytest.raises(InputError, match="t1c lies on another grid"):
        WorkingScan(stored(array)).coregistered(stored(array[:, :90]), "t1c")


def test_scan_from_memory_is_checked():
    with pytest.raises(InputError, match="at least 3"):
        take_scan(stored(working_array()[:2]))


def test_stopwatch_sums_by_stage():
    watch = Stopwatch()
    for _ in range(2):
        with watch.stage("a"):
            time.sleep(0.01)
    with pytest.raises(KeyError), watch.stage("b"):
        raise KeyError
    assert watch.seconds["a"] >= 0.02
    assert watch.seconds["b"] < 0.01


@pytest.mark.parametrize("progress", [False, True])
@pytest.mark.parametrize(("n", "size", "expected"), [
    (5, 2, [(0, 2), (2, 4), (4, 5)]),
    (2, 8, [(0, 2)]),
    (0, 2, []),
])  # fmt: skip
def test_batches_cover_all_once(n, size, expected, progress):
    got = [(s.start, s.stop) for s in batches(n, size, "x", progress=progress)]
    assert got == expected


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.slow
@pytest.mark.parametrize(("stream", "shown"), [(Terminal, True), (io.StringIO, False)])
def test_bar_shows_on_terminals_alone(monkeypatch, stream, shown):
    monkeypatch.setattr(working, "BAR_DELAY_S", 0.2)
    monkeypatch.setattr("sys.stderr", stream())
    for _ in batches(8, 2, "segment", progress=True):
        time.sleep(0.15)
    printed = sys.stderr.getvalue()
    assert ("segment" in printed and "slice" in printed) == shown
    assert bool(printed) == shown


def test_quick_work_shows_no_bar(monkeypatch):
    monkeypatch.setattr("sys.stderr", Terminal())
    assert len(list(batches(8, 2, "segment", progress=True))) == 4
    assert sys.stderr.getvalue() == ""


def test_a_mask_of_several_values_is_lesion_where_its_label_says(tmp_path):
    array = working_array()
    volume = stored(array)
    values = np.zeros(array.shape, np.uint8)
    values[1:4, 20:60, 20:40] = 1
    values[2, 30:40, 25:35] = 2
    scan = WorkingScan(volume)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lesion = scan.mask(stored(values), 2)
        scan.mask(stored(values > 1))
        scan.mask(stored(np.where(values > 1, np.uint8(255), np.uint8(0))))
    np.testing.assert_array_equal(lesion, values == 2)
    with pytest.warns(SpinalcordWarning, match=r"2 values besides 0 \(1, 2\) all count as inside"):
        both = scan.mask(stored(values))
    np.testing.assert_array_equal(both, values > 0)
    assert any("(1, 2)" in text for text in scan.warnings)
    with pytest.warns(SpinalcordWarning, match="no voxel has the value 3; values besides 0: 1, 2"):
        assert not scan.mask(stored(values), 3).any()
    for label in (0, -1, 1.5, True, ""):
        with pytest.raises(InputError, match="a label is a whole number of at least 1, got"):
            scan.mask(stored(values), label)


def test_a_map_of_probabilities_is_no_mask_for_either_reader():
    scan = WorkingScan(stored(working_array()))
    soft = stored(np.full(scan.array.shape, 0.3, np.float32))
    for read in (scan.mask, lambda mask: read_mask(mask, like=scan.volume)):
        with pytest.raises(InputError, match=r"not integers .*apply a threshold first"):
            read(soft)


def test_a_file_that_cannot_be_read_again_is_no_file_that_has_gone(tmp_path):
    path = tmp_path / "t2.nii.gz"
    save_volume(stored(working_array()), path)
    scan = WorkingScan(path)
    path.unlink()
    path.mkdir()  # there, and unreadable, even for root
    with pytest.raises(InputError, match=r"t2\.nii\.gz: cannot be read again: Is a directory"):
        _ = scan.source
    path.rmdir()
    assert scan.source["sha256"] is None
    assert scan.warnings == ["the scan's files have gone since it was read: no checksum"]
