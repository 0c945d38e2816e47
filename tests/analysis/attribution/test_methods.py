"""Methods: their formulas, term by term, and the names that are known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from spinalcord.analysis.attribution import (
    LAYERS,
    METHODS,
    OF,
    RING_MM,
    ExplanationOptions,
    map_label,
    methods,
)
from spinalcord.commands import options
from spinalcord.errors import InputError


@pytest.fixture
def layer():
    """Maps (not rectified) and gradients, small whole numbers: (n, c, h, w)."""
    rng = np.random.default_rng(1)
    values = rng.integers(-3, 6, (2, 2, 5, 4, 3)).astype(np.float32)
    return values[0], values[1]


def test_gradcam_weighs_maps_by_mean_gradients(layer):
    a, g = layer
    found = methods.gradcam(a, g)
    expected = np.zeros((2, 4, 3))
    for n in range(2):
        for k in range(5):
            expected[n] += g[n, k].mean(dtype=np.float64) * a[n, k]
    assert (expected < 0).any()
    assert (expected > 0).any()
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    assert found.dtype == np.float32


def test_gradcampp_is_the_paper_s_formula_for_rectified_maps(layer):
    a, g = np.maximum(layer[0], 0).astype(np.float64), layer[1].astype(np.float64)
    expected = np.zeros((2, 4, 3))
    for n in range(2):
        for k in range(5):
            below = 2 * g[n, k] ** 2 + a[n, k].sum() * g[n, k] ** 3
            alpha = np.divide(g[n, k] ** 2, below, out=np.zeros((4, 3)), where=below != 0)
            expected[n] += (alpha * np.maximum(g[n, k], 0)).sum() * a[n, k]
    assert expected.max() > 0.1
    found = methods.gradcampp(a.astype(np.float32), layer[1])
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_gradcampp_stays_finite_whatever_the_maps(layer):
    a, g = layer
    a = -np.abs(a)
    for scale in (0, 1e-30, 1, 1e30):
        assert np.isfinite(methods.gradcampp(a, (g * np.float32(scale)))).all()


def test_hirescam_and_layercam_multiply_place_by_place(layer):
    a, g = layer
    np.testing.assert_array_equal(methods.hirescam(a, g), (a * g).sum(axis=1))
    np.testing.assert_array_equal(methods.layercam(a, g), (a * np.maximum(g, 0)).sum(axis=1))
    assert not np.array_equal(methods.hirescam(a, g), methods.layercam(a, g))


def test_gradient_keeps_the_sign_of_the_largest_channel(layer):
    found = methods.gradient(layer[1])
    np.testing.assert_array_equal(np.abs(found), np.abs(layer[1]).max(axis=1))
    assert (found < 0).any()
    assert np.isin(found, layer[1]).all()


def test_cams_are_one_where_the_gradient_is_the_same_everywhere(layer):
    a, g = layer[0], np.abs(layer[1])
    even = np.broadcast_to(g.mean(axis=(2, 3), keepdims=True), g.shape)
    for method in (methods.hirescam, methods.layercam):
        np.testing.assert_allclose(method(a, even), methods.gradcam(a, g), rtol=1e-5, atol=1e-5)


def test_evidence_is_the_positive_part_or_the_size():
    values = np.array([-2.0, 0.0, 3.0], np.float32)
    assert METHODS["gradcam"].attribution(values).tolist() == [0, 0, 3]
    assert METHODS["gradient"].attribution(values).tolist() == [2, 0, 3]


def test_manner_fills_in_what_the_method_begins_with():
    options = ExplanationOptions()
    assert (options.method, options.layer, options.of) == ("gradcam", "last", "logit")
    assert (options.ring_mm, options.curves, options.compare) == (RING_MM, False, ())
    assert ExplanationOptions("gradient").layer == "input"
    assert ExplanationOptions("occlusion").of == "difference"
    assert ExplanationOptions("layercam", "block3").label == "layercamBlock3"
    assert ExplanationOptions("gradcam++").label == "gradcampp"
    assert ExplanationOptions("hirescam", "input").label == "hirescamInput"
    assert map_label("gradcam", "last") == "gradcam"


def test_manner_comes_back_from_json():
    options = ExplanationOptions(
        "hirescam", "block2", "difference", 3, True, ["gradcam", "occlusion"]
    )
    assert options.compare == ("gradcam:last", "occlusion:input")
    assert ExplanationOptions(**json.loads(json.dumps(options.to_dict()))) == options
    assert hash(options) == hash(ExplanationOptions(**options.to_dict()))


def test_others_explain_the_same_where_they_can():
    others = ExplanationOptions(compare="gradcam:block3").others()
    assert others == (ExplanationOptions("gradcam", "block3"),)
    others = ExplanationOptions(of="probability", compare=("occlusion", "gradient")).others()
    assert [other.of for other in others] == ["probability", "probability"]
    assert ExplanationOptions(compare=["occlusion"]).others()[0].of == "difference"


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"method": "scorecam"}, "method is 'scorecam', expected one of gradcam, gradcam"),
        ({"method": None}, "method is None"),
        ({"layer": "first"}, "layer is 'first', expected one of last, block1, .* for gradcam"),
        ({"layer": "input"}, "layer is 'input'"),
        ({"method": "gradient", "layer": "last"}, "layer is 'last', expected one of input for"),
        ({"of": "margin"}, "of is 'margin', expected one of logit, difference, probability"),
        ({"method": "occlusion", "of": "logit"}, "expected one of difference, probability for occ"),
        ({"ring_mm": 0}, "ring_mm is 0, expected a number above 0 and at most 100"),
        ({"ring_mm": float("nan")}, "ring_mm is nan"),
        ({"ring_mm": "wide"}, "ring_mm is 'wide'"),
        ({"compare": ["lime"]}, "method is 'lime'"),
        ({"compare": ["layercam:input"]}, "layer is 'input', expected one of last"),
        ({"compare": [3]}, "method is 3"),
        ({"compare": ["layercam", "layercam:last"]}, "expected different methods"),
        ({"compare": ["gradcam"]}, "others than gradcam at last"),
    ],
)
def test_unknown_names_are_refused(options, match):
    with pytest.raises(InputError, match=match):
        ExplanationOptions(**options)


def test_the_command_line_knows_the_same_names():
    assert tuple(METHODS) == options.METHODS
    assert options.LAYERS == LAYERS
    assert options.OF == OF
    assert set(LAYERS) == {layer for method in METHODS.values() for layer in method.layers}
