"""Options of a run, in groups and by their old names, and what is refused before any case."""

from __future__ import annotations

import warnings

import pytest
from cohorts import tiny_scans

from spinalcord import run_cohort
from spinalcord.analysis.attribution import ExplanationOptions
from spinalcord.errors import InputError
from spinalcord.limits import LesionLimits
from spinalcord.run_options import RunOutputs


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 1.5}, r"threshold is 1\.5, expected a number from 0 to 1"),
        ({"min_lesion_mm3": -1}, "min_lesion_mm3 is -1"),
        ({"min_peak": 2}, "min_peak is 2"),
        ({"masks": "both"}, "masks is"),
        ({"jobs": 0}, "jobs is a whole number of at least 1, got 0"),
        ({"jobs": 2, "client": object()}, "jobs is for this machine"),
        ({"method": "lime"}, "method is 'lime', expected one of gradcam"),
        ({"layer": "input"}, "layer is 'input', expected one of last"),
        ({"ring_mm": 0}, "ring_mm is 0, expected a number above 0"),
    ],
)
def test_an_old_keyword_is_checked_alike(cohort, tmp_path, model_folder, options, message):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        refused(cohort, tmp_path, message, models=model_folder, **options)


def test_an_old_keyword_works_and_names_the_new_one(cohort, tmp_path, model_folder):
    with pytest.warns(DeprecationWarning, match="run_cohort") as heard:
        run = run_cohort(cohort, tmp_path / "out", models=model_folder, qc=False, masks="ignore")
    assert [str(one.message) for one in heard if one.category is DeprecationWarning] == [
        "run_cohort(masks=...) is now run_cohort(inputs=CohortInputs(masks=...)); the old keywords "
        "will be removed in version 0.3",
        "run_cohort(qc=...) is now run_cohort(outputs=RunOutputs(qc=...)); the old keywords will "
        "be removed in version 0.3",
    ]
    assert heard[0].filename == __file__
    assert not (tmp_path / "out" / "qc.html").exists()
    assert run.counts["done"] == 1


def test_an_unknown_option_is_named(cohort, tmp_path, model_folder):
    with pytest.raises(TypeError, match="unexpected keyword argument 'treshold'"):
        run_cohort(cohort, tmp_path / "out", models=model_folder, treshold=0.5)


def test_a_share_in_the_cord_is_refused_where_the_model_knows_no_cord(
    cohort, tmp_path, model_folder
):
    message = r"min_in_cord is 0\.5, but no cord is known"
    limits = LesionLimits(min_in_cord=0.5)
    refused(cohort, tmp_path, message, models=model_folder, limits=limits)


def test_a_share_in_the_cord_is_taken_where_the_model_knows_it(cohort, tmp_path, cord_folder):
    limits = LesionLimits(min_in_cord=0.5)
    run = run_cohort(
        cohort, tmp_path / "out", models=cord_folder, limits=limits, outputs=RunOutputs(qc=False)
    )
    assert run.counts["done"] == 1
