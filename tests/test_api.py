"""The functions for one scan: they share pipelines, and document every option."""

from __future__ import annotations

import inspect
import re
from functools import partial

import numpy as np
import pytest
from model_files import SEGMENTATION, write_raw

import spinalcord as sc
from spinalcord import api
from spinalcord.analysis.pipeline import Pipeline
from spinalcord.api import MAX_SHARED, shared_pipeline
from spinalcord.errors import InputError, SeriesError, SpinalcordWarning


def test_module_level_calls_share_a_pipeline_until_a_file_changes(scan, model_folder, stand_in):
    first = shared_pipeline(model_folder, "f32", None, False)
    sc.segment(scan, models=model_folder)
    sc.segment(scan, models=str(model_folder))
    assert stand_in.opened == 1
    assert shared_pipeline(model_folder, "f32", 2, False) is first
    assert shared_pipeline(model_folder, "f32", 1, False) is not first
    write_raw(model_folder / "segmentation.safetensors", metadata=SEGMENTATION)
    assert shared_pipeline(model_folder, "f32", None, False) is not first


def test_shared_pipelines_are_bounded(model_folder):
    made = [shared_pipeline(model_folder, "f32", n, False) for n in range(1, MAX_SHARED + 3)]
    assert len(api._shared) == MAX_SHARED
    assert shared_pipeline(model_folder, "f32", MAX_SHARED + 2, False) is made[-1]
    assert shared_pipeline(model_folder, "f32", 1, False) is not made[0]


@pytest.mark.parametrize("call", [sc.segment, sc.classify, partial(sc.explain, task="ms_vs_nmosd")])
def test_folder_without_a_usable_series_is_refused(scans, model_folder, call):
    with pytest.raises(SeriesError, match="d2n_slicecount"):
        call(scans / "dicom_bad_series" / "d2n_slicecount", models=model_folder)


@pytest.mark.parametrize("name", ["segment", "classify", "explain"])
def test_every_option_is_documented_once(name):
    method, function = getattr(Pipeline, name), getattr(sc, name)
    for call in (method, function):
        options = [each for each in inspect.signature(call).parameters if each != "self"]
        text = inspect.getdoc(call)
        section = text.split("\nReturns\n")[0]
        heads = re.findall(r"^(\w[\w, ]*?)(?: : .*)?$", section.split("----------\n")[1], re.M)
        documented = [each for head in heads for each in head.split(", ")]
        assert documented == options
        assert [text.count(f"\n{title}\n---") for title in ("Returns", "Raises")] == [1, 1]
    assert inspect.getdoc(function).count("\nExamples\n") == 1


def test_the_cord_of_a_mask_that_holds_other_things_is_named_by_its_label(scan, model_folder):
    values = np.zeros(scan.shape, np.uint8)
    values[2:5, :, 30:42] = 1
    values[3, 40:60, 34:38] = 2
    alone = scan.like((values == 1).astype(np.uint8))
    named = sc.segment(scan, models=model_folder, cord=scan.like(values), cord_label=1)
    expected = sc.segment(scan, models=model_folder, cord=alone)
    np.testing.assert_array_equal(named.mask.array, expected.mask.array)
    np.testing.assert_array_equal(named.cord.array, alone.array)
    with pytest.warns(SpinalcordWarning, match="cord_label="):
        sc.segment(scan, models=model_folder, cord=scan.like(values))
    with pytest.raises(InputError, match="cord_label=1 needs a cord mask, got none"):
        sc.segment(scan, models=model_folder, cord_label=1)
