"""One way through a case: the same for the pipeline and for a cohort."""

from __future__ import annotations

import numpy as np
import pytest
from stand_ins import lesion_of, stored, working_array

from spinalcord.analysis import case as module
from spinalcord.analysis.attribution import ExplanationOptions
from spinalcord.analysis.case import AnalysisOptions, analyse
from spinalcord.analysis.pipeline import Pipeline
from spinalcord.limits import LesionLimits
from spinalcord.scans.preparation import Stopwatch, WorkingScan


@pytest.fixture
def prepared():
    return WorkingScan(stored(working_array()))


def test_stages_are_timed_by_one_watch(prepared, model_folder):
    watch = Stopwatch()
    with watch.stage("read"):
        pass
    found = analyse(prepared, Pipeline(model_folder).network, watch=watch)
    assert list(watch.seconds) == ["read", "segment", "classify", "explain"]
    assert set(found.segmentation.seconds) == {"read", "prepare", "network", "restore", "lesions"}
    assert "read" not in found.diagnosis.seconds
    assert len(found.results) == 4
    assert found.lesion.found


def test_a_given_mask_takes_the_place_of_segmenting(prepared, model_folder):
    watch = Stopwatch()
    mask = lesion_of(working_array())
    found = analyse(prepared, Pipeline(model_folder).network, mask=mask, watch=watch)
    assert found.segmentation is None
    assert "segment" not in watch.seconds
    np.testing.assert_array_equal(found.lesion.mask, mask)


def test_options_reach_their_steps(prepared, model_folder):
    options = AnalysisOptions(LesionLimits(min_lesion_mm3=100), ExplanationOptions("occlusion"))
    network = Pipeline(model_folder).network
    found = analyse(prepared, network, options=options, watch=Stopwatch())
    assert found.segmentation.record.settings["min_lesion_mm3"] == 100
    assert {e.options.method for e in found.explanations.values()} == {"occlusion"}


def test_the_watch_knows_where_an_error_came_from(prepared, model_folder, monkeypatch):
    def broken(*_, **__):
        raise MemoryError

    monkeypatch.setattr(module, "classify_slices", broken)
    watch = Stopwatch()
    with pytest.raises(MemoryError):
        analyse(prepared, Pipeline(model_folder).network, watch=watch)
    assert watch.current == "classify"
