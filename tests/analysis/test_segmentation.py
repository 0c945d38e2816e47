"""Segmentation: what is found, on which grid, and what is written."""

from __future__ import annotations

import dataclasses
import json
import pickle

import nibabel
import numpy as np
import pytest
from model_files import SEGMENTATION, changed, write_raw
from stand_ins import SPACING, StandInNetwork, cord_of, lesion_of, stored, working_array

import spinalcord as sc
from spinalcord.errors import InputError, ModelError
from spinalcord.scans.volume import Source

VOXEL_MM3 = np.prod(SPACING)


def test_finds_lesions_on_the_scan_s_grid(scan, model_folder):
    found = sc.segment(scan, models=model_folder)
    expected = lesion_of(scan.array)
    assert 200 < expected.sum() < 300
    np.testing.assert_array_equal(found.mask.array, expected)
    assert found.mask.array.dtype == np.uint8
    assert found.mask.same_grid(scan)
    assert found.probability.array.dtype == np.float32
    np.testing.assert_array_equal(found.probability.array >= 0.5, expected > 0)
    assert found.found
    assert found.cord is None
    assert [lesion.label for lesion in found.lesions] == [1, 2, 3]
    assert found.volume_mm3 == pytest.approx(expected.sum() * VOXEL_MM3)
    first = found.lesions[0]
    assert (first.length_mm, first.width_mm, first.depth_mm) == pytest.approx((12, 8, 6))
    assert first.n_voxels == 2 * 12 * 8
    assert (first.mean, first.sd) == (200, 0)
    assert first.centroid_mm == pytest.approx((10 + 2.5 * 3, -20 - 35.5, 30 - 25.5))
    assert first.in_cord_fraction is None


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (2, 1, 0)])
@pytest.mark.parametrize("flips", [(True, False, False), (False, True, True)])
def test_reoriented_copies_give_the_same_anatomy(model_folder, axes, flips):
    array = working_array()
    plain = sc.segment(stored(array), models=model_folder)
    copy = stored(array, axes, flips)
    turned = sc.segment(copy, models=model_folder)
    assert turned.mask.same_grid(copy)
    for name in ("mask", "probability"):
        ours, theirs = getattr(plain, name).sagittal(), getattr(turned, name).sagittal()
        np.testing.assert_array_equal(ours.array, theirs.array)
    assert plain.mask.array.any()
    for ours, theirs in zip(plain.lesions, turned.lesions, strict=True):
        assert ours.centroid_mm == pytest.approx(theirs.centroid_mm, abs=1e-9)
        assert ours.volume_mm3 == theirs.volume_mm3


def test_threshold_and_least_volume_decide(scan, model_folder):
    every = sc.segment(scan, models=model_folder, threshold=0.0)
    assert every.mask.array.all()
    large = sc.segment(scan, models=model_folder, min_lesion_mm3=100)
    assert len(large.lesions) == 2
    assert large.mask.array.sum() * VOXEL_MM3 == pytest.approx(
        sum(lesion.volume_mm3 for lesion in large.lesions)
    )
    assert large.record.settings["min_lesion_mm3"] == 100


def write_labels(folder, **labels):
    """Write the segmentation's model file anew, with these labels besides its own."""
    metadata = changed(SEGMENTATION, "labels.outputs", ["lesion"])
    for name, value in labels.items():
        metadata = changed(metadata, f"labels.{name}", value)
    metadata = changed(metadata, "preprocessing.mode", "physical")
    metadata = changed(metadata, "preprocessing.pixel_mm", 1.0)
    write_raw(folder / "segmentation.safetensors", metadata=metadata)


def test_model_s_own_settings_hold_unless_given(scan, model_folder):
    write_labels(model_folder, min_lesion_mm3=100, threshold=0.9)
    found = sc.segment(scan, models=model_folder)
    assert found.record.settings == {
        "threshold": 0.9,
        "min_lesion_mm3": 100.0,
        "min_thickness_mm": 0.0,
        "min_peak": 0.0,
        "cord": "none",
    }
    assert len(found.lesions) == 2
    assert len(sc.segment(scan, models=model_folder, min_lesion_mm3=0).lesions) == 3


def test_thin_lesions_are_left_out_by_the_model_s_rule_or_the_user_s(scan, model_folder):
    write_labels(model_folder, min_thickness_mm=7.0)
    none = sc.segment(scan, models=model_folder)
    assert not none.found
    assert none.record.settings["min_thickness_mm"] == 7.0
    assert "less than 7 mm thick" in none.warnings[0]
    assert len(sc.segment(scan, models=model_folder, min_thickness_mm=6).lesions) == 2
    assert len(sc.segment(scan, models=model_folder, min_thickness_mm=0).lesions) == 3


def test_uncertain_lesions_are_left_out_by_the_model_s_rule_or_the_user_s(
    scan, model_folder, stand_in, monkeypatch
):
    monkeypatch.setattr(stand_in, "__call__", lambda self, x: np.minimum(x, np.float32(0.95)))
    write_labels(model_folder, min_peak=0.96)
    none = sc.segment(scan, models=model_folder)
    assert not none.found
    assert none.record.settings["min_peak"] == 0.96
    assert "nowhere with a probability of 0.96," in none.warnings[0]
    assert len(sc.segment(scan, models=model_folder, min_peak=0.95).lesions) == 3
    assert len(sc.segment(scan, models=model_folder, min_peak=0).lesions) == 3


def test_no_lesion_is_a_result(scan, model_folder, tmp_path):
    none = sc.segment(scan, models=model_folder, min_lesion_mm3=1e6)
    assert not none.found
    assert none.lesions == ()
    assert none.volume_mm3 == 0
    assert not none.mask.array.any()
    assert "No lesion found" in none._repr_html_()
    path, sidecar = none.save(tmp_path / "out")
    assert not np.asarray(nibabel.load(path).dataobj).any()
    assert json.loads(sidecar.read_text(encoding="utf-8"))["found"] is False


def test_lesions_outside_a_given_cord_are_left_out(scan, model_folder):
    cord = np.zeros(scan.shape, np.uint8)
    cord[2:5, :, 30:42] = 1
    found = sc.segment(scan, models=model_folder, cord=scan.like(cord))
    assert [lesion.label for lesion in found.lesions] == [1, 2]
    expected = lesion_of(scan.array) * cord
    np.testing.assert_array_equal(found.mask.array, expected)
    assert found.lesions[0].in_cord_fraction == 1
    assert 0 < found.lesions[0].max_axial_damage_ratio < 1
    assert found.warnings == (
        "1 lesion(s) of 18 mm3 together lie wholly outside the cord and were dropped",
    )
    np.testing.assert_array_equal(found.cord.array, cord)
    assert found.record.settings["cord"] == "given"
    (dropped,) = found.dropped
    assert (dropped.label, dropped.volume_mm3, dropped.in_cord_fraction) == (1, 18, 0)
    assert dropped.centroid_mm == pytest.approx((10 + 5 * 3, -20 - 61, 30 - 70.5))
    assert found.to_dict()["dropped"]["n_lesions"] == 1
    assert found.to_dict()["dropped"]["volume_mm3"] == 18


def test_what_lies_outside_is_kept_on_request(scan, model_folder):
    cord = np.zeros(scan.shape, np.uint8)
    cord[2:5, :, 30:42] = 1
    options = {"models": model_folder, "cord": scan.like(cord)}
    found = sc.segment(scan, **options, keep_outside_cord=True)
    np.testing.assert_array_equal(found.mask.array, lesion_of(scan.array))
    assert [lesion.in_cord_fraction for lesion in found.lesions] == [1, 1, 0]
    assert found.dropped == ()
    assert found.to_dict()["dropped"] == {"n_lesions": 0, "volume_mm3": 0, "lesions": []}
    assert found.warnings[0].endswith("outside the cord and were kept: judge them with care")
    assert found.record.settings["keep_outside_cord"] is True


def test_least_share_in_the_cord_decides(scan, model_folder, cord_folder):
    cord = np.zeros(scan.shape, np.uint8)
    cord[2:5, :, 33:42] = 1  # a bit of the largest lesion lies outside
    options = {"models": model_folder, "cord": scan.like(cord)}
    assert [lesion.in_cord_fraction for lesion in sc.segment(scan, **options).lesions] == [0.875, 1]
    exact = sc.segment(scan, **options, min_in_cord=0.875)
    assert len(exact.lesions) == 2
    above = sc.segment(scan, **options, min_in_cord=0.88)
    assert [lesion.in_cord_fraction for lesion in above.lesions] == [1]
    assert [lesion.in_cord_fraction for lesion in above.dropped] == [0.875, 0]
    assert above.warnings[0].startswith("2 lesion(s) of 594 mm3 together have less than 0.88 of")
    metadata = changed(SEGMENTATION, "labels.min_in_cord", 0.88)
    metadata = changed(metadata, "preprocessing", {"mode": "physical", "pixel_mm": 1, "clip": 5})
    write_raw(model_folder / "segmentation.safetensors", metadata=metadata)
    by_model = sc.segment(scan, **options)
    assert by_model.record.settings["min_in_cord"] == 0.88
    assert len(by_model.lesions) == 1
    assert len(sc.segment(scan, **options, min_in_cord=0).lesions) == 2


def test_network_s_own_cord_decides_too(scan, cord_folder, tmp_path, monkeypatch):
    found = sc.segment(scan, models=cord_folder)
    assert len(found.lesions) == 3
    assert found.cord.array.dtype == np.uint8
    assert found.cord.array[2:5, :, 30:42].mean() > 0.9
    assert found.lesions[0].in_cord_fraction == 1
    assert found.record.settings["cord"] == "network"
    names = [path.name for path in found.save(tmp_path / "out")]
    assert names[-1] == "scan_desc-cord_mask.nii.gz"

    def without_front(self, x):  # front of column 50 no cord
        maps = np.concatenate([x, cord_of(x)], axis=1)
        maps[:, 1, :, 50:] = 0
        return maps

    monkeypatch.setattr(StandInNetwork, "__call__", without_front)
    less = sc.segment(scan, models=cord_folder)
    assert len(less.lesions) == 2
    assert less.dropped[0].volume_mm3 == 18
    assert less.warnings == (
        "1 lesion(s) of 18 mm3 together lie wholly outside the cord as the network outlined it "
        "and were dropped",
    )
    kept = sc.segment(scan, models=cord_folder, keep_outside_cord=True)
    assert len(kept.lesions) == 3


def test_model_may_ask_to_keep_what_its_own_cord_leaves_out(scan, cord_folder):
    labels = {**SEGMENTATION["labels"], "outputs": ["lesion", "cord"], "min_in_cord": 1.0}
    metadata = SEGMENTATION | {"labels": labels | {"keep_outside_cord": True}}
    metadata = changed(metadata, "preprocessing", {"mode": "physical", "pixel_mm": 1, "clip": 5})
    write_raw(cord_folder / "segmentation.safetensors", metadata=metadata)
    cord = np.zeros(scan.shape, np.uint8)
    cord[2:5, :, 30:42] = 1
    given = sc.segment(scan, models=cord_folder, cord=scan.like(cord))
    assert given.record.settings["keep_outside_cord"] is False
    assert len(given.lesions) == 2
    own = sc.segment(scan, models=cord_folder)
    assert own.record.settings["keep_outside_cord"] is True
    overruled = sc.segment(scan, models=cord_folder, keep_outside_cord=False)
    assert overruled.record.settings["keep_outside_cord"] is False


def test_dropping_everything_is_said_aloud(scan, cord_folder, model_folder, monkeypatch):
    def without_cord(self, x):
        return np.concatenate([x, np.zeros_like(x)], axis=1)[:, : self.outputs]

    monkeypatch.setattr(StandInNetwork, "__call__", without_cord)
    aloud = pytest.warns(sc.errors.SpinalcordWarning, match="scan: 3 lesion.*NOTHING IS LEFT")
    with aloud:
        none = sc.segment(scan, models=cord_folder)
    assert not none.found
    assert len(none.dropped) == 3
    assert not none.mask.array.any()
    assert "no cord was outlined anywhere in the scan" in none.warnings[1]
    assert none.warnings[2].startswith("NOTHING IS LEFT")
    assert "NOTHING IS LEFT" in none._repr_html_()
    with pytest.warns(sc.errors.SpinalcordWarning, match="NOTHING IS LEFT"):
        diagnosis = sc.classify(scan, models=cord_folder)
    assert not diagnosis.found
    assert none.warnings[2] in diagnosis.warnings


def test_share_in_the_cord_needs_a_cord(scan, model_folder):
    with pytest.raises(InputError, match=r"min_in_cord is 0\.5, but no cord is known"):
        sc.segment(scan, models=model_folder, min_in_cord=0.5)
    assert "min_in_cord" not in sc.segment(scan, models=model_folder).record.settings


def test_cord_on_another_grid_is_refused(scan, model_folder):
    cord = stored(np.ones((7, 96, 79), np.uint8), origin=(0.0, 0.0, 500.0))
    with pytest.raises(InputError, match="not on the scan's grid"):
        sc.segment(scan, models=model_folder, cord=cord)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"threshold": 1.5}, "threshold is 1.5, expected a number from 0 to 1"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"threshold": "high"}, "threshold is 'high'"),
        ({"min_lesion_mm3": -1}, "min_lesion_mm3 is -1, expected a number from 0"),
        ({"min_peak": 1.5}, "min_peak is 1.5, expected a number from 0 to 1"),
        ({"min_thickness_mm": "thin"}, "min_thickness_mm is 'thin', expected a number from 0"),
        ({"min_in_cord": 1.5, "cord": "itself"}, "min_in_cord is 1.5, expected a number from 0"),
        ({"precision": "f64"}, "precision is f32, bf16 or int8, got 'f64'"),
        ({"threads": 0}, "threads is a whole number of at least 1, got 0"),
        ({"threads": True}, "threads is a whole number"),
        ({"series": "1.2.3"}, "series"),
    ],
)
def test_options_out_of_range_are_refused(tmp_path, scan, model_folder, options, match):
    path = tmp_path / "t2.nii.gz"
    nibabel.save(nibabel.Nifti1Image(scan.array, scan.affine), path)
    if "cord" in options:
        options = options | {"cord": scan.like(lesion_of(scan.array))}
    with pytest.raises(InputError, match=match):
        sc.segment(path, models=model_folder, **options)


def test_bare_array_is_refused(model_folder):
    with pytest.raises(InputError, match="bare ndarray"):
        sc.segment(np.zeros((4, 32, 32), np.float32), models=model_folder)


def test_unusable_volume_is_refused(model_folder):
    with pytest.raises(InputError, match="same value"):
        sc.segment(stored(np.ones((7, 96, 80), np.float32)), models=model_folder)


def test_model_with_other_channels_is_refused(scan, model_folder):
    path = model_folder / "segmentation.safetensors"
    write_raw(path, metadata=changed(SEGMENTATION, "in_channels", 3))
    with pytest.raises(ModelError, match=r"segmentation\.safetensors takes 3 input channels"):
        sc.segment(scan, models=model_folder)


def with_context(folder, context_mm, in_channels=3):
    metadata = changed(SEGMENTATION, "in_channels", in_channels)
    metadata = changed(metadata, "labels.outputs", ["lesion"])
    physical = {"mode": "physical", "pixel_mm": 1.0, "clip": 5.0, "context_mm": context_mm}
    write_raw(
        folder / "segmentation.safetensors",
        metadata=changed(metadata, "preprocessing", physical),
    )
    return folder


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1)])
@pytest.mark.parametrize("flips", [(False, False, False), (True, False, True)])
def test_a_model_may_see_the_slices_beside(model_folder, axes, flips):
    """The stand-in takes the first channel for lesion: the slice before, the first one's own."""
    array = working_array()
    found = sc.segment(stored(array, axes, flips), models=with_context(model_folder, SPACING[0]))
    moved = lesion_of(array)[[0, *range(len(array) - 1)]]
    np.testing.assert_array_equal(found.mask.sagittal().array, stored(moved).sagittal().array)
    assert found.mask.array.any()


def test_slices_beside_lie_between_slices(scan, model_folder):
    """Half a slice away a lesion of 200 on black is 100: its edge, wherever it ends."""
    near = sc.segment(scan, models=with_context(model_folder, SPACING[0] / 2), threshold=0.45)
    array = scan.sagittal().array
    before = array[[0, *range(len(array) - 1)]]
    assert near.probability.array.max() > 0.9
    both = (np.minimum(array, before) >= 100).sum()
    either = (np.maximum(array, before) >= 100).sum()
    assert both < near.mask.array.sum() == either


def test_channels_and_slices_beside_belong_together(scan, model_folder):
    with_context(model_folder, 3.5, in_channels=1)
    with pytest.raises(ModelError, match=r"takes 1 input channels; .* with context_mm takes 3"):
        sc.segment(scan, models=model_folder)


def test_missing_model_is_told(scan, model_folder):
    (model_folder / "segmentation.safetensors").unlink()
    with pytest.raises(ModelError, match="has no model for segmentation"):
        sc.segment(scan, models=model_folder)


def test_takes_images_and_paths_alike(tmp_path, scan, model_folder):
    image = nibabel.Nifti1Image(scan.array, scan.affine)
    path = tmp_path / "sub-01_T2w.nii.gz"
    nibabel.save(image, path)
    expected = lesion_of(scan.array)
    for form in (image, path, str(path), sc.read(path)):
        found = sc.segment(form, models=model_folder)
        np.testing.assert_array_equal(found.mask.array, expected)


def test_saves_under_bids_names_with_a_sidecar(tmp_path, scan, model_folder):
    folder = tmp_path / "Doe_Jane"
    folder.mkdir()
    path = folder / "sub-01_T2w.nii.gz"
    nibabel.save(nibabel.Nifti1Image(scan.array, scan.affine), path)
    found = sc.segment(path, models=model_folder)
    files = found.save(tmp_path / "out", probability=True)
    assert [file.name for file in files] == [
        "sub-01_desc-lesion_mask.nii.gz",
        "sub-01_desc-lesion_mask.json",
        "sub-01_desc-lesion_probseg.nii.gz",
    ]
    mask = nibabel.load(files[0])
    np.testing.assert_allclose(mask.affine, scan.affine)
    np.testing.assert_array_equal(np.asarray(mask.dataobj), lesion_of(scan.array))
    probability = np.asarray(nibabel.load(files[2]).dataobj)
    np.testing.assert_array_equal(probability, found.probability.array)
    text = files[1].read_text(encoding="utf-8")
    sidecar = json.loads(text)
    assert sidecar == json.loads(json.dumps(found.to_dict()))
    assert "Doe" not in text  # names of folders stay out
    assert sidecar["notice"] == "for tests of segmentation"
    assert sidecar["models"][0]["file"] == "segmentation.safetensors"
    assert len(sidecar["models"][0]["sha256"]) == 64
    assert sidecar["sources"][0]["name"] == "sub-01_T2w.nii.gz"
    assert len(sidecar["sources"][0]["sha256"]) == 64
    assert sidecar["versions"]["spinalcord"] == sc.__version__
    assert sidecar["precision"] == "f32"
    assert sidecar["threads"] == 2
    assert set(sidecar["seconds"]) == {"read", "prepare", "network", "restore", "lesions"}
    assert len(sidecar["lesions"]) == 3


def test_saves_under_a_given_name(tmp_path, scan, model_folder):
    found = sc.segment(scan, models=model_folder)
    files = found.save(tmp_path / "mine.nii.gz")
    assert [file.name for file in files] == ["mine.nii.gz", "mine.json"]
    with pytest.raises(InputError, match="need a folder"):
        found.save(tmp_path / "mine.nii.gz", probability=True)
    with pytest.raises(InputError, match=r"mine\.json: expected a folder, or .* \.nii\.gz"):
        found.save(tmp_path / "mine.json")
    with pytest.raises(InputError, match="cannot be written"):
        found.save(tmp_path / "mine.nii.gz" / "below")


def test_warnings_of_reading_reach_the_result(tmp_path, scan, model_folder):
    image = nibabel.Nifti1Image(scan.array, scan.affine)
    image.set_qform(scan.affine, 1)
    image.header["qoffset_x"] += 40
    folder = tmp_path / "Doe_Jane"
    folder.mkdir()
    nibabel.save(image, folder / "t2.nii.gz")
    with pytest.warns(sc.errors.SpinalcordWarning, match="qform and sform disagree"):
        found = sc.segment(folder / "t2.nii.gz", models=model_folder)
    (warning,) = found.warnings
    assert warning.startswith("t2.nii.gz: qform and sform disagree")
    assert "Doe" not in warning


def test_result_is_frozen_and_survives_pickling(scan, model_folder):
    found = sc.segment(scan, models=model_folder)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.mask = None
    copy = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(copy.mask.array, found.mask.array)
    assert copy.to_dict() == found.to_dict()
    assert copy._repr_html_() == found._repr_html_()


def test_shows_itself_with_notice_and_picture(scan, model_folder):
    html = sc.segment(scan, models=model_folder)._repr_html_()
    assert "3 lesions" in html
    assert "for tests of segmentation" in html
    assert "data:image/png;base64," in html
    assert "<td>1</td>" in html


def test_volume_is_named_after_its_source(scan, model_folder, tmp_path):
    named = sc.Volume(scan.array, scan.affine, source=Source("itk", tmp_path / "knee scan.mha", ()))
    found = sc.segment(named, models=model_folder)
    assert found.save(tmp_path)[0].name == "knee-scan_desc-lesion_mask.nii.gz"


def test_scan_whose_file_has_gone_is_segmented_all_the_same(tmp_path, scan, model_folder):
    path = tmp_path / "t2.nii.gz"
    nibabel.save(nibabel.Nifti1Image(scan.array, scan.affine), path)
    volume = sc.read(path)
    assert volume.array.any()
    path.unlink()
    found = sc.segment(volume, models=model_folder)
    assert found.record.sources[0]["sha256"] is None
    assert found.record.sources[0]["name"] == "t2.nii.gz"
    assert found.warnings == ("the scan's files have gone since it was read: no checksum",)
