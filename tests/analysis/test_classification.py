"""Classification: which slices are asked, how answers become a diagnosis, what is refused."""

from __future__ import annotations

import json
import pickle

import nibabel
import numpy as np
import pytest
from model_files import METADATA, changed, write_raw
from stand_ins import POSITIVE, lesion_of, stored, working_array

import spinalcord as sc
from spinalcord.errors import InputError, ModelError, SpinalcordWarning


def write_task(folder, task, key, value):
    """Write a task's model file again with another setting."""
    names = {
        "ms_vs_nmosd": ("MS", "NMOSD"),
        "tumor_vs_demyelination": ("tumor", "demyelination"),
    }
    metadata = changed(METADATA, "labels.task", task)
    metadata = changed(metadata, "labels.negative", names[task][0])
    metadata = changed(metadata, "labels.positive", names[task][1])
    metadata = changed(metadata, "preprocessing.size", [64, 64])
    write_raw(folder / f"{task}.safetensors", metadata=changed(metadata, key, value))


def test_patient_s_probability_is_the_mean_of_lesion_slices(scan, model_folder):
    mask = scan.like(lesion_of(scan.array))
    found = sc.classify(scan, mask=mask, models=model_folder)
    per_slice = lesion_of(scan.array).sum(axis=(1, 2))
    assert np.flatnonzero(per_slice).tolist() == [2, 3, 4, 5]
    for task, answer in found.tasks.items():
        assert [s.index for s in answer.slices] == [2, 3, 4, 5]
        expected = POSITIVE[task] + per_slice[2:6] / 64**2
        np.testing.assert_allclose([s.probability for s in answer.slices], expected, atol=1e-6)
        assert answer.probability == pytest.approx(expected.mean(), abs=1e-6)
    assert found.segmentation is None
    assert found.record.settings["mask"] == "given"
    assert found.record.settings["t1c"] == "absent"


def test_diagnosis_and_four_probabilities(scan, model_folder):
    found = sc.classify(scan, models=model_folder)
    assert found.found
    assert found.diagnosis == "NMOSD"
    assert {name: answer.label for name, answer in found.tasks.items()} == {
        "tumor_vs_demyelination": "demyelination",
        "astrocytoma_vs_ependymoma": "astrocytoma",
        "ms_vs_nmosd": "NMOSD",
    }
    assert sum(found.probabilities.values()) == pytest.approx(1)
    d = found.tasks["tumor_vs_demyelination"].probability
    n = found.tasks["ms_vs_nmosd"].probability
    assert found.probabilities["NMOSD"] == pytest.approx(d * n)
    assert found.segmentation.found
    roles = [model["role"] for model in found.record.models]
    assert roles == ["segmentation", *found.tasks]
    assert found.notice == "for tests of segmentation; for tests"
    assert found.record.settings["segmentation"]["threshold"] == 0.5


def test_model_s_threshold_decides_and_disagreement_is_told(scan, model_folder):
    write_task(model_folder, "ms_vs_nmosd", "labels.threshold", 0.9)
    found = sc.classify(scan, models=model_folder)
    assert found.tasks["ms_vs_nmosd"].threshold == 0.9
    assert found.tasks["ms_vs_nmosd"].label == "MS"
    assert found.diagnosis == "MS"
    assert found.warnings == ("the decisions lead to MS, yet NMOSD has the largest probability",)


def test_no_lesion_is_a_result(scan, model_folder, tmp_path):
    empty = scan.like(np.zeros(scan.shape, np.uint8))
    none = sc.classify(scan, mask=empty, models=model_folder)
    assert none.found is False
    assert none.diagnosis is None
    assert none.probabilities == {}
    assert none.tasks == {}
    assert "No lesion found" in none._repr_html_()
    (path,) = none.save(tmp_path / "out")
    assert json.loads(path.read_text(encoding="utf-8"))["diagnosis"] is None


@pytest.mark.parametrize("axes", [(2, 0, 1), (1, 2, 0)])
def test_masks_stored_otherwise_are_taken(scan, model_folder, tmp_path, axes):
    array = working_array()
    plain = sc.classify(scan, mask=scan.like(lesion_of(array)), models=model_folder)
    mask = stored(lesion_of(array), axes, (True, False, True))
    path = tmp_path / "mask.nii.gz"
    image = nibabel.Nifti1Image(mask.array, mask.affine)
    nibabel.save(image, path)
    for form in (mask, path, image):
        again = sc.classify(scan, mask=form, models=model_folder)
        assert again.tasks == plain.tasks


def test_slices_are_counted_as_stored(model_folder):
    array = working_array()
    flipped = stored(array, (0, 1, 2), (True, False, False))
    found = sc.classify(flipped, models=model_folder)
    assert [s.index for s in found.tasks["ms_vs_nmosd"].slices] == [4, 3, 2, 1]
    for s in found.tasks["ms_vs_nmosd"].slices:
        assert lesion_of(flipped.array)[s.index].any()


def test_segmentation_serves_as_mask(scan, model_folder):
    seg = sc.segment(scan, models=model_folder)
    given = sc.classify(scan, mask=seg, models=model_folder)
    made = sc.classify(scan, models=model_folder)
    assert given.tasks == made.tasks
    assert given.probabilities == made.probabilities


def test_contrast_enhanced_scan_fills_its_channel(scan, model_folder, stand_in, monkeypatch):
    seen = []

    def answers(self, x):
        seen.append(x)
        return np.full((len(x), 2), 0.5, np.float32)

    monkeypatch.setattr(stand_in, "_answers", answers)
    seg = sc.segment(scan, models=model_folder)
    without = sc.classify(scan, mask=seg, models=model_folder)
    assert not np.concatenate(seen)[:, 0].any()
    assert without.record.settings["t1c"] == "absent"
    seen.clear()
    other = stored(working_array()[:, ::-1].copy(), (1, 0, 2))
    with_t1c = sc.classify(scan, mask=seg, t1c=other, models=model_folder)
    assert np.concatenate(seen)[:, 0].any()
    assert with_t1c.record.settings["t1c"] == "given"
    assert len(with_t1c.record.sources) == 2


def test_contrast_enhanced_scan_on_another_grid_is_refused(scan, model_folder):
    other = stored(working_array(), origin=(12.0, -20.0, 30.0))
    match = r"t1c lies on another grid \(7 x 96 x 80 .* first at 12.0.*SimpleITK.Resample"
    with pytest.raises(InputError, match=match):
        sc.classify(scan, t1c=other, models=model_folder)


@pytest.mark.parametrize(
    ("mask", "match"),
    [
        (stored(np.ones((6, 96, 80), np.uint8), origin=(90.0, 0.0, 0.0)), "not on the scan.*6.*7"),
        (
            stored(np.ones((7, 96, 80), np.uint8), origin=(0.0, 0.0, 180.0)),
            "not on the scan's grid",
        ),
        (stored(np.full((7, 96, 80), 0.3, np.float32)), "not integers.*threshold first"),
        (stored(np.full((7, 96, 80), np.nan, np.float32)), "NaN"),
        (np.ones((7, 96, 80), np.uint8), "bare ndarray"),
        ("missing.nii.gz", "no such file"),
    ],
)
def test_unusable_masks_are_refused(scan, model_folder, mask, match):
    with pytest.raises(InputError, match=match):
        sc.classify(scan, mask=mask, models=model_folder)


def test_missing_and_odd_models_are_refused(scan, model_folder):
    write_task(model_folder, "ms_vs_nmosd", "in_channels", 1)
    with pytest.raises(ModelError, match=r"ms_vs_nmosd\.safetensors takes 1 input channels"):
        sc.classify(scan, models=model_folder)
    (model_folder / "ms_vs_nmosd.safetensors").unlink()
    with pytest.raises(ModelError, match="has no model for ms_vs_nmosd"):
        sc.classify(scan, models=model_folder)


def test_saves_as_json(scan, model_folder, tmp_path):
    found = sc.classify(scan, models=model_folder)
    (path,) = found.save(tmp_path / "out")
    assert path.name == "scan_diagnosis.json"
    assert json.loads(path.read_text(encoding="utf-8")) == json.loads(json.dumps(found.to_dict()))
    (named,) = found.save(tmp_path / "mine.json")
    assert named == tmp_path / "mine.json"
    with pytest.raises(InputError, match=r"mine\.nii\.gz: expected a folder, or .* \.json"):
        found.save(tmp_path / "mine.nii.gz")
    with pytest.raises(InputError, match="cannot be written"):
        found.save(tmp_path / "mine.json" / "below")


def test_survives_pickling_and_shows_itself(scan, model_folder):
    found = sc.classify(scan, models=model_folder)
    copy = pickle.loads(pickle.dumps(found))
    assert copy.to_dict() == found.to_dict()
    html = copy._repr_html_()
    for text in ("NMOSD", "ms_vs_nmosd", "data:image/png", "for tests of segmentation"):
        assert text in html


def test_which_value_of_a_mask_is_lesion(scan, model_folder):
    values = np.zeros((7, 96, 80), np.uint8)
    values[1:6, 20:60, 20:40] = 1
    values[3, 30:40, 25:35] = 2
    lesion = stored((values == 2).astype(np.uint8))
    want = sc.classify(scan, mask=lesion, models=model_folder)
    found = sc.classify(scan, mask=stored(values), lesion_label=2, models=model_folder)
    assert found.probabilities == want.probabilities
    np.testing.assert_array_equal(found.mask.array, want.mask.array)
    with pytest.warns(SpinalcordWarning, match=r"2 values besides 0 \(1, 2\)"):
        every = sc.classify(scan, mask=stored(values), models=model_folder)
    assert any("(1, 2)" in text for text in every.warnings)
    shown = sc.explain(
        scan, task="ms_vs_nmosd", mask=stored(values), lesion_label=2, models=model_folder
    )
    np.testing.assert_array_equal(shown.mask.array, want.mask.array)
    with pytest.raises(InputError, match="lesion_label=2 needs a mask, got none"):
        sc.classify(scan, lesion_label=2, models=model_folder)
    case = sc.Pipeline(model_folder).run(scan, mask=stored(values), lesion_label=2)
    np.testing.assert_array_equal(case.diagnosis.mask.array, want.mask.array)
