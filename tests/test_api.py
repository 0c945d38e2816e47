"""The functions for one scan: they share pipelines, and document every option."""

from __future__ import annotations

import inspect
import re
from functools import partial

import pytest
from model_files import SEGMENTATION, write_raw

import spinalcord as sc
from spinalcord import api
from spinalcord.analysis.pipeline import Pipeline
from spinalcord.api import MAX_SHARED, shared_pipeline
from spinalcord.errors import SeriesError


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
