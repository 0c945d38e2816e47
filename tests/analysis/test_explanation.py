"""Explanations: which answer, on which grid, how much of it inside the lesion."""

from __future__ import annotations

import json
import pickle

import nibabel
import numpy as np
import pytest
from stand_ins import lesion_of, stored, working_array

import spinalcord as sc
from spinalcord.analysis.attribution.focus import ring_around
from spinalcord.errors import InputError, ModelError


@pytest.fixture
def mask(scan):
    return scan.like(lesion_of(scan.array))


def test_map_lies_on_the_scan_s_grid_in_lesion_slices(scan, mask, model_folder):
    shown = sc.explain(scan, mask=mask, task="ms_vs_nmosd", models=model_folder)
    assert shown.found
    assert shown.target == "NMOSD"
    assert shown.probability > 0.6
    assert shown.map.same_grid(scan)
    assert shown.map.array.dtype == np.float32
    with_map = np.flatnonzero(shown.map.array.any(axis=(1, 2)))
    assert with_map.tolist() == [2, 3, 4, 5]
    assert (shown.map.array < 0).any()  # signed
    assert (shown.map.array > 0).any()


def test_inside_fraction_is_the_positive_share_in_the_lesion(scan, mask, model_folder):
    shown = sc.explain(scan, mask=mask, task="ms_vs_nmosd", models=model_folder)
    positive = np.maximum(shown.map.array, 0).astype(np.float64)
    expected = positive[mask.array > 0].sum() / positive.sum()
    assert 0 < expected < 1
    assert shown.inside_fraction == pytest.approx(expected, rel=1e-9)


def test_explains_the_network_s_own_answer_unless_told(scan, mask, model_folder):
    own = sc.explain(scan, mask=mask, task="astrocytoma_vs_ependymoma", models=model_folder)
    assert own.target == "astrocytoma"
    assert own.probability == pytest.approx(0.8, abs=0.05)
    other = sc.explain(
        scan,
        mask=mask,
        task="astrocytoma_vs_ependymoma",
        target="ependymoma",
        models=model_folder,
    )
    assert other.target == "ependymoma"
    assert other.probability == pytest.approx(1 - own.probability)
    assert not np.array_equal(own.map.array, other.map.array)
    dx = sc.classify(scan, mask=mask, models=model_folder)
    answer = dx.tasks["astrocytoma_vs_ependymoma"]
    assert other.probability == pytest.approx(answer.probability, abs=1e-12)


def test_reoriented_copies_give_the_same_map(model_folder):
    array = working_array()
    plain = sc.explain(stored(array), task="ms_vs_nmosd", models=model_folder)
    turned = sc.explain(
        stored(array, (2, 1, 0), (True, True, False)), task="ms_vs_nmosd", models=model_folder
    )
    np.testing.assert_array_equal(plain.map.sagittal().array, turned.map.sagittal().array)
    assert turned.inside_fraction == plain.inside_fraction


def test_map_without_positive_part_says_so(scan, mask, model_folder, stand_in, monkeypatch):
    def against(self, x, index):
        return -np.ones((len(x), 2, 2, 2), np.float32), self._answers(x)  # of both answers

    monkeypatch.setattr(stand_in, "gradcam", against)
    shown = sc.explain(scan, mask=mask, task="ms_vs_nmosd", models=model_folder)
    assert shown.map.array.min() == -1
    assert shown.inside_fraction is None
    assert shown.ring_fraction is None
    assert shown.scale == 0
    assert not shown.shown.array.any()
    assert shown.warnings == ("the map is nowhere positive: nothing in the slices supports NMOSD",)
    assert "nowhere positive" in shown._repr_html_()
    assert shown.headline.endswith("Grad-CAM; no attribution for it")


def test_map_of_zeros_says_so(scan, mask, model_folder, stand_in, monkeypatch):
    monkeypatch.setattr(stand_in, "heat", 0.0)
    shown = sc.explain(scan, mask=mask, task="ms_vs_nmosd", models=model_folder)
    assert shown.found
    assert not shown.map.array.any()
    assert shown.inside_fraction is None
    (warning,) = shown.warnings
    assert warning.startswith("the map is 0 everywhere: Grad-CAM attributes nothing to")
    assert warning in shown.to_dict()["warnings"]


def test_raw_scale_is_kept_beside_what_is_shown(scan, mask, model_folder, stand_in, monkeypatch):
    monkeypatch.setattr(stand_in, "heat", 250.0)
    shown = sc.explain(scan, mask=mask, task="ms_vs_nmosd", models=model_folder)
    assert shown.scale == shown.map.array.max() > 100
    assert shown.to_dict()["scale"] == shown.scale
    assert shown.shown.same_grid(scan)
    assert (shown.shown.array.min(), shown.shown.array.max()) == (0, 1)
    np.testing.assert_allclose(
        shown.shown.array * shown.scale, np.maximum(shown.map.array, 0), rtol=1e-5
    )


def test_ring_is_asked_for_in_millimetres(scan, mask, model_folder):
    found = [
        sc.explain(scan, mask=mask, task="ms_vs_nmosd", ring_mm=mm, models=model_folder)
        for mm in (2, 5, 10)
    ]
    inside = {shown.inside_fraction for shown in found}
    rings = [shown.ring_fraction for shown in found]
    assert len(inside) == 1
    assert 0 < rings[0] < rings[1] < rings[2] < 1 - inside.pop()
    assert found[1].to_dict()["ring_mm"] == 5
    near = ring_around(mask.array > 0, mask.spacing_mm, 5.0)
    positive = np.maximum(found[1].map.array, 0).astype(np.float64)
    assert rings[1] == pytest.approx(positive[near].sum() / positive.sum(), rel=1e-6)
    assert 0 < found[1].focus.flat_inside_fraction < found[1].focus.flat_ring_fraction < 1
    headline = found[1].headline
    assert f"{found[1].inside_fraction:.1%} of the attribution in the lesion" in headline
    assert f"{rings[1]:.1%} within 5 mm around" in headline
    assert f"of an even map: {found[1].focus.flat_inside_fraction:.1%}" in headline
    assert headline in found[1]._repr_html_()


def test_occlusion_and_curves_on_the_scan(scan, mask, model_folder, tmp_path):
    shown = sc.explain(
        scan,
        mask=mask,
        task="ms_vs_nmosd",
        method="occlusion",
        curves=True,
        models=model_folder,
    )
    # The stand-in looks at the mask alone, which is never hidden.
    assert not shown.map.array.any()
    assert "the map is 0 everywhere: occlusion" in shown.warnings[0]
    assert shown.curves.deletion_auc == pytest.approx(shown.probability, abs=1e-6)
    assert shown.curves.insertion_auc == pytest.approx(shown.probability, abs=1e-6)
    assert shown.agreement == {}
    path, sidecar = shown.save(tmp_path)
    assert path.name == "scan_desc-occlusion_task-msVsNmosd.nii.gz"
    kept = json.loads(sidecar.read_text(encoding="utf-8"))
    assert len(kept["curves"]["deletion"]) == 21
    assert kept["settings"]["method"] == "occlusion"
    assert kept["of"] == "difference"


def test_agreement_is_by_method_and_layer(scan, mask, model_folder, tmp_path):
    shown = sc.explain(
        scan, mask=mask, task="ms_vs_nmosd", compare=["hirescam", "occlusion"], models=model_folder
    )
    assert list(shown.agreement) == ["hirescam:last", "occlusion:input"]
    same = shown.agreement["hirescam:last"]  # at the last maps it is Grad-CAM
    assert (same.spearman, same.top_iou) == (pytest.approx(1), 1)
    assert shown.agreement["occlusion:input"].spearman is None  # that map is 0 everywhere
    _, sidecar = shown.save(tmp_path)
    kept = json.loads(sidecar.read_text(encoding="utf-8"))
    assert kept["agreement"]["occlusion:input"] == {"spearman": None, "top_iou": None}
    assert kept["curves"] is None


def test_what_a_diagnosis_has_said_is_not_asked_again(scan, mask, model_folder, stand_in):
    calls = []
    before = stand_in.gradcam

    def count(self, x, index):
        calls.append(index)
        return before(self, x, index)

    pipe = sc.Pipeline(model_folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stand_in, "gradcam", count)
        case = pipe.run(scan, mask=mask)
        assert calls == [-1, -1, -1]  # three classifications, with the maps of both answers
        told = case.explanations["ms_vs_nmosd"]
        alone = pipe.explain(scan, mask=mask, task="ms_vs_nmosd")
    np.testing.assert_array_equal(told.map.array, alone.map.array)
    assert told.probability == alone.probability


def test_no_lesion_is_a_result(scan, model_folder, tmp_path):
    empty = scan.like(np.zeros(scan.shape, np.uint8))
    none = sc.explain(scan, mask=empty, task="ms_vs_nmosd", models=model_folder)
    assert not none.found
    assert (none.map, none.target, none.probability, none.inside_fraction) == (None,) * 4
    assert (none.focus, none.scale, none.shown, none.curves, none.channels) == (None,) * 5
    (sidecar,) = none.save(tmp_path / "out")
    kept = json.loads(sidecar.read_text(encoding="utf-8"))
    assert kept["found"] is False
    assert kept["ring_fraction"] is None
    assert "No lesion found" in none._repr_html_()


def test_saves_map_and_sidecar(scan, mask, model_folder, tmp_path):
    shown = sc.explain(scan, mask=mask, task="ms_vs_nmosd", models=model_folder)
    path, sidecar = shown.save(tmp_path / "out")
    assert path.name == "scan_desc-gradcam_task-msVsNmosd.nii.gz"
    np.testing.assert_array_equal(np.asarray(nibabel.load(path).dataobj), shown.map.array)
    assert json.loads(sidecar.read_text(encoding="utf-8")) == json.loads(
        json.dumps(shown.to_dict())
    )
    with pytest.raises(InputError, match="expected a folder"):
        shown.save(tmp_path / "map.json")
    with pytest.raises(InputError, match="cannot be written"):
        shown.save(sidecar / "below")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"task": "ms"}, "task is 'ms', expected one of tumor_vs_demyelination, astro"),
        ({"task": "ms_vs_nmosd", "target": "tumor"}, "target is 'tumor', expected MS or NMOSD"),
        ({"task": "ms_vs_nmosd", "layer": "first"}, "layer is 'first', expected one of last, b"),
        ({"task": "ms_vs_nmosd", "method": "lime"}, "method is 'lime', expected one of gradcam"),
        ({"task": "ms_vs_nmosd", "of": "odds"}, "of is 'odds', expected one of logit"),
        ({"task": "ms_vs_nmosd", "ring_mm": -1}, "ring_mm is -1, expected a number above 0"),
        ({"task": "ms_vs_nmosd", "compare": ["gradcam"]}, "expected different methods"),
        ({"task": "ms_vs_nmosd", "threads": -1}, "threads is a whole number"),
    ],
)
def test_unknown_names_are_refused(scan, model_folder, options, match):
    with pytest.raises(InputError, match=match):
        sc.explain(scan, models=model_folder, **options)


def test_missing_model_is_told(scan, mask, model_folder):
    (model_folder / "ms_vs_nmosd.safetensors").unlink()
    with pytest.raises(ModelError, match="has no model for ms_vs_nmosd"):
        sc.explain(scan, mask=mask, task="ms_vs_nmosd", models=model_folder)


def test_survives_pickling_and_shows_itself(scan, model_folder):
    shown = sc.explain(scan, task="ms_vs_nmosd", models=model_folder)
    assert shown.segmentation.found
    copy = pickle.loads(pickle.dumps(shown))
    np.testing.assert_array_equal(copy.map.array, shown.map.array)
    assert copy.to_dict() == shown.to_dict()
    html = copy._repr_html_()
    for text in ("ms_vs_nmosd: NMOSD", "data:image/png", "for tests of segmentation"):
        assert text in html
