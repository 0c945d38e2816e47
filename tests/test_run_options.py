"""The groups of options of a run: their defaults, what they refuse, and old keywords."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from spinalcord.analysis.attribution import ExplanationOptions
from spinalcord.cohort.processing import RunSettings
from spinalcord.errors import InputError
from spinalcord.limits import LesionLimits
from spinalcord.run_options import CohortInputs, Execution, RunOutputs

GROUPS = (CohortInputs, LesionLimits, ExplanationOptions, RunOutputs, Execution)


def test_an_option_is_in_one_group():
    names = [each.name for group in GROUPS for each in fields(group)]
    assert len(names) == len(set(names))


def test_the_settings_of_a_run_have_the_same_defaults():
    settings = RunSettings(None, {}, "f32", 1)
    assert (settings.masks, settings.lesion_label) == ("compare", None)
    assert (settings.qc, settings.dicom) == (True, False)
    assert settings.limits == LesionLimits()
    assert settings.explanation == ExplanationOptions()


def test_inputs_are_checked():
    assert CohortInputs(carry=iter(["a", "b", "a"])).carry == ("a", "b")
    assert CohortInputs(lesion_label={"lesion": 2}).lesion_label == {"lesion": 2}
    with pytest.raises(InputError, match="masks is compare, use, ignore, got 'all'"):
        CohortInputs(masks="all")
    with pytest.raises(InputError, match="0"):
        CohortInputs(lesion_label=0)


@pytest.mark.parametrize("jobs", [0, -1, True, 2.0, "2", None])
def test_jobs_are_a_whole_number(jobs):
    with pytest.raises(InputError, match="jobs is a whole number of at least 1, got"):
        Execution(jobs=jobs)


def test_jobs_and_a_cluster_exclude_each_other():
    assert Execution(jobs=np.int64(2)).jobs == 2
    assert Execution(client="tcp://host:8786").jobs == 1
    with pytest.raises(InputError, match="jobs is for this machine"):
        Execution(jobs=2, client=object())
