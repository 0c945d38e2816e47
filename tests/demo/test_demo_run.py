"""A demo: what was drawn, what was found, and how the two compare."""

from __future__ import annotations

import json

import numpy as np
import pytest

from spinalcord.demo import run_demo
from spinalcord.demo.demo_run import (
    DIAGNOSIS,
    DIFFICULTY,
    KIND,
    NOTICE,
    SEED,
    SHIPPED_NOTICE,
    true_answer,
)
from spinalcord.errors import InputError, ModelError
from spinalcord.models import folder as models
from spinalcord.models.release import write_sums
from spinalcord.phantom import DIAGNOSES, make_case
from spinalcord.tasks import TASKS


def test_drawn_and_found_are_compared_on_one_grid(folder, moved):
    demo = run_demo("MS", 3, models=folder)
    assert demo.dice == pytest.approx(9 / 12)
    drawn, found = demo.lesions
    assert (drawn["mask"], found["mask"]) == ("reference", "found")
    assert drawn["volume_mm3"] == found["volume_mm3"] == 2 * 12 * 8 * 3
    assert drawn["overlap_fraction"] == found["overlap_fraction"] == 9 / 12
    assert drawn["length_mm"] == 12
    assert drawn["in_cord_fraction"] == 1
    assert demo.volume_mm3("found") == 576
    np.testing.assert_array_equal(
        demo.case.segmentation.mask.sagittal().array[:, 3:],
        demo.phantom.lesion.sagittal().array[:, :-3],
    )


def test_answer_is_held_against_what_was_drawn(folder, moved):
    # The stand-ins always answer NMOSD.
    right, wrong = run_demo("NMOSD", 3, models=folder), run_demo("astrocytoma", 3, models=folder)
    assert (right.truth, right.answer, right.to_dict()["right"]) == ("NMOSD", "NMOSD", True)
    assert (wrong.truth, wrong.answer, wrong.to_dict()["right"]) == ("astrocytoma", "NMOSD", False)
    assert set(right.case.explanations) == {"tumor_vs_demyelination", "ms_vs_nmosd"}


def test_no_lesion_is_a_result(folder, moved):
    demo = run_demo(None, 3, models=folder)
    assert (demo.truth, demo.answer, demo.dice, list(demo.lesions)) == (None, None, 1.0, [])
    assert demo.to_dict()["right"] is True
    assert demo.to_dict()["probabilities"] == {}


def test_figures_are_plain_and_say_what_they_are(folder, moved):
    demo = run_demo("MS", 3, models=folder)
    figures = json.loads(json.dumps(demo.to_dict(), allow_nan=False))
    assert figures["phantom"] == {"diagnosis": "MS", "seed": 3}
    assert figures["dice"] == 0.75
    assert figures["volume_mm3"] == {"drawn": 576.0, "found": 576.0}
    assert set(figures["probabilities"]) == set(TASKS)
    assert list(figures["seconds"]) == [
        "make the phantom", "open the models", "segment", "classify", "explain",
    ]  # fmt: skip
    assert figures["seconds"]["segment"] >= 0
    assert demo.notices[0] == NOTICE
    assert "not a medical device" in NOTICE
    assert "for tests of segmentation" in demo.notices
    assert SHIPPED_NOTICE not in demo.notices


def test_warnings_of_all_steps_are_told_once(folder):
    demo = run_demo("MS", 3, models=folder)
    assert len(set(demo.warnings)) == len(demo.warnings)
    for step in demo.steps:
        assert set(step.record.warnings) <= set(demo.warnings)


def test_shipped_models_are_named_for_what_they_are(folder, moved, monkeypatch):
    write_sums(folder)
    monkeypatch.setattr(models, "WEIGHTS_DIR", folder)
    assert SHIPPED_NOTICE in run_demo("MS", 3).notices


def test_missing_model_is_told_before_anything_is_made(folder, monkeypatch):
    monkeypatch.setattr("spinalcord.demo.demo_run.make_case", None)
    (folder / "ms_vs_nmosd.safetensors").unlink()
    with pytest.raises(ModelError, match="has no model for ms_vs_nmosd"):
        run_demo("MS", 3, models=folder)
    monkeypatch.setattr(models, "WEIGHTS_DIR", folder / "none")
    with pytest.raises(ModelError, match="comes without trained models"):
        run_demo()


def test_options_out_of_range_are_refused(folder):
    with pytest.raises(InputError, match="precision is f32, bf16 or int8"):
        run_demo("MS", 3, models=folder, precision="f64")


def test_unknown_diagnosis_is_refused(tmp_path, stand_in):
    from stand_ins import make_folder

    with pytest.raises(InputError, match="gout"):
        run_demo("gout", 3, models=make_folder(tmp_path))


@pytest.mark.slow
def test_the_demo_s_own_phantom_is_what_it_says():
    case = make_case(DIAGNOSIS, SEED, difficulty=DIFFICULTY, kind=KIND)
    assert DIAGNOSIS in DIAGNOSES
    assert case.lesion.array.any()
    assert case.parameters["protocol"]["n_slices"] < 25


@pytest.mark.parametrize(
    ("task", "answers"),
    [
        ("tumor_vs_demyelination", ["tumor", "tumor", "demyelination", "demyelination", None]),
        ("astrocytoma_vs_ependymoma", ["astrocytoma", "ependymoma", None, None, None]),
        ("ms_vs_nmosd", [None, None, "MS", "NMOSD", None]),
    ],
)
def test_right_answers(task, answers):
    found = [
        true_answer(TASKS[task], d) for d in ("astrocytoma", "ependymoma", "MS", "NMOSD", None)
    ]
    assert found == answers
