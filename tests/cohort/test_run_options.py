"""Options of a run, given one by one or as a group, and what is refused before any case."""

from __future__ import annotations

import pytest
from cohorts import tiny_scans

from spinalcord import run_cohort
from spinalcord.analysis.attribution import ExplanationOptions
from spinalcord.errors import InputError
from spinalcord.limits import LesionLimits


@pytest.fixture
def cohort(tmp_path):
    tiny_scans(tmp_path / "scans", 1)
    return tmp_path / "scans"


def refused(cohort, tmp_path, match, **options):
    with pytest.raises(InputError, match=match):
        run_cohort(cohort, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_limits_are_given_in_one_way(cohort, tmp_path, model_folder):
    message = r"limits and threshold, min_peak are given; expected one or the other"
    options = {"limits": LesionLimits(threshold=0.4), "min_peak": 0.5, "threshold": 0.4}
    refused(cohort, tmp_path, message, models=model_folder, **options)


def test_explanation_options_are_given_in_one_way(cohort, tmp_path, model_folder):
    message = r"explanation and method are given; expected one or the other"
    options = {"explanation": ExplanationOptions(), "method": "layercam"}
    refused(cohort, tmp_path, message, models=model_folder, **options)


def test_a_group_is_of_its_class(cohort, tmp_path, model_folder):
    message = r"limits is \{'threshold': 0\.4\}, expected LesionLimits"
    refused(cohort, tmp_path, message, models=model_folder, limits={"threshold": 0.4})


def test_an_option_is_in_range(cohort, tmp_path, model_folder):
    message = r"threshold is 1\.5, expected a number from 0 to 1"
    refused(cohort, tmp_path, message, models=model_folder, threshold=1.5)


def test_an_unknown_option_is_named(cohort, tmp_path, model_folder):
    with pytest.raises(TypeError, match="unexpected keyword argument 'treshold'"):
        run_cohort(cohort, tmp_path / "out", models=model_folder, treshold=0.5)


def test_a_share_in_the_cord_is_refused_where_the_model_knows_no_cord(
    cohort, tmp_path, model_folder
):
    message = r"min_in_cord is 0\.5, but no cord is known"
    refused(cohort, tmp_path, message, models=model_folder, min_in_cord=0.5)


def test_a_share_in_the_cord_is_taken_where_the_model_knows_it(cohort, tmp_path, cord_folder):
    run = run_cohort(cohort, tmp_path / "out", models=cord_folder, min_in_cord=0.5, qc=False)
    assert run.counts["done"] == 1
